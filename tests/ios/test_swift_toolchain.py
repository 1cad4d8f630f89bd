"""Swift compiled and run: the package with Debian's toolchain, the app against stubs of Apple's frameworks.

The stubs (tests/ios/apple_stubs) are our reading of Apple's interfaces. Checking against them finds wrong
names, types and optionals in our own code; it does not prove that Apple's SDK agrees.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from edgekit.benchmark.app_report import read_app_report
from edgekit.bundles.reading import OpenBundle
from tests.ios.conftest import INSIDE, IOS_DEMO, REPOSITORY, Swift, description, pixels
from tests.ios.metal import DrawnPass, MetalRunner, levels, texels
from tests.support.hostile_bundles import problems, write_cases

pytestmark = pytest.mark.system

STUBS = REPOSITORY / "tests" / "ios" / "apple_stubs"
# In the order in which they import each other.
STUB_MODULES = (
    "Metal", "CoreVideo", "CoreML", "CoreGraphics", "ImageIO", "AVFoundation", "UIKit", "MetalKit", "Darwin",
    "SwiftUI", "PhotosUI",
)  # fmt: skip
CHECKED = ("-swift-version", "5", "-strict-concurrency=complete", "-warnings-as-errors", "-parse-as-library")
XCTEST = "/usr/libexec/swift/lib/swift/linux/x86_64"


def inside(path: Path) -> str:
    """Where a file of the repository lies in the toolchain's root."""
    return str(INSIDE / path.relative_to(REPOSITORY))


def sources(folder: Path) -> list[str]:
    return sorted(inside(path) for path in folder.rglob("*.swift"))


@pytest.fixture(scope="module")
def tested(swift: Swift, bundle: OpenBundle) -> str:
    """What swift-test printed for EdgekitCore, with the bundle at /tmp/bundle inside."""
    shutil.copytree(bundle.folder, swift.folder / "bundle")
    write_cases(swift.folder / "cases")
    done = swift.run(
        "swift-test",
        [
            "--disable-sandbox", "--package-path", inside(IOS_DEMO / "EdgekitCore"), "--scratch-path",
            "/tmp/build", "--jobs", "1", "-Xswiftc", "-strict-concurrency=complete", "-Xswiftc",
            "-warnings-as-errors", "-Xswiftc", "-O",
        ],
        {
            "EDGEKIT_BUNDLE": "/tmp/bundle", "EDGEKIT_REPORT_OUT": "/tmp/report.json",
            "EDGEKIT_BLOCK_OUT": "/tmp/block.bin", "EDGEKIT_PASSES_OUT": "/tmp/passes.json",
            "EDGEKIT_CASES": "/tmp/cases", "EDGEKIT_READINGS_OUT": "/tmp/readings.json",
        },
    )  # fmt: skip
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-4000:]
    return output


@pytest.fixture(scope="module")
def modules(swift: Swift) -> str:
    """A folder, as seen inside, with the stubs and EdgekitCore as modules."""
    (swift.folder / "modules").mkdir()
    for name in STUB_MODULES:
        compile_module(swift, name, [inside(STUBS / f"{name}.swift")])
    compile_module(swift, "EdgekitCore", sources(IOS_DEMO / "EdgekitCore" / "Sources"))
    return "/tmp/modules"


def compile_module(swift: Swift, name: str, files: list[str]) -> None:
    place = f"/tmp/modules/{name}.swiftmodule"
    done = swift.run(
        "swiftc",
        ["-swift-version", "5", "-parse-as-library", "-I", "/tmp/modules", "-emit-module", "-enable-testing",
         "-module-name", name, "-emit-module-path", place, *files],
    )  # fmt: skip
    assert done.returncode == 0, f"{name}: {done.stderr[-4000:]}"


def test_the_package_passes_its_tests(tested: str) -> None:
    passed = set(re.findall(r"Test Case '(\w+\.\w+)' passed", tested))
    assert len(passed) >= 45, tested[-2000:]
    assert "skipped (" not in tested, "a test did not find the bundle"
    assert {f"SharedVectorTests.test{name}" for name in ("Transforms", "UniformBlocks", "Hashes")} <= passed


