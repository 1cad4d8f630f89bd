"""Training samples: photos of every folder, drawn by weight, framed, composed, augmented; and their batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from edgekit.images import InputSize, fit_of, fitted, read_image, read_labels, stretch
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
from edgekit.training.data import Pair
from edgekit.training.distributed import own_of_batch
from edgekit.training.framing import Frame, free_frame, head_classes, indices_of, training_frame
from edgekit.training.label_sets import LabelSets

# Of a frame of any shape in an input that is no square; the others are cut until they need no padding.
LETTERBOX_CHANCE = 0.15
LABEL_STRIDE = 4  # the loss is taken at size/4, where the shader reads the mask; the logits are at size/16


@dataclass(frozen=True)
class Drawn:
    """The photos of one folder, and how often each is drawn in an epoch."""

    pairs: tuple[Pair, ...]
    weight: float = 1.0

    def epoch(self, number: int, seed: int) -> list[Pair]:
        """The photos of an epoch: all of them as often as the whole weight says, and of its fraction a part.

        The parts of successive epochs go round the folder in random orders, so that every photo has its turn.
        """
        photos = len(self.pairs)
        rounds, part = divmod(max(1, round(self.weight * photos)), photos)
        turn, start = divmod(number * part, photos)
        orders = [np.random.default_rng((seed, turn + i)).permutation(photos) for i in range(2)]
        some = np.concatenate(orders)[start : start + part]
        return [*self.pairs * rounds, *(self.pairs[i] for i in some)]


class TrainingSet(torch.utils.data.Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Framed, stretched and augmented samples: (3, H, W) uint8 RGB and (H/4, W/4) int64 labels of one of `sizes`.

    A sample is asked for by its index and its size. Labels are those of `sets`. `epoch` must be set before each pass.
    A sample depends on the seed, the epoch, its index and its size alone, so neither resuming nor worker processes
    change it.
    """

    def __init__(
        self, folders: Sequence[Drawn], sets: LabelSets, sizes: Sequence[InputSize], seed: int
    ) -> None:
        self._folders, self._sets, self.sizes, self.seed = tuple(folders), sets, tuple(sizes), seed
        names = sets.class_names
        self._head = head_classes(names)
        self._hair, self._face = indices_of(names, ("hair",)), indices_of(names, ("face",))
        self._augment = Augmentation(sets.mirrored)
        self._labels = {
            scheme: sets.from_values(scheme)
            for scheme in {pair.scheme for folder in folders for pair in folder.pairs}
            if scheme is not None
        }
        self.epoch = 0

    @property
    def epoch(self) -> int:
        return self._epoch

    @epoch.setter
    def epoch(self, number: int) -> None:
        self._epoch = number
        self._pairs = [pair for folder in self._folders for pair in folder.epoch(number, self.seed)]

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, key: tuple[int, InputSize]) -> tuple[torch.Tensor, torch.Tensor]:
        index, size = key
        rng = np.random.default_rng((self.seed, self.epoch, index))
        photo, truth, frame = self._framed(index, size, rng)
        enlargement = (size.pixels / (frame.height * frame.width)) ** 0.5
        scene = _scene(photo, truth, frame, size)
        letterboxed = not fit_of((frame.height, frame.width), size).is_stretched
        if not letterboxed and not self._sets.mixed[truth].any():  # the person can be cut out
            scene = self._composed(scene, size, enlargement, rng)
        image, labels = self._augment(scene.image, scene.labels, photo, enlargement, int(rng.integers(2**31)))
        middle = LABEL_STRIDE // 2  # the nearest to each mask pixel's centre
        coarse = np.ascontiguousarray(labels[middle::LABEL_STRIDE, middle::LABEL_STRIDE])
        pixels = np.ascontiguousarray(image.transpose(2, 0, 1))
        return torch.from_numpy(pixels), torch.from_numpy(coarse).long()

    def _opened(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The (H, W, 3) RGB photo and its (H, W) labels, both uint8."""
        pair = self._pairs[index]
        labels = read_labels(pair.label)
        return read_image(pair.image), labels if pair.scheme is None else self._labels[pair.scheme][labels]

    def _framed(
        self, index: int, size: InputSize, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Frame]:
        """A photo, its labels and a random frame: around the head if the folder's labels can place one."""
        photo, truth = self._opened(index)
        scheme = self._pairs[index].scheme
        if scheme is None or self._sets.places_heads(scheme, self._head):
            frame = training_frame(truth, self._head, self._face, rng)
        else:
            frame = free_frame(truth.shape, rng)
        if not size.is_square and rng.random() >= LETTERBOX_CHANCE:
            frame = frame.shaped(size.aspect, rng)
        return photo, truth, frame

    def _composed(self, front: Scene, size: InputSize, enlargement: float, rng: np.random.Generator) -> Scene:
        """The scene, or by chance a composite of its person and another photo."""
        kind = rng.random()
        if kind >= CROWD_CHANCE + SCENE_CHANCE:
            return front
        index = int(rng.integers(len(self._pairs)))
        if kind < CROWD_CHANCE:
            back = _scene(*self._framed(index, size, rng), size)
        else:
            photo, truth = self._opened(index)
            if self._sets.mixed[truth].any():
                return front
            piece = empty_piece(photo, truth, rng)
            if piece is None:
                return front
            back = scenery(stretch(piece, *size.shape), rng)
        if rng.random() < HAIRCUT_CHANCE:
            front = replace(front, labels=haircut(front.labels, self._hair, self._face))
        return pasted(front, back, EDGE_SIGMA * max(1.0, enlargement), rng)


def _scene(photo: NDArray[np.uint8], labels: NDArray[np.uint8], frame: Frame, size: InputSize) -> Scene:
    """The frame of a photo and its labels as the input shows them; the labels of padding do not count."""
    fit = fit_of((frame.height, frame.width), size)
    shown = Image.fromarray(np.ascontiguousarray(frame.of(labels)))
    whole = np.full(size.shape, IGNORE, np.uint8)
    fit.shown(whole)[:] = np.asarray(shown.resize((fit.width, fit.height), Image.Resampling.NEAREST))
    return Scene(fitted(np.ascontiguousarray(frame.of(photo)), fit), whole)


class _Batches(torch.utils.data.Sampler[list[tuple[int, InputSize]]]):
    """This process's share of the batches of one epoch: indices in a random order, all of one batch with one size,
    drawn at random.

    The last, smaller batch is dropped: the BatchNorm of ASPP's pooled branch has one value per channel and picture,
    and a batch of one has no variance.
    """

    def __init__(self, samples: TrainingSet, batch: int, parts: int) -> None:
        self._samples, self._batch, self._parts = samples, batch, parts

    def __len__(self) -> int:
        return len(self._samples) // self._batch

    def __iter__(self) -> Iterator[list[tuple[int, InputSize]]]:
        rng = np.random.default_rng((self._samples.seed, self._samples.epoch))
        order = torch.Generator().manual_seed(int(rng.integers(2**31)))
        indices = torch.randperm(len(self._samples), generator=order).tolist()
        for first in range(0, len(self) * self._batch, self._batch):
            size = self._samples.sizes[int(rng.integers(len(self._samples.sizes)))]
            whole = indices[first : first + self._batch]
            yield [(index, size) for index in own_of_batch(whole, self._parts)]


def batches(
    samples: TrainingSet, epoch: int, batch: int, workers: int, parts: int = 1
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The batches of one epoch, in a random order that depends on the seed and the epoch.

    Of several processes each gets its share of every batch, a piece of each of its `parts`.
    """
    samples.epoch = epoch
    yield from torch.utils.data.DataLoader(
        samples,
        batch_sampler=_Batches(samples, batch, parts),
        num_workers=workers,
        worker_init_fn=_one_thread,
        pin_memory=torch.cuda.is_available(),
    )


def _one_thread(worker: int) -> None:
    """Keep OpenCV to one thread in a worker process; by default each would start one per core."""
    cv2.setNumThreads(1)
