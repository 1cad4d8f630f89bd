"""The Android demo, as far as a machine without a phone, Gradle and Google's SDK can tell.

Executed: the core module on the JVM, as compiled and read back from the APK's dex; its uniforms on Mesa.
Compiled only: everything that touches Android, against types.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgekit.benchmark.app_report import read_app_report
from edgekit.bundles.format import Golden
from edgekit.bundles.reading import OpenBundle, read_bundle
from edgekit.color.controls import Controls
from edgekit.files import sha256_of_bytes
from edgekit.shader.backends.backend import BackendMissing
from edgekit.shader.backends.cases import MUTANTS, Mutant
from edgekit.shader.backends.mesa_essl import MesaEssl, MesaEsslExternal
from edgekit.shader.description import (
    DialectText,
    MaskRefinement,
    ShaderDescription,
    SourceText,
    Stage,
    Texture,
    Uniform,
    read_description,
    write_description,
)
from edgekit.shader.emit import emit_programs, programs_of
from edgekit.shader.oracle import FloatArray, Frame
from tests.android import api_stubs
from tests.android.api_stubs import ApiTypes, android_imports, write_stubs
from tests.android.build import (
    APP,
    APP_TESTS,
    HAND_MADE_STUBS,
    OFFLINE,
    VECTORS,
    Compiled,
    OfflineApk,
    junit_command,
)
from tests.android.mesa_jvm import Drawn, build_shim, draw_golden
from tests.android.sample_bundle import LOOK, write_sample_bundle
from tests.android.stub_check import CHECKED, UNCHECKED, stub_problems
from tests.android.toolchain import JAVA, PROJECT, Toolchain, ToolFailed, joined, kotlin_in, run
from tests.support.hostile_bundles import problems, write_cases
from tests.support.looks import drawn_look, picture_from_view, sensor_picture
from tests.support.pictures import picture

ANDROID = "{http://schemas.android.com/apk/res/android}"
# JUnit prints the tests it ran; a suite that shrank or was skipped must not pass.
LEAST_TESTS = 69


def passed_count(output: str) -> int:
    found = re.search(r"^OK \((\d+) tests\)", output, re.MULTILINE)
    assert found is not None, output
    return int(found[1])


@pytest.mark.system
@pytest.mark.slow
class TestCoreOnTheJvm:
    def test_its_tests_pass_with_a_bundle_of_pythons(
        self, tools: Toolchain, core: tuple[Path, Path], android_bundle: OpenBundle
    ) -> None:
        command = junit_command(tools, [*core, tools.kotlin_stdlib], core[1], android_bundle.folder)
        assert passed_count(run(command)) >= LEAST_TESTS

    def test_it_refuses_every_hostile_bundle(
        self, tools: Toolchain, core: tuple[Path, Path], tmp_path: Path
    ) -> None:
        cases = write_cases(tmp_path / "cases")
        classpath = joined([*core, tools.kotlin_stdlib])
        command = [*JAVA, "-cp", classpath, "dev.edgekit.core.ReadHostileBundlesKt", str(cases)]
        assert problems(json.loads(run(command))) == []

    def test_another_refinement_has_the_same_uniforms(
        self, tools: Toolchain, core: tuple[Path, Path], tmp_path: Path
    ) -> None:
        bundle = write_sample_bundle(tmp_path, "joint-bilateral")
        shader = (bundle.folder / "styles/cozy/shader.json").read_text()
        assert "image_from_mask" in shader and "image_from_mask" not in _shader_of(
            "bilinear", tmp_path / "other"
        )
        command = junit_command(tools, [*core, tools.kotlin_stdlib], core[1], bundle.folder)
        assert passed_count(run(command)) >= LEAST_TESTS

    def test_a_wrong_vector_fails_them(
        self, tools: Toolchain, core: tuple[Path, Path], tmp_path: Path
    ) -> None:
        bundle = write_sample_bundle(tmp_path)
        index = json.loads((bundle.folder / "bundle.json").read_text())
        vectors = json.loads((bundle.folder / "golden/vectors.json").read_text())
        vectors["transforms"][3]["image_from_output"][2] += 1e-6
        text = json.dumps(vectors).encode()
        (bundle.folder / "golden/vectors.json").write_bytes(text)
        entry = next(e for e in index["files"] if e["path"] == "golden/vectors.json")
        entry.update(size_bytes=len(text), sha256=sha256_of_bytes(text))
        (bundle.folder / "bundle.json").write_text(json.dumps(index))
        with pytest.raises(ToolFailed, match="transformsAreTheSame"):
            run(junit_command(tools, [*core, tools.kotlin_stdlib], core[1], bundle.folder))

    def test_a_choice_of_another_accelerator_fails_them(
        self, tools: Toolchain, core: tuple[Path, Path], android_bundle: OpenBundle, tmp_path: Path
    ) -> None:
        text = (VECTORS / "accelerator_choice.json").read_text(encoding="utf-8")
        right = '"expected": {"error": null, "chosen": "gpu"'
        assert right in text
        wrong = text.replace(right, right.replace("gpu", "cpu"), 1)
        (tmp_path / "accelerator_choice.json").write_text(wrong, encoding="utf-8")
        classes = [*core, tools.kotlin_stdlib]
        with pytest.raises(ToolFailed, match="everyCaseIsDecidedAsTheVectorsSay"):
            run(junit_command(tools, classes, core[1], android_bundle.folder, tmp_path))

    def test_its_report_is_the_one_bench_reads(
        self, tools: Toolchain, core: tuple[Path, Path], tmp_path: Path
    ) -> None:
        classpath = joined([*core, tools.kotlin_stdlib])
        written = run([*JAVA, "-cp", classpath, "dev.edgekit.core.DumpReportKt"])
        (tmp_path / "report.json").write_text(written)
        app = read_app_report(tmp_path / "report.json", artifact_sha256="ab" * 32)
        (row,) = app.report.artifacts
        assert row.latency is not None and row.latency.n == 3 and row.latency.p50 == 21.5
        assert [(s.name, s.p50_ms) for s in app.stages] == [
            ("resize", 1.25),
            ("segmenter", 21.5),
            ("shader", 3.0),
        ]
        assert (app.report.device.simulated, row.accelerator_asked, row.accelerator) == (True, "gpu", "none")
        assert app.report.after.thermal_status is None and row.peak_rss_mb is None
        assert app.report.accelerator_choice == ("cpu: proved, but not faster.", "gpu: chosen.")


def _shader_of(refinement: str, folder: Path) -> str:
    bundle = write_sample_bundle(folder, refinement)
    return (bundle.folder / "styles/cozy/shader.json").read_text()


@dataclass(frozen=True)
class KotlinFrame(Frame):
    """A draw whose uniforms were computed by the app's Kotlin."""

    kotlin: dict[str, list[float]] | None = None

    def uniform_values(self) -> dict[str, FloatArray]:
        assert self.kotlin is not None
        return {
            name: np.array(values).reshape(3, 3).T if len(values) == 9 else np.array(values)
            for name, values in self.kotlin.items()
        }


