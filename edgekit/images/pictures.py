"""Pictures for checks and calibration: read when asked for, stretched to the size asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import CalibrationError, ImageError
from edgekit.images.preprocess import images_in, labels_beside, read_image, read_labels, stretch


@dataclass(frozen=True)
class Picture:
    """A decoded picture: (H, W, 3) uint8 sRGB, and its (h, w) uint8 labels where there are any."""

    name: str
    image: NDArray[np.uint8]
    labels: NDArray[np.uint8] | None = None

    def at(self, size: int) -> NDArray[np.uint8]:
        """(size, size, 3) uint8: the network's input."""
        return stretch(self.image, size)


@dataclass(frozen=True)
class Skipped:
    """A file that could not be used, and why."""

    name: str
    reason: str


def astronaut() -> Picture:
    """The picture every install has: Eileen Collins, a NASA portrait in the public domain (scikit-image)."""
    from skimage.data import astronaut as load

    portrait = np.asarray(load(), np.uint8)  # type: ignore[no-untyped-call]
    return Picture("astronaut (scikit-image)", portrait)


class Folder:
    """The usable pictures of a folder, decoded one at a time, with their labels when a folder is given.

    Iterating fills `skipped` (unreadable or unpaired files) and `notes` (labels without any class).
    """

    def __init__(self, images: Path, labels: Path | None, classes: int) -> None:
        self._paths = images_in(images)
        self._pairs = labels_beside(self._paths, labels) if labels else None
        if self._pairs is not None and not self._pairs:
            raise CalibrationError(f"No image in {images} has a label of the same name in {labels}.")
        self._classes = classes
        self.skipped: list[Skipped] = []
        self.notes: list[str] = []

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[Picture]:
        self.skipped.clear()
        self.notes.clear()
        for path in self._paths:
            picture = self._read(path)
            if picture is not None:
                yield picture

    def _read(self, path: Path) -> Picture | None:
        if self._pairs is not None and path not in self._pairs:
            self.skipped.append(Skipped(path.name, "has no label of the same name"))
            return None
        try:
            image = read_image(path)
            labels = None if self._pairs is None else read_labels(self._pairs[path], self._classes)
        except ImageError as error:
            self.skipped.append(Skipped(path.name, error.reason))
            return None
        if labels is not None and not labels.any():
            self.notes.append(f"{path.name}: its label image is all background")
        return Picture(path.name, image, labels)


Pictures = Sequence[Picture] | Folder
