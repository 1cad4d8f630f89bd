"""Folders of pictures, with labels or without: list the files, and decode each on demand."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import CalibrationError, ImageError
from edgekit.files import sha256_of, sha256_of_bytes
from edgekit.images.decode import FORMATS, utf8_text
from edgekit.images.fit import input_from_photo, read_image
from edgekit.images.input_size import Size
from edgekit.images.labels import LABEL_SUFFIX, UNLABELLED, read_labels, require_class_indices


@dataclass(frozen=True)
class Picture:
    """A decoded picture: (H, W, 3) uint8 sRGB, and its (h, w) uint8 labels, if any."""

    name: str
    image: NDArray[np.uint8]
    labels: NDArray[np.uint8] | None = None

    def at(self, size: Size) -> NDArray[np.uint8]:
        """(height, width, 3) uint8: the network's input of this size."""
        return input_from_photo(self.image, size)


@dataclass(frozen=True)
class Skipped:
    """A file that could not be used, and the reason."""

    name: str
    reason: str


class Folder:
    """The usable pictures of a folder, decoded one at a time, with their labels if a folder of labels is given.

    Iterating fills `skipped` (unreadable, unpaired, or with a label of another size) and `notes` (labels without any
    class). values: the label values that may occur, if they are not the indices of `classes` classes;
    without them a labels.json is refused.
    """

    def __init__(
        self, images: Path, labels: Path | None, classes: int, values: Collection[int] | None = None
    ) -> None:
        if labels is not None and values is None:
            require_class_indices(labels)
        self._paths = images_in(images)
        self._by_name = {path.name: path for path in self._paths}
        self._pairs = labels_beside(self._paths, labels) if labels else None
        if self._pairs is not None and not self._pairs:
            raise CalibrationError(f"No image in {images} has a label of the same name in {labels}.")
        self._classes, self._values = classes, values
        self.skipped: list[Skipped] = []
        self.notes: list[str] = []

    def __len__(self) -> int:
        return len(self._paths)

    @property
    def names(self) -> tuple[str, ...]:
        """The file names of the pictures, usable or not, in order."""
        return tuple(path.name for path in self._paths)

    @property
    def labelled(self) -> tuple[str, ...]:
        """The file names of the pictures that have a label, in order."""
        return tuple(path.name for path in self._paths if self._pairs is not None and path in self._pairs)

    def __iter__(self) -> Iterator[Picture]:
        return self.pictures(frozenset(self.names))

    def pictures(self, names: Collection[str]) -> Iterator[Picture]:
        """The usable pictures of these file names, in the folder's order."""
        self.skipped.clear()
        self.notes.clear()
        for path in self._paths:
            if path.name not in names:
                continue
            try:
                yield self._read(path)
            except ImageError as error:
                self.skipped.append(Skipped(path.name, error.reason))

    def digest(self, name: str) -> str:
        """The sha256 of a picture's file and of its label's. Raises ImageError if one cannot be read any more."""
        path = self._by_name[name]
        files = [path] if self._pairs is None or path not in self._pairs else [path, self._pairs[path]]
        try:
            return sha256_of_bytes("".join(sha256_of(file) for file in files).encode())
        except OSError as error:
            raise ImageError(path, f"cannot be read any more: {error.strerror}.") from error

    def _read(self, path: Path) -> Picture:
        if self._pairs is None:
            return Picture(path.name, read_image(path))
        if path not in self._pairs:
            raise ImageError(path, "has no label of the same name")
        image, labels = read_image(path), self._labels(self._pairs[path])
        if labels.shape != image.shape[:2]:
            sizes = [f"{width}×{height}" for height, width in (labels.shape, image.shape[:2])]
            raise ImageError(path, f"has a label of {sizes[0]} pixels, but the photo has {sizes[1]}.")
        if self._values is None and not labels.any():
            self.notes.append(f"{path.name}: its label image is all background")
        return Picture(path.name, image, labels)

    def _labels(self, path: Path) -> NDArray[np.uint8]:
        if self._values is None:
            return read_labels(path, self._classes)
        labels = read_labels(path)
        wrong = np.setdiff1d(labels, [*self._values, UNLABELLED])
        if wrong.size:
            raise ImageError(path, f"holds label {int(wrong[0])}, which the label scheme does not list.")
        return labels


def astronaut() -> Picture:
    """The picture that every installation has: Eileen Collins, a NASA portrait in the public domain (scikit-image)."""
    from skimage.data import astronaut as load

    portrait = np.asarray(load(), np.uint8)  # type: ignore[no-untyped-call]
    return Picture("astronaut (scikit-image)", portrait)


def images_in(folder: Path) -> list[Path]:
    """The picture files directly in a folder, in name order.

    CalibrationError if there are none, or if a name is not text, which no manifest can hold.
    """
    if not _is_folder(folder):
        raise CalibrationError(f"{utf8_text(folder)} is not a folder of images.")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in FORMATS)
    if not found:
        raise CalibrationError(f"{folder} holds no images ({', '.join(FORMATS)}).")
    for path in found:
        if utf8_text(path) != str(path):
            raise CalibrationError(
                f"{utf8_text(path)} has a name with bytes that are not UTF-8 text; rename it."
            )
    return found


def labels_beside(images: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """Map each image to its label, the .png of the same stem in `folder`. Images without a label are left out."""
    if not _is_folder(folder):
        raise CalibrationError(f"{utf8_text(folder)} is not a folder of label images.")
    pairs = {image: folder / f"{image.stem}{LABEL_SUFFIX}" for image in images}
    return {image: label for image, label in pairs.items() if label.is_file()}


def _is_folder(path: Path) -> bool:
    """`path.is_dir()`, but False instead of an OSError for a name that is too long for the file system."""
    try:
        return path.is_dir()
    except OSError:
        return False