@pytest.fixture(scope="module", params=[MesaEssl, MesaEsslExternal])
def mesa(request: pytest.FixtureRequest) -> Iterator[MesaEssl]:
    try:
        backend: MesaEssl = request.param()
    except BackendMissing as missing:
        pytest.skip(str(missing))
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def kotlin_dump(tools: Toolchain, core: tuple[Path, Path], android_bundle: OpenBundle) -> dict[str, Any]:
    """What the app's Kotlin would hand to GL: see DumpUniforms.kt."""
    classpath = joined([*core, tools.kotlin_stdlib])
    command = [*JAVA, "-cp", classpath, "dev.edgekit.core.DumpUniformsKt", str(android_bundle.folder)]
    dump: dict[str, Any] = json.loads(run(command))
    return dump


def _pixels(bundle: OpenBundle, name: str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(bundle.folder / "golden" / f"{name}.png").convert("RGBA"))


@pytest.mark.system
@pytest.mark.slow
def test_the_apps_uniforms_draw_the_same_pictures_on_mesa(
    kotlin_dump: dict[str, Any], android_bundle: OpenBundle, mesa: MesaEssl
) -> None:
    """ESSL from the bundle and uniforms from Kotlin, drawn by a real driver: the golden picture, and every
    vector as Python's uniforms draw it."""
    folder, golden = android_bundle.folder, android_bundle.bundle.golden
    dumped = kotlin_dump["draws"]
    vectors = json.loads((folder / golden.vectors).read_text())
    descriptions = {s.name: read_description(folder / s.description) for s in android_bundle.bundle.styles}
    mask = _pixels(android_bundle, "mask")
    pixels = {"u_image": _pixels(android_bundle, "image"), "u_mask": mask}

    def drawn(frame: Frame) -> NDArray[np.int16]:
        return mesa.draw([(frame, frame.description.dialect(mesa.dialect))])[0].astype(np.int16)

    first = dumped[0]
    side = golden.styled.width
    whole = KotlinFrame(descriptions[first["style"]], pixels, side, side, kotlin=first["uniforms"])
    styled = _pixels(android_bundle, "styled")
    assert np.abs(drawn(whole) - styled).max() <= golden.given_mask_max_levels
    assert len(dumped) == len(vectors["uniform_blocks"]) + 1 >= 10
    assert LOOK in {kotlin["style"] for kotlin in dumped}
    for block, kotlin in zip(vectors["uniform_blocks"], dumped[1:], strict=True):
        view = vectors["transforms"][block["transform"]]
        sensor = {"u_image": sensor_picture(view), "u_mask": mask}
        frame = KotlinFrame(descriptions[kotlin["style"]], sensor, 61, 97, kotlin=kotlin["uniforms"])
        expected = drawn(_python_frame(frame, block, view))
        assert np.abs(drawn(frame) - expected).max() <= 1  # a last bit of a float may round a level
    swapped = {**first["uniforms"], "tone": first["uniforms"]["warmth"], "warmth": first["uniforms"]["tone"]}
    wrong = KotlinFrame(descriptions[first["style"]], pixels, side, side, kotlin=swapped)
    assert np.abs(drawn(wrong) - styled).max() > 10 * golden.given_mask_max_levels


