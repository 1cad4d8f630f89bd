"""Mask refinement: what each method keeps, and that it follows an edge that the mask only hints at."""

import cv2
import numpy as np
import pytest

from edgekit.errors import UnknownName
from edgekit.shader.backends.cases import guide_of, image, mask_weights
from edgekit.shader.modes import REFINEMENTS
from edgekit.shader.refine import (
    REFINES,
    guided_coefficients,
    guided_refine,
    joint_bilateral_refine,
    refine_named,
)

EDGE_COLUMN = 45  # inside a mask texel: 96 columns, 12 texels


def slanted_scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A picture of two flat colours with a slanted edge, its true region, and the region reduced by 8."""
    y, x = np.mgrid[0:64, 0:96]
    region = x < EDGE_COLUMN + y / 7
    picture = np.where(region[..., None], (0.8, 0.6, 0.5), (0.2, 0.3, 0.45)).astype(np.float32)
    small = cv2.resize(region.astype(np.float32), (12, 8), interpolation=cv2.INTER_AREA)
    return picture, region, np.repeat(small[..., None], 3, axis=-1)


def bilinear(mask: np.ndarray, picture: np.ndarray) -> np.ndarray:
    return cv2.resize(mask, (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_LINEAR)


@pytest.mark.parametrize("refine", [guided_refine, joint_bilateral_refine])
def test_edges_are_followed_better_than_by_bilinear(refine) -> None:
    picture, region, mask = slanted_scene()
    plain = np.abs(bilinear(mask, picture)[..., 0] - region).mean()
    refined = np.abs(np.clip(refine(mask, picture)[..., 0], 0, 1) - region).mean()
    assert refined < 0.5 * plain


@pytest.mark.parametrize("refine", [guided_refine, joint_bilateral_refine])
def test_a_flat_mask_stays_flat(refine) -> None:
    picture = image()[..., :3].astype(np.float32) / 255
    mask = np.full((17, 23, 3), (0.25, 0.5, 0.125), np.float32)
    assert np.abs(refine(mask, picture) - mask[0, 0]).max() < 1e-3


def test_guided_coefficients_reproduce_a_linear_mask() -> None:
    """A weight that is a linear function of the colour comes back exactly, but for the damping."""
    guide = np.random.default_rng(3).random((9, 14, 3))
    weights = (guide @ np.array([0.5, 0.2, 0.1]) + 0.1)[..., None]
    a = guided_coefficients(weights, guide)[0]
    again = (a[..., :3] * guide).sum(axis=-1) + a[..., 3]
    assert np.abs(again - weights[..., 0]).max() < 5e-3


def test_bands_are_seamless() -> None:
    """A picture taller than a band equals the same rows of a taller one's refinement."""
    tall = np.tile(image()[..., :3], (5, 1, 1)).astype(np.float32) / 255  # 305 rows, three bands
    mask = np.random.default_rng(1).random((40, 23, 3)).astype(np.float32) / 3
    guide = cv2.resize(tall, (23, 40), interpolation=cv2.INTER_AREA)
    coefficients = guided_coefficients(mask, guide).astype(np.float32)
    size = (tall.shape[1], tall.shape[0])
    whole = [cv2.resize(planes, size, interpolation=cv2.INTER_LINEAR) for planes in coefficients]
    expected = np.stack([(a[..., :3] * tall).sum(axis=-1) + a[..., 3] for a in whole], axis=-1)
    assert np.abs(guided_refine(mask, tall) - expected).max() < 2e-3


def test_the_segmenter_side_gives_the_same_coefficients() -> None:
    torch = pytest.importorskip("torch")
    from edgekit.shader.guided_head import GuidedCoefficients

    weights, guide = mask_weights(), guide_of(image())
    given = [torch.tensor(a.transpose(2, 0, 1)[None], dtype=torch.float32) for a in (weights, guide)]
    head = GuidedCoefficients()(*given)[0].numpy()
    expected = guided_coefficients(weights, guide)
    refined = [(a[..., :3] * guide).sum(axis=-1) + a[..., 3] for a in (head, expected)]
    assert head.shape == expected.shape == (3, 17, 23, 4)
    assert np.abs(refined[0] - refined[1]).max() < 1e-4
    assert np.abs(head - expected).max() < 1e-2


def test_names() -> None:
    assert tuple(REFINES) == REFINEMENTS
    assert refine_named("bilinear") is None
    with pytest.raises(UnknownName, match="guided"):
        refine_named("gided")
