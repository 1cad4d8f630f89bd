"""A labelled data set (images/, labels/ and classes.json), checked before training, and its training samples.

A photo and its label share a stem; labels are single-channel PNGs whose values index classes.json (255: not
labelled).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
from msgspec import Meta
from numpy.typing import NDArray
from PIL import Image

from edgekit.errors import CalibrationError, ImageError
from edgekit.images import read_image, read_labels, stretch
from edgekit.reading import JsonKind, Text, read_json, shown
from edgekit.scores.metrics import IGNORE
from edgekit.training.augment import Augmentation
from edgekit.training.composite import (
    CROWD_CHANCE,
    EDGE_SIGMA,
    HAIRCUT_CHANCE,
    SCENE_CHANCE,
    Scene,
    empty_piece,
    haircut,
    pasted,
    scenery,
)
from edgekit.training.framing import Frame, head_classes, indices_of, persons, training_frame

VALIDATION_SHARE = 1 / 15
LABEL_STRIDE = 4  # the loss is taken at size/4, where the shader reads the mask; the logits are at size/16
NAMED_PROBLEMS = 5  # files named per kind of problem in the sentence; `Problem.files` has them all


@dataclass(frozen=True)
class Pair:
    """A photo and its label file."""

    image: Path
    label: Path


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
    """The usable pairs of a data set, in name order, and the problems of the others.

    pixels: (classes,) int64, the number of labelled pixels of each class.
    """

    class_names: tuple[str, ...]
    pairs: tuple[Pair, ...]
    pixels: NDArray[np.int64]
    problems: tuple[Problem, ...]

    @property
    def absent(self) -> tuple[str, ...]:
        """The classes that occur in no label, and so cannot be learned from this data set."""
        return tuple(name for name, n in zip(self.class_names, self.pixels, strict=True) if n == 0)

    def sentences(self) -> list[str]:
        """The result of the check, one line per finding."""
        found = [f"{len(self.pairs)} photos with labels, {len(self.class_names)} classes"]
        found += [problem.sentence() for problem in self.problems]
        if self.absent:
            found.append(f"no label holds {', '.join(self.absent)}")
        return found


def read_class_names(folder: Path) -> tuple[str, ...]:
    """The class list from `classes.json` in the folder, or in its parent (which train and eval sets share)."""
    for file in (folder / "classes.json", folder.resolve().parent / "classes.json"):
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


def check(images: Sequence[Path], labels: Path, class_names: Sequence[str]) -> LabelledData:
    """Pair `images` with the PNGs in `labels` and check every file.

    Left out, and named in `problems`: photos without a label and labels without a photo, unreadable files, labels
    whose size differs from their photo's, with values outside the class list, or without a labelled person (an empty
    mask is far more often a failed export than a photo without people, and teaches that people are background).
    Raises CalibrationError if nothing is left.
    """
    if not labels.is_dir():
        raise CalibrationError(f"{labels} is not a folder of label images.")
    pairs = [Pair(image, labels / f"{image.stem}.png") for image in images]
    found: dict[str, list[str]] = {}
    stems = {image.stem for image in images}
    orphans = [path.name for path in sorted(labels.glob("*.png")) if path.stem not in stems]
    if orphans:
        found["label without a photo"] = orphans
    kept: list[Pair] = []
    pixels = np.zeros(len(class_names), np.int64)
    for pair in pairs:
        verdict = _read(pair, len(class_names))
        if isinstance(verdict, Fault):
            found.setdefault(verdict.reason, []).append(verdict.name)
            continue
        kept.append(pair)
        pixels += np.bincount(verdict[verdict != IGNORE], minlength=len(class_names))
    problems = tuple(Problem(reason, tuple(files)) for reason, files in found.items())
    if not kept:
        reasons = "; ".join(problem.sentence() for problem in problems)
        raise CalibrationError(f"No photo can be trained on with {labels}: {reasons}.")
    return LabelledData(tuple(class_names), tuple(kept), pixels, problems)


@dataclass(frozen=True)
class Fault:
    """The reason why one pair is left out. name: the file, with the value or size found."""

    reason: str
    name: str


def _read(pair: Pair, classes: int) -> NDArray[np.uint8] | Fault:
    """The (H, W) labels of a sound pair, or its fault."""
    if not pair.label.is_file():
        return Fault("photo without a label", pair.image.name)
    try:
        # Labels of any value are read: those outside the class list are named below.
        image, labels = read_image(pair.image), read_labels(pair.label)
    except ImageError as error:
        return Fault("unreadable", f"{error.path.name} ({error.reason.rstrip('.')})")
    if labels.shape != image.shape[:2]:
        return Fault(
            "label of another size",
            f"{pair.label.name} ({labels.shape[1]}×{labels.shape[0]}, its photo "
            f"{image.shape[1]}×{image.shape[0]})",
        )
    unknown = np.setdiff1d(np.unique(labels), [*range(classes), IGNORE])
    if unknown.size:
        return Fault("label value not in the class list", f"{pair.label.name} ({int(unknown[0])})")
    if not persons(labels).any():
        return Fault("empty label", pair.label.name)
    return labels


def split(
    pairs: Sequence[Pair], share: float = VALIDATION_SHARE
) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """Split into (training, validation) pairs: the `share` with the lowest name hashes, at least one, validates.

    The split depends on the file names alone: no seed, order or machine moves a photo across it.
    """
    if len(pairs) < 2:
        raise CalibrationError(
            "Training needs at least two labelled photos: one to train on, one to validate with."
        )
    count = max(1, round(share * len(pairs)))
    chosen = set(sorted(pairs, key=_name_hash)[:count])
    return tuple(p for p in pairs if p not in chosen), tuple(p for p in pairs if p in chosen)


def _name_hash(pair: Pair) -> str:
    return sha256(pair.image.stem.encode()).hexdigest()


class TrainingSet(torch.utils.data.Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Framed, stretched and augmented samples: (3, size, size) uint8 RGB and (size/4, size/4) int64 labels.

    `epoch` must be set before each pass. A sample depends on (seed, epoch, index) alone, so neither resuming nor
    worker processes change it.
    """

    def __init__(self, pairs: Sequence[Pair], class_names: Sequence[str], size: int, seed: int) -> None:
        self._pairs, self._size, self.seed = tuple(pairs), size, seed
        self._head = head_classes(class_names)
        self._hair, self._face = indices_of(class_names, ("hair",)), indices_of(class_names, ("face",))
        self._augment = Augmentation(class_names)
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        rng = np.random.default_rng((self.seed, self.epoch, index))
        photo, truth = self._opened(index)
        frame = training_frame(truth, self._head, self._face, rng)
        enlargement = self._size / (frame.height * frame.width) ** 0.5
        scene = self._composed(self._scene(photo, truth, frame), enlargement, rng)
        image, labels = self._augment(scene.image, scene.labels, photo, enlargement, int(rng.integers(2**31)))
        middle = LABEL_STRIDE // 2  # the nearest to each mask pixel's centre
        coarse = np.ascontiguousarray(labels[middle::LABEL_STRIDE, middle::LABEL_STRIDE])
        pixels = np.ascontiguousarray(image.transpose(2, 0, 1))
        return torch.from_numpy(pixels), torch.from_numpy(coarse).long()

    def _opened(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The (H, W, 3) RGB photo and its (H, W) labels, both uint8."""
        pair = self._pairs[index]
        return read_image(pair.image), read_labels(pair.label)

    def _scene(self, photo: NDArray[np.uint8], labels: NDArray[np.uint8], frame: Frame) -> Scene:
        return Scene(
            stretch(np.ascontiguousarray(frame.of(photo)), self._size),
            stretched_labels(frame.of(labels), self._size),
        )

    def _composed(self, front: Scene, enlargement: float, rng: np.random.Generator) -> Scene:
        """The scene, or by chance a composite of its person and another photo."""
        kind = rng.random()
        if kind >= CROWD_CHANCE + SCENE_CHANCE:
            return front
        photo, truth = self._opened(int(rng.integers(len(self._pairs))))
        if kind < CROWD_CHANCE:
            back = self._scene(photo, truth, training_frame(truth, self._head, self._face, rng))
        else:
            piece = empty_piece(photo, truth, rng)
            if piece is None:
                return front
            back = scenery(stretch(piece, self._size), rng)
        if rng.random() < HAIRCUT_CHANCE:
            front = replace(front, labels=haircut(front.labels, self._hair, self._face))
        return pasted(front, back, EDGE_SIGMA * max(1.0, enlargement), rng)


def stretched_labels(labels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The (H, W) labels stretched to (size, size) by nearest neighbour."""
    resized = Image.fromarray(np.ascontiguousarray(labels)).resize((size, size), Image.Resampling.NEAREST)
    return np.asarray(resized)


def batches(
    samples: TrainingSet, epoch: int, batch: int, workers: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The batches of one epoch, in a random order that depends on the seed and the epoch.

    The last, smaller batch is dropped: the BatchNorm of ASPP's pooled branch has one value per channel and picture,
    and a batch of one has no variance.
    """
    samples.epoch = epoch
    order = torch.Generator().manual_seed(int(np.random.default_rng((samples.seed, epoch)).integers(2**31)))
    yield from torch.utils.data.DataLoader(
        samples,
        batch,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        generator=order,
        worker_init_fn=_one_thread,
        pin_memory=torch.cuda.is_available(),
    )


def _one_thread(worker: int) -> None:
    """Keep OpenCV to one thread in a worker process; by default each would start one per core."""
    cv2.setNumThreads(1)
