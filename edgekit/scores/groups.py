"""IoU of the groups skin, hair, clothes and person, as far as a label scheme can tell them apart.

A label value inside a group is of the group, one that shares no class with it is not, and one that mixes classes of
both (or counts for nothing) is left out for that group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgekit.scores.metrics import Interval, ratio_interval
from edgekit.scores.scheme import BACKGROUND, Members, Scheme
from edgekit.weights import Groups


def judged_groups(groups: Groups, classes: int) -> dict[str, tuple[int, ...]]:
    """The class indices of every judged group: skin, hair, clothes and person, which is all but the background.

    Groups without a class are left out.
    """
    judged = {**dict(groups.items()), "person": tuple(range(BACKGROUND + 1, classes))}
    return {name: members for name, members in judged.items() if members}


class Pixels(NamedTuple):
    """Pixels of a group: in truth and prediction, in the truth, and in the prediction."""

    hits: int
    true: int
    predicted: int

    @property
    def union(self) -> int:
        return self.true + self.predicted - self.hits


@dataclass
class GroupCounts:
    """Pixels of each group that the scheme tells, photo by photo; no score depends on the order of counting.

    groups: class indices by group; those that the scheme cannot tell are left out of `told` and of every score.
    """

    scheme: Scheme
    groups: Mapping[str, Members]
    photos: list[tuple[str, Mapping[str, Pixels]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.told = {name: members for name, members in self.groups.items() if self.scheme.tells(members)}
        self._tables = {
            name: (self.scheme.inside(members), self.scheme.outside(members))
            for name, members in self.told.items()
        }

    def __len__(self) -> int:
        return len(self.photos)

    def add(self, name: str, truth: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> None:
        """Count one photo. truth: (H, W) label values of the scheme, predicted: (H, W) class indices."""
        self.add_masks(name, truth, {g: np.isin(predicted, members) for g, members in self.told.items()})

    def add_masks(
        self, name: str, truth: NDArray[np.uint8], predicted: Mapping[str, NDArray[np.bool_]]
    ) -> None:
        """Count one photo by the (H, W) masks that are predicted for the groups."""
        found = {}
        for group, mask in predicted.items():
            inside, outside = (table[truth] for table in self._tables[group])
            mask = mask & (inside | outside)
            found[group] = Pixels(int((mask & inside).sum()), int(inside.sum()), int(mask.sum()))
        self.photos.append((name, found))

    def pooled(self, group: str) -> Pixels:
        """The pixels of all photos together."""
        counted = [found[group] for _, found in self.photos]
        return Pixels(
            sum(pixels.hits for pixels in counted),
            sum(pixels.true for pixels in counted),
            sum(pixels.predicted for pixels in counted),
        )

    def iou(self, group: str) -> float | None:
        """The pooled IoU of a group; None if it is in neither truth nor prediction."""
        pixels = self.pooled(group)
        return pixels.hits / pixels.union if pixels.union else None

    def interval(self, group: str) -> Interval | None:
        """95 % interval of the pooled IoU; None for fewer than two photos."""
        pixels = [found for _, found in sorted((name, found[group]) for name, found in self.photos)]
        return ratio_interval([found.hits for found in pixels], [found.union for found in pixels])
