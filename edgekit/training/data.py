"""Labelled photos with classes.json or labels.json, checked before training: folders, tar shards, Parquet files.

In a folder with images/ and labels/ a photo and its label share a stem. Labels are single-channel PNGs whose values
index classes.json, or stand for what labels.json says (255: not labelled).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from edgekit.errors import CalibrationError, ImageError
from edgekit.images import SCHEME_FILE, Source, images_in, path_of, read_image, read_labels, scheme_file
from edgekit.reading import JsonKind, Text, read_json, shown
from edgekit.scores.metrics import IGNORE
from edgekit.scores.scheme import BACKGROUND, VALUES, Scheme, scheme_of
from edgekit.training import shards, tables
from edgekit.training.distributed import mapped

VALIDATION_SHARE = 1 / 15
CLASSES_FILE = "classes.json"
LABELS = "labels"
# How photos and labels are found in files that hold many, by the suffix of these.
SAMPLES: Mapping[str, Callable[[Sequence[Path]], shards.Found]] = {
    shards.SUFFIX: shards.samples_of,
    tables.SUFFIX: tables.samples_of,
}
NAMED_PROBLEMS = 5  # files named per kind of problem in the sentence; `Problem.files` has them all


@dataclass(frozen=True, slots=True)
class Pair:
    """A photo and its label. scheme: what the label's values stand for; None: each is the index of a class."""

    image: Path | Source
    label: Path | Source
    scheme: Scheme | None = None


@dataclass(frozen=True)
class Problem:
    """Files left out for one reason."""

    reason: str
    files: tuple[str, ...]

    def sentence(self) -> str:
        """The number of files, the reason and the first names, on one line."""
        more = len(self.files) - NAMED_PROBLEMS
        named = ", ".join(self.files[:NAMED_PROBLEMS]) + (f" and {more} more" if more > 0 else "")
        return f"{len(self.files)} left out, {self.reason}: {named}"


@dataclass(frozen=True)
class LabelledData:
    """The usable pairs of a folder, in name order, and the problems of the others.

    values: (256,) int64, the number of pixels of each label value. scheme: as in `Pair`. name: of the folder, for
    sentences and the log. weight: how often each photo is drawn in an epoch.
    """

    class_names: tuple[str, ...]
    pairs: tuple[Pair, ...]
    values: NDArray[np.int64]
    problems: tuple[Problem, ...]
    scheme: Scheme | None = None
    name: str = ""
    weight: float = 1.0

    @property
    def samples(self) -> float:
        """The photos that an epoch draws of this folder, validation photos included."""
        return self.weight * len(self.pairs)

    @cached_property
    def told(self) -> Scheme:
        """What the label values stand for."""
        return self.scheme or Scheme.of_classes(self.class_names)

    @property
    def pixels(self) -> NDArray[np.int64]:
        """(classes,) int64, the number of pixels labelled as each class and nothing else."""
        single = self.told.members.sum(1) == 1
        pixels: NDArray[np.int64] = self.values[single] @ self.told.members[single]
        return pixels

    @property
    def absent(self) -> tuple[str, ...]:
        """The classes that no label can mean, and so cannot be learned from this folder."""
        occur = np.logical_or.reduce(self.told.members[self.values > 0])
        return tuple(name for name, found in zip(self.class_names, occur, strict=True) if not found)

    def sentences(self) -> list[str]:
        """The result of the check, one line per finding."""
        labels = (
            f"{len(self.class_names)} classes"
            if self.scheme is None
            else f"{len(self.scheme.sets)} label values"
        )
        found = [f"{len(self.pairs)} photos with labels, {labels}"]
        found += [problem.sentence() for problem in self.problems]
        if self.absent:
            found.append(f"no label holds {', '.join(self.absent)}")
        return found


