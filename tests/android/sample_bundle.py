"""A bundle as the schema asks for it, made in a second: two styles that differ in every uniform, a picture
whose sides differ, and bytes in the network's place. What Kotlin computes is compared with what stands in it.
"""

from __future__ import annotations

import base64
import itertools
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import edgekit
from device_tests.shader_backends.backend import uniform_block
from edgekit.color.controls import CONTROL_RANGES, Controls
from edgekit.color.styles import style_named
from edgekit.files import sha256_of, sha256_of_bytes, size_bytes_of, write_json
from edgekit.shader import transforms
from edgekit.shader.compose import describe, everything_but_skin, refinement_named
from edgekit.shader.description import ShaderDescription, read_description, write_description
from edgekit.shader.oracle import Frame, mask_pixels, render
from edgekit.shader.transforms import Matrix3
from tests.conftest import picture

# Refinement by style: together their shaders have every uniform the app knows.
STYLES = {"vibrant": "bilinear", "warm": "joint-bilateral"}
GOLDEN_STYLE = "vibrant"
GOLDEN_CONTROLS = Controls(intensity=0.9, tone=0.25, warmth=-0.3, skin_protection=0.4)
INPUT_SIDE, MASK_SIDE = 96, 24
VECTOR_CONTROLS = (
    Controls(1.0, 0.0, 0.0, 0.0),
    Controls(0.7, -0.4, 0.3, 0.6),
    Controls(0.15, 0.9, -1.0, 0.05),
)


@dataclass(frozen=True)
class Geometry:
    """A sensor's picture in a view, as the bundle's vectors have it."""

    sensor_width: int
    sensor_height: int
    quarter_turns: int
    mirror: bool
    view_width: int
    view_height: int

    def mask_from_image(self) -> Matrix3:
        return np.linalg.inv(transforms.rotation(self.quarter_turns))

    def image_from_output(self) -> Matrix3:
        upright = (self.sensor_width, self.sensor_height)
        width, height = upright if self.quarter_turns % 2 == 0 else upright[::-1]
        shown_x = min(1.0, self.view_width * height / (self.view_height * width))
        shown_y = min(1.0, self.view_height * width / (self.view_width * height))
        window = transforms.crop((1 - shown_x) / 2, (1 - shown_y) / 2, shown_x, shown_y)
        seen = window @ transforms.mirror() if self.mirror else window
        return transforms.rotation(self.quarter_turns) @ seen


GEOMETRIES = tuple(
    Geometry(*sensor, turns, mirror, *view)
    for (sensor, view), turns, mirror in itertools.product(
        (((1280, 720), (1080, 2160)), ((640, 480), (700, 300))), range(4), (False, True)
    )
)


def write_sample_bundle(folder: Path) -> Path:
    """The bundle in `folder`, which must not exist yet."""
    folder.mkdir(parents=True)
    descriptions = {name: _write_style(name, folder) for name in STYLES}
    _write_network(folder)
    _write_golden(descriptions[GOLDEN_STYLE], folder)
    _write_vectors(descriptions, folder)
    _write_index(folder)
    return folder


def _write_style(name: str, folder: Path) -> ShaderDescription:
    luts = style_named(name).luts(17)
    description = describe(
        everything_but_skin(luts["background"], luts["skin"]),
        title=name,
        refinement=refinement_named(STYLES[name]),
        dialects=("essl300", "essl300-external", "msl", "wgsl"),
    )
    return read_description(write_description(description, folder / "styles" / name))


def _write_network(folder: Path) -> None:
    (folder / "segmenter").mkdir()
    (folder / "segmenter" / "parser.tflite").write_bytes(bytes(range(256)) * 40)
    manifest = {
        "inputs": [_tensor("image", INPUT_SIDE, ["red", "green", "blue"])],
        "outputs": [_tensor("groups", MASK_SIDE, ["skin", "hair", "clothes", "background"])],
    }
    write_json(folder / "segmenter" / "parser.tflite.json", manifest)


def _tensor(name: str, side: int, channels: list[str]) -> dict[str, object]:
    return {"name": name, "shape": [1, side, side, len(channels)], "dtype": "uint8", "channels": channels}


def golden_frame(description: ShaderDescription) -> Frame:
    """The golden picture's draw: the camera's picture as it is, at its own size."""
    weights = np.random.default_rng(7).dirichlet((1.0, 0.6, 0.8, 0.7), (MASK_SIDE, MASK_SIDE))[..., :3]
    opaque = np.full((INPUT_SIDE, INPUT_SIDE, 1), 255, np.uint8)
    image = np.concatenate([picture(INPUT_SIDE, INPUT_SIDE, seed=3), opaque], axis=-1)
    pixels = {"u_image": image, "u_mask": mask_pixels(weights)}
    return Frame(description, pixels, INPUT_SIDE, INPUT_SIDE, GOLDEN_CONTROLS)


