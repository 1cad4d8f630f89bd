"""The fused pass in numpy, float64: the reference for every dialect on every device.

It implements the description's meaning independently of the shader's text: interpolation comes from
`edgekit/color/interpolation.py`, the controls' formula from `edgekit/color/controls.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgekit.color.blur import EPSILON, copy_shape, taps
from edgekit.color.controls import CONTROL_RANGES, NO_CONTROLS, Controls, adjust, amount
from edgekit.color.grain import CELLS, GRAIN, grained, lattice
from edgekit.color.interpolation import interpolation
from edgekit.color.layers import BACKGROUND, DRAWN_REGIONS, GROUP_REGIONS
from edgekit.errors import ShaderError
from edgekit.shader import transforms
from edgekit.shader.description import (
    BLUR,
    PICTURE,
    DescribedLayer,
    ShaderDescription,
    Texture,
)
from edgekit.shader.maths import drawn_read, groups_read
from edgekit.shader.refine import (
    Guided,
    JointBilateral,
    guide_at_mask_texels,
    guided_coefficients,
    joint_bilateral_weights,
)
from edgekit.shader.transforms import IDENTITY, Matrix3

FloatArray = NDArray[np.float64]
Pixels = NDArray[np.uint8] | NDArray[np.float16]


@dataclass(frozen=True)
class Frame:
    """One draw: a description, the data that the app supplies for it, and the size of the output.

    pixels: slot name → (H, W, 4), uint8 for rgba8unorm and float16 for rgba16float, first row on top.
        The tables come from the description.
    strengths: layer index → strength, for layers that do not use the description's default.
    picture_from_output: None lays the app's second picture over the image, and lets the description's own cover the
        output.
    blur: None is the description's default.
    grain_from_image: None says that the image is the whole photo.
    """

    description: ShaderDescription
    pixels: Mapping[str, Pixels]
    height: int
    width: int
    controls: Controls = NO_CONTROLS
    strengths: Mapping[int, float] = field(default_factory=dict)
    image_from_output: Matrix3 = field(default_factory=lambda: IDENTITY)
    mask_from_image: Matrix3 = field(default_factory=lambda: IDENTITY)
    picture_from_output: Matrix3 | None = None
    blur: float | None = None
    grain_from_image: Matrix3 | None = None

    def __post_init__(self) -> None:
        for texture in self.description.textures:
            if texture.data is None and texture.role != "blurred" and texture.name not in self.pixels:
                raise ShaderError("frame", f"the texture {texture.name} ({texture.role}) is missing.")

    @property
    def picture_matrix(self) -> Matrix3:
        if self.picture_from_output is not None:
            return self.picture_from_output
        own = next((t.size for t in self.description.textures_with("picture") if t.size is not None), None)
        if own is None:
            return self.image_from_output
        return transforms.sensor_from_view((own[0], own[1]), 0, False, (self.width, self.height))

    @property
    def grain_matrix(self) -> Matrix3:
        if self.grain_from_image is not None:
            return self.grain_from_image
        height, width = self.pixels["u_image"].shape[:2]
        return np.diag([width / max(height, width), height / max(height, width), 1.0])

    @property
    def blur_deviation(self) -> float:
        """The standard deviation, a share of the image's longer side; 0 without a blur."""
        if self.blur is not None:
            return self.blur
        return next((u.default[0] for u in self.description.uniforms if u.name == "blur"), 0.0)

    def drawn_shape(self, slot: str) -> tuple[int, int]:
        """(height, width) of a texture that a pass draws into."""
        height, width = self.pixels["u_image"].shape[:2]
        drawn = next(each for each in self.description.passes if each.target == slot)
        return copy_shape((height, width), drawn.longest_side)

    def uniform_values(self) -> dict[str, FloatArray]:
        """Every uniform's value: (3, 3) matrices (rows and columns as written) and (1,) floats."""
        values: dict[str, FloatArray] = {
            "image_from_output": self.image_from_output,
            "mask_from_image": self.mask_from_image,
            "image_from_mask": np.linalg.inv(self.mask_from_image).astype(np.float64),
            "picture_from_output": self.picture_matrix,
            "grain_from_image": self.grain_matrix,
            "blur": np.array([self.blur_deviation]),
        }
        height, width = self.pixels["u_image"].shape[:2]
        values["image_width"], values["image_height"] = np.array([float(width)]), np.array([float(height)])
        for control in CONTROL_RANGES:
            values[control.name] = np.array([getattr(self.controls, control.name)])
        for index, layer in enumerate(self.description.layers):
            values[f"strength_{index}"] = np.array([self.strengths.get(index, layer.strength)])
        return {uniform.name: values[uniform.name] for uniform in self.description.uniforms}


