"""Accuracy against true labels: the checkpoint, artifacts, and the classical skin detectors beside them.

Protocol: the whole photo is stretched to the input size, logits are resized to the label's size, then argmax. Pixels
labelled 255 are ignored, and with a label scheme those whose value does not tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from skimage.color import rgb2hsv, rgb2ycbcr

from edgekit.images import Picture
from edgekit.scores.counts import TruthCounts, labelled
from edgekit.scores.groups import GroupCounts
from edgekit.scores.metrics import IGNORE, Confusion, Interval
from edgekit.scores.runners import Runner, predictions
from edgekit.scores.scheme import Scheme

Image = NDArray[np.uint8]  # (H, W, 3) sRGB
SKIN = "skin"  # the group that baselines find
Planes = NDArray[np.float64]  # (3, H, W)
Baseline = Callable[[Image], NDArray[np.bool_]]  # a photo to its skin mask, (H, W)


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


def evaluate(
    runners: Mapping[str, Runner],
    baselines: Mapping[str, Baseline],
    pictures: Iterable[Picture],
    class_names: Sequence[str],
    skin: Sequence[int],
    groups: Mapping[str, Sequence[int]] = MappingProxyType({}),
    scheme: Scheme | None = None,
) -> tuple[Evaluation, ...]:
    """Evaluate every runner and every baseline on the labelled pictures; each picture is decoded once.

    groups: class indices of the groups that are judged too. scheme: what the label values stand for; None: each is
    the index of a class. With a scheme, groups are all that is judged.
    """
    if scheme is not None:
        return _evaluate_groups(runners, baselines, pictures, skin, groups, scheme)
    parsed = {name: TruthCounts(len(class_names)) for name in runners}
    detected = {name: TruthCounts(2) for name in baselines}
    for picture, found in predictions(runners, labelled(pictures)):
        for name, prediction in found.items():
            parsed[name].add(picture, prediction)
        for name, detect in baselines.items():
            _add_skin(detected[name], picture, detect, skin)
    models = tuple(evaluation_of(name, counts, class_names, skin, groups) for name, counts in parsed.items())
    return models + tuple(_skin_only(name, counts) for name, counts in detected.items())


def _evaluate_groups(
    runners: Mapping[str, Runner],
    baselines: Mapping[str, Baseline],
    pictures: Iterable[Picture],
    skin: Sequence[int],
    groups: Mapping[str, Sequence[int]],
    scheme: Scheme,
) -> tuple[Evaluation, ...]:
    """`evaluate` for labels that stand for sets of classes."""
    parsed = {name: GroupCounts(scheme, groups) for name in runners}
    detected = {name: GroupCounts(scheme, {SKIN: skin}) for name in baselines}
    for picture, found in predictions(runners, labelled(pictures)):
        assert picture.labels is not None  # `labelled` let it through
        for name, prediction in found.items():
            parsed[name].add(picture.name, picture.labels, prediction.labels(picture.labels.shape))
        for name, detect in baselines.items():
            mask = detect(_at(picture.image, picture.labels.shape))
            detected[name].add_masks(picture.name, picture.labels, {SKIN: mask})
    models = tuple(
        replace(_skin_of_groups(name, counts), groups=_group_scores(counts))
        for name, counts in parsed.items()
    )
    return models + tuple(_skin_of_groups(name, counts) for name, counts in detected.items())


def _skin_of_groups(name: str, counts: GroupCounts) -> Evaluation:
    """Skin scores from counts of groups, none if they do not tell skin."""
    none = Evaluation(name, len(counts), None, None, None, None, None, None, None, None, None, {})
    if SKIN not in counts.told:
        return none
    pixels, iou = counts.pooled(SKIN), counts.iou(SKIN)
    return replace(
        none,
        skin_iou=iou,
        skin_iou_ci95=counts.interval(SKIN),
        skin_precision=pixels.hits / pixels.predicted if pixels.predicted else None,
        skin_recall=pixels.hits / pixels.true if pixels.true else None,
        skin_f1=None if iou is None else 2 * iou / (1 + iou),
    )


def _group_scores(counts: GroupCounts) -> dict[str, GroupScore]:
    return {group: GroupScore(counts.iou(group), counts.interval(group)) for group in counts.told}


def _add_skin(counts: TruthCounts, picture: Picture, detect: Baseline, skin: Sequence[int]) -> None:
    """Count one labelled photo as skin (1) and the rest (0)."""
    assert picture.labels is not None  # `labelled` let it through
    truth = np.where(picture.labels == IGNORE, IGNORE, np.isin(picture.labels, skin)).astype(np.uint8)
    counts.add_labels(picture.name, truth, detect(_at(picture.image, truth.shape)).astype(np.uint8))


def skin_by_ycbcr(image: Image) -> NDArray[np.bool_]:
    """Skin mask by 77 ≤ Cb ≤ 127 and 133 ≤ Cr ≤ 173 (Chai and Ngan, IEEE TCSVT 9(4), 1999)."""
    planes: Planes = np.moveaxis(rgb2ycbcr(image), -1, 0)
    _, blue, red = planes
    found: NDArray[np.bool_] = (blue >= 77) & (blue <= 127) & (red >= 133) & (red <= 173)
    return found


def skin_by_hsv(image: Image) -> NDArray[np.bool_]:
    """Skin mask by H ≤ 50° and 0.23 ≤ S ≤ 0.68 (Sobottka and Pitas, Signal Process.: Image Commun. 12, 1998)."""
    planes: Planes = np.moveaxis(rgb2hsv(image), -1, 0)
    hue, saturation, _ = planes
    found: NDArray[np.bool_] = (hue * 360 <= 50) & (saturation >= 0.23) & (saturation <= 0.68)
    return found


def skin_by_both(image: Image) -> NDArray[np.bool_]:
    return skin_by_ycbcr(image) & skin_by_hsv(image)


BASELINES: Mapping[str, Baseline] = {
    "YCbCr thresholds": skin_by_ycbcr,
    "HSV thresholds": skin_by_hsv,
    "YCbCr and HSV": skin_by_both,
}


def _at(image: Image, shape: tuple[int, ...]) -> Image:
    """The picture at its labels' size, which usually is its own."""
    if image.shape[:2] == shape:
        return image
    return np.asarray(Pillow.fromarray(image).resize((shape[1], shape[0]), Pillow.Resampling.BILINEAR))


