"""Pictures that hold numbers instead of colours: class labels, and the weights of a drawn mask."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgekit.errors import CalibrationError, ImageError
from edgekit.files import staged_file
from edgekit.images import png
from edgekit.images.decode import decode, opened
from edgekit.images.source import Source, path_of

SCHEME_FILE = "labels.json"
LABEL_SUFFIX = ".png"  # a lossless format that every labelling tool writes
UNLABELLED = 255
ANY_CLASSES = 256


def read_labels(picture: Path | Source, classes: int = ANY_CLASSES) -> NDArray[np.uint8]:
    """Read a label image: (H, W) uint8 class indices below `classes`; 255 means "not labelled".

    Raises ImageError: not a PNG of 8-bit grey or with a palette, or a value that is not a class.
    """
    path = path_of(picture)
    with opened(picture, "label image", (LABEL_SUFFIX,)) as (image, stream):
        bits, colours = png.stored_as(stream) or (0, "unknown")
        # Pillow scales 1, 2 and 4 bits of grey to 0…255; a palette's indices stay as they are.
        if colours != "palette" and (bits, colours) != (8, "grey"):
            raise ImageError(
                path, f"is a label image of {bits}-bit {colours}; labels are 8-bit grey or a palette."
            )
        labels = np.asarray(image, np.uint8)
    wrong = labels[(labels >= classes) & (labels != UNLABELLED)]
    if wrong.size:
        raise ImageError(path, f"holds label {int(wrong.max())}, but the model has {classes} classes.")
    return labels


def write_labels(path: Path, labels: NDArray[np.uint8], *, replace: bool = False) -> None:
    """Write (H, W) uint8 labels as an 8-bit grey PNG, whole or not at all."""
    with staged_file(path, replace=replace) as file:
        Image.fromarray(labels).save(file, "PNG")


def scheme_file(labels: Path) -> Path | None:
    """The labels.json of a folder of labels, which says that their values are no class indices; None without one.

    It lies in the folder, in the one above, where photos and labels have folders side by side, or above that one, for
    train and eval sets to share.
    """
    folder = labels.absolute()
    places = (folder, folder.parent, Path(os.path.realpath(folder.parent)).parent)
    return next((place / SCHEME_FILE for place in places if os.path.lexists(place / SCHEME_FILE)), None)


def require_class_indices(labels: Path) -> None:
    """CalibrationError if a labels.json says that the values of these labels are no class indices."""
    file = scheme_file(labels)
    if file is not None:
        raise CalibrationError(
            f"{file} says that the labels in {labels} are of another scheme, and here their values must be class "
            "indices; `edgekit evaluate` and `edgekit finetune` take such labels."
        )


def mask_from_picture(path: Path) -> NDArray[np.float32]:
    """Read a mask, (h, w, 3) float32 in [0, 1]: red is skin, green hair, blue clothes; a grey picture is skin only."""
    pixels = decode(path, "mask").pixels
    weights = pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    if weights.ndim == 2:
        return np.stack([weights, *[np.zeros_like(weights)] * 2], axis=-1)
    if weights.shape[2] != 3:
        raise ImageError(path, "is a mask in CMYK; a mask is grey or RGB.")
    return weights
