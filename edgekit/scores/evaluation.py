"""Accuracy against true labels: counts of the checkpoint, artifacts and other models, and the scores they give.

Protocol: the whole photo is the network's input, as `edgekit.images` fits it; logits are resized to the label's size,
then argmax. Pixels labelled 255 are ignored, and with a label scheme those whose value does not tell.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image as Pillow

from edgekit.images import InputSize, Picture
from edgekit.scores.baselines import SKIN, Detector, Image, Shown
from edgekit.scores.means import Mean
from edgekit.scores.metrics import Interval
from edgekit.scores.model_counts import Judged, ModelCounts, PhotoScores, Truth
from edgekit.scores.photo_strata import DIMENSIONS, LABELLED, labelled_stratum, strata_of
from edgekit.scores.pixels import Pixels, mean_iou
from edgekit.scores.runners import Outputs, Runner, predictions, union_probability

PhotoMeans = Mapping[str, Mapping[str, Mean]]  # the mean of every score of `MaskScores`, by group


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
class StratumScores:
    """Scores over the n photos of one stratum of a dimension, such as dim of brightness."""

    dimension: str
    stratum: str
    n: int
    groups: Mapping[str, GroupScore]
    photo_means: PhotoMeans


@dataclass(frozen=True)
class Evaluation:
    """Scores of one model over n labelled photos, with 95 % bootstrap intervals over photos.

    Skin baselines predict no other class, so their other scores are None. groups: scores of skin, hair, clothes and
    person, as far as the labels tell them. Labels that stand for sets of classes give no scores of single classes.
    photo_means: means over photos of the scores of the person's and the skin's masks, beside the pooled ones. strata:
    the photos with a labelled person and those without, if there are both, and the others if they were asked for.
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
    photo_means: PhotoMeans = field(default_factory=dict)
    strata: tuple[StratumScores, ...] = ()


def evaluation_of(name: str, model: ModelCounts) -> Evaluation:
    """The scores of the model of this name."""
    counts, classes = model.groups, model.classes
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
        photo_means=model.masks.means(),
        strata=tuple(_strata_of(model)),
    )


def _strata_of(model: ModelCounts) -> Iterator[StratumScores]:
    """The scores of the strata, in the order of `DIMENSIONS`; labels that all show a person, or none, make none."""
    for dimension, names in DIMENSIONS.items():
        found = {name: model.strata[dimension, name] for name in names if (dimension, name) in model.strata}
        if dimension == LABELLED and len(found) < len(names):
            continue
        for name, counts in found.items():
            groups = {
                group: GroupScore(counts.groups.pooled(group).iou, counts.groups.interval(group))
                for group in counts.groups.names
            }
            yield StratumScores(dimension, name, len(counts.groups), groups, counts.masks.means())


@dataclass
class Tally:
    """The counts of every parser and of every detector of one group over the photos so far, by name."""

    parsers: dict[str, ModelCounts]
    detectors: dict[str, ModelCounts]
    photos: int = 0

    @classmethod
    def empty(cls, parsers: Sequence[str], detectors: Mapping[str, str], judged: Judged) -> Tally:
        """detectors: the group that each finds, by name."""
        return cls(
            {name: ModelCounts.of_parser(judged) for name in parsers},
            {name: ModelCounts.of_detector(judged, group) for name, group in detectors.items()},
        )

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            {name: counts + other.parsers[name] for name, counts in self.parsers.items()},
            {name: counts + other.detectors[name] for name, counts in self.detectors.items()},
            self.photos + other.photos,
        )

    def evaluations(self, baselines: Sequence[str] = ()) -> tuple[Evaluation, ...]:
        """The scores of the parsers, then of the detectors; those named as baselines have no groups."""
        found = (evaluation_of(name, counts) for name, counts in (self.parsers | self.detectors).items())
        return tuple(replace(one, groups={}) if one.name in baselines else one for one in found)


@dataclass
class Timed:
    """A runner that keeps the seconds of its last run."""

    runner: Runner
    seconds: float = 0.0

    @property
    def size(self) -> InputSize:
        return self.runner.size

    def run(self, image: Image) -> Outputs:
        began = time.perf_counter()
        outputs = self.runner.run(image)
        self.seconds = time.perf_counter() - began
        return outputs


@dataclass
class Evaluator:
    """Models that are judged on one photo after the other, and what was counted.

    runners: parsers; the detectors see the classes that the first one finds. strata: whether photos are sorted into
    strata of light, skin tone and more.
    """

    runners: Mapping[str, Timed]
    detectors: Mapping[str, Detector]
    judged: Judged
    tally: Tally
    strata: bool = False

    @classmethod
    def of(
        cls,
        runners: Mapping[str, Runner],
        detectors: Mapping[str, Detector],
        judged: Judged,
        *,
        strata: bool = False,
    ) -> Evaluator:
        groups = {name: detector.group for name, detector in detectors.items()}
        timed = {name: Timed(runner) for name, runner in runners.items()}
        return cls(timed, detectors, judged, Tally.empty(tuple(runners), groups, judged), strata)

    def add(self, picture: Picture) -> list[PhotoScores]:
        """Run and count every model on a picture, and return its scores; a picture without labels is not counted."""
        if picture.labels is None:
            return []
        image = _at(picture.image, picture.labels.shape)
        truth = Truth.of(picture.name, picture.labels, self.judged)
        strata = labelled_stratum(truth.masks)
        truth = replace(truth, strata=strata | (strata_of(image, truth.masks) if self.strata else {}))
        self.tally.photos += 1
        rows, parsed = list[PhotoScores](), None
        for _, found in predictions(self.runners, [picture]):
            for name, prediction in found.items():
                labels = prediction.labels(truth.labels.shape)
                parsed = labels if parsed is None else parsed
                soft = {
                    group: union_probability(prediction.logits, self.judged.groups[group], labels.shape)
                    for group in self.tally.parsers[name].masks.groups
                }
                seconds = self.runners[name].seconds
                rows.append(self.tally.parsers[name].add(name, truth, labels, soft, seconds))
        shown = Shown(picture.name, image, parsed)
        for name, detector in self.detectors.items():
            began = time.perf_counter()
            mask = detector.find(shown)
            seconds = time.perf_counter() - began
            rows.append(self.tally.detectors[name].add_mask(name, truth, mask, seconds))
        return rows


def _at(image: Image, shape: tuple[int, ...]) -> Image:
    """The picture at its labels' size, which usually is its own."""
    if image.shape[:2] == shape:
        return image
    return np.asarray(Pillow.fromarray(image).resize((shape[1], shape[0]), Pillow.Resampling.BILINEAR))


def _class_score(pixels: Pixels) -> ClassScore:
    return ClassScore(pixels.iou, pixels.precision, pixels.recall, pixels.f1)