def test_swift_refuses_every_hostile_bundle(tested: str, swift: Swift) -> None:
    assert problems(json.loads((swift.folder / "readings.json").read_text())) == []


def test_bench_reads_swifts_report(tested: str, swift: Swift) -> None:
    read = read_app_report(swift.folder / "report.json", artifact_sha256="c3" * 32)
    (row,) = read.report.artifacts
    assert row.samples_ms == (12.5, 11.25, 13.0)
    assert (row.load_ms, row.first_inference_ms, row.peak_rss_mb) == (80.5, 31.0, None)
    assert (read.report.before.battery_percent, read.report.after.battery_percent) == (None, 71)
    assert [stage.name for stage in read.stages] == ["segmenter", "shader"]


def test_swifts_uniform_block_and_passes_draw_the_golden_picture(
    tested: str, swift: Swift, bundle: OpenBundle, tmp_path: Path
) -> None:
    """Bundle → Swift's reader, uniform block and passes → the bundle's MSL → the golden picture."""
    block = (swift.folder / "block.bin").read_bytes()
    passes = [
        DrawnPass(
            each["text"],
            each["entry"],
            each["target"],
            tuple(each["textures"]),
            (each["height"], each["width"]),
        )
        for each in json.loads((swift.folder / "passes.json").read_text())
    ]
    image, mask = pixels(bundle, "image"), pixels(bundle, "mask")
    shader = description(bundle, bundle.bundle.golden.style)
    assert [each.target for each in passes] == [each.target for each in shader.passes] != []
    sampled = texels(shader, image, mask)
    drawn = MetalRunner(tmp_path).draw_style(shader, sampled, block, image.shape[:2], passes)
    assert levels(drawn, pixels(bundle, "styled")) <= bundle.bundle.golden.given_mask_max_levels


def check_app(swift: Swift, modules: str, files: list[str]) -> str:
    """The compiler's complaints about the app's sources; empty when there are none."""
    done = swift.run(
        "swiftc",
        [*CHECKED, "-I", modules, "-emit-module", "-enable-testing", "-module-name", "EdgekitDemo",
         "-emit-module-path", "/tmp/modules/EdgekitDemo.swiftmodule", *files],
    )  # fmt: skip
    assert (done.returncode == 0) == (done.stderr == ""), done.stderr[-2000:]
    return done.stderr


def test_the_app_and_its_tests_agree_with_the_stubs(swift: Swift, modules: str) -> None:
    assert check_app(swift, modules, sources(IOS_DEMO / "EdgekitDemo")) == ""
    done = swift.run(
        "swiftc",
        ["-swift-version", "5", "-typecheck", "-warnings-as-errors", "-I", modules, "-I", XCTEST, "-module-name",
         "EdgekitDemoTests", *sources(IOS_DEMO / "EdgekitDemoTests")],
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_a_type_error_is_found(swift: Swift, modules: str) -> None:
    """A property that Core ML has, but of another type; the syntax stays right."""
    path = IOS_DEMO / "EdgekitDemo" / "Inference" / "CoreMLSegmenter.swift"
    text = path.read_text(encoding="utf-8")
    right = "isInGivenBuffer: mask === given"
    assert right in text
    (swift.folder / path.name).write_text(text.replace(right, "isInGivenBuffer: mask"))
    files = [name for name in sources(IOS_DEMO / "EdgekitDemo") if name != inside(path)]
    complaints = check_app(swift, modules, [*files, f"/tmp/{path.name}"])
    assert f"{path.name}:" in complaints
    assert "error:" in complaints


def test_the_guides_code_compiles(swift: Swift, modules: str) -> None:
    """The Swift text of docs/ios.md as one more file of the app."""
    guide = (REPOSITORY / "docs" / "ios.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"```swift\n(.*?)```", guide, re.DOTALL)
    (swift.folder / "FirstFrame.swift").write_text(snippet)
    files = [*sources(IOS_DEMO / "EdgekitDemo"), "/tmp/FirstFrame.swift"]
    assert check_app(swift, modules, files) == ""