@pytest.mark.system
@pytest.mark.slow
def test_the_networks_input_is_the_upright_picture_made_smaller(
    kotlin_dump: dict[str, Any], mesa: MesaEssl
) -> None:
    """The app's own small pass, drawn by a real driver: nothing is lost at full size, every turn stands upright,
    and a picture of twice the side becomes the means of its 2×2 blocks."""
    is_external = mesa.dialect == "essl300-external"
    fragment = kotlin_dump["downscale_fragment_external" if is_external else "downscale_fragment"]
    text = DialectText(
        mesa.dialect, (SourceText("v", kotlin_dump["downscale_vertex"]), SourceText("f", fragment)),
        Stage("v", "main"), Stage("f", "main"), 4,
    )  # fmt: skip
    camera = Texture("u_image", "camera", "2d", "rgba8unorm", "linear")
    uniforms = tuple(_uniform(name) for name in ("image_from_upright", "tap_x", "tap_y"))
    description = ShaderDescription(
        "", "trilinear", MaskRefinement(), "highp", "srgb", (), (camera,), (), uniforms, (), 64
    )

    def network_input(image: NDArray[np.uint8], matrix: list[float], tap: float) -> NDArray[np.int16]:
        values = {"image_from_upright": matrix, "tap_x": [tap], "tap_y": [tap]}
        frame = KotlinFrame(description, {"u_image": image}, 96, 96, kotlin=values)
        rows_as_read = mesa.draw([(frame, text)])[0][::-1]  # the backend turns what a screen would show
        return rows_as_read.astype(np.int16)

    opaque = np.full((192, 192, 1), 255, np.uint8)
    large = np.concatenate([picture(192, 192, seed=11), opaque], -1)
    image = large[:96, 30:126].copy()
    for turn in kotlin_dump["downscale_turns"]:
        upright = np.rot90(image, -turn["quarter_turns"])
        assert np.array_equal(network_input(image, turn["image_from_upright"], 0.0), upright), turn
    blocks = large.reshape(96, 2, 96, 2, 4).mean((1, 3))
    matrix = kotlin_dump["downscale_turns"][0]["image_from_upright"]
    assert np.abs(network_input(large, matrix, kotlin_dump["tap_192_to_96"]) - blocks).max() <= 1
    assert np.abs(network_input(large, matrix, 4 * kotlin_dump["tap_192_to_96"]) - blocks).max() > 5


