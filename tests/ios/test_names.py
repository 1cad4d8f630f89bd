"""Names that the Swift sources spell out exist where Python writes them."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from edgekit.benchmark.app_report import APP_BENCHMARK, SCHEMA
from edgekit.benchmark.frame_budget import STAGES
from edgekit.bundles.reading import OpenBundle
from edgekit.color.controls import CONTROL_RANGES
from edgekit.shader.description import Role
from tests.ios.conftest import IOS_DEMO, description

CORE = IOS_DEMO / "EdgekitCore" / "Sources" / "EdgekitCore"
DEMO = IOS_DEMO / "EdgekitDemo"


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def coding_keys(source: str) -> set[str]:
    """The JSON keys of every CodingKeys enumeration in a Swift text."""
    found: set[str] = set()
    for block in re.findall(r"enum CodingKeys: String, CodingKey \{(.*?)\n\s*\}", source, re.DOTALL):
        for line in block.strip().splitlines():
            for case in line.strip().removeprefix("case ").split(","):
                name, _, spelled = case.partition("=")
                found.add(spelled.strip().strip('"') or name.strip())
    return found


def keys_in(value: object) -> set[str]:
    """Every key of a JSON value, at any depth."""
    if isinstance(value, dict):
        return set(value) | {key for item in value.values() for key in keys_in(item)}
    if isinstance(value, list):
        return {key for item in value for key in keys_in(item)}
    return set()


@pytest.fixture(scope="module")
def index(bundle: OpenBundle) -> dict[str, object]:
    return json.loads((bundle.folder / "bundle.json").read_text())


def test_the_reader_of_keys_reads() -> None:
    sample = (
        'private enum CodingKeys: String, CodingKey {\n  case name, path\n  case sizeBytes = "size_bytes"\n}'
    )
    assert coding_keys(sample) == {"name", "path", "size_bytes"}


def test_bundle_keys(bundle: OpenBundle, index: dict[str, object]) -> None:
    manifest = json.loads(bundle.path(bundle.bundle.segmenters[0].manifest).read_text())
    of_tflite_alone = {"accelerated"}
    assert (
        coding_keys(text(CORE / "BundleIndex.swift")) <= keys_in(index) | keys_in(manifest) | of_tflite_alone
    )
    assert coding_keys(text(CORE / "Controls.swift")) <= keys_in(index["controls"])
    assert coding_keys(text(CORE / "JsonReading.swift")) == {"schema", "schema_version"}
    swift = text(CORE / "EdgekitBundle.swift")
    assert f'"{index["schema"]}"' in swift
    assert f"schemaVersion = {index['schema_version']}\n" in swift


def test_description_keys_and_names(bundle: OpenBundle) -> None:
    style = bundle.bundle.golden.style
    shader = description(bundle, style)
    written = json.loads(bundle.path(bundle.bundle.style(style).description).read_text())
    swift = text(CORE / "ShaderDescription.swift")
    assert coding_keys(swift + text(CORE / "ShaderPasses.swift")) <= keys_in(written)
    assert f'"{written["schema"]}"' in swift
    named = set(re.findall(r'case \("(\w+)", \.(?:mat3|float)\)', text(CORE / "UniformBlock.swift")))
    controls = {control.name for control in CONTROL_RANGES}
    known = named | controls | {f"strength_{i}" for i in range(len(shader.layers))}
    assert {uniform.name for uniform in shader.uniforms} <= known
    spelled = set(
        re.findall(r'= "(\w+)"$', text(CORE / "Controls.swift").split("struct ControlRange")[0], re.M)
    )
    assert spelled == {"skin_protection"}
    assert controls == {"intensity", "tone", "warmth", "color", "grain"} | spelled
    cases = re.findall(r"case (.*?):", text(DEMO / "Rendering" / "StyleRenderer.swift"))
    roles = set(re.findall(r'"([\w-]+)"', " ".join(cases)))
    assert roles == {*get_args(Role)} - {"coefficients"}  # those an app would have to make
    assert {texture.role for texture in shader.textures} <= roles
    for style in bundle.bundle.styles:
        msl = description(bundle, style.name).dialect("msl")
        assert f"{msl.fragment.entry}(" in msl.text_of(msl.fragment)
        assert f"{msl.vertex.entry}(" in msl.text_of(msl.vertex)


def test_the_networks_names(bundle: OpenBundle) -> None:
    """The app reads input and output names from the manifest; the package has images of those names."""
    coremltools = pytest.importorskip("coremltools")
    swift = text(DEMO / "Inference" / "CoreMLSegmenter.swift")
    entry = next(s for s in bundle.bundle.segmenters if s.target == "coreml")
    assert f'target = "{entry.target}"' in swift
    manifest = json.loads(bundle.path(entry.manifest).read_text())
    (output,) = manifest["outputs"]
    assert output["name"] == "groups"
    channels = ", ".join(f'"{channel}"' for channel in output["channels"])
    assert f"output.channels == [{channels}]" in swift
    spec = coremltools.models.MLModel(str(bundle.path(entry.path)), skip_model_load=True).get_spec()
    (given,), (answered,) = spec.description.input, spec.description.output
    assert (given.name, answered.name) == (manifest["inputs"][0]["name"], "groups")
    # Core ML hands RGB images over as 32BGRA buffers: the format that the app asks for and wraps.
    rgb = spec.description.output[0].type.imageType.RGB
    assert given.type.imageType.colorSpace == answered.type.imageType.colorSpace == rgb
    assert answered.type.imageType.width == entry.mask_size
    assert "image.pixelFormatType == kCVPixelFormatType_32BGRA" in swift


def test_report_keys() -> None:
    swift = text(CORE / "BenchReport.swift")
    own = coding_keys(swift) - {"name", "sha256", "size_bytes", "battery_percent", "thermal_status"}
    assert own == {"schema", *(field.name for field in fields(APP_BENCHMARK.type))}
    assert f'"{SCHEMA}"' in swift
    stages = ", ".join(f'"{stage}"' for stage in STAGES)
    assert f"stages = [{stages}]" in swift


def test_stretch_entries() -> None:
    metal = text(DEMO / "Rendering" / "Stretch.metal")
    named = re.findall(r'makeFunction\(name: "(\w+)"\)', text(DEMO / "Rendering" / "InputStretcher.swift"))
    assert len(named) == 2
    for name in named:
        assert re.search(rf"^(?:vertex|fragment) \w+ {name}\(", metal, re.MULTILINE)
