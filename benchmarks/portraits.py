"""Label maps of portraits side by side, and how much of skin, hair and clothes is right in them.

    python -m benchmarks.portraits --photos DIR [--out FILE.png] [--with-photos] [--write] [NAME=WEIGHTS …]

Draws one row per checkpoint and one column per photo, the bundled astronaut first. The label maps alone may be
published; `--with-photos` lays them over the photos, for looking at them locally.

Photos that have outlines in `portrait_outlines.json` are scored too: the share of pixels in the right group, and
the groups' IoU over all of them together. The outlines were drawn by hand and by eye, so pixels near one do not
count, nor do those marked unknown. Six photos, looked at while the training was designed: they tell whether a
portrait is right, not how well unseen ones will do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import maximum_filter, minimum_filter

from benchmarks import harness
from edgekit.console import quiet_libraries, say
from edgekit.images import Folder, Picture, astronaut
from edgekit.overlay import overlay, palette
from edgekit.scores.metrics import IGNORE, Confusion
from edgekit.scores.runners import predictions, reference_runner
from edgekit.weights import Checkpoint, Groups, load_checkpoint

HEIGHT_PX = 240  # of one row
GAP = ((0, 4), (0, 4), (0, 0))  # white pixels below and beside each map
OUTLINES = Path(__file__).with_name("portrait_outlines.json")
GROUPS = ("background", "skin", "hair", "clothes")
NEAR_PX = 6  # of 512: about as well as the outlines are drawn

Outline = Mapping[str, object]  # {"group": str, "outline": [[x, y] in % of the photo's width and height, …]}


def main() -> None:
    """Draw the label maps, score them, and publish the figure `portraits`."""
    parser = harness.parser(__doc__)
    parser.add_argument("weights", nargs="*", help="NAME=FOLDER (default: the bundled checkpoint)")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/images/portraits.png"))
    parser.add_argument("--with-photos", action="store_true")
    options = parser.parse_args()
    given = [name.rpartition("=") for name in options.weights] or [("bundled", "", "")]
    with quiet_libraries():
        checkpoints = [load_checkpoint(folder or None) for _, _, folder in given]
    pictures = [astronaut(), *Folder(options.photos, None, len(checkpoints[0].class_names))]
    found = [labels_by(checkpoint, pictures) for checkpoint in checkpoints]
    rows = []
    for checkpoint, maps in zip(checkpoints, found, strict=True):
        cells = (
            drawn(checkpoint, p, labels, options.with_photos)
            for p, labels in zip(pictures, maps, strict=True)
        )
        rows.append(np.concatenate([np.pad(cell, GAP, constant_values=255) for cell in cells], axis=1))
    Image.fromarray(np.concatenate(rows)).save(options.out, optimize=True)
    say(f"{options.out}: {', '.join(p.name for p in pictures)}")
    body = table([name or folder for name, _, folder in given], checkpoints, pictures, found)
    made_with = harness.machine("torch", "transformers")
    harness.publish(options, "portraits", f"{len(pictures)} photos at 512²", made_with, body)


def labels_by(checkpoint: Checkpoint, pictures: Sequence[Picture]) -> list[NDArray[np.uint8]]:
    """(size, size) labels of every stretched photo."""
    found = predictions({"reference": reference_runner(checkpoint)}, pictures)
    return [prediction["reference"].input_labels for _, prediction in found]


def drawn(
    checkpoint: Checkpoint, picture: Picture, labels: NDArray[np.uint8], with_photo: bool
) -> NDArray[np.uint8]:
    """(HEIGHT_PX, w, 3): the labels, in the photo's own shape."""
    height, width = picture.image.shape[:2]
    side = len(labels)
    if with_photo:
        legend_beside = overlay(picture.at(side), labels, checkpoint.class_names)
        picture_of = legend_beside.crop((0, 0, side, side))  # without the legend, which would be squeezed
    else:
        picture_of = Image.fromarray(palette(len(checkpoint.class_names))[labels])
    small = picture_of.convert("RGB").resize((round(HEIGHT_PX * width / height), HEIGHT_PX))
    return np.asarray(small, np.uint8)


def table(
    names: Sequence[str],
    checkpoints: Sequence[Checkpoint],
    pictures: Sequence[Picture],
    found: Sequence[Sequence[NDArray[np.uint8]]],
) -> str:
    """One column per checkpoint: the share of right pixels by photo, and the groups' IoU in all photos."""
    outlines = json.loads(OUTLINES.read_text(encoding="utf-8"))
    truths = [
        (i, picture.name, truth(outlines[picture.name], len(found[0][i])))
        for i, picture in enumerate(pictures)
        if picture.name in outlines
    ]
    columns: list[list[float]] = []
    for checkpoint, column in zip(checkpoints, found, strict=True):
        total, shares = Confusion(len(GROUPS)), []
        for i, _, marked in truths:
            one = Confusion(len(GROUPS))
            one.add(marked, grouped(column[i], checkpoint.groups))
            total.counts += one.counts
            shares.append(one.overall_accuracy)
        columns.append([*shares, total.overall_accuracy, *total.per_class_iou])
    rows = [name for _, name, _ in truths] + [f"all {len(truths)}"] + [f"IoU, {group}" for group in GROUPS]
    cells = ([f"{value:.3f}" for value in values] for values in zip(*columns, strict=True))
    return harness.table(
        ("pixels in the right group", *names), [(r, *c) for r, c in zip(rows, cells, strict=True)]
    )


def grouped(labels: NDArray[np.uint8], groups: Groups) -> NDArray[np.uint8]:
    """(H, W) classes to indices of GROUPS."""
    out = np.zeros_like(labels)
    for name, members in groups.items():
        out[np.isin(labels, members)] = GROUPS.index(name)
    return out


def truth(outlines: Sequence[Outline], side: int) -> NDArray[np.uint8]:
    """(side, side) indices of GROUPS, the later outlines over the earlier; IGNORE near them and where unknown."""
    mask = Image.new("L", (side, side))
    draw = ImageDraw.Draw(mask)
    for entry in outlines:
        group, points = entry["group"], entry["outline"]
        assert isinstance(points, list)
        fill = IGNORE if group == "unknown" else GROUPS.index(str(group))
        draw.polygon([(x * side / 100, y * side / 100) for x, y in points], fill=fill)
    marked = np.asarray(mask, np.uint8)
    window = 2 * NEAR_PX * side // 512 + 1
    near = maximum_filter(marked, window) != minimum_filter(marked, window)
    return np.where(near, IGNORE, marked).astype(np.uint8)


if __name__ == "__main__":
    main()