def _uniform(name: str) -> Uniform:
    kind: Literal["mat3", "float"] = "mat3" if name == "image_from_upright" else "float"
    return Uniform(name, kind, (0.0,), None, None, 0)


def _python_frame(frame: Frame, block: dict[str, Any], view: dict[str, Any]) -> Frame:
    def matrix(name: str) -> FloatArray:
        return np.array(view[name]).reshape(3, 3)

    return Frame(
        frame.description, frame.pixels, frame.height, frame.width, Controls(**block["values"]),
        image_from_output=matrix("image_from_output"), mask_from_image=matrix("mask_from_image"),
        picture_from_output=picture_from_view(frame.description, view),
    )  # fmt: skip


@pytest.mark.system
@pytest.mark.slow
class TestApp:
    def test_all_of_it_compiles_against_published_types(self, compiled: Compiled) -> None:
        names = {path.name for path in compiled.app.rglob("*.class")}
        wanted = {"MainActivity", "CameraFeed", "LiteRtSegmenter", "StyleRenderer", "GoldenPictureTest"}
        wanted |= {"FirstFrame"}  # the code of docs/android.md
        assert {f"{name}.class" for name in wanted} <= names

    def test_the_hand_made_stubs_declare_only_what_is_published(
        self, tools: Toolchain, compiled: Compiled, tmp_path: Path
    ) -> None:
        types = ApiTypes(tools.types)
        assert stub_problems(types, compiled.stubs) == []
        invented = tmp_path / "LiveData.java"
        invented.write_text(
            "package androidx.lifecycle; public abstract class LiveData<T> { public void observe(T all) {} }"
        )
        tools.compile_java([invented], [], tmp_path / "classes")
        (problem,) = stub_problems(types, tmp_path / "classes")
        assert problem.member == "observe(1 parameters)"

    def test_every_hand_made_stub_is_either_checked_or_declared_unchecked(self) -> None:
        for path in HAND_MADE_STUBS.rglob("*.*"):
            if path.is_file():
                assert path.relative_to(HAND_MADE_STUBS).as_posix().startswith((*CHECKED, *UNCHECKED))

    def test_a_call_that_android_does_not_have_does_not_compile(
        self, tools: Toolchain, compiled: Compiled, tmp_path: Path
    ) -> None:
        wrong = tmp_path / "Wrong.kt"
        wrong.write_text("fun wrong() = android.opengl.GLES30.glFenceSync(1, 2, 3)\n")
        with pytest.raises(ToolFailed, match="glFenceSync"):
            tools.compile_kotlin([wrong], [compiled.stubs], tmp_path / "out")

    def test_a_class_that_is_not_published_gets_no_stub(self, tools: Toolchain, tmp_path: Path) -> None:
        with pytest.raises(LookupError, match=r"android\.opengl\.GLES99"):
            write_stubs(ApiTypes(tools.types), ["android.opengl.GLES99"], tmp_path)