def read_class_names(folder: Path) -> tuple[str, ...]:
    """The class list from `classes.json` in the folder, or in its parent (which train and eval sets share).

    Of shards or tables: beside them, or one folder above.
    """
    for file in (place / CLASSES_FILE for place in _places(home_of(folder))):
        if file.is_file():
            return _class_names(file)
    raise CalibrationError(
        f"{folder} has no classes.json (nor has the folder above it); write the class names there as a JSON "
        "list, in the order of the label values."
    )


CLASS_NAMES: JsonKind[tuple[str, ...]] = JsonKind(
    Annotated[tuple[Text, ...], Meta(min_length=2, max_length=IGNORE)],  # type: ignore[arg-type]
    f"a JSON list of at least two class names and at most {IGNORE}",
)


def _class_names(file: Path) -> tuple[str, ...]:
    names = read_json(file, CLASS_NAMES, CalibrationError)
    if len(set(names)) < len(names):
        raise CalibrationError(f"{shown(file)}: class names must differ.")
    return names


def class_names_of(folders: Iterable[Path], otherwise: Sequence[str]) -> tuple[str, ...]:
    """The class list of the folders. A folder with a labels.json needs none of its own; without any: `otherwise`.

    Raises CalibrationError for a folder with neither file, and for two class lists that differ.
    """
    first: tuple[Path, tuple[str, ...]] | None = None
    for folder in folders:
        home = home_of(folder)
        listed = any(os.path.lexists(place / CLASSES_FILE) for place in _places(home))
        if not listed and scheme_file(home / LABELS) is not None:
            continue
        names = read_class_names(folder)
        if first is not None and names != first[1]:
            raise CalibrationError(
                f"{shown(folder)} and {shown(first[0])} have different class lists; write the one of the result, and "
                f"say in a {SCHEME_FILE} what the label values of the other stand for."
            )
        first = first or (folder, names)
    return tuple(otherwise) if first is None else first[1]


def _places(folder: Path) -> tuple[Path, Path]:
    """Where a folder's class list may lie: in it, or above it, for train and eval sets to share."""
    return folder, Path(os.path.realpath(folder)).parent


def home_of(place: Path) -> Path:
    """The folder of labelled photos: the place itself, or where the shards or tables that it names lie."""
    return place.parent if place.suffix in SAMPLES and not place.is_dir() else place


def checked_folder(folder: Path, class_names: Sequence[str], weight: float = 1.0) -> LabelledData:
    """Check every labelled photo; a labels.json, if any, says what values stand for.

    folder: with images/ and labels/, or with tar shards or Parquet files; or the name of such files, with one range
    like {000..017} or with `*`.
    """
    labels = home_of(folder) / LABELS
    scheme = scheme_of(labels, class_names)
    suffix, files = _files(folder)
    if files:
        found = SAMPLES[suffix](files)
        pairs = [Pair(photo, label, scheme) for photo, label in found.pairs]
        data = _usable(pairs, found.problems, folder, class_names, scheme)
    else:
        data = check(images_in(folder / "images"), labels, class_names, scheme)
    return replace(data, name=str(folder), weight=weight)


def _files(place: Path) -> tuple[str, Sequence[Path]]:
    """The suffix of SAMPLES and the files that a place stands for; none for a folder with images/."""
    if not place.is_dir():
        return (place.suffix, shards.expanded(place)) if place.suffix in SAMPLES else ("", ())
    if (place / "images").exists():
        return "", ()
    found = {suffix: sorted(place.glob(f"*{suffix}")) for suffix in SAMPLES}
    some = [(suffix, files) for suffix, files in found.items() if files]
    if len(some) > 1:
        raise CalibrationError(
            f"{shown(place)} holds both {' and '.join(found)} files; name those to train on, as {shown(place)}/*.tar."
        )
    return some[0] if some else ("", ())


