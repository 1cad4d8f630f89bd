"""Segmentation metrics: confusion, IoU, boundary agreement. Compared label arrays have the same shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from edgekit.model.outputs import resized

IGNORE = 255  # "not labelled", the reference models' semantic_loss_ignore_index
BOUNDARY_TOLERANCE_PX = 1
COMMON_SHARE = 5e-4  # share of the labelled pixels from which a class counts as present in the pictures
Interval = tuple[float, float]
Labels = NDArray[np.integer]
Floats = NDArray[np.float64]


def labels_from_logits(logits: NDArray[np.float32], size: Sequence[int]) -> NDArray[np.uint8]:
    """(classes, h, w) logits to (H, W) labels: bilinear resize, then argmax, as in Hugging Face's post-processing."""
    wide = resized(torch.from_numpy(np.ascontiguousarray(logits))[None], size)
    return wide[0].argmax(0).to(torch.uint8).numpy()


class Confusion:
    """Counts of (true class, predicted class) over any number of pictures; `IGNORE` pixels are left out.

    `counts`: (classes, classes) int64, rows are true classes; all zero unless given.
    """

    def __init__(self, classes: int, counts: NDArray[np.int64] | None = None) -> None:
        self.classes = classes
        self.counts = np.zeros((classes, classes), np.int64) if counts is None else counts

    def __add__(self, other: Confusion) -> Confusion:
        return Confusion(self.classes, self.counts + other.counts)

    def add(self, truth: Labels, predicted: Labels) -> None:
        """Count one picture. truth, predicted: (H, W), the same shape."""
        if truth.shape != predicted.shape:
            raise ValueError(f"labels of shape {truth.shape} compared with {predicted.shape}")
        kept = truth != IGNORE
        pairs = truth[kept].astype(np.int64) * self.classes + predicted[kept]
        self.counts += np.bincount(pairs, minlength=self.classes**2).reshape(self.classes, self.classes)

    @property
    def per_class_iou(self) -> Floats:
        """(classes,) IoUs; NaN for a class in neither truth nor prediction."""
        hits = np.diag(self.counts)
        union = self.counts.sum(0) + self.counts.sum(1) - hits
        return _ratio(hits, union)

    @property
    def miou(self) -> float:
        """Mean IoU over the classes that occur; NaN when nothing was counted."""
        return _mean(self.per_class_iou)

    @property
    def common_miou(self) -> float:
        """Mean IoU over the classes with COMMON_SHARE of the labelled pixels; NaN if there are none.

        In `miou`, one stray predicted pixel of a class that no picture shows counts as a class of IoU 0.
        """
        labelled = self.counts.sum(1)
        return _mean(self.per_class_iou[labelled >= max(1, COMMON_SHARE * labelled.sum())])

    @property
    def per_class_recall(self) -> Floats:
        return _ratio(np.diag(self.counts), self.counts.sum(1))

    @property
    def per_class_precision(self) -> Floats:
        return _ratio(np.diag(self.counts), self.counts.sum(0))

    @property
    def mean_accuracy(self) -> float:
        """Mean recall over the classes in the truth."""
        return _mean(self.per_class_recall)

    @property
    def overall_accuracy(self) -> float:
        return float(_ratio(np.diag(self.counts).sum(), self.counts.sum()))

    def union_iou(self, members: Sequence[int]) -> float:
        """IoU of a set of classes taken as one (skin); NaN if none of them occurs."""
        hits, union = self.union_counts(members)
        return float(_ratio(hits, union))

    def union_counts(self, members: Sequence[int]) -> tuple[int, int]:
        """Pixels in the intersection and in the union of the set, truth against prediction."""
        rows = np.isin(np.arange(self.classes), members)
        hits = self.counts[np.ix_(rows, rows)].sum()
        return int(hits), int(self.counts[rows].sum() + self.counts[:, rows].sum() - hits)


def boundaries(labels: Labels) -> NDArray[np.bool_]:
    """(H, W) true where a pixel differs from its right or lower neighbour."""
    edges = np.zeros(labels.shape, bool)
    edges[:, :-1] |= labels[:, 1:] != labels[:, :-1]
    edges[:-1] |= labels[1:] != labels[:-1]
    return edges


def boundary_f_score(a: Labels, b: Labels, tolerance_px: int = BOUNDARY_TOLERANCE_PX) -> float:
    """F-score of two label maps' boundaries, matched within `tolerance_px` (Martin et al., PAMI 2004).

    1 when neither has a boundary, 0 when only one has.
    """
    edges_a, edges_b = boundaries(a), boundaries(b)
    if not edges_a.any() or not edges_b.any():
        return float(edges_a.any() == edges_b.any())
    reach = np.ones((2 * tolerance_px + 1,) * 2, bool)
    precision = edges_a[binary_dilation(edges_b, reach)].sum() / edges_a.sum()
    recall = edges_b[binary_dilation(edges_a, reach)].sum() / edges_b.sum()
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def _ratio(top: NDArray[np.int64] | int, bottom: NDArray[np.int64] | int) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        quotient: Floats = np.true_divide(top, bottom)
    return quotient


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