@pytest.mark.system
@pytest.mark.slow
class TestOfflineApk:
    def test_it_is_signed_and_holds_the_bundle(
        self, apk: OfflineApk, android_bundle: OpenBundle, tmp_path: Path
    ) -> None:
        assert "Verified using v2 scheme (APK Signature Scheme v2): true" in apk.verification
        with zipfile.ZipFile(apk.apk) as archive:
            archive.extractall(tmp_path)
        assert read_bundle(tmp_path / "assets/edgekit").bundle == android_bundle.bundle

    def test_android_would_start_its_benchmark(self, apk: OfflineApk) -> None:
        badging = run(["aapt2", "dump", "badging", str(apk.apk)])
        assert "package: name='dev.edgekit.demo'" in badging
        assert "sdkVersion:'26'" in badging
        tree = run(["aapt2", "dump", "xmltree", "--file", "AndroidManifest.xml", str(apk.apk)])
        assert "dev.edgekit.demo.BENCHMARK" in tree and "android.permission.DUMP" in tree

    def test_the_cores_tests_pass_on_the_code_in_its_dex(
        self, tools: Toolchain, compiled: Compiled, apk: OfflineApk, android_bundle: OpenBundle
    ) -> None:
        """Not on the compiled classes: those are not on this class path."""
        command = junit_command(tools, [apk.readback, apk.tests], compiled.core_tests, android_bundle.folder)
        assert passed_count(run(command)) >= LEAST_TESTS
        with zipfile.ZipFile(apk.tests) as archive:
            assert "dev/edgekit/core/Bundle.class" not in archive.namelist()

    def test_the_app_is_in_its_dex_and_what_it_must_not_need_is_not(self, apk: OfflineApk) -> None:
        with zipfile.ZipFile(apk.readback) as archive:
            names = archive.namelist()
            referred = b"".join(archive.read(n) for n in names if n.startswith("dev/edgekit/"))
        for name in ("benchmark/BenchmarkActivity", "gl/FusedPass", "gl/Downscaler", "inference/Segmenters"):
            assert f"dev/edgekit/demo/{name}.class" in names
        assert not any(name.endswith("Test.class") for name in names)
        assert b"com/google/ai/edge" not in referred and b"androidx/" not in referred


