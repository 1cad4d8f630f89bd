"""What two augmentations are worth on a small run: a lattice that is turned, and hues of the full circle.

    python -m research.augmentations people/train [--photos 128] [--variants 2] [--epochs 6]

The bundled backbone keeps its weights, and its segmentation head is trained further on features of augmented photos,
once in each way, with the same photos in the same order. Judged are the photos that `finetune` validates with: as they
are, behind a turned lattice, and with hues turned by a random angle. Differences are from the first row, 95 % bootstrap
over photos. One seed, a few hundred samples and a frozen backbone: it tells a large harm or gain, not a small one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import albumentations as A
import numpy as np
import torch
import typer
from numpy.typing import NDArray
from torch.nn import functional as F

from benchmarks import harness
from benchmarks.rounding import difference, mious, pairs_in
from edgekit.console import quiet_libraries, track
from edgekit.images import read_image, read_labels, stretch
from edgekit.model.reference import ReferenceSegmenter
from edgekit.scores.metrics import IGNORE, Confusion
from edgekit.scores.pixels import PixelCounts, class_pixels
from edgekit.training.augment import Augmentation, Lattice, mirror_table
from edgekit.training.data import Pair, split
from edgekit.weights import Checkpoint, load_checkpoint

SIDE = 384  # px
BATCH, RATE = 16, 2e-4
ARMS = {
    "lattice upright, hues by 24°": partial(Augmentation, lattice_degrees=0, hue_degrees=24),
    "lattice turned": partial(Augmentation, lattice_degrees=90, hue_degrees=24),
    "full circle of hues": partial(Augmentation, lattice_degrees=0, hue_degrees=180),
    "both": partial(Augmentation, lattice_degrees=90, hue_degrees=180),
}
Sample = tuple[NDArray[np.uint8], NDArray[np.uint8]]  # (SIDE, SIDE, 3) RGB, and labels
Change = Callable[..., Mapping[str, NDArray[np.uint8]]]


def main(
    data: Annotated[Path, typer.Argument(help="A folder with images/, labels/ and classes.json.")],
    photos: Annotated[int, typer.Option(min=16, help="To train on.")] = 128,
    variants: Annotated[int, typer.Option(min=1, help="Augmented samples of each.")] = 2,
    epochs: Annotated[int, typer.Option(min=1)] = 6,
) -> None:
    """Train and judge every arm, and print a table."""
    training, validation = split(pairs_in(data))
    with quiet_libraries():
        bundled = load_checkpoint()
    chosen = [samples_of(pair, bundled) for pair in harness.evenly(training, photos)]
    conditions: Mapping[str, Change | None] = {
        "as they are": None,
        "behind a lattice": Lattice(p=1),
        "hues turned": A.HueSaturationValue(
            hue_shift_limit=(-90, 90), sat_shift_limit=0, val_shift_limit=0, p=1
        ),
    }
    judged = {
        name: features_of(bundled, [changed(pair, i, bundled, change) for i, pair in enumerate(validation)])
        for name, change in conditions.items()
    }
    counts = {}
    for arm, augmentation in ARMS.items():
        augment = augmentation(mirror_table(bundled.class_names))
        drawn = [
            augment(*sample, sample[0], 1.0, 1000 * turn + i)
            for turn in range(variants)
            for i, sample in enumerate(chosen)
        ]
        head = trained(bundled, *features_of(bundled, drawn), epochs)
        counts[arm] = [counted(head, bundled, *found) for found in judged.values()]
    first = next(iter(counts.values()))
    rows = [(arm, *cells(first, found)) for arm, found in counts.items()]
    about = f"{len(chosen)} photos, {variants} samples of each, {epochs} epochs; {len(validation)} validate"
    print(f"{about}. {harness.machine('torch', 'albumentations')}.\n")
    print(harness.table(("trained with", *(f"mIoU {each}" for each in conditions)), rows))


def samples_of(pair: Pair, bundled: Checkpoint) -> Sample:
    """A pair at the network's size."""
    labels = read_labels(pair.label, len(bundled.class_names))
    rows, columns = (np.arange(SIDE) * side // SIDE for side in labels.shape)
    return stretch(read_image(pair.image), SIDE), np.asarray(labels[np.ix_(rows, columns)], np.uint8)


def changed(pair: Pair, seed: int, bundled: Checkpoint, change: Change | None) -> Sample:
    """A pair under a condition, the same for every arm."""
    image, labels = samples_of(pair, bundled)
    if change is None:
        return image, labels
    change.set_random_seed(seed)  # type: ignore[attr-defined]
    after = change(image=image, mask=labels)
    return after["image"], after["mask"]


def features_of(bundled: Checkpoint, samples: Sequence[Sample]) -> tuple[torch.Tensor, torch.Tensor]:
    """What the bundled backbone gives for samples, and their labels."""
    backbone: Any = ReferenceSegmenter(bundled).model.mobilevit
    found = []
    for image, _ in track(samples, len(samples), "features"):
        pixels = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            found.append(backbone(pixels.flip(1) if bundled.bgr else pixels).last_hidden_state)
    return torch.cat(found), torch.from_numpy(np.stack([labels for _, labels in samples])).long()


def trained(
    bundled: Checkpoint, features: torch.Tensor, labels: torch.Tensor, epochs: int
) -> torch.nn.Module:
    """The bundled segmentation head, trained further on features."""
    torch.manual_seed(0)
    head: torch.nn.Module = ReferenceSegmenter(bundled).model.segmentation_head.train()
    steps = epochs * (len(features) // BATCH)
    optimizer = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    small = F.interpolate(labels[:, None].float(), scale_factor=0.25, mode="nearest")[:, 0].long()
    for _ in track(range(epochs), epochs, "training the head"):
        for rows in torch.split(torch.randperm(len(features)), BATCH):
            if len(rows) < BATCH:
                continue
            logits = F.interpolate(head([features[rows]]), size=small.shape[1:], mode="bilinear")
            optimizer.zero_grad()
            F.cross_entropy(logits, small[rows], ignore_index=IGNORE).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return head.eval()


def counted(
    head: torch.nn.Module, bundled: Checkpoint, features: torch.Tensor, labels: torch.Tensor
) -> PixelCounts:
    """The head on the features of photos."""
    names = tuple(bundled.class_names)
    counts = PixelCounts.empty(names)
    for i, truth in enumerate(labels.numpy().astype(np.uint8)):
        with torch.no_grad():
            logits = F.interpolate(head([features[i : i + 1]]), size=truth.shape, mode="bilinear")
        confusion = Confusion(len(names))
        confusion.add(truth, logits.argmax(1)[0].numpy().astype(np.uint8))
        counts.add(str(i), class_pixels(confusion, names))
    return counts


def cells(first: Sequence[PixelCounts], found: Sequence[PixelCounts]) -> Iterator[str]:
    """mIoU in per cent under each condition, and what it differs by from the first arm."""
    for before, after in zip(first, found, strict=True):
        yield f"{mious(after)[0]:.1f}" + ("" if after is before else f", {difference(before, after)}")


if __name__ == "__main__":
    typer.run(main)
