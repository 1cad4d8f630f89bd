"""The terms of the training loss: cross-entropy, soft Jaccard terms, and distillation from another network.

A label is a class or, where the labels of a folder say no more, a set of classes, which counts by the sum of their
probabilities. Every sum is taken over the batch, in all processes that share it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from edgekit.scores.metrics import IGNORE
from edgekit.training.distributed import summed

RARITY = 0.35  # exponent; 1 is inverse frequency, which drowns the picture in belts, 0 is no weighting
WEIGHT_RANGE = (0.4, 4.0)  # a class seen in a handful of photos must not outvote the person
FREQUENCY_FLOOR = 1e-5  # keeps the weight of an absent class, and an empty batch's mean, finite
TEMPERATURE = 2.0  # softens both sides of `distillation`, so that the unlikely classes count too
JACCARD_SMOOTHING = 1.0  # pixels; the term is 0, not 0/0, where neither truth nor prediction has the class


def class_weights(pixels: NDArray[np.number], sets: NDArray[np.bool_] | None = None) -> torch.Tensor:
    """(labels,) float32 weights from (classes,) pixel counts: larger for rarer labels, within WEIGHT_RANGE.

    sets: (labels, classes), the classes of each label, which is as frequent as they are together; None: each label is
    one class.
    """
    share = pixels / pixels.sum()
    if sets is not None:
        share = sets @ share
    weights = (1 / len(pixels) / np.maximum(share, FREQUENCY_FLOOR)) ** RARITY
    return torch.tensor(np.clip(weights, *WEIGHT_RANGE), dtype=torch.float32)


def cross_entropy(
    logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, sets: torch.Tensor | None = None
) -> torch.Tensor:
    """Weighted mean over the labelled pixels; for a label that stands for several classes, −log of their summed
    probability (the marginal cross-entropy of Shi et al., Medical Image Analysis 70, 2021, arXiv 2007.03868).

    logits: (B, C, h, w) float32, labels: (B, h, w) int64. weights: (labels,). sets: (labels, C) bool, the classes of
    each label, of which the first C are single classes; None: all are. Zero, not NaN, when no pixel is labelled.
    """
    classes = logits.shape[1]
    single = labels.where(labels < classes, IGNORE)
    loss = F.cross_entropy(logits, single, weight=weights[:classes], ignore_index=IGNORE, reduction="sum")
    kept = labels[labels != IGNORE]
    several = (labels >= classes) & (labels != IGNORE)
    if sets is not None and several.any():
        of = labels[several]
        log_likelihood = logits.movedim(1, -1)[several].log_softmax(1)  # (n, C)
        marginal = log_likelihood.masked_fill(~sets[of], -torch.inf).logsumexp(1)
        loss = loss - (weights[of] * marginal).sum()
    loss, weight = summed(torch.stack([loss, weights[kept].sum()])).unbind()
    return loss / weight.clamp_min(FREQUENCY_FLOOR)


def union_jaccard(
    logits: torch.Tensor,
    labels: torch.Tensor,
    members: Sequence[int],
    sets: torch.Tensor | None = None,
) -> torch.Tensor:
    """1 − soft IoU of the `members` taken as one class, pooled over the batch (Rahman & Wang, ISVC 2016).

    sets: as in `cross_entropy`. Pixels whose label mixes members with other classes are left out.
    """
    inside, known = _told(labels, members, logits.shape[1], sets)
    labelled = known.to(logits.dtype)
    predicted = logits.softmax(1)[:, list(members)].sum(1) * labelled  # (B, h, w) in [0, 1]
    truth = inside.to(logits.dtype)
    hits, both = summed(torch.stack([(predicted * truth).sum(), (predicted + truth).sum()])).unbind()
    union = both - hits
    return 1 - (hits + JACCARD_SMOOTHING) / (union + JACCARD_SMOOTHING)


def _told(
    labels: torch.Tensor, members: Sequence[int], classes: int, sets: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, h, w) bool twice: the label is of the members alone, and it is that or has none of them."""
    chosen = torch.zeros(classes, dtype=torch.bool, device=labels.device)
    chosen[list(members)] = True
    of_label = torch.eye(classes, dtype=torch.bool, device=labels.device) if sets is None else sets
    some, others = of_label[:, chosen].any(1), of_label[:, ~chosen].any(1)
    labelled = labels != IGNORE
    at = labels.where(labelled, 0)
    return labelled & (some & ~others)[at], labelled & ~(some & others)[at]


def mean_jaccard(
    logits: torch.Tensor, labels: torch.Tensor, sets: torch.Tensor | None = None
) -> torch.Tensor:
    """1 − soft IoU, averaged over the labels that occur, each pooled over the batch; 0 if none occurs.

    logits: (B, C, h, w) float32, labels: (B, h, w) int64. sets: as in `cross_entropy`; a label of several classes is
    one class of their summed probability, and pixels whose label mixes some of them with others are left out of it.
    As in mIoU, a label counts the same however small it is. One that does not occur adds no term of its own; pixels
    wrongly predicted as it lower the IoU of their own labels.
    """
    kept = labels != IGNORE
    predicted = logits.softmax(1).transpose(0, 1)[:, kept]  # (C, n) in [0, 1]
    if sets is None:
        truth = F.one_hot(labels[kept], logits.shape[1]).T.to(logits.dtype)
    else:
        shares = sets.to(predicted.dtype)
        overlap = (shares @ shares.T)[:, labels[kept]]  # (labels, n), classes in common
        inside = overlap == shares.sum(1)[labels[kept]]
        truth = inside.to(predicted.dtype)
        predicted = shares @ predicted * (inside | (overlap == 0))
    occurring = torch.bincount(labels[kept], minlength=len(truth)).to(truth.dtype)
    sums = [(predicted * truth).sum(1), predicted.sum(1), truth.sum(1), occurring]
    hits, area_predicted, area, occurring = summed(torch.stack(sums)).unbind()
    present = occurring > 0
    hits, union = hits[present], area_predicted[present] + area[present] - hits[present]
    return (1 - (hits + JACCARD_SMOOTHING) / (union + JACCARD_SMOOTHING)).sum() / present.sum().clamp_min(1)


def distillation(
    logits: torch.Tensor, goal: torch.Tensor, weights: torch.Tensor | None = None
) -> torch.Tensor:
    """Mean Kullback-Leibler divergence, in nats per pixel, of the class probabilities of `logits` from those
    of `goal` (Hinton et al., arXiv 1503.02531). Both (B, C, h, w) float32; no gradient reaches `goal`.

    weights: (C,), the weight of a pixel by its likeliest class in `goal`; None weighs all pixels the same.
    """
    target = (goal.detach() / TEMPERATURE).softmax(1)
    log_predicted = (logits / TEMPERATURE).log_softmax(1)
    per_pixel = (torch.xlogy(target, target) - target * log_predicted).sum(1)
    weight = torch.ones_like(per_pixel) if weights is None else weights[goal.argmax(1)]
    divergence, total = summed(torch.stack([(per_pixel * weight).sum(), weight.sum()])).unbind()
    return divergence / total * TEMPERATURE**2