def evaluation_of(
    name: str,
    counts: TruthCounts,
    class_names: Sequence[str],
    skin: Sequence[int],
    groups: Mapping[str, Sequence[int]] = MappingProxyType({}),
) -> Evaluation:
    """The scores of one model from its counts."""
    whole = counts.pooled()
    return replace(
        _skin_only(name, counts.as_one(skin)),
        miou=_known(whole.miou),
        miou_ci95=counts.interval(lambda pooled: pooled.miou),
        mean_accuracy=_known(whole.mean_accuracy),
        overall_accuracy=_known(whole.overall_accuracy),
        per_class={class_name: _class_score(whole, i) for i, class_name in enumerate(class_names)},
        groups={
            group: GroupScore(_known(whole.union_iou(members)), counts.union_interval(members))
            for group, members in groups.items()
        },
    )


def _skin_only(name: str, counts: TruthCounts) -> Evaluation:
    """Skin scores from counts of two classes: the rest (0) and skin (1)."""
    score = _class_score(counts.pooled(), 1)
    return Evaluation(
        name=name,
        n=len(counts),
        miou=None,
        miou_ci95=None,
        mean_accuracy=None,
        overall_accuracy=None,
        skin_iou=score.iou,
        skin_iou_ci95=counts.union_interval([1]),
        skin_precision=score.precision,
        skin_recall=score.recall,
        skin_f1=score.f1,
        per_class={},
    )


def _class_score(confusion: Confusion, index: int) -> ClassScore:
    iou = confusion.per_class_iou[index]
    return ClassScore(
        iou=_known(iou),
        precision=_known(confusion.per_class_precision[index]),
        recall=_known(confusion.per_class_recall[index]),
        f1=_known(2 * iou / (1 + iou)),
    )


def _known(value: float | np.floating) -> float | None:
    """The value, or None for NaN, which JSON lacks: the score of a class without pixels is null."""
    return None if np.isnan(value) else float(value)
