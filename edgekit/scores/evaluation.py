"""Accuracy against true labels: counts of the checkpoint, artifacts and skin detectors, and the scores they give.

Protocol: the whole photo is the network's input, as `edgekit.images` fits it; logits are resized to the label's size,
then argmax. Pixels labelled 255 are ignored, and with a label scheme those whose value does not tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from edgekit.images import Picture
from edgekit.scores.baselines import Baseline, Image
from edgekit.scores.groups import GroupCounts
from edgekit.scores.metrics import Confusion, Interval
from edgekit.scores.pixels import PixelCounts, Pixels, class_pixels, mean_iou
from edgekit.scores.runners import Runner, predictions
from edgekit.scores.scheme import Members, Scheme

SKIN = "skin"  # the group that baselines find
Labels = NDArray[np.uint8]  # (H, W)


@dataclass(frozen=True)
class ClassScore:
    """Scores of one class over all photos; None if the class occurs in neither truth nor prediction."""

    iou: float | None
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class GroupScore:
    """IoU of a group of classes taken as one over all photos, with its 95 % bootstrap interval over photos."""

    iou: float | None
    iou_ci95: Interval | None


@dataclass(frozen=True)
class Evaluation:
    """Scores of one model over n labelled photos, with 95 % bootstrap intervals over photos.

    Skin baselines predict no other class, so their other scores are None. groups: scores of skin, hair, clothes and
    person, as far as the labels tell them. Labels that stand for sets of classes give no scores of single classes.
    """

    name: str
    n: int
    miou: float | None
    miou_ci95: Interval | None
    mean_accuracy: float | None
    overall_accuracy: float | None
    skin_iou: float | None
    skin_iou_ci95: Interval | None
    skin_precision: float | None
    skin_recall: float | None
    skin_f1: float | None
    per_class: Mapping[str, ClassScore]
    groups: Mapping[str, GroupScore] = field(default_factory=dict)


@dataclass(frozen=True)
class PhotoScores:
    """One model's scores on one photo; None for a score that it does not have."""

    photo: str
    model: str
    overall_accuracy: float | None
    miou: float | None
    group_ious: Mapping[str, float | None]


@dataclass(frozen=True)
class Judged:
    """What models are judged by. groups: class indices by group.

    scheme: what the label values stand for; None: each is the index of a class. With a scheme, groups are all that is
    judged.
    """

    class_names: tuple[str, ...]
    groups: Mapping[str, Members]
    scheme: Scheme | None = None

    @property
    def told(self) -> Scheme:
        """What the label values stand for, also where each is the index of a class."""
        return self.scheme or Scheme.of_classes(self.class_names)


@dataclass
class ModelCounts:
    """One model against true labels. classes: None where single classes are not judged."""

    classes: PixelCounts | None
    groups: GroupCounts

    @classmethod
    def of_parser(cls, judged: Judged) -> ModelCounts:
        classes = PixelCounts.empty(judged.class_names) if judged.scheme is None else None
        return cls(classes, GroupCounts(judged.told, judged.groups))

    @classmethod
    def of_baseline(cls, judged: Judged) -> ModelCounts:
        return cls(None, GroupCounts(judged.told, {SKIN: judged.groups.get(SKIN, ())}))

    def __add__(self, other: ModelCounts) -> ModelCounts:
        classes = None
        if self.classes is not None and other.classes is not None:
            classes = self.classes + other.classes
        return ModelCounts(classes, self.groups + other.groups)

    def add(self, model: str, photo: str, truth: Labels, predicted: Labels) -> PhotoScores:
        """Count one photo, and return its scores. truth: (H, W) label values, predicted: (H, W) class indices."""
        groups = self.groups.add(photo, truth, predicted)
        if self.classes is None:
            return _photo_scores(photo, model, groups)
        confusion = Confusion(len(self.classes.names))
        confusion.add(truth, predicted)
        self.classes.add(photo, class_pixels(confusion, self.classes.names))
        return _photo_scores(photo, model, groups, confusion)

    def add_skin(self, model: str, photo: str, truth: Labels, mask: NDArray[np.bool_]) -> PhotoScores:
        """Count one photo of a baseline by its (H, W) skin mask, and return its scores."""
        return _photo_scores(photo, model, self.groups.add_masks(photo, truth, {SKIN: mask}))

    def evaluation(self, name: str) -> Evaluation:
        """The scores of the model of this name."""
        counts, classes = self.groups, self.classes
        skin = counts.pooled(SKIN) if SKIN in counts.told else None
        return Evaluation(
            name=name,
            n=len(counts),
            miou=None if classes is None else classes.resamples.value(mean_iou),
            miou_ci95=None if classes is None else classes.resamples.interval(mean_iou),
            mean_accuracy=None if classes is None else classes.mean_recall,
            overall_accuracy=None if classes is None else classes.hit_share,
            skin_iou=None if skin is None else skin.iou,
            skin_iou_ci95=None if skin is None else counts.interval(SKIN),
            skin_precision=None if skin is None else skin.precision,
            skin_recall=None if skin is None else skin.recall,
            skin_f1=None if skin is None else skin.f1,
            per_class={} if classes is None else {n: _class_score(classes.pooled(n)) for n in classes.names},
            groups={g: GroupScore(counts.iou(g), counts.interval(g)) for g in counts.told},
        )


