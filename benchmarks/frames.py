"""How photos of several shapes should lie in an input that is no square: stretched, or letterboxed with some padding.

    python -m benchmarks.frames DATA [--sets people faces portraits] [--photos 40] [--size 512x384] [--write]

Every photo is cut, around its middle, to each of several aspect ratios, and its groups' mask is judged against its
labels, upsampled as an app does. An IoU is pooled over the photos of a set, and the mean over the sets whose labels
tell the group. Photos are of the sets' `train` folders; `--split eval` is for the last word on a choice that was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import harness
from edgekit.color.engine import upsampled_rows
from edgekit.console import quiet_libraries, track
from edgekit.images import (
    Fit,
    Folder,
    InputSize,
    Picture,
    fit_of,
    images_in,
    labels_beside,
    letterboxed,
    stretch,
    stretched,
)
from edgekit.model.outputs import GroupWeights, mask_of, mask_shape_of
from edgekit.model.prepared import PreparedSegmenter
from edgekit.parity.picture import heaviest
from edgekit.scores.groups import GroupCounts, judged_groups
from edgekit.scores.runners import network_input
from edgekit.scores.scheme import Scheme, scheme_of
from edgekit.weights import GROUP_NAMES, Checkpoint, load_checkpoint

Image = NDArray[np.uint8]  # (H, W, 3) sRGB
ASPECTS = {"9:16": 9 / 16, "3:4": 3 / 4, "1:1": 1.0, "4:3": 4 / 3, "16:9": 16 / 9}  # width : height
SQUARE = InputSize(512, 512)
GREY = 114  # YOLO's padding (arXiv 2107.08430)


@dataclass(frozen=True)
class Way:
    """A size of the input, a photo's place in it, and what fills the rest."""

    size: InputSize
    fit: Callable[[tuple[int, ...]], Fit]
    pad: Callable[[Image, Fit], Image]


@dataclass
class Scores:
    """Pixels of every group, by aspect ratio and way, of one folder."""

    scheme: Scheme
    groups: Mapping[str, Sequence[int]]
    counts: dict[tuple[str, str], GroupCounts] = field(default_factory=dict)

    def of(self, aspect: str, way: str) -> GroupCounts:
        return self.counts.setdefault((aspect, way), GroupCounts(self.scheme, self.groups))


def main() -> None:
    """Judge every way on every folder, and publish the figure."""
    parser = harness.parser(__doc__)
    parser.add_argument("data", type=Path, help="a folder of sets, SET/train/images and SET/train/labels")
    parser.add_argument("--sets", nargs="+", default=["people", "faces", "portraits"])
    parser.add_argument("--split", choices=("train", "eval"), default="train")
    parser.add_argument("--photos", type=int, default=40, help="of each set, evenly spread")
    parser.add_argument("--size", type=InputSize.of, default=InputSize(512, 384))
    parser.add_argument("--weights", help="a checkpoint's folder (default: the bundled one)")
    options = parser.parse_args()
    with quiet_libraries():
        checkpoint = load_checkpoint(options.weights)
    folders = [options.data / name / options.split for name in options.sets]
    scores = [judged(checkpoint, folder, options.photos, options.size) for folder in folders]
    n = f"{options.photos} photos of each of {', '.join(options.sets)}; input {options.size}"
    figure = "frames" if options.split == "train" else "frames-eval"
    harness.publish(options, figure, n, harness.machine("torch"), table(scores, options.size))


def ways(size: InputSize) -> dict[str, Way]:
    """Name to way: a square beside the frame, stretched, and letterboxed with three kinds of padding."""
    letterbox = partial(letterboxed, size=size)
    return {
        f"square {SQUARE}, stretched": Way(SQUARE, lambda _: stretched(SQUARE), by_colour(0)),
        "stretched": Way(size, lambda _: stretched(size), by_colour(0)),
        "letterboxed, black": Way(size, letterbox, by_colour(0)),
        "letterboxed, grey": Way(size, letterbox, by_colour(GREY)),
        "letterboxed, edge repeated": Way(size, letterbox, by_edge),
    }


def by_colour(level: int) -> Callable[[Image, Fit], Image]:
    """Fills what the photo leaves empty with a grey of this level."""

    def pad(image: Image, fit: Fit) -> Image:
        whole = np.full((*fit.size.shape, 3), level, np.uint8)
        whole[: fit.height, : fit.width] = image
        return whole

    return pad


