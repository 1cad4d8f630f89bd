"""The terms of the training loss: cross-entropy, soft Jaccard terms, and distillation from another network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from edgekit.scores.metrics import IGNORE

RARITY = 0.35  # exponent; 1 is inverse frequency, which drowns the picture in belts, 0 is no weighting
WEIGHT_RANGE = (0.4, 4.0)  # a class seen in a handful of photos must not outvote the person
FREQUENCY_FLOOR = 1e-5  # keeps the weight of an absent class, and an empty batch's mean, finite
TEMPERATURE = 2.0  # softens both sides of `distillation`, so that the unlikely classes count too
JACCARD_SMOOTHING = 1.0  # pixels; the term is 0, not 0/0, where neither truth nor prediction has the class


def class_weights(pixels: NDArray[np.int64]) -> torch.Tensor:
    """(classes,) float32 weights from (classes,) pixel counts: larger for rarer classes, within WEIGHT_RANGE."""
    share = np.maximum(pixels / pixels.sum(), FREQUENCY_FLOOR)
    weights = (1 / len(pixels) / share) ** RARITY
    return torch.tensor(np.clip(weights, *WEIGHT_RANGE), dtype=torch.float32)


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted mean over the labelled pixels. logits: (B, C, h, w) float32, labels: (B, h, w) int64.

    Zero, not NaN, when no pixel is labelled.
    """
    per_pixel = F.cross_entropy(logits, labels, weight=weights, ignore_index=IGNORE, reduction="sum")
    kept = labels[labels != IGNORE]
    return per_pixel / weights[kept].sum().clamp_min(FREQUENCY_FLOOR)


def union_jaccard(logits: torch.Tensor, labels: torch.Tensor, members: Sequence[int]) -> torch.Tensor:
    """1 − soft IoU of the `members` taken as one class, pooled over the batch (Rahman & Wang, ISVC 2016)."""
    labelled = (labels != IGNORE).to(logits.dtype)
    predicted = logits.softmax(1)[:, list(members)].sum(1) * labelled  # (B, h, w) in [0, 1]
    truth = torch.isin(labels, torch.tensor(list(members), device=labels.device)).to(logits.dtype)
    hits = (predicted * truth).sum()
    union = (predicted + truth).sum() - hits
    return 1 - (hits + JACCARD_SMOOTHING) / (union + JACCARD_SMOOTHING)


def mean_jaccard(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """1 − soft IoU, averaged over the classes that occur in `labels`, each pooled over the batch; 0 if none occurs.

    logits: (B, C, h, w) float32, labels: (B, h, w) int64. As in mIoU, a class counts the same however small it is.
    A class absent from the labels adds no term of its own; pixels wrongly predicted as it lower the IoU of their own
    classes.
    """
    kept = labels != IGNORE
    predicted = logits.softmax(1).transpose(0, 1)[:, kept]  # (C, n) in [0, 1]
    truth = F.one_hot(labels[kept], logits.shape[1]).T.to(logits.dtype)
    area = truth.sum(1)
    present = area > 0
    hits = (predicted * truth).sum(1)[present]
    union = predicted.sum(1)[present] + area[present] - hits
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
    return (per_pixel * weight).sum() / weight.sum() * TEMPERATURE**2
