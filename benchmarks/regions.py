"""How well `lut fit --regions` finds synthetic effects again, whose tables and regions are known.

    python -m benchmarks.regions --images DIR --labels DIR [--photos 24] [--write]

Photos are edited by each effect with their true labels as masks; tables are fitted with the parser's masks to three of
four photos and measured on the others, which the fit does not see. `true tables` draws the effect's own tables with the
parser's masks: what the masks' errors leave. The effects are made of presets and named after those of the literature
(Yan et al., ACM TOG 2016); they are not its photos. Publishes the figure `regions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import harness
from benchmarks.photo_adjustment import mean_l2
from edgekit.color.controls import NO_CONTROLS
from edgekit.color.engine import styled_pixels
from edgekit.color.fit_regions import Pair, fit_regions
from edgekit.color.layers import Layer, Look
from edgekit.color.sheets import mask_at, reduced
from edgekit.color.styles import STYLES
from edgekit.console import quiet_libraries, track
from edgekit.images import images_in, read_image, read_labels
from edgekit.segmenter import Segmenter
from edgekit.weights import Checkpoint, load_checkpoint

COLUMNS = (
    "effect",
    "regions found",
    "input",
    "one table",
    "one table a group",
    "regions",
    "true tables",
    "regions / one table",
    "regions / true tables",
)
SIDE = 512
EVERY = 4  # photo is tested on


@dataclass(frozen=True)
class Effect:
    """Presets by the groups that they are for."""

    name: str
    presets: Mapping[tuple[str, ...], str]

    @property
    def look(self) -> Look:
        tables = {name: STYLES[name].luts()["background"] for name in self.presets.values()}
        return Look(tuple(Layer(groups, tables[name]) for groups, name in self.presets.items()))


EFFECTS = (
    Effect("foreground pop-out", {("skin", "hair", "clothes"): "vibrant", ("background",): "muted-bw"}),
    Effect(
        "local cross-process", {("skin", "hair"): "natural", ("clothes",): "cool", ("background",): "cozy"}
    ),
    Effect(
        "watercolour, without its brush",
        {("skin",): "natural", ("hair", "clothes", "background"): "ethereal"},
    ),
)


@dataclass(frozen=True)
class LabelledPhoto:
    """A photo (h, w, 3) with the parser's mask and the labels', both (h, w, 3) of skin, hair and clothes."""

    pixels: NDArray[np.uint8]
    predicted: NDArray[np.float32]
    true: NDArray[np.float32]


def main() -> None:
    """Fit every effect, and publish the figure."""
    parser = harness.parser(__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=24)
    options = parser.parse_args()
    with quiet_libraries():
        photos = labelled(options.images, options.labels, options.photos, load_checkpoint())
    rows = [row(effect, photos) for effect in EFFECTS]
    n = f"{len(photos)} photos, mean CIELAB L2 on every fourth, which the fit was not given"
    harness.publish(options, "regions", n, harness.machine("numpy", "scipy"), harness.table(COLUMNS, rows))


def labelled(images: Path, labels: Path, count: int, checkpoint: Checkpoint) -> list[LabelledPhoto]:
    """Photos spread evenly through a folder."""
    chosen, segmenter = harness.evenly(images_in(images), count), Segmenter(checkpoint)
    found = []
    for path in track(chosen, len(chosen), "finding regions"):
        photo = read_image(path)
        truth = read_labels(labels / f"{path.stem}.png", len(checkpoint.class_names))
        groups = [np.isin(truth, members) for _, members in checkpoint.groups.items()]
        small = np.asarray(reduced(photo, SIDE), np.uint8)
        shape = (small.shape[0], small.shape[1])
        true = mask_at(np.stack(groups, axis=-1).astype(np.float32), shape)
        found.append(LabelledPhoto(small, mask_at(segmenter.groups(photo), shape), true))
    return found


def row(effect: Effect, photos: Sequence[LabelledPhoto]) -> tuple[str, ...]:
    """The effect's distances, as cells."""
    edited = [styled_pixels(photo.pixels, effect.look, NO_CONTROLS, photo.true) for photo in photos]
    pairs = [
        Pair(photo.pixels, np.asarray(after, np.uint8), photo.predicted)
        for photo, after in zip(photos, edited, strict=True)
    ]
    testing = pairs[EVERY - 1 :: EVERY]
    found = fit_regions([pair for pair in pairs if pair not in testing], len(effect.presets))
    fitted = [mean_l2(testing, found.layers[name]) for name in ("one table", "one table a group", "regions")]
    truth = mean_l2(testing, effect.look.layers)
    return (
        effect.name,
        "; ".join(", ".join(groups) for groups in found.regions),
        f"{mean_l2(testing, None):.2f}",
        *(f"{distance:.2f}" for distance in fitted),
        f"{truth:.2f}",
        f"{fitted[-1] / fitted[0]:.2f}",
        f"{fitted[-1] / truth:.2f}",
    )


if __name__ == "__main__":
    main()
