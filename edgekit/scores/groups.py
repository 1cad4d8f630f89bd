"""IoU of the groups skin, hair, clothes and person, as far as a label scheme can tell them apart.

A label value inside a group is of the group, one that shares no class with it is not, and one that mixes classes of
both (or counts for nothing) is left out for that group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgekit.scores.metrics import Interval
from edgekit.scores.pixels import PixelCounts, Pixels
from edgekit.scores.scheme import BACKGROUND, Members, Scheme
from edgekit.weights import Groups


def judged_groups(groups: Groups, classes: int) -> dict[str, tuple[int, ...]]:
    """The class indices of every judged group: skin, hair, clothes and person, which is all but the background.

    Groups without a class are left out.
    """
    judged = {**dict(groups.items()), "person": tuple(range(BACKGROUND + 1, classes))}
    return {name: members for name, members in judged.items() if members}


@dataclass
class GroupCounts:
    """Pixels of each group that the scheme tells, over the photos and every resample of them.

    groups: class indices by group; those that the scheme cannot tell are left out of `told` and of every score.
    """

    scheme: Scheme
    groups: Mapping[str, Members]
    counts: PixelCounts = field(init=False)

    def __post_init__(self) -> None:
        self.told = {name: members for name, members in self.groups.items() if self.scheme.tells(members)}
        self._tables = {
            name: (self.scheme.inside(members), self.scheme.outside(members))
            for name, members in self.told.items()
        }
        self.counts = PixelCounts.empty(tuple(self.told))

    def __len__(self) -> int:
        """The number of photos."""
        return len(self.counts)

    def __add__(self, other: GroupCounts) -> GroupCounts:
        both = GroupCounts(self.scheme, self.groups)
        both.counts = self.counts + other.counts
        return both

    def add(self, name: str, truth: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> Mapping[str, Pixels]:
        """Count one photo, and return its pixels by group.

        truth: (H, W) label values of the scheme, predicted: (H, W) class indices.
        """
        return self.add_masks(
            name, truth, {g: np.isin(predicted, members) for g, members in self.told.items()}
        )

    def add_masks(
        self, name: str, truth: NDArray[np.uint8], predicted: Mapping[str, NDArray[np.bool_]]
    ) -> Mapping[str, Pixels]:
        """Count one photo by the (H, W) masks that are predicted for the groups, and return its pixels by group."""
        found = {}
        for group, mask in predicted.items():
            inside, outside = (table[truth] for table in self._tables[group])
            mask = mask & (inside | outside)
            found[group] = Pixels(int((mask & inside).sum()), int(inside.sum()), int(mask.sum()))
        self.counts.add(name, found)
        return found

    def pooled(self, group: str) -> Pixels:
        """The pixels of all photos together."""
        return self.counts.pooled(group)

    def iou(self, group: str) -> float | None:
        """The pooled IoU of a group; None if it is in neither truth nor prediction."""
        return self.pooled(group).iou

    def interval(self, group: str) -> Interval | None:
        """95 % interval of the pooled IoU; None for fewer than two photos."""
        return self.counts.interval(group)