def _write_golden(description: ShaderDescription, folder: Path) -> None:
    frame = golden_frame(description)
    (folder / "golden").mkdir()
    styled = np.round(render(frame)).astype(np.uint8)
    for name, pixels in {"image": frame.pixels["u_image"], "mask": frame.pixels["u_mask"], "styled": styled}.items():
        Image.fromarray(np.asarray(pixels, np.uint8)).save(folder / "golden" / f"{name}.png")


def vector_frame(description: ShaderDescription, case: tuple[int, Controls]) -> Frame:
    """One uniform block's draw; its picture is empty, only its size counts."""
    index, controls = case
    geometry = GEOMETRIES[index]
    pixels: dict[str, NDArray[np.uint8]] = {
        "u_image": np.zeros((geometry.sensor_height, geometry.sensor_width, 4), np.uint8),
        "u_mask": np.zeros((MASK_SIDE, MASK_SIDE, 4), np.uint8),
    }
    return Frame(
        description, pixels, geometry.view_height, geometry.view_width, controls,
        image_from_output=geometry.image_from_output(), mask_from_image=geometry.mask_from_image(),
    )  # fmt: skip


def vector_cases() -> list[tuple[str, int, Controls]]:
    """(style, index of the transform, controls) of every uniform block."""
    turns = (1, 4, 6, 11, 14, 15)
    return [(name, index, VECTOR_CONTROLS[index % 3]) for name in STYLES for index in turns]


def _write_vectors(descriptions: dict[str, ShaderDescription], folder: Path) -> None:
    blocks = []
    for style, index, controls in vector_cases():
        block = uniform_block(vector_frame(descriptions[style], (index, controls)))
        encoded = base64.b64encode(block).decode()
        blocks.append({"style": style, "values": asdict(controls), "transform": index, "block_base64": encoded})
    cases = [
        {
            **asdict(geometry),
            "image_from_output": geometry.image_from_output().ravel().tolist(),
            "mask_from_image": geometry.mask_from_image().ravel().tolist(),
        }
        for geometry in GEOMETRIES
    ]
    textures = sorted((folder / "styles").rglob("*.rgba8"))
    hashes = [{"path": p.relative_to(folder).as_posix(), "sha256": sha256_of(p)} for p in textures]
    vectors = {"schema": "edgekit/bundle-vectors", "schema_version": 1, "transforms": cases}
    write_json(folder / "golden" / "vectors.json", {**vectors, "uniform_blocks": blocks, "hashes": hashes})


def _write_index(folder: Path) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    listed = [
        {
            "path": path.relative_to(folder).as_posix(),
            "size_bytes": size_bytes_of(path),
            "sha256": sha256_of(path),
        }
        for path in files
    ]
    segmenter = {
        "target": "tflite", "path": "segmenter/parser.tflite", "manifest": "segmenter/parser.tflite.json",
        "input_size": INPUT_SIDE, "mask_size": MASK_SIDE, "recipe": "none", "minimum_os": "Android 8",
    }  # fmt: skip
    index = {
        "schema": "edgekit/bundle", "schema_version": 1, "name": "sample", "edgekit_version": edgekit.__version__,
        "segmenters": [segmenter],
        "class_names": ["Background", "Face", "Hair", "Dress"],
        "groups": {"skin": ["Face"], "hair": ["Hair"], "clothes": ["Dress"]},
        "styles": [{"name": n, "title": n.title(), "description": f"styles/{n}/shader.json"} for n in STYLES],
        "default_style": "warm",
        "controls": [
            {"name": c.name, "minimum": c.minimum, "maximum": c.maximum, "default": c.default} for c in CONTROL_RANGES
        ],
        "golden": {
            "style": GOLDEN_STYLE, "uniforms": asdict(GOLDEN_CONTROLS),
            **{name: _image(folder, name) for name in ("image", "mask", "styled")},
            "given_mask_max_levels": 2, "end_to_end_delta_e00_p95": 1.0, "vectors": "golden/vectors.json",
        },
        "files": listed,
    }  # fmt: skip
    (folder / "bundle.json").write_text(json.dumps(index, indent=1), encoding="utf-8")


def _image(folder: Path, name: str) -> dict[str, object]:
    path = folder / "golden" / f"{name}.png"
    pixels = np.asarray(Image.open(path).convert("RGBA"))
    height, width = pixels.shape[:2]
    digest = sha256_of_bytes(pixels.tobytes())
    return {"path": f"golden/{name}.png", "width": width, "height": height, "rgba8_sha256": digest}
