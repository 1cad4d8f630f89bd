"""Accuracy against true labels: the checkpoint, artifacts, and the classical skin detectors beside them.

Protocol: the whole photo stretched to the input size, logits resized to the label's size, argmax. Pixels
labelled 255 count for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.color import rgb2hsv, rgb2ycbcr

from edgekit.model.reference import ReferenceSegmenter
from edgekit.parity.compare import Candidate, PictureLike
from edgekit.scores.metrics import IGNORE, Confusion, bootstrap_interval, labels_from_logits, ratio_interval
from edgekit.weights import Checkpoint

Image = NDArray[np.uint8]  # (H, W, 3) sRGB
Labels = NDArray[np.uint8]  # (h, w)
Planes = NDArray[np.float64]  # (3, H, W)
# A photo and the size of its labels to predicted labels of that size.
Predict = Callable[[PictureLike, tuple[int, ...]], Labels]


@dataclass(frozen=True)
class ClassScore:
    """One class over all photos; None where the class occurs in neither truth nor prediction."""

    iou: float | None
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Evaluation:
    """One model over n labelled photos. Intervals: 95 % bootstrap over photos. None: not predicted (baselines)."""

    name: str
    n: int
    miou: float | None
    miou_ci95: tuple[float, float] | None
    mean_accuracy: float | None
    overall_accuracy: float | None
    skin_iou: float | None
    skin_iou_ci95: tuple[float, float] | None
    skin_precision: float | None
    skin_recall: float | None
    skin_f1: float | None
    per_class: Mapping[str, ClassScore]


def evaluate(
    predictors: Mapping[str, Predict],
    baselines: Mapping[str, Callable[[Image], NDArray[np.bool_]]],
    pictures: Iterable[PictureLike],
    class_names: Sequence[str],
    skin: Sequence[int],
) -> tuple[Evaluation, ...]:
    """Every predictor and every baseline over the labelled pictures, each picture decoded once."""
    counted: dict[str, list[NDArray[np.int64]]] = {name: [] for name in (*predictors, *baselines)}
    for picture in pictures:
        truth = picture.labels
        if truth is None:
            continue
        for name, predict in predictors.items():
            counted[name].append(_counts(truth, predict(picture, truth.shape), len(class_names)))
        for name, detect in baselines.items():
            found = detect(_at(picture.image, truth.shape)).astype(np.uint8)
            is_skin = np.where(truth == IGNORE, IGNORE, np.isin(truth, skin)).astype(np.uint8)
            counted[name].append(_counts(is_skin, found, 2))
    models = tuple(_scored(name, counted[name], class_names, skin) for name in predictors)
    return models + tuple(_skin_only(name, counted[name]) for name in baselines)


def from_checkpoint(checkpoint: Checkpoint) -> Predict:
    """The checkpoint in PyTorch, through Hugging Face's graph."""
    model, size = ReferenceSegmenter(checkpoint), checkpoint.size_default

    def predict(picture: PictureLike, shape: tuple[int, ...]) -> Labels:
        x = torch.from_numpy(picture.at(size).copy()).permute(2, 0, 1)[None].float()  # (1, 3, size, size)
        with torch.inference_mode():
            return labels_from_logits(model(x)[0].numpy(), shape)

    return predict


def from_artifact(candidate: Candidate) -> Predict:
    """An artifact in its runtime, by its logits, whatever it delivers."""

    def predict(picture: PictureLike, shape: tuple[int, ...]) -> Labels:
        logits, _ = candidate.run(picture.at(candidate.artifact.manifest.size))
        return labels_from_logits(logits, shape)

    return predict


def skin_by_ycbcr(image: Image) -> NDArray[np.bool_]:
    """77 ≤ Cb ≤ 127 and 133 ≤ Cr ≤ 173 (Chai and Ngan, IEEE TCSVT 9(4), 1999)."""
    planes: Planes = np.moveaxis(rgb2ycbcr(image), -1, 0)
    _, blue, red = planes
    found: NDArray[np.bool_] = (blue >= 77) & (blue <= 127) & (red >= 133) & (red <= 173)
    return found