@pytest.mark.system
@pytest.mark.slow
class TestGlOutOfTheApk:
    """The app's `gl` package as it lies in the dex: programs, textures, framebuffers, pixel buffer and fence,
    timer queries, on a real driver."""

    @pytest.fixture(scope="class")
    def look_bundle(self, tmp_path_factory: pytest.TempPathFactory) -> OpenBundle:
        """Larger than a blur's copy, and of another shape than the network's input."""
        return write_sample_bundle(tmp_path_factory.mktemp("look"), golden=LOOK, shape=(300, 421))

    @pytest.fixture(scope="class")
    def shim(
        self, tools: Toolchain, apk: OfflineApk, tmp_path_factory: pytest.TempPathFactory
    ) -> tuple[Path, Path]:
        return build_shim(tools, apk, tmp_path_factory.mktemp("shim"))

    def test_it_draws_the_golden_picture(
        self, shim: tuple[Path, Path], apk: OfflineApk, android_bundle: OpenBundle
    ) -> None:
        drawn = draw_golden(shim, apk, android_bundle.folder)
        if not drawn.context:
            pytest.skip("Mesa gave no OpenGL ES 3 context; run tools/install-system-packages.sh")
        golden = android_bundle.bundle.golden
        assert_golden(drawn, golden)
        assert "llvmpipe" in drawn.driver and "OpenGL ES 3" in drawn.driver
        assert drawn.waited_equals and drawn.polled_equals and not drawn.again
        assert drawn.clock in ("GPU", "CPU_SUBMIT") and drawn.timed >= 4 and drawn.ms > 0

    def test_it_draws_four_regions_a_blur_and_a_second_picture(
        self, shim: tuple[Path, Path], apk: OfflineApk, look_bundle: OpenBundle
    ) -> None:
        drawn = draw_golden(shim, apk, look_bundle.folder)
        assert not drawn.context or assert_golden(drawn, look_bundle.bundle.golden)

    def test_it_draws_what_a_user_drew_and_nothing_without(
        self, shim: tuple[Path, Path], apk: OfflineApk, look_bundle: OpenBundle, tmp_path: Path
    ) -> None:
        bundle = write_sample_bundle(tmp_path, golden=LOOK, shape=(300, 421), look=drawn_look)
        drawn = draw_golden(shim, apk, bundle.folder)
        if not drawn.context:
            pytest.skip("Mesa gave no OpenGL ES 3 context; run tools/install-system-packages.sh")
        assert_golden(drawn, bundle.bundle.golden)
        assert drawn.drawn_levels <= 1 and drawn.drawn_change > 20
        other = draw_golden(shim, apk, look_bundle.folder)  # its look reads no drawn region
        assert other.drawn_change == other.levels

    @pytest.mark.parametrize("name", ["halo", "blur along x twice", "mirrored picture"])
    def test_a_mistake_in_its_texts_shows(
        self, shim: tuple[Path, Path], apk: OfflineApk, look_bundle: OpenBundle, tmp_path: Path, name: str
    ) -> None:
        drawn = draw_golden(shim, apk, with_mistake(look_bundle, MUTANTS[name], tmp_path / "bundle"))
        assert not drawn.context or drawn.levels > 2 * look_bundle.bundle.golden.given_mask_max_levels

    def test_a_gpu_that_draws_into_no_half_floats_refuses_a_blur_and_nothing_else(
        self, shim: tuple[Path, Path], apk: OfflineApk, look_bundle: OpenBundle, android_bundle: OpenBundle
    ) -> None:
        if not draw_golden(shim, apk, android_bundle.folder, version="OpenGL ES 3.0 old").context:
            pytest.skip("Mesa gave no OpenGL ES 3 context; run tools/install-system-packages.sh")
        with pytest.raises(ToolFailed, match="The style evening blurs, which this GPU cannot"):
            draw_golden(shim, apk, look_bundle.folder, version="OpenGL ES 3.0 old")

    def test_another_mask_draws_another_picture(
        self, shim: tuple[Path, Path], apk: OfflineApk, tmp_path: Path
    ) -> None:
        other = write_sample_bundle(tmp_path, seed=8)
        mine = write_sample_bundle(tmp_path / "mine", seed=7)
        mask = Image.open(other.folder / "golden/mask.png")
        replaced_mask = rewritten(mine.folder, "golden/mask.png", mask)
        drawn = draw_golden(shim, apk, replaced_mask)
        bound = mine.bundle.golden.end_to_end_delta_e00_p95
        assert not drawn.context or (drawn.levels > 20 and drawn.delta_e00_p95 > bound)


def assert_golden(drawn: Drawn, golden: Golden) -> bool:
    """The golden picture every time, and nothing left on the GPU."""
    levels = (drawn.levels, drawn.resized_levels, drawn.external_levels)
    assert max(levels) <= golden.given_mask_max_levels, levels
    assert drawn.delta_e00_p95 <= golden.end_to_end_delta_e00_p95
    assert drawn.alive == 0
    return True


def with_mistake(bundle: OpenBundle, mutant: Mutant, folder: Path) -> Path:
    """A copy of the bundle whose look has the mistake in every dialect, every hash made right."""
    shutil.copytree(bundle.folder, folder)
    path = folder / bundle.bundle.style(LOOK).description
    right = read_description(path)
    programs = programs_of(right)
    programs[mutant.program] = mutant.planted(programs[mutant.program])
    texts = tuple(emit_programs(right, programs, text.name) for text in right.dialects)
    write_description(replace(right, dialects=texts), path.parent, force=True)
    index = json.loads((folder / "bundle.json").read_text())
    for entry in index["files"]:
        data = (folder / entry["path"]).read_bytes()
        entry.update(size_bytes=len(data), sha256=sha256_of_bytes(data))
    (folder / "bundle.json").write_text(json.dumps(index))
    return folder


