"""Scores of a binary or soft mask on one photo, as the literature of salient objects and portraits states them."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from edgekit.scores.pixels import Pixels
from edgekit.scores.scheme import Members, Scheme

BETA2 = 0.3  # weighs precision above recall (Achanta et al., CVPR 2009), the convention for salient objects
# Margolin et al., CVPR 2014: errors are smoothed over 7×7 pixels with σ = 5, and a false pixel counts from one (at the
# object) to two (far away), halfway after 5 pixels.
SMOOTHING_SIGMA_PX, SMOOTHING_RADIUS_PX, HALFWAY_PX = 5.0, 3, 5.0
Mask = NDArray[np.bool_]  # (H, W)
SoftMask = NDArray[np.floating]  # (H, W) in [0, 1]


@dataclass(frozen=True)
class MaskScores:
    """Scores of a mask on one photo, in [0, 1]; None for a score that the photo does not define.

    two_class_miou: mean IoU of the group and of the rest, as far as they occur. f_beta: with β² = 0.3. false_share:
    share of the pixels outside the truth that the mask holds. mae, weighted_f: of the soft mask where there is one.
    Without a pixel of truth there are no recall and weighted F, without a predicted pixel no precision.
    """

    iou: float | None
    two_class_miou: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    f_beta: float | None
    accuracy: float | None
    false_share: float | None
    mae: float | None
    weighted_f: float | None


METRICS = tuple(field.name for field in fields(MaskScores))


@dataclass(frozen=True, eq=False)
class TrueMask:
    """Where a group is on a photo. inside: (H, W), its pixels; counted: (H, W), the pixels whose label tells."""

    inside: Mask
    counted: Mask

    @classmethod
    def of(cls, labels: NDArray[np.uint8], scheme: Scheme, members: Members) -> TrueMask:
        """The mask of a group of classes from (H, W) label values."""
        inside: Mask = scheme.inside(members)[labels]
        outside: Mask = scheme.outside(members)[labels]
        return cls(inside, inside | outside)

    def scores(self, mask: Mask, soft: SoftMask | None = None) -> MaskScores:
        """The scores of a predicted mask, and of the soft mask behind it."""
        shown = mask & self.counted
        pixels = Pixels(int((shown & self.inside).sum()), int(self.inside.sum()), int(shown.sum()))
        counted = int(self.counted.sum())
        error = np.abs((mask if soft is None else soft).astype(np.float64) - self.inside) * self.counted
        wrong = pixels.true + pixels.predicted - 2 * pixels.hits
        rest = Pixels(counted - pixels.union, counted - pixels.true, counted - pixels.predicted)
        ious = [iou for iou in (pixels.iou, rest.iou) if iou is not None]
        return MaskScores(
            iou=pixels.iou,
            two_class_miou=_ratio(sum(ious), len(ious)),
            precision=pixels.precision,
            recall=pixels.recall,
            f1=pixels.f1,
            f_beta=_ratio((1 + BETA2) * pixels.hits, BETA2 * pixels.true + pixels.predicted),
            accuracy=_ratio(counted - wrong, counted),
            false_share=_ratio(pixels.predicted - pixels.hits, counted - pixels.true),
            mae=_ratio(float(error.sum()), counted),
            weighted_f=self._weighted_f(error) if pixels.true else None,
        )

    def _weighted_f(self, error: NDArray[np.float64]) -> float:
        """The weighted F-measure with β = 1 of (H, W) absolute errors; pixels that do not count have no error."""
        inside, (nearest, importance) = self.inside, self._surroundings
        # Outside, the error of the nearest pixel inside, so that smoothing does not mix both at the edge.
        spread = error[nearest[0], nearest[1]]
        smooth = gaussian_filter(spread, SMOOTHING_SIGMA_PX, radius=SMOOTHING_RADIUS_PX, mode="constant")
        weighted = np.where(inside, np.minimum(error, smooth), error) * importance
        missed, false = float(weighted[inside].sum()), float(weighted[~inside].sum())
        true = int(inside.sum())
        hits = true - missed
        return 2 * hits / (true + hits + false)  # of precision hits / (hits + false) and recall hits / true

    @cached_property
    def _surroundings(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """The nearest pixel inside, (2, H, W) row and column, and the weight of an error, (H, W)."""
        distance, nearest = distance_transform_edt(~self.inside, return_indices=True)
        return nearest, 2 - np.exp(math.log(0.5) / HALFWAY_PX * distance)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