def skin_by_hsv(image: Image) -> NDArray[np.bool_]:
    """H ≤ 50° and 0.23 ≤ S ≤ 0.68 (Sobottka and Pitas, Signal Processing: Image Communication 12, 1998)."""
    planes: Planes = np.moveaxis(rgb2hsv(image), -1, 0)
    hue, saturation, _ = planes
    found: NDArray[np.bool_] = (hue * 360 <= 50) & (saturation >= 0.23) & (saturation <= 0.68)
    return found


def skin_by_both(image: Image) -> NDArray[np.bool_]:
    return skin_by_ycbcr(image) & skin_by_hsv(image)


BASELINES: Mapping[str, Callable[[Image], NDArray[np.bool_]]] = {
    "YCbCr thresholds": skin_by_ycbcr,
    "HSV thresholds": skin_by_hsv,
    "YCbCr and HSV": skin_by_both,
}


def _at(image: Image, shape: tuple[int, ...]) -> Image:
    """The picture at its labels' size; they usually are the same."""
    if image.shape[:2] == shape:
        return image
    from PIL import Image as Pillow

    return np.asarray(Pillow.fromarray(image).resize((shape[1], shape[0]), Pillow.Resampling.BILINEAR))


def _counts(truth: Labels, predicted: Labels, classes: int) -> NDArray[np.int64]:
    confusion = Confusion(classes)
    confusion.add(truth, predicted)
    return confusion.counts


def _pooled(counts: Sequence[NDArray[np.int64]], classes: int) -> Confusion:
    confusion = Confusion(classes)
    for one in counts:
        confusion.counts += one
    return confusion


def _scored(
    name: str, counts: Sequence[NDArray[np.int64]], class_names: Sequence[str], skin: Sequence[int]
) -> Evaluation:
    classes = len(class_names)
    whole = _pooled(counts, classes)
    merged = [_merged(one, skin) for one in counts]
    binary = _skin_only(name, merged)
    stacked = np.stack(counts) if counts else np.zeros((0, classes, classes), np.int64)

    def miou_of(chosen: NDArray[np.int64]) -> float:
        return _pooled([stacked[chosen].sum(0)], classes).miou

    return Evaluation(
        name=name,
        n=len(counts),
        miou=_known(whole.miou),
        miou_ci95=bootstrap_interval(miou_of, len(counts)),
        mean_accuracy=_known(whole.mean_accuracy),
        overall_accuracy=_known(whole.overall_accuracy),
        skin_iou=binary.skin_iou,
        skin_iou_ci95=binary.skin_iou_ci95,
        skin_precision=binary.skin_precision,
        skin_recall=binary.skin_recall,
        skin_f1=binary.skin_f1,
        per_class={class_name: _class_score(whole, i) for i, class_name in enumerate(class_names)},
    )


def _merged(counts: NDArray[np.int64], skin: Sequence[int]) -> NDArray[np.int64]:
    """(classes, classes) counts to the 2 × 2 of skin against the rest."""
    rows = np.isin(np.arange(len(counts)), skin)
    parts = [[counts[np.ix_(t, p)].sum() for p in (~rows, rows)] for t in (~rows, rows)]
    return np.array(parts, np.int64)


def _skin_only(name: str, counts: Sequence[NDArray[np.int64]]) -> Evaluation:
    """Scores of skin from 2 × 2 counts (not skin, skin) per photo."""
    score = _class_score(_pooled(counts, 2), 1)
    hits = [int(one[1, 1]) for one in counts]
    unions = [int(one.sum() - one[0, 0]) for one in counts]
    interval = ratio_interval(hits, unions)
    return Evaluation(
        name,
        len(counts),
        None,
        None,
        None,
        None,
        score.iou,
        interval,
        score.precision,
        score.recall,
        score.f1,
        {},
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
    """JSON has no NaN: a score of nothing is null."""
    return None if np.isnan(value) else float(value)