def rewritten(folder: Path, path: str, image: Image.Image) -> Path:
    """The bundle with another golden picture, every hash made right."""
    index = json.loads((folder / "bundle.json").read_text())
    image.save(folder / path)
    data = (folder / path).read_bytes()
    next(e for e in index["files"] if e["path"] == path).update(
        size_bytes=len(data), sha256=sha256_of_bytes(data)
    )
    golden = next(v for v in index["golden"].values() if isinstance(v, dict) and v.get("path") == path)
    golden["rgba8_sha256"] = sha256_of_bytes(np.asarray(image.convert("RGBA")).tobytes())
    (folder / "bundle.json").write_text(json.dumps(index))
    return folder


class TestProject:
    """What needs no tool: the project's files agree with each other and with edgekit."""

    def test_every_version_is_pinned_in_the_catalog(self) -> None:
        catalog = tomllib.loads((PROJECT / "gradle/libs.versions.toml").read_text())
        for version in catalog["versions"].values():
            assert re.fullmatch(r"\d+(\.\d+)+", version), version
        for entry in (*catalog["libraries"].values(), *catalog["plugins"].values()):
            assert entry["version"]["ref"] in catalog["versions"]
        scripts = "".join((PROJECT / m / "build.gradle.kts").read_text() for m in (".", "core", "app"))
        used = set(re.findall(r"\blibs\.([\w.]+)", scripts))
        known = {name.replace("-", ".") for name in catalog["libraries"]}
        known |= {f"plugins.{name.replace('-', '.')}" for name in catalog["plugins"]}
        assert used == known

    def test_the_wrapper_names_its_distribution_by_sha256(self) -> None:
        wrapper = (PROJECT / "gradle/wrapper/gradle-wrapper.properties").read_text()
        assert re.search(r"^distributionSha256Sum=[0-9a-f]{64}$", wrapper, re.MULTILINE)
        tracked = subprocess.run(["git", "ls-files", "*.jar"], cwd=PROJECT, capture_output=True, text=True)
        assert tracked.stdout == ""

    @pytest.mark.parametrize("manifest", [APP / "AndroidManifest.xml", OFFLINE / "AndroidManifest.xml"])
    def test_activities_exist_and_the_benchmark_is_for_adb_only(self, manifest: Path) -> None:
        tree = ElementTree.parse(PROJECT / manifest)
        activities = {a.get(f"{ANDROID}name"): a for a in tree.iter("activity")}
        sources = kotlin_in(APP)
        for name in activities:
            assert name is not None and any(s.stem == name.rpartition(".")[2] for s in sources), name
        benchmark = activities["dev.edgekit.demo.benchmark.BenchmarkActivity"]
        assert benchmark.get(f"{ANDROID}permission") == "android.permission.DUMP"
        assert benchmark.get(f"{ANDROID}exported") == "true"
        actions = [a.get(f"{ANDROID}name") for a in benchmark.iter("action")]
        assert actions == ["dev.edgekit.demo.BENCHMARK"]

    def test_the_offline_build_leaves_out_only_what_cannot_be_had(self) -> None:
        """Imports outside the four packages would silently drag CameraX or LiteRT in."""
        for path in kotlin_in(APP / "kotlin/dev/edgekit/demo/gl", APP / "kotlin/dev/edgekit/demo/benchmark"):
            text = path.read_text()
            assert "import androidx" not in text and "import com.google.ai.edge" not in text, path

    def test_sources_import_only_apis_that_have_types(self) -> None:
        names = android_imports(kotlin_in(APP, APP_TESTS))
        assert "android.opengl.GLES30" in names and "javax.microedition.khronos.opengles.GL10" in names
        assert api_stubs.split("android.view.View.OnClickListener") == (
            "android.view",
            ["View", "OnClickListener"],
        )
