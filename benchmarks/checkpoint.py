"""Accuracy of checkpoints on labelled photos, side by side: whole photos, half-body and head-and-shoulders.

    python -m benchmarks.checkpoint --images DIR --labels DIR [--json FILE] [--write] [NAME=WEIGHTS …]

Publishes three figures of the model card: `accuracy`, `strata` and `classes`.

Every frame is stretched to the network's input, the logits are resized to the frame's own pixels, and
every labelled pixel counts. The closer frames are cut around the labelled person by the rules of
`edgekit.training.framing`, so they are the same for every checkpoint. Intervals are 95 % bootstraps over
photos.

mIoU is the usual mean over the classes that are labelled or predicted anywhere: a few pixels of a shoe
predicted in portraits without feet count as a class with IoU 0. "Common mIoU" beside it is the mean over
the classes that make up at least 0.05 % of the frame's labelled pixels, so frames can be compared.

Strata of the whole photos: thirds by mean L* of the photo, and skin tone by the individual typology angle
of the labelled skin's median colour (Chardon et al., Int. J. Cosmet. Sci. 1991). A photo's light moves the
angle as skin does, and the groups are small: read them as a warning light, not as a fairness study.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.color import rgb2lab

from benchmarks import harness
from benchmarks.models import planar
from edgekit import console
from edgekit.files import write_json
from edgekit.images import Folder, Picture, stretch
from edgekit.model.reference import ReferenceSegmenter
from edgekit.scores.metrics import Confusion, labels_from_logits
from edgekit.scores.resamples import Resamples, draws, share
from edgekit.scores.strata import ita_deg
from edgekit.training.framing import FIXED_FRAMES, head_classes, subject_of
from edgekit.weights import Checkpoint, load_checkpoint

LIGHT_ITA, DARK_ITA = 41.0, 10.0  # Chardon's very light and light above, brown and dark below
SKIN_MIN_PX = 100  # a median of fewer pixels is one of edges and noise
STRATA = (
    "darkest third", "middle third", "brightest third",
    "skin light (ITA > 41°)", "skin intermediate or tan (10–41°)", "skin brown or dark (< 10°)",
)  # fmt: skip


@dataclass(frozen=True)
class Scored:
    """One photo in one frame: (classes, classes) counts of true against predicted class."""

    name: str
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class Light:
    """What decides a photo's strata: mean L* and, where enough skin is labelled, its ITA in degrees."""

    lightness: float
    ita_degrees: float | None


@dataclass(frozen=True)
class Figures:
    """Pooled over n photos; shares in [0, 1], None where nothing of the kind occurs."""

    n: int
    miou: float | None
    common_miou: float | None
    mean_accuracy: float | None
    overall_accuracy: float | None
    person_iou: float | None
    skin_iou: float | None
    skin_iou_ci95: tuple[float, float] | None
    per_class: Mapping[str, float | None]


@dataclass(frozen=True)
class Evaluated:
    """One checkpoint's figures by frame, and of the whole photos by stratum."""

    name: str
    weights_sha256: str
    frames: Mapping[str, Figures]
    strata: Mapping[str, Figures]


def main() -> None:
    """Evaluate the checkpoints named, publish the figures, and write JSON where asked."""
    parser = harness.parser(__doc__)
    parser.add_argument("weights", nargs="*", help="NAME=FOLDER or FOLDER (default: the bundled checkpoint)")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=None, help="at most this many labelled photos")
    parser.add_argument("--json", type=Path, default=None, help="write the figures here too")
    options = parser.parse_args()
    results = []
    for given in options.weights or ["bundled="]:
        name, _, folder = given.rpartition("=")
        checkpoint = load_checkpoint(folder or None)
        pictures = Folder(options.images, options.labels, len(checkpoint.class_names))
        chosen = list(islice(pictures, options.photos))
        results.append(evaluate(checkpoint, chosen, name or checkpoint.name))
        for skipped in pictures.skipped:
            console.say(f"left out: {skipped.name} {skipped.reason}")
    made_with = harness.machine("torch", "transformers")
    n = f"{len(chosen)} labelled photos"
    for figure, body in (
        ("accuracy", accuracy_table(results)),
        ("strata", strata_table(results)),
        ("classes", class_table(results)),
    ):
        harness.publish(options, figure, n, made_with, body)
    if options.json is not None:
        models = [asdict(result) for result in results]
        write_json(options.json, {"machine": made_with, "models": models}, replace=True)


def evaluate(checkpoint: Checkpoint, pictures: Sequence[Picture], name: str) -> Evaluated:
    """A checkpoint's figures on labelled pictures."""
    model = ReferenceSegmenter(checkpoint)
    scored: dict[str, list[Scored]] = {frame: [] for frame in FIXED_FRAMES}
    for picture in console.track(pictures, len(pictures), name):
        for frame, counts in _scored(model, checkpoint, picture):
            scored[frame].append(Scored(picture.name, counts))
    lights = {picture.name: light_of(picture, checkpoint.groups.skin) for picture in pictures}
    names = {stratum: members(stratum, lights) for stratum in STRATA}
    return Evaluated(
        name,
        checkpoint.sha256,
        {frame: figures(checkpoint, photos) for frame, photos in scored.items()},
        {
            stratum: figures(checkpoint, [photo for photo in scored["whole"] if photo.name in chosen])
            for stratum, chosen in names.items()
        },
    )


