"""One label for every set of classes that the label schemes of all folders name, so that folders can be mixed.

In training a label is a byte: first come the single classes, in the order of the class list, then the sets of two
classes or more; 255 does not count. Complete labels are the same in both, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import CalibrationError
from edgekit.scores.metrics import IGNORE
from edgekit.scores.scheme import BACKGROUND, VALUES, Scheme, membership
from edgekit.training.augment import mirror_table
from edgekit.training.data import LabelledData


@dataclass(frozen=True, eq=False)
class LabelSets:
    """The set of class indices that each label stands for. The first are the single classes, in order."""

    class_names: tuple[str, ...]
    sets: tuple[frozenset[int], ...]

    @classmethod
    def of(cls, class_names: Sequence[str], schemes: Iterable[Scheme] = ()) -> LabelSets:
        """The sets of these schemes and their mirror images. Raises CalibrationError if they are too many for bytes."""
        singles = [frozenset([i]) for i in range(len(class_names))]
        mirror = mirror_table(class_names)
        named = {classes for scheme in schemes for classes in scheme.sets.values() if classes}
        named |= {frozenset(int(mirror[i]) for i in classes) for classes in named}
        larger = sorted(named.difference(singles), key=sorted)
        if len(singles) + len(larger) > IGNORE:
            raise CalibrationError(
                f"The {len(singles)} classes and the {len(larger)} sets of classes in the labels.json files are more "
                f"than {IGNORE}, which is all that labels can hold; name fewer sets."
            )
        return cls(tuple(class_names), (*singles, *larger))

    @cached_property
    def members(self) -> NDArray[np.bool_]:
        """(labels, classes), true where a label's set has the class."""
        return membership(dict(enumerate(self.sets)), len(self.sets), len(self.class_names))

    @cached_property
    def mirrored(self) -> NDArray[np.uint8]:
        """(256,) uint8, the label that each label becomes in a mirror: `Left-x` and `Right-x` change places."""
        label_of = {classes: label for label, classes in enumerate(self.sets)}
        mirror = mirror_table(self.class_names)
        table = np.arange(VALUES, dtype=np.uint8)
        for label, classes in enumerate(self.sets):
            table[label] = label_of[frozenset(int(mirror[i]) for i in classes)]
        return table

    @cached_property
    def mixed(self) -> NDArray[np.bool_]:
        """(256,), true for the sets of the background and other classes: they hide where the person ends."""
        table = np.zeros(VALUES, bool)
        table[: len(self.sets)] = [BACKGROUND in classes and len(classes) > 1 for classes in self.sets]
        return table

    def from_values(self, scheme: Scheme) -> NDArray[np.uint8]:
        """(256,) uint8, the label of each value of a scheme that these sets were made of."""
        label_of = {classes: label for label, classes in enumerate(self.sets)}
        table = np.full(VALUES, IGNORE, np.uint8)
        for value, classes in scheme.sets.items():
            table[value] = label_of[classes] if classes else IGNORE
        return table

    def places_heads(self, scheme: Scheme, head: Sequence[int]) -> bool:
        """Whether labels of a scheme show where people end and where their heads are."""
        return scheme.tells(head) and not self.mixed[self.from_values(scheme)].any()


def class_pixels(folders: Sequence[LabelledData], sets: LabelSets) -> NDArray[np.float64]:
    """(classes,) labelled pixels of each class in an epoch's samples, up to a factor.

    The pixels of a set of classes are divided among them as the pixels of these classes alone are, evenly if there
    are none.
    """
    counted = [folder.values * folder.told.counted for folder in folders]
    samples, everything = sum(folder.samples for folder in folders), sum(values.sum() for values in counted)
    pixels = np.zeros(VALUES)
    for folder, values in zip(folders, counted, strict=True):
        scale = folder.samples / samples * (everything / values.sum())
        np.add.at(pixels, sets.from_values(folder.told), values * scale)
    classes = pixels[: len(sets.class_names)].copy()
    own = classes.copy()
    for label in range(len(classes), len(sets.sets)):
        members = sets.members[label]
        known = own[members].sum()
        classes[members] += pixels[label] * (own[members] / known if known else 1 / members.sum())
    return classes
