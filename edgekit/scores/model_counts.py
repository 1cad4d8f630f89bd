"""What is counted of one model over labelled photos: pixels of classes and groups, scores of masks, strata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgekit.scores.groups import GroupCounts
from edgekit.scores.masks import Mask, MaskScores, SoftMask, TrueMask
from edgekit.scores.means import MaskMeans
from edgekit.scores.metrics import Confusion
from edgekit.scores.pixels import PixelCounts, class_pixels
from edgekit.scores.scheme import Members, Scheme

MASKED = ("person", "skin")  # the groups whose masks are scored photo by photo
Labels = NDArray[np.uint8]  # (H, W)
Stratum = tuple[str, str]  # dimension and name


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


@dataclass(frozen=True)
class Truth:
    """The true labels of one photo, (H, W), its groups as masks as far as labels tell them, and its strata."""

    photo: str
    labels: Labels
    masks: Mapping[str, TrueMask]
    strata: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, photo: str, labels: Labels, judged: Judged) -> Truth:
        told = judged.told
        masks = {
            group: TrueMask.of(labels, told, members)
            for group, members in judged.groups.items()
            if told.tells(members)
        }
        return cls(photo, labels, masks)


@dataclass(frozen=True)
class PhotoScores:
    """One model's scores on one photo; None for a score that it does not have.

    masks: of the person and the skin. seconds: that the model took, without reading and resizing the photo.
    """

    photo: str
    model: str
    overall_accuracy: float | None
    miou: float | None
    group_ious: Mapping[str, float | None]
    masks: Mapping[str, MaskScores] = field(default_factory=dict)
    seconds: float | None = None


@dataclass
class StratumCounts:
    """The photos of one stratum: pixels of the groups, and scores of the masks."""

    groups: PixelCounts
    masks: MaskMeans

    def __add__(self, other: StratumCounts) -> StratumCounts:
        return StratumCounts(self.groups + other.groups, self.masks + other.masks)


@dataclass
class ModelCounts:
    """One model against true labels. classes: None where single classes are not judged."""

    classes: PixelCounts | None
    groups: GroupCounts
    masks: MaskMeans
    strata: dict[Stratum, StratumCounts] = field(default_factory=dict)

    @classmethod
    def of_parser(cls, judged: Judged) -> ModelCounts:
        classes = PixelCounts.empty(judged.class_names) if judged.scheme is None else None
        return cls._of(classes, GroupCounts(judged.told, judged.groups))

    @classmethod
    def of_detector(cls, judged: Judged, group: str) -> ModelCounts:
        """The counts of a model that finds one group."""
        return cls._of(None, GroupCounts(judged.told, {group: judged.groups.get(group, ())}))

    @classmethod
    def _of(cls, classes: PixelCounts | None, groups: GroupCounts) -> ModelCounts:
        return cls(classes, groups, MaskMeans.empty(tuple(g for g in MASKED if g in groups.told)))

    def __add__(self, other: ModelCounts) -> ModelCounts:
        classes = None
        if self.classes is not None and other.classes is not None:
            classes = self.classes + other.classes
        strata = dict(self.strata)
        for stratum, counts in other.strata.items():
            strata[stratum] = strata[stratum] + counts if stratum in strata else counts
        return ModelCounts(classes, self.groups + other.groups, self.masks + other.masks, strata)

    def add(
        self,
        model: str,
        truth: Truth,
        predicted: Labels,
        soft: Mapping[str, SoftMask] | None = None,
        seconds: float | None = None,
    ) -> PhotoScores:
        """Count one photo by (H, W) class indices, and return its scores. soft: soft masks of the masked groups."""
        found = {group: np.isin(predicted, members) for group, members in self.groups.told.items()}
        confusion = None
        if self.classes is not None:
            confusion = Confusion(len(self.classes.names))
            confusion.add(truth.labels, predicted)
            self.classes.add(truth.photo, class_pixels(confusion, self.classes.names))
        return self._add(model, truth, found, soft or {}, seconds, confusion)

    def add_mask(
        self, model: str, truth: Truth, found: Mask | SoftMask, seconds: float | None = None
    ) -> PhotoScores:
        """Count one photo of a model that finds one group, by its (H, W) mask, and return its scores."""
        (group,) = self.groups.told
        if found.dtype == bool:
            return self._add(model, truth, {group: found.astype(bool)}, {}, seconds)
        soft: SoftMask = found.astype(np.float32)
        return self._add(model, truth, {group: soft >= 0.5}, {group: soft}, seconds)

    def _add(
        self,
        model: str,
        truth: Truth,
        found: Mapping[str, Mask],
        soft: Mapping[str, SoftMask],
        seconds: float | None,
        confusion: Confusion | None = None,
    ) -> PhotoScores:
        pixels = self.groups.add_masks(truth.photo, truth.labels, found)
        masks = {g: truth.masks[g].scores(found[g], soft.get(g)) for g in self.masks.groups}
        self.masks.add(masks)
        for stratum in truth.strata.items():
            counts = self.stratum(stratum)
            counts.groups.add(truth.photo, pixels)
            counts.masks.add(masks)
        return PhotoScores(
            photo=truth.photo,
            model=model,
            overall_accuracy=None if confusion is None else _known(confusion.overall_accuracy),
            miou=None if confusion is None else _known(confusion.miou),
            group_ious={group: one.iou for group, one in pixels.items()},
            masks=masks,
            seconds=seconds,
        )

    def stratum(self, stratum: Stratum) -> StratumCounts:
        """The counts of a stratum, empty before its first photo."""
        if stratum not in self.strata:
            groups = PixelCounts.empty(tuple(self.groups.told))
            self.strata[stratum] = StratumCounts(groups, MaskMeans.empty(self.masks.groups))
        return self.strata[stratum]


def _known(value: float) -> float | None:
    """The value, or None for NaN: the score of a photo without counted pixels."""
    return None if np.isnan(value) else float(value)