@dataclass
class Tally:
    """The counts of every parser and every baseline over the photos so far, by name."""

    parsers: dict[str, ModelCounts]
    baselines: dict[str, ModelCounts]
    photos: int = 0

    @classmethod
    def empty(cls, parsers: Sequence[str], baselines: Sequence[str], judged: Judged) -> Tally:
        return cls(
            {name: ModelCounts.of_parser(judged) for name in parsers},
            {name: ModelCounts.of_baseline(judged) for name in baselines},
        )

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            {name: counts + other.parsers[name] for name, counts in self.parsers.items()},
            {name: counts + other.baselines[name] for name, counts in self.baselines.items()},
            self.photos + other.photos,
        )

    def evaluations(self) -> tuple[Evaluation, ...]:
        """The scores of the parsers, then of the baselines, which have no groups but skin."""
        return (
            *(counts.evaluation(name) for name, counts in self.parsers.items()),
            *(replace(counts.evaluation(name), groups={}) for name, counts in self.baselines.items()),
        )


@dataclass
class Evaluator:
    """Models that are judged on one photo after the other, and what was counted."""

    runners: Mapping[str, Runner]
    baselines: Mapping[str, Baseline]
    tally: Tally

    @classmethod
    def of(
        cls, runners: Mapping[str, Runner], baselines: Mapping[str, Baseline], judged: Judged
    ) -> Evaluator:
        return cls(runners, baselines, Tally.empty(tuple(runners), tuple(baselines), judged))

    def add(self, picture: Picture) -> list[PhotoScores]:
        """Run and count every model on a picture, and return its scores; a picture without labels is not counted."""
        if picture.labels is None:
            return []
        truth, rows = picture.labels, list[PhotoScores]()
        self.tally.photos += 1
        for _, found in predictions(self.runners, [picture]):
            rows += [
                self.tally.parsers[name].add(name, picture.name, truth, prediction.labels(truth.shape))
                for name, prediction in found.items()
            ]
        image = _at(picture.image, truth.shape)
        rows += [
            self.tally.baselines[name].add_skin(name, picture.name, truth, detect(image))
            for name, detect in self.baselines.items()
        ]
        return rows


def _at(image: Image, shape: tuple[int, ...]) -> Image:
    """The picture at its labels' size, which usually is its own."""
    if image.shape[:2] == shape:
        return image
    return np.asarray(Pillow.fromarray(image).resize((shape[1], shape[0]), Pillow.Resampling.BILINEAR))


def _class_score(pixels: Pixels) -> ClassScore:
    return ClassScore(pixels.iou, pixels.precision, pixels.recall, pixels.f1)


def _photo_scores(
    photo: str, model: str, groups: Mapping[str, Pixels], confusion: Confusion | None = None
) -> PhotoScores:
    return PhotoScores(
        photo,
        model,
        None if confusion is None else _known(confusion.overall_accuracy),
        None if confusion is None else _known(confusion.miou),
        {group: pixels.iou for group, pixels in groups.items()},
    )


def _known(value: float) -> float | None:
    """The value, or None for NaN: the score of a photo without counted pixels."""
    return None if np.isnan(value) else float(value)