def mask_pixels(weights: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The RGBA8 mask (H, W, 4) of weights (H, W, 3) of skin, hair, clothes in [0, 1]."""
    rgb = np.round(np.clip(weights, 0.0, 1.0) * 255.0).astype(np.uint8)
    return np.concatenate([rgb, np.full((*rgb.shape[:2], 1), 255, np.uint8)], axis=-1)


def mask_slots(
    description: ShaderDescription, weights: NDArray[np.floating], guide: NDArray[np.floating]
) -> dict[str, Pixels]:
    """The textures that the app uploads for the mask: the RGBA8 mask itself, or the guided filter's coefficients.

    weights: (H, W, 3) of skin, hair, clothes. guide: (H, W, 3) encoded RGB in [0, 1] at the same size.
    """
    if description.refinement.method != "guided":
        return {"u_mask": mask_pixels(weights)} if description.textures_with("mask") else {}
    assert description.refinement.epsilon is not None
    quantised = mask_pixels(weights)[..., :3] / 255.0
    coefficients = guided_coefficients(quantised, guide, Guided(description.refinement.epsilon)).astype(
        np.float16
    )
    return {
        texture.name: coefficients[GROUP_REGIONS.index(texture.name.removeprefix("u_coefficients_"))]
        for texture in description.textures_with("coefficients")
    }


def texels_of(frame: Frame, texture: Texture) -> NDArray[np.uint8] | NDArray[np.float16]:
    """The texels to upload, contiguous: (H, W, 4) or, for a table, (N blue, N green, N red, 4)."""
    if texture.data is None:
        pixels = frame.pixels[texture.name]
        return pixels if pixels.flags.c_contiguous else pixels.copy()
    assert texture.size is not None
    texels: NDArray[np.uint8] = np.frombuffer(texture.data, np.uint8).reshape(*reversed(texture.size), 4)
    return texels


def render(frame: Frame) -> FloatArray:
    """Draw the picture, (height, width, 4) float64 in 8-bit levels, not rounded."""
    image_uv = transforms.apply(frame.image_from_output, transforms.pixel_centres(frame.height, frame.width))
    source = sample_linear(_unit(frame.pixels["u_image"]), image_uv)
    c = source[..., :3]
    weights = region_weights(frame, c, image_uv)
    mixed = c.copy()
    sources = _sources(frame, c, image_uv)
    for index, layer in enumerate(frame.description.layers):
        if layer.texture is not None:
            looked_up = _looked_up(frame, layer, sources)
            strength = frame.strengths.get(index, layer.strength)
            for region in layer.regions:
                styled = adjust(looked_up, frame.controls, region)
                weight = weights[region] * amount(frame.controls, region, strength)
                mixed += weight[..., None] * (styled - c)
    if frame.controls.grain > 0.0:
        k = GRAIN * frame.controls.grain * frame.controls.intensity
        places = CELLS * transforms.apply(frame.grain_matrix, image_uv)
        mixed = grained(mixed, k * grain_noise(places)).astype(np.float64)
    return np.concatenate([np.clip(mixed, 0.0, 1.0), source[..., 3:]], axis=-1) * 255.0


def grain_noise(places: FloatArray) -> FloatArray:
    """n of `edgekit.color.grain` at places (..., 2), in cells. Returns (...)."""
    low = np.floor(places).astype(np.int64)
    f = places - low
    total, squares = np.zeros(places.shape[:-1]), np.zeros(places.shape[:-1])
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        weight = np.abs(1 - dx - f[..., 0]) * np.abs(1 - dy - f[..., 1])
        total += weight * lattice(low[..., 0] + dx, low[..., 1] + dy)
        squares += weight**2
    return total / np.sqrt(squares)


def region_weights(frame: Frame, c: FloatArray, image_uv: FloatArray) -> dict[str, FloatArray]:
    """The weight, (H, W), of every region. c: (H, W, 3) the camera's colours. image_uv: (H, W, 2)."""
    mask_uv = transforms.apply(frame.mask_from_image, image_uv)
    layers = frame.description.layers
    groups = shares(_raw_group_weights(frame, c, mask_uv) * _used(GROUP_REGIONS, groups_read(layers)))
    drawn = np.zeros_like(c)
    if "u_drawn" in frame.pixels:
        painted = sample_linear(_unit(frame.pixels["u_drawn"]), mask_uv)[..., :3]
        drawn = shares(painted * _used(DRAWN_REGIONS, drawn_read(layers)))
    rest = 1.0 - drawn.sum(axis=-1)
    weights = {name: groups[..., i] * rest for i, name in enumerate(GROUP_REGIONS)}
    weights[BACKGROUND] = (1.0 - groups.sum(axis=-1)) * rest
    weights.update({name: drawn[..., i] for i, name in enumerate(DRAWN_REGIONS)})
    return weights


def shares(raw: FloatArray) -> FloatArray:
    """Normalise the weights of disjoint regions: each in [0, 1], together at most 1."""
    clipped = np.clip(raw, 0.0, 1.0)
    result: FloatArray = clipped / np.maximum(1.0, clipped.sum(axis=-1, keepdims=True))
    return result


def sample_linear(texture: FloatArray, uv: FloatArray) -> FloatArray:
    """Sample like a texture unit with exact fractions: bilinear, clamped. texture: (H, W, C). uv: (..., 2)."""
    height, width = texture.shape[:2]
    x, y = uv[..., 0] * width - 0.5, uv[..., 1] * height - 0.5
    left, top = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    fx, fy = (x - left)[..., None], (y - top)[..., None]

    def texel(dx: int, dy: int) -> FloatArray:
        value: FloatArray = texture[np.clip(top + dy, 0, height - 1), np.clip(left + dx, 0, width - 1)]
        return value

    upper = texel(0, 0) * (1.0 - fx) + texel(1, 0) * fx
    lower = texel(0, 1) * (1.0 - fx) + texel(1, 1) * fx
    mean: FloatArray = upper * (1.0 - fy) + lower * fy
    return mean


def table_of(texture: Texture) -> FloatArray:
    """A LUT texture's bytes as `table[r, g, b]`, (N, N, N, 3) float64 in [0, 1]."""
    if texture.data is None or texture.size is None:
        raise ShaderError("frame", f"the table {texture.name} has no bytes.")
    n = texture.size[0]
    levels = np.frombuffer(texture.data, np.uint8).reshape(n, n, n, 4)[..., :3]  # (b, g, r, 3)
    return levels.transpose(2, 1, 0, 3) / 255.0


def _sources(frame: Frame, c: FloatArray, image_uv: FloatArray) -> dict[str | None, FloatArray]:
    """The colours, (H, W, 3), of every slot that a layer can show; None is the camera's."""
    found: dict[str | None, FloatArray] = {None: c}
    if pictures := frame.description.textures_with("picture"):
        uv = transforms.apply(frame.picture_matrix, transforms.pixel_centres(frame.height, frame.width))
        found[PICTURE] = sample_linear(_unit(texels_of(frame, pictures[0])), uv)[..., :3]
    if frame.description.passes:
        sums = sample_linear(blur_sums(frame), image_uv)
        found[BLUR] = (sums[..., :3] + EPSILON * c) / (sums[..., 3:] + EPSILON)
    return found


def _looked_up(frame: Frame, layer: DescribedLayer, sources: Mapping[str | None, FloatArray]) -> FloatArray:
    assert layer.texture is not None
    texture = frame.description.texture(layer.texture)
    if texture.role != "lut":
        return sources[texture.name]
    return interpolation(frame.description.interpolation)(table_of(texture), sources[layer.source])


def blur_sums(frame: Frame) -> FloatArray:
    """What the passes draw last: (h, w, 4), the image's colours times the blurred regions' weight, and that weight,
    averaged by a Gaussian along x and then along y, each stored in half precision.
    """
    height, width = frame.pixels["u_image"].shape[:2]
    deviation = frame.blur_deviation * max(height, width)
    image = _unit(frame.pixels["u_image"])

    def weighted(uv: FloatArray) -> FloatArray:
        c = sample_linear(image, uv)[..., :3]
        regions = region_weights(frame, c, uv)
        layers = frame.description.layers
        blurred = [layer for layer in layers if BLUR in (layer.texture, layer.source)]
        weight = sum(regions[region] for layer in blurred for region in layer.regions)
        w = np.asarray(weight, np.float64)[..., None]
        return np.concatenate([c * w, w], axis=-1)

    def stored(value: FloatArray) -> FloatArray:
        return value.astype(np.float16).astype(np.float64)

    centres = transforms.pixel_centres(*frame.drawn_shape("u_blurred_x"))
    first = stored(_gaussian(weighted, centres, np.array([deviation / width, 0.0])))
    centres = transforms.pixel_centres(*frame.drawn_shape(BLUR))
    return stored(
        _gaussian(lambda uv: sample_linear(first, uv), centres, np.array([0.0, deviation / height]))
    )


def _gaussian(value: Callable[[FloatArray], FloatArray], centres: FloatArray, step: FloatArray) -> FloatArray:
    """The weighted mean of `value` at the places of a Gaussian about the centres, (H, W, 2). step: its deviation."""
    total = np.zeros(1)
    for offset, weight in zip(*taps(), strict=True):
        total = total + weight * value(centres + offset * step)
    return total


def _used(channels: tuple[str, ...], used: tuple[str, ...]) -> FloatArray:
    """(3,) floats: 1 for a channel that some layer uses, 0 for one that the pass leaves out."""
    return np.array([float(channel in used) for channel in channels])


def _raw_group_weights(frame: Frame, c: FloatArray, mask_uv: FloatArray) -> FloatArray:
    """The groups' weights, (H, W, 3), before `shares` normalises them."""
    if frame.description.refinement.method == "guided":
        return _guided_weights(frame, c, mask_uv)
    if "u_mask" not in frame.pixels:
        return np.zeros_like(c)
    if frame.description.refinement.method == "bilinear":
        return sample_linear(_unit(frame.pixels["u_mask"]), mask_uv)[..., :3]
    reach, sigma = frame.description.refinement.reach, frame.description.refinement.sigma
    assert reach is not None and sigma is not None
    mask, image = _unit(frame.pixels["u_mask"])[..., :3], _unit(frame.pixels["u_image"])[..., :3]
    guide = guide_at_mask_texels(image, mask.shape[:2], np.linalg.inv(frame.mask_from_image))
    return joint_bilateral_weights(mask, guide, c, mask_uv, JointBilateral(reach, sigma))


def _guided_weights(frame: Frame, c: FloatArray, mask_uv: FloatArray) -> FloatArray:
    weights = np.zeros_like(c)
    for index, group in enumerate(GROUP_REGIONS):
        pixels = frame.pixels.get(f"u_coefficients_{group}")
        if pixels is not None:
            a = sample_linear(pixels.astype(np.float64), mask_uv)
            weights[..., index] = (a[..., :3] * c).sum(axis=-1) + a[..., 3]
    return weights


def _unit(pixels: Pixels) -> FloatArray:
    return pixels.astype(np.float64) / 255.0