def by_edge(image: Image, fit: Fit) -> Image:
    """Fills what the photo leaves empty with its last row or column."""
    empty = ((0, fit.size.height - fit.height), (0, fit.size.width - fit.width), (0, 0))
    return np.pad(image, empty, mode="edge")


def judged(checkpoint: Checkpoint, folder: Path, photos: int, size: InputSize) -> Scores:
    """Every way on some photos of a folder."""
    images, labels = folder / "images", folder / "labels"
    scheme = scheme_of(labels, checkpoint.class_names)
    known = scheme or Scheme.of_classes(checkpoint.class_names)
    scores = Scores(known, judged_groups(checkpoint.groups, len(checkpoint.class_names)))
    paths = sorted(labels_beside(images_in(images), labels))
    names = {path.name for path in paths[:: max(1, len(paths) // photos)][:photos]}
    reader = Folder(images, labels, len(checkpoint.class_names), None if scheme is None else scheme.sets)
    graph = PreparedSegmenter(checkpoint)
    for picture in track(reader.pictures(names), len(names), str(folder)):
        for aspect, cut in cuts(picture):
            assert cut.labels is not None
            found: dict[object, dict[str, NDArray[np.bool_]]] = {}
            for name, way in ways(size).items():
                fit = way.fit(cut.labels.shape)
                same = fit if fit.is_stretched else name  # without padding, every way to pad is the same
                if same not in found:
                    found[same] = group_masks(cut, way, checkpoint, graph)
                counts = scores.of(aspect, name)
                told = {group: mask for group, mask in found[same].items() if group in counts.told}
                counts.add_masks(cut.name, cut.labels, told)
    return scores


def cuts(picture: Picture) -> Iterator[tuple[str, Picture]]:
    """The picture, with its labels, cut to each aspect ratio: the largest part around the middle."""
    height, width = picture.image.shape[:2]
    for name, aspect in ASPECTS.items():
        rows, columns = min(height, round(width / aspect)), min(width, round(height * aspect))
        top, left = (height - rows) // 2, (width - columns) // 2
        part = (slice(top, top + rows), slice(left, left + columns))
        assert picture.labels is not None
        yield name, Picture(picture.name, np.ascontiguousarray(picture.image[part]), picture.labels[part])


def group_masks(
    picture: Picture, way: Way, checkpoint: Checkpoint, graph: PreparedSegmenter
) -> dict[str, NDArray[np.bool_]]:
    """Group to the pixels (H, W) where it is heaviest in the mask that an app gets, and the person's."""
    height, width = picture.image.shape[:2]
    fit = way.fit((height, width))
    image = way.pad(stretch(picture.image, fit.height, fit.width), fit)
    head = GroupWeights(checkpoint.groups, len(checkpoint.class_names), mask_shape_of(way.size), rgba=False)
    with torch.inference_mode():
        mask = fit.shown(mask_of(head(graph(network_input(image)))))
    group = heaviest(upsampled_rows(mask, (height, width), slice(0, height)))
    return {name: group == i for i, name in enumerate(GROUP_NAMES)} | {"person": group < len(GROUP_NAMES)}


def table(scores: Sequence[Scores], size: InputSize) -> str:
    """A row per aspect ratio; in a cell, the IoUs of skin, hair, clothes and person."""
    names = list(ways(size))
    rows = []
    for aspect, value in ASPECTS.items():
        fit = fit_of((round(1000 / value), 1000), size)
        change = max(value / size.aspect, size.aspect / value)
        cells = (
            " / ".join(harness.number(iou, ".3f") for iou in ious(scores, aspect, name)) for name in names
        )
        rows.append((aspect, f"{change:.2f}", "stretched" if fit.is_stretched else "letterboxed", *cells))
    heads = ("photo", "change of aspect ratio", "edgekit's fit", *names)
    return "IoU of skin / hair / clothes / person:\n\n" + harness.table(heads, rows)


def ious(scores: Sequence[Scores], aspect: str, way: str) -> Iterator[float | None]:
    """The mean IoU over the folders that tell it, of each group in order; None where no folder does."""
    for group in (*GROUP_NAMES, "person"):
        found = [
            iou
            for each in scores
            if group in each.of(aspect, way).told and (iou := each.of(aspect, way).iou(group)) is not None
        ]
        yield float(np.mean(found)) if found else None


if __name__ == "__main__":
    main()
