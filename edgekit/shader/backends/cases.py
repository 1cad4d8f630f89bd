"""The frames of the proof table, and the mistakes that it must catch.

Everything is asymmetric: odd sizes, H ≠ W, r ≠ g ≠ b, three groups in different corners.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from edgekit.color.controls import LUMINANCE, SKIN_SHARE, Controls
from edgekit.color.layers import Layer, Look
from edgekit.color.lut import Lut3D, grid
from edgekit.shader import transforms
from edgekit.shader.backends.backend import Job
from edgekit.shader.compose import describe, refinement_named
from edgekit.shader.description import ShaderDescription
from edgekit.shader.dialects import DIALECTS
from edgekit.shader.emit import FUSED, emit_programs, programs_of
from edgekit.shader.maths import Program
from edgekit.shader.modes import INTERPOLATIONS, REFINEMENTS, Interpolation
from edgekit.shader.oracle import Frame, mask_slots

# Levels of 255: a texture unit's 8-bit fractions show in trilinear, never in exact fetches.
TOLERANCE_LEVELS = {"trilinear": 2, "tetrahedral": 1}
# Grain adds contrast, also to the error of the mask's 8-bit fractions: 0.78 of a level become 1.02 on llvmpipe.
TOLERANCE_WITH_GRAIN = 2

IMAGE_HEIGHT, IMAGE_WIDTH = 61, 97
MASK_HEIGHT, MASK_WIDTH = 17, 23
CROP_LEFT, CROP_TOP, CROP_WIDTH, CROP_HEIGHT = 13, 7, 58, 41


@dataclass(frozen=True)
class Geometry:
    """A mapping from output to image pixels, without resampling."""

    name: str
    height: int
    width: int
    image_from_output: transforms.Matrix3
    mask_from_image: transforms.Matrix3 = field(default_factory=lambda: transforms.IDENTITY)


_CROP = transforms.crop(
    CROP_LEFT / IMAGE_WIDTH, CROP_TOP / IMAGE_HEIGHT, CROP_WIDTH / IMAGE_WIDTH, CROP_HEIGHT / IMAGE_HEIGHT
)
GEOMETRIES = (
    Geometry("upright", IMAGE_HEIGHT, IMAGE_WIDTH, transforms.IDENTITY),
    Geometry("rotated 90°", IMAGE_WIDTH, IMAGE_HEIGHT, transforms.rotation(1)),
    Geometry("cropped", CROP_HEIGHT, CROP_WIDTH, _CROP),
    Geometry(
        "mirrored, cropped, rotated 270°, mask upright",
        CROP_WIDTH,
        CROP_HEIGHT,
        _CROP @ transforms.rotation(3) @ transforms.mirror(),
        transforms.rotation(1),
    ),
)


def warm_lut(size: int) -> Lut3D:
    """A smooth table; each output channel is a different curve of all inputs."""
    c = grid(size)
    r, g, b = c[..., 0], c[..., 1], c[..., 2]
    rows = [0.75 * r**0.7 + 0.2 * g * b + 0.05, 0.8 * g**1.3 + 0.15 * r, 0.6 * b + 0.25 * np.sin(2 * r * g)]
    return Lut3D(np.clip(np.stack(rows, axis=-1), 0.0, 1.0).astype(np.float32))


def swirl_lut(size: int) -> Lut3D:
    """A strong table that exchanges the channels."""
    c = grid(size)
    r, g, b = c[..., 0], c[..., 1], c[..., 2]
    rows = [0.7 * g + 0.3 * r * b, 0.9 * b * (1 - 0.3 * r) + 0.05, 0.5 * r + 0.4 * (1 - g)]
    return Lut3D(np.clip(np.stack(rows, axis=-1), 0.0, 1.0).astype(np.float32))


def rough_lut(size: int) -> Lut3D:
    """A table whose neighbouring points differ by up to a fifth, so that trilinear and tetrahedral results differ."""
    noise = np.random.default_rng(11).random((size, size, size, 3))
    table = 0.8 * swirl_lut(size).table + 0.2 * noise
    return Lut3D(table.astype(np.float32))


LUT_PAIRS = {
    "warm 33³ + swirl 17³": (warm_lut(33), swirl_lut(17)),
    "rough 14³ + warm 9³": (rough_lut(14), warm_lut(9)),
}


def image() -> NDArray[np.uint8]:
    """A picture, (61, 97, 4): ramps in red and green, noise in blue, and a patch of colour; alpha varies too."""
    random = np.random.default_rng(7)
    y, x = np.mgrid[0:IMAGE_HEIGHT, 0:IMAGE_WIDTH]
    pixels = np.empty((IMAGE_HEIGHT, IMAGE_WIDTH, 4), np.uint8)
    pixels[..., 0] = x * 255 // (IMAGE_WIDTH - 1)
    pixels[..., 1] = y * 255 // (IMAGE_HEIGHT - 1)
    pixels[..., 2] = random.integers(0, 256, (IMAGE_HEIGHT, IMAGE_WIDTH))
    pixels[..., 3] = 255 - x
    pixels[20:34, 30:70, :3] = (201, 143, 120)
    return pixels


def mask_weights() -> NDArray[np.float64]:
    """A mask, (17, 23, 3): soft blobs of skin, hair and clothes of different sizes at different places."""
    y, x = np.mgrid[0:MASK_HEIGHT, 0:MASK_WIDTH]
    blobs = [
        1 / (1 + np.exp((np.hypot(x - cx, 1.4 * (y - cy)) - radius) / 0.8))
        for cx, cy, radius in ((8, 5, 4.5), (16, 4, 3.0), (13, 13, 6.0))
    ]
    weights = np.stack(blobs, axis=-1)
    result: NDArray[np.float64] = weights / np.maximum(1.0, weights.sum(axis=-1, keepdims=True))
    return result


# Groups alone; a user's map and a second picture; four regions, of which one is blurred and one shows a picture.
LAYERS: dict[str, Callable[[Lut3D, Lut3D], tuple[Layer, ...]]] = {
    "groups": lambda first, second: (
        Layer(("background", "clothes"), first, 0.9),
        Layer(("skin",), second, 0.7),
        Layer(("hair",)),
    ),
    "drawn": lambda first, second: (
        Layer(("background",), source="picture"),
        Layer(("skin", "clothes"), first, 0.8),
        Layer(("drawn_1", "drawn_3"), second),
    ),
    "four": lambda first, second: (
        Layer(("background",), first, 0.95, "blurred"),
        Layer(("skin",), second, 0.6),
        Layer(("hair",), source="blurred"),
        Layer(("clothes", "drawn_2"), first, 0.7, "picture"),
    ),
}


def description_of(
    interpolation: Interpolation, refinement: str, luts: tuple[Lut3D, Lut3D], layers: str = "groups"
) -> ShaderDescription:
    """A description of every dialect. layers: one of LAYERS."""
    first, second = luts
    return describe(
        Look(LAYERS[layers](first, second), "proof", blur=0.04),
        interpolation=interpolation,
        refinement=refinement_named(refinement),
        dialects=tuple(DIALECTS),
    )


def frame_of(description: ShaderDescription, geometry: Geometry) -> Frame:
    """A frame of the proof table: muted where something is blurred, vivid elsewhere; grained where it is whole."""
    weights = mask_weights()
    pixels = {"u_image": image(), **mask_slots(description, weights, guide_of(image()))}
    if description.textures_with("drawn-mask"):
        drawn = np.zeros((19, 31, 4), np.uint8)
        drawn[3:9, 4:20, 0], drawn[8:15, 12:29, 1], drawn[10:18, 2:11, 2] = 255, 255, 180
        pixels["u_drawn"] = drawn
    if description.textures_with("picture"):
        pixels["u_picture"] = np.ascontiguousarray(image()[:, ::-1, [1, 2, 0, 3]])
    return Frame(
        description,
        pixels,
        geometry.height,
        geometry.width,
        Controls(
            0.95,
            tone=0.2,
            warmth=-0.3,
            skin_protection=0.25,
            color=-0.6 if description.passes else 0.6,
            grain=0.0 if "cropped" in geometry.name else 0.6,
        ),
        image_from_output=geometry.image_from_output,
        mask_from_image=geometry.mask_from_image,
    )


def guide_of(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The picture reduced by area to the mask's size, (17, 23, 3) in [0, 1]."""
    import cv2

    unit = pixels[..., :3].astype(np.float64) / 255.0
    reduced = cv2.resize(unit, (MASK_WIDTH, MASK_HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(reduced, np.float64)


@dataclass(frozen=True)
class Case:
    interpolation: Interpolation
    refinement: str
    geometry: Geometry
    luts: str
    frame: Frame

    @property
    def tolerance_levels(self) -> int:
        """The largest difference from the oracle that a backend may have."""
        grained = TOLERANCE_WITH_GRAIN if self.frame.controls.grain > 0.0 else 0
        return max(TOLERANCE_LEVELS[self.interpolation], grained)

    def job(self, dialect: str) -> Job:
        return self.frame, self.frame.description.dialect(dialect)


def all_cases() -> list[Case]:
    """The whole proof table of one backend."""
    cases = []
    for interpolation in INTERPOLATIONS:
        for refinement in REFINEMENTS:
            for luts, pair in LUT_PAIRS.items():
                for layers in LAYERS:
                    description = description_of(interpolation, refinement, pair, layers)
                    for geometry in GEOMETRIES:
                        frame = frame_of(description, geometry)
                        cases.append(Case(interpolation, refinement, geometry, f"{luts}, {layers}", frame))
    return cases


def reduced_cases() -> list[Case]:
    """One case for each interpolation × refinement, every geometry and pair among them."""
    cases = []
    pairs = list(LUT_PAIRS.items())
    for i, interpolation in enumerate(INTERPOLATIONS):
        for k, refinement in enumerate(REFINEMENTS):
            luts, pair = pairs[(i + k) % len(pairs)]
            layers = list(LAYERS)[(i + k) % len(LAYERS)]
            geometry = GEOMETRIES[(i + 2 * k) % len(GEOMETRIES)]
            frame = frame_of(description_of(interpolation, refinement, pair, layers), geometry)
            cases.append(Case(interpolation, refinement, geometry, f"{luts}, {layers}", frame))
    return cases


def _swapped_axes(program: Program) -> Program:
    """The table read with blue for red."""
    return _replaced(program, "let f3 c = source.xyz;", "let f3 c = source.zyx;")


def _no_half_texel(program: Program) -> Program:
    """The colour used as texture coordinate without scale and offset."""
    functions = []
    for text in program.functions:
        if "fn f3 lookup_" in text:
            head, call = text.split("SAMPLE(", 1)
            text = f"{head}SAMPLE({call.split(',')[0]}, c).xyz;\n}}\n"
        functions.append(text)
    return replace(program, functions=tuple(functions))


def _flipped_groups(program: Program) -> Program:
    """The mask's channels in BGR order."""
    return _replaced(program, "let f3 weights = shares(", "let f3 weights = turned(")


def _wrong_corner(program: Program) -> Program:
    """One of the six tetrahedra takes its neighbour's corner."""
    old, new = (
        "w = f.zyx; one = i3(0, 0, 1); two = i3(0, 1, 1);",
        "w = f.zyx; one = i3(0, 1, 0); two = i3(0, 1, 1);",
    )
    return _in_functions(program, old, new)


def _skin_without_its_share(program: Program) -> Program:
    """All of the control color on skin."""
    return _replaced(program, f"PARAM(color) * {SKIN_SHARE!r}", "PARAM(color)")


def _swapped_luminance(program: Program) -> Program:
    """The weights of red and blue exchanged in the grey of a colour."""
    old, new = (", ".join(map(repr, weights)) for weights in (LUMINANCE, LUMINANCE[::-1]))
    return _in_functions(program, old, new)


def _turned_grain(program: Program) -> Program:
    """The grain's lattice with its axes exchanged."""
    return _in_functions(program, "pcg(u1(at.x) + pcg(u1(at.y)))", "pcg(u1(at.y) + pcg(u1(at.x)))")


def _another_hash(program: Program) -> Program:
    """One bit of the hash's last factor is wrong."""
    return _in_functions(program, "277803737u", "277803736u")


def _grain_on_black(program: Program) -> Program:
    """Grain that is added, and so as strong in black and white as between."""
    return _in_functions(program, "min(room.x, min(room.y, room.z))", "0.25")


def _in_functions(program: Program, old: str, new: str) -> Program:
    assert any(old in text for text in program.functions)
    return replace(program, functions=tuple(text.replace(old, new) for text in program.functions))


def _replaced(program: Program, old: str, new: str) -> Program:
    assert old in program.main_body
    functions = program.functions
    if "turned(" in new:
        functions = (*functions, "fn f3 turned(f3 raw) {\n  return shares(raw).zyx;\n}\n")
    return Program(functions, program.main_body.replace(old, new))


def _halo(program: Program) -> Program:
    """A blur that takes colours from outside its regions."""
    return _in_functions(program, "return f4(c * w, w);", "return f4(c, 1.0);")


def _blurred_along_x_twice(program: Program) -> Program:
    body = program.main_body.replace("f2(0.0, ", "f2(").replace(" * deviation)", " * deviation, 0.0)")
    assert body != program.main_body
    return replace(program, main_body=body)


def _mirrored_picture(program: Program) -> Program:
    """The second picture mirrored."""
    return _replaced(
        program, "PARAM(picture_from_output) * f3(uv, 1.0)", "f3(1.0 - image_uv.x, image_uv.y, 1.0)"
    )


@dataclass(frozen=True)
class Mutant:
    """A mistake: in which pass of a description with these layers and this interpolation it is planted."""

    planted: Callable[[Program], Program]
    interpolation: Interpolation = "trilinear"
    layers: str = "groups"
    program: str = FUSED


MUTANTS: dict[str, Mutant] = {
    "swapped axes": Mutant(_swapped_axes),
    "no half texel": Mutant(_no_half_texel),
    "flipped group order": Mutant(_flipped_groups),
    "wrong tetrahedron": Mutant(_wrong_corner, "tetrahedral"),
    "skin without its share": Mutant(_skin_without_its_share),
    "swapped luminance": Mutant(_swapped_luminance),
    "turned grain": Mutant(_turned_grain),
    "another hash": Mutant(_another_hash),
    "grain on black": Mutant(_grain_on_black),
    "halo": Mutant(_halo, layers="four", program="blur_x"),
    "blur along x twice": Mutant(_blurred_along_x_twice, layers="four", program="blur_y"),
    "mirrored picture": Mutant(_mirrored_picture, layers="four"),
}


def mutant_job(name: str, dialect: str) -> Job:
    """A frame drawn by a text with one planted mistake, in any dialect."""
    mutant = MUTANTS[name]
    luts = LUT_PAIRS["rough 14³ + warm 9³"]
    description = description_of(mutant.interpolation, "bilinear", luts, mutant.layers)
    programs = programs_of(description)
    programs[mutant.program] = mutant.planted(programs[mutant.program])
    return frame_of(description, GEOMETRIES[0]), emit_programs(description, programs, dialect)


def error_levels(drawn: NDArray[np.uint8], expected: NDArray[np.float64]) -> int:
    """The largest difference in levels between a drawn picture and the oracle's, rounded."""
    return int(np.abs(drawn.astype(np.int64) - np.rint(expected).astype(np.int64)).max())
