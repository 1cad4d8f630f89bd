"""Which mask refinement follows hair and skin edges best, and what it costs.

The masks are the true labels' groups reduced by area to 128², as 8 bits, so that only the refinement is
judged; with `--network` they are the bundled network's own. For every photo the mask is brought back to
full size by each method; measured are

- boundary F: of the refined weight ≥ 0.5 against the true region, precision and recall of boundary
  pixels (Perazzi et al., DAVIS, CVPR 2016, section 4.1), for skin and for hair. The tolerance is one
  pixel: at DAVIS's 0.75 % of the diagonal every method reaches 1.00;
- ΔE2000 in a band of 0.75 % of the diagonal on both sides of the true edge, between the picture styled
  through the refined mask and through the true one: everything but the region gets `rich-contrast`.

    python -m benchmarks.mask_refinement --people DIR                 the methods with their defaults, on eval
    python -m benchmarks.mask_refinement --people DIR --mask-side 32  the same for a mask of 32²
    python -m benchmarks.mask_refinement --people DIR --network       with the network's masks
    python -m benchmarks.mask_refinement --people DIR --tune          the grid of parameters, on train; no figure

With --write: the figures `refinement-128`, `refinement-32` and `refinement-network`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import harness
from edgekit.color.difference import delta_e00
from edgekit.color.interpolation import tetrahedral
from edgekit.color.styles import style_named
from edgekit.segmenter import Segmenter
from edgekit.shader.compose import describe, refinement_named
from edgekit.shader.refine import Guided, JointBilateral, guided_refine, joint_bilateral_refine

MASK_SIDE = 128
TOLERANCE_PX = 1
BAND_OF_DIAGONAL = 0.0075
TUNING_PHOTOS = 60
REGIONS = {"skin": {"Face", "Left-leg", "Right-leg", "Left-arm", "Right-arm"}, "hair": {"Hair"}}

# (picture (H, W, 3) uint8, truth (H, W, 2)) → (h, w, 2) of skin and hair
Masks = Callable[[NDArray[np.uint8], NDArray[np.bool_]], NDArray[np.float32]]
Method = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Score:
    boundary_f: float
    edge_delta_e00: float


def bilinear(mask: NDArray[np.float32], picture: NDArray[np.float32]) -> NDArray[np.float32]:
    size = (picture.shape[1], picture.shape[0])
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR), np.float32)


def guided(epsilon: float) -> Method:
    return lambda mask, picture: guided_refine(mask, picture, Guided(epsilon))


def paper_guided(radius: int, epsilon: float) -> Method:
    """The fast guided filter as published: box windows, and the coefficients averaged once more."""
    side = (2 * radius + 1, 2 * radius + 1)

    def mean(planes: NDArray[np.float64]) -> NDArray[np.float64]:
        flat = planes.reshape(*planes.shape[:2], -1)
        blurred = [cv2.blur(np.ascontiguousarray(flat[..., k]), side) for k in range(flat.shape[2])]
        return np.asarray(np.stack(blurred, axis=-1), np.float64).reshape(planes.shape)

    def refine(mask: NDArray[np.float32], picture: NDArray[np.float32]) -> NDArray[np.float32]:
        reduced = cv2.resize(picture, mask.shape[1::-1], interpolation=cv2.INTER_AREA)
        guide, share = np.asarray(reduced, np.float64), mask.astype(np.float64)
        m, p = mean(guide), mean(share)
        spread = mean(guide[..., :, None] * guide[..., None, :]) - m[..., :, None] * m[..., None, :]
        cross = mean(guide[..., :, None] * share[..., None, :]) - m[..., :, None] * p[..., None, :]
        slope = np.linalg.solve(spread + epsilon * np.eye(3), cross).astype(np.float64)  # (h, w, 3, K)
        offset = p - np.einsum("hwc,hwck->hwk", m, slope)
        size = picture.shape[1::-1]
        a = [cv2.resize(mean(slope[..., k]), size) for k in range(mask.shape[2])]  # (H, W, 3) each
        b = cv2.resize(mean(offset), size)
        refined = np.stack([(a[k] * picture).sum(axis=-1) for k in range(mask.shape[2])], axis=-1) + b
        return refined.astype(np.float32)

    return refine


def joint_bilateral(reach: int, sigma: float) -> Method:
    return lambda mask, picture: joint_bilateral_refine(mask, picture, JointBilateral(reach, sigma))


DEFAULTS: dict[str, Method] = {
    "bilinear": bilinear,
    "joint-bilateral": joint_bilateral_refine,
    "guided": guided_refine,
}
GRID: dict[str, Method] = {
    "bilinear": bilinear,
    **{
        f"joint-bilateral reach {r} sigma {s}": joint_bilateral(r, s)
        for r in (1, 2)
        for s in (0.03, 0.05, 0.07, 0.1, 0.2)
    },
    **{f"guided as published, radius {r}": paper_guided(r, 1e-4) for r in (1, 2, 4)},
    **{f"guided epsilon {e:g}": guided(e) for e in (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 1e-2)},
}


def main() -> None:
    """Score the methods, and publish the figure."""
    parser = harness.parser(__doc__)
    parser.add_argument("--people", type=Path, required=True, help="folder with train/ and eval/")
    parser.add_argument("--tune", action="store_true", help="the grid of parameters, on train")
    parser.add_argument("--mask-side", type=int, default=MASK_SIDE, help="side of the reduced mask")
    parser.add_argument("--network", action="store_true", help="masks by the bundled network")
    parser.add_argument("--photos", type=int, help="at most this many photos")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    photos = photos_of(arguments.people / ("train" if arguments.tune else "eval"), arguments.tune)
    photos = photos[: arguments.photos]
    names = json.loads((arguments.people / "classes.json").read_text())
    methods = GRID if arguments.tune else DEFAULTS
    masks = network_masks() if arguments.network else true_masks(arguments.mask_side)
    body = report(methods, photos, names, masks)
    made_with = harness.machine("numpy", "opencv-python-headless", threads=1)
    side = MASK_SIDE if arguments.network else arguments.mask_side
    n = f"N = {len(photos)} photos, mask {side}×{side}; mean [95 % interval over photos]"
    if arguments.tune:
        print(body)
    else:
        figure = "network" if arguments.network else str(arguments.mask_side)
        harness.publish(arguments, f"refinement-{figure}", n, made_with, body)


def true_masks(side: int) -> Masks:
    """The true regions reduced by area, in 8 bits."""

    def masks(picture: NDArray[np.uint8], truth: NDArray[np.bool_]) -> NDArray[np.float32]:
        small = cv2.resize(truth.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
        return np.asarray(np.round(small * 255) / 255, np.float32)

    return masks


def network_masks() -> Masks:
    """Skin and hair as the bundled network finds them."""
    segment = Segmenter().groups
    return lambda picture, truth: np.ascontiguousarray(segment(picture)[..., :2], np.float32)


def photos_of(folder: Path, tuning: bool) -> list[Path]:
    photos = sorted((folder / "images").iterdir())
    return photos[:: max(1, len(photos) // TUNING_PHOTOS)] if tuning else photos


def report(methods: dict[str, Method], photos: list[Path], names: list[str], masks: Masks) -> str:
    """Score every method on every photo; the table."""
    scores: dict[str, dict[str, list[Score]]] = {name: {region: [] for region in REGIONS} for name in methods}
    ms_per_mp: dict[str, list[float]] = {name: [] for name in methods}
    for path in photos:
        picture = np.asarray(Image.open(path).convert("RGB"))
        labels = np.asarray(Image.open(path.parent.parent / "labels" / f"{path.stem}.png"))
        truth = np.stack([np.isin(labels, [names.index(n) for n in REGIONS[r]]) for r in REGIONS], axis=-1)
        mask = masks(picture, truth)
        score_photo(methods, picture.astype(np.float32) / np.float32(255), truth, mask, scores, ms_per_mp)
    rows = []
    for name in methods:
        cells = [interval([s.boundary_f for s in scores[name][r]]) for r in REGIONS]
        cells += [interval([s.edge_delta_e00 for s in scores[name][r]]) for r in REGIONS]
        rows.append((name, fetches_of(name), *cells, f"{np.median(ms_per_mp[name]):.0f}"))
    columns = (
        "refinement", "fetches", "F skin", "F hair", "ΔE2000 skin edge", "ΔE2000 hair edge", "CPU ms/MP",
    )  # fmt: skip
    return harness.table(columns, rows)


def score_photo(
    methods: dict[str, Method],
    picture: NDArray[np.float32],
    truth: NDArray[np.bool_],
    mask: NDArray[np.float32],
    scores: dict[str, dict[str, list[Score]]],
    ms_per_mp: dict[str, list[float]],
) -> None:
    lut = style_named("rich-contrast").luts()["background"]
    styled = tetrahedral(lut.table, picture)
    for name, method in methods.items():
        start = time.perf_counter()
        refined = np.clip(method(mask, picture), 0.0, 1.0)
        ms_per_mp[name].append((time.perf_counter() - start) * 1e9 / (picture.shape[0] * picture.shape[1]))
        for k, region in enumerate(REGIONS):
            if truth[..., k].sum() >= 100:  # smaller regions have no edge to speak of
                scores[name][region].append(score(picture, styled, truth[..., k], refined[..., k]))


def score(
    picture: NDArray[np.float32],
    styled: NDArray[np.float64],
    truth: NDArray[np.bool_],
    weight: NDArray[np.float32],
) -> Score:
    edge, found = boundary(truth), boundary(weight >= 0.5)
    near_edge, near_found = grown(edge, TOLERANCE_PX), grown(found, TOLERANCE_PX)
    precision = near_edge[found > 0].mean() if found.any() else 0.0
    recall = near_found[edge > 0].mean() if edge.any() else 0.0
    f = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    band = grown(edge, max(1, round(BAND_OF_DIAGONAL * float(np.hypot(*truth.shape)))))
    shares = (weight[band][:, None], truth[band][:, None])
    a, b = (picture[band] * share + styled[band] * (1 - share) for share in shares)
    return Score(float(f), float(delta_e00(a, b).mean()))


def grown(edge: NDArray[np.uint8], pixels: int) -> NDArray[np.bool_]:
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return np.asarray(cv2.dilate(edge, disk) > 0)


def boundary(region: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """(H, W) 1 on the region's pixels that touch another."""
    inside = region.astype(np.uint8)
    inner = cv2.erode(inside, np.ones((3, 3), np.uint8), borderValue=1)
    return inside - np.asarray(inner, np.uint8)


def interval(values: list[float]) -> str:
    """Mean and its 95 % bootstrap interval over photos."""
    random = np.random.default_rng(0)
    sample = np.asarray(values)
    means = random.choice(sample, (1000, len(sample))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{sample.mean():.3f} [{low:.3f}, {high:.3f}]"


def fetches_of(name: str) -> str:
    """Texture fetches of the fused trilinear pass with one table for everything and one for skin; defaults only."""
    if name not in DEFAULTS:
        return "–"
    description = describe(
        style="rich-contrast", interpolation="trilinear", refinement=refinement_named(name)
    )
    return str(description.dialects[0].fetches)


if __name__ == "__main__":
    main()