def _scored(
    model: ReferenceSegmenter, checkpoint: Checkpoint, picture: Picture
) -> Iterable[tuple[str, NDArray[np.int64]]]:
    """Counts of one picture in every frame; none without a labelled person to frame."""
    assert picture.labels is not None  # Folder was given labels
    subject = subject_of(picture.labels, head_classes(checkpoint.class_names))
    if subject is None:
        return
    for frame, cut in FIXED_FRAMES.items():
        place = cut(picture.labels, subject)
        truth = place.of(picture.labels)
        image = stretch(np.ascontiguousarray(place.of(picture.image)), checkpoint.size_default)
        confusion = Confusion(len(checkpoint.class_names))
        confusion.add(truth, labels_from_logits(_logits(model, image), truth.shape))
        yield frame, confusion.counts


def _logits(model: ReferenceSegmenter, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(size, size, 3) uint8 RGB to (classes, h, w)."""
    with torch.inference_mode():
        values: NDArray[np.float32] = model(planar(image))[0].numpy()
    return values


def figures(checkpoint: Checkpoint, photos: Sequence[Scored]) -> Figures:
    """The figures of photos pooled, the interval from resamples of them."""
    classes = len(checkpoint.class_names)
    whole, skin = Confusion(classes), Resamples(2)
    for photo in photos:
        single = Confusion(classes, photo.counts)
        whole += single
        skin.add(draws(photo.name), np.array(single.union_counts(checkpoint.groups.skin)))
    per_class = zip(checkpoint.class_names, whole.per_class_iou, strict=True)
    return Figures(
        n=len(photos),
        miou=_number(whole.miou),
        common_miou=_number(whole.common_miou),
        mean_accuracy=_number(whole.mean_accuracy),
        overall_accuracy=_number(whole.overall_accuracy),
        person_iou=_number(whole.union_iou(range(1, classes))),
        skin_iou=_number(whole.union_iou(checkpoint.groups.skin)),
        skin_iou_ci95=skin.interval(share),
        per_class={name: _number(float(value)) for name, value in per_class},
    )


def light_of(picture: Picture, skin: Sequence[int]) -> Light:
    """Mean L* of the photo, and the ITA of its labelled skin's median colour."""
    assert picture.labels is not None  # Folder was given labels
    lightness = float(rgb2lab(picture.image)[..., 0].mean())
    chosen = picture.image[np.isin(picture.labels, skin)]
    return Light(lightness, ita_deg(chosen) if len(chosen) >= SKIN_MIN_PX else None)


def members(stratum: str, lights: Mapping[str, Light]) -> set[str]:
    """Names of the photos in one of STRATA."""
    order = sorted(lights, key=lambda name: lights[name].lightness)
    third = -(-len(order) // 3)
    chosen: Mapping[str, Callable[[str], bool]] = {
        "darkest third": order[:third].__contains__,
        "middle third": order[third : 2 * third].__contains__,
        "brightest third": order[2 * third :].__contains__,
        "skin light (ITA > 41°)": lambda name: _ita_within(lights[name], LIGHT_ITA, math.inf),
        "skin intermediate or tan (10–41°)": lambda name: _ita_within(lights[name], DARK_ITA, LIGHT_ITA),
        "skin brown or dark (< 10°)": lambda name: _ita_within(lights[name], -math.inf, DARK_ITA),
    }
    return {name for name in lights if chosen[stratum](name)}


def _ita_within(light: Light, low: float, high: float) -> bool:
    return light.ita_degrees is not None and low < light.ita_degrees <= high


def accuracy_table(results: Sequence[Evaluated]) -> str:
    """One row per checkpoint and frame."""
    columns = (
        "checkpoint", "frame", "mIoU", "common mIoU", "mean accuracy", "overall accuracy", "person IoU",
        "skin-union IoU (95 %)",
    )  # fmt: skip
    rows = []
    for result in results:
        for frame, found in result.frames.items():
            values = (
                found.miou,
                found.common_miou,
                found.mean_accuracy,
                found.overall_accuracy,
                found.person_iou,
            )
            cells = (harness.number(value, ".3f") for value in values)
            rows.append((result.name, frame.replace("_", " "), *cells, _skin(found)))
    return harness.table(columns, rows)


def strata_table(results: Sequence[Evaluated]) -> str:
    """One row per checkpoint and stratum of the whole photos."""
    columns = (
        "checkpoint",
        "stratum of the whole photos",
        "photos",
        "skin-union IoU (95 %)",
        "overall accuracy",
    )
    rows = [
        (result.name, stratum, found.n, _skin(found), harness.number(found.overall_accuracy, ".3f"))
        for result in results
        for stratum, found in result.strata.items()
    ]
    return harness.table(columns, rows)


def class_table(results: Sequence[Evaluated]) -> str:
    """One row per class, one column per checkpoint and frame."""
    found = {
        f"{result.name}, {frame.replace('_', ' ')}": figures.per_class
        for result in results
        for frame, figures in result.frames.items()
    }
    labels = results[0].frames["whole"].per_class
    rows = [
        (label, *(harness.number(shares.get(label), ".3f") for shares in found.values())) for label in labels
    ]
    return harness.table(("IoU", *found), rows)


def _skin(found: Figures) -> str:
    return harness.number(found.skin_iou, ".3f") + harness.spread(found.skin_iou_ci95, ".3f")


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


if __name__ == "__main__":
    main()
