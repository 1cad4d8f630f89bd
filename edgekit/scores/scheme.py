"""What the values of a folder's label images stand for, from its labels.json.

    {"0": ["Background"], "1": ["Face"], "2": ["Left-arm", "Right-arm"], "3": null}

A value stands for one class, for a set of classes of which the label says no more, or (null) for nothing: such
pixels do not count. 255 is never labelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from edgekit.errors import CalibrationError, printable
from edgekit.images import scheme_file
from edgekit.reading import JsonKind, Text, declared, read_json, shown
from edgekit.scores.metrics import IGNORE

VALUES = 256  # of a uint8 label
BACKGROUND = 0  # the class that is nobody, first in every class list
Members = Sequence[int]

WRITTEN: JsonKind[dict[int, object]] = JsonKind(
    Annotated[dict[Annotated[int, Meta(ge=0, lt=VALUES)], object], Meta(min_length=1)],  # type: ignore[arg-type]
    "a label scheme",
    advice="it maps each label value to a list of class names, or to null for what does not count",
)
NAMED: JsonKind[tuple[str, ...] | None] = JsonKind(
    Annotated[tuple[Text, ...], Meta(min_length=1, max_length=IGNORE)] | None,  # type: ignore[arg-type]
    "a list of class names or null",
)


@dataclass(frozen=True, eq=False)
class Scheme:
    """The set of classes that each label value stands for; an empty one does not count.

    sets: class indices by label value. A value that is not among them may not occur in a label.
    """

    class_names: tuple[str, ...]
    sets: Mapping[int, frozenset[int]]

    @classmethod
    def of_classes(cls, class_names: Sequence[str]) -> Scheme:
        """The scheme of complete labels: each value is the index of one class."""
        return cls(tuple(class_names), {i: frozenset([i]) for i in range(len(class_names))})

    @cached_property
    def counted(self) -> NDArray[np.bool_]:
        """(256,), true for the values that stand for something."""
        told: NDArray[np.bool_] = np.logical_or.reduce(self.members, axis=1)
        return told

    @cached_property
    def members(self) -> NDArray[np.bool_]:
        """(256, classes), true where the value's set has the class."""
        return membership(self.sets, VALUES, len(self.class_names))

    def unlisted(self, labels: NDArray[np.uint8]) -> int | None:
        """The least value in the labels that the scheme does not list; None if it lists them all."""
        found = (int(value) for value in np.unique(labels))
        return next((value for value in found if value not in self.sets and value != IGNORE), None)

    def inside(self, members: Members) -> NDArray[np.bool_]:
        """(256,), true for the values that stand for `members` or some of them, and nothing else."""
        chosen = np.isin(np.arange(len(self.class_names)), members)
        others: NDArray[np.bool_] = np.logical_or.reduce(self.members[:, ~chosen], axis=1)
        return self.counted & ~others

    def outside(self, members: Members) -> NDArray[np.bool_]:
        """(256,), true for the values that stand for none of `members`, but for something."""
        some: NDArray[np.bool_] = np.logical_or.reduce(self.members[:, list(members)], axis=1)
        return self.counted & ~some

    def tells(self, members: Members) -> bool:
        """Whether labels of this scheme can show the `members`, taken as one class, and what is none of them."""
        return bool(self.inside(members).any() and self.outside(members).any())


def membership(sets: Mapping[int, Iterable[int]], rows: int, classes: int) -> NDArray[np.bool_]:
    """(rows, classes), true where the set of a row has the class."""
    table = np.zeros((rows, classes), bool)
    for row, members in sets.items():
        table[row, list(members)] = True
    return table


def scheme_of(labels: Path, class_names: Sequence[str]) -> Scheme | None:
    """The scheme of a folder of labels by its `scheme_file`; None if values are class indices.

    Raises CalibrationError for a file that is no scheme or names a class that is not in `class_names`.
    """
    file = scheme_file(labels)
    return None if file is None else read_scheme(file, class_names)


def read_scheme(file: Path, class_names: Sequence[str]) -> Scheme:
    """Read a labels.json for these classes. Raises CalibrationError that names the file and the value."""
    written = read_json(file, WRITTEN, CalibrationError)
    index = {name: i for i, name in enumerate(class_names)}

    def refused(value: int, problem: str) -> CalibrationError:
        return CalibrationError(f"{shown(file)}: label value {value} {problem}.")

    sets: dict[int, frozenset[int]] = {}
    for value, given in written.items():
        names = declared(given, f"{shown(file)}: label value {value}", NAMED, CalibrationError)
        unknown = [name for name in names or () if name not in index]
        if unknown:
            name = printable(unknown[0], 80)
            raise refused(value, f"stands for {name!r}, which is no class; known: {', '.join(class_names)}")
        sets[value] = frozenset(index[name] for name in names or ())
        if names and len(sets[value]) < len(names):
            raise refused(value, "names a class twice")
        if len(sets[value]) == len(index):
            raise refused(value, "stands for every class, which says nothing; write null")
        if value == IGNORE and names:
            raise refused(value, "always means not labelled; write null or leave it out")
    if not any(sets.values()):
        raise CalibrationError(f"{shown(file)}: no label value stands for a class, so no pixel counts.")
    return Scheme(tuple(class_names), sets)
