"""What training minimises: class-weighted cross-entropy, one minus the IoU of skin taken as one class or of every
class, and the distance to another network's class probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from edgekit.scores.metrics import IGNORE

RARITY = 0.35  # exponent; 1 is inverse frequency, which drowns the picture in belts, 0 is no weighting
WEIGHT_RANGE = (0.4, 4.0)  # a class seen in a handful of photos must not outvote the person
FREQUENCY_FLOOR = 1e-5
TEMPERATURE = 2.0  # softens both sides of `distillation`, so that the unlikely classes count too
JACCARD_SMOOTHING = 1.0  # pixels; keeps the term at 0 where neither truth nor prediction has skin


def class_weights(pixels: NDArray[np.int64]) -> torch.Tensor:
    """(classes,) float32 from (classes,) pixel counts: rarer classes weigh more, within WEIGHT_RANGE."""
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
    """1 − soft IoU, each class pooled over the batch, mean over the classes that are in `labels`; 0 where none is.
    logits: (B, C, h, w) float32, labels: (B, h, w) int64.

    What mIoU counts: a class weighs the same however small it is. A class that nobody marked adds nothing of its
    own; what is taken for it is missing in the others.
    """
    kept = labels != IGNORE
    predicted = logits.softmax(1).transpose(0, 1)[:, kept]  # (C, n) in [0, 1]
    truth = F.one_hot(labels[kept], logits.shape[1]).T.to(logits.dtype)
    marked = truth.sum(1)
    present = marked > 0
    hits = (predicted * truth).sum(1)[present]
    union = predicted.sum(1)[present] + marked[present] - hits
    return (1 - (hits + JACCARD_SMOOTHING) / (union + JACCARD_SMOOTHING)).sum() / present.sum().clamp_min(1)


def distillation(
    logits: torch.Tensor, goal: torch.Tensor, weights: torch.Tensor | None = None
) -> torch.Tensor:
    """Mean Kullback-Leibler divergence, in nats per pixel, of the class probabilities of `logits` from those
    of `goal` (Hinton et al., arXiv 1503.02531). Both (B, C, h, w) float32; no gradient reaches `goal`.

    weights: (C,), how much a pixel counts whose likeliest class in `goal` is that one; None: all the same.
    """
    told = (goal.detach() / TEMPERATURE).softmax(1)
    said = (logits / TEMPERATURE).log_softmax(1)
    per_pixel = (torch.xlogy(told, told) - told * said).sum(1)
    counted = torch.ones_like(per_pixel) if weights is None else weights[goal.argmax(1)]
    return (per_pixel * counted).sum() / counted.sum() * TEMPERATURE**2