def check(
    images: Sequence[Path], labels: Path, class_names: Sequence[str], scheme: Scheme | None = None
) -> LabelledData:
    """Pair `images` with the PNGs in `labels` and check every file. scheme: as in `Pair`.

    Left out, and named in `problems`: photos without a label and labels without a photo, unreadable files, labels
    whose size differs from their photo's, with values outside the class list or scheme, or without a labelled person
    (an empty mask is far more often a failed export than a photo without people, and teaches that people are
    background; a scheme that knows nothing but the background is of photos without people). Raises CalibrationError
    if nothing is left.
    """
    if not labels.is_dir():
        raise CalibrationError(f"{labels} is not a folder of label images.")
    pairs = [Pair(image, labels / f"{image.stem}.png", scheme) for image in images]
    stems = {image.stem for image in images}
    orphans = [path.name for path in sorted(labels.glob("*.png")) if path.stem not in stems]
    found = {"label without a photo": orphans} if orphans else {}
    return _usable(pairs, found, labels, class_names, scheme)


def _usable(
    pairs: Sequence[Pair],
    found: dict[str, list[str]],
    place: Path,
    class_names: Sequence[str],
    scheme: Scheme | None,
) -> LabelledData:
    """The pairs that `check` keeps. found: names of what was left out already, by reason. place: for the sentence."""
    kept: list[Pair] = []
    told = scheme or Scheme.of_classes(class_names)
    values = np.zeros(VALUES, np.int64)
    for pair, verdict in zip(pairs, mapped(partial(_checked, told), pairs), strict=True):
        if isinstance(verdict, Fault):
            found.setdefault(verdict.reason, []).append(verdict.name)
            continue
        kept.append(pair)
        values += verdict
    problems = tuple(Problem(reason, tuple(files)) for reason, files in found.items())
    if not kept:
        reasons = "; ".join(problem.sentence() for problem in problems)
        raise CalibrationError(f"No photo can be trained on with {shown(place)}: {reasons}.")
    return LabelledData(tuple(class_names), tuple(kept), values, problems, scheme)


@dataclass(frozen=True)
class Fault:
    """The reason why one pair is left out. name: the file, with the value or size found."""

    reason: str
    name: str


def _checked(told: Scheme, pair: Pair) -> NDArray[np.int64] | Fault:
    """(256,) the number of pixels of each label value of a sound pair, or its fault."""
    if isinstance(pair.label, Path) and not pair.label.is_file():
        return Fault("photo without a label", pair.image.name)
    try:
        # Labels of any value are read: those that are not listed are named below.
        image, labels = read_image(pair.image), read_labels(pair.label)
    except ImageError as error:
        return Fault("unreadable", f"{error.path.name} ({error.reason.rstrip('.')})")
    if labels.shape != image.shape[:2]:
        return Fault(
            "label of another size",
            f"{pair.label.name} ({labels.shape[1]}×{labels.shape[0]}, its photo "
            f"{image.shape[1]}×{image.shape[0]})",
        )
    unlisted = told.unlisted(labels)
    if unlisted is not None:
        where = "the class list" if pair.scheme is None else SCHEME_FILE
        return Fault(f"label value not in {where}", f"{pair.label.name} ({unlisted})")
    somebody = told.outside([BACKGROUND])
    needed = somebody if somebody.any() else told.counted
    if not needed[labels].any():
        return Fault("empty label", pair.label.name)
    return np.bincount(labels[labels != IGNORE], minlength=VALUES).astype(np.int64, copy=False)


def split(
    pairs: Sequence[Pair], share: float = VALIDATION_SHARE
) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """Split a folder's pairs into (training, validation): the `share` with the lowest name hashes, at least one,
    validates.

    The split depends on the file names alone: no seed, order or machine moves a photo across it. Raises
    CalibrationError for a single pair.
    """
    if len(pairs) < 2:
        raise CalibrationError(
            f"{path_of(pairs[0].image).parent.parent} has one photo to train on; two are needed, one to validate with."
        )
    count = max(1, round(share * len(pairs)))
    chosen = set(sorted(pairs, key=_name_hash)[:count])
    return tuple(p for p in pairs if p not in chosen), tuple(p for p in pairs if p in chosen)


def _name_hash(pair: Pair) -> str:
    return sha256(pair.image.stem.encode()).hexdigest()
