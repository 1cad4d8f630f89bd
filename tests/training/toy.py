"""Small labelled photos made of plain shapes: learnable in seconds, nothing symmetric."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgekit.images import InputSize
from edgekit.training.data import LabelledData, check
from tests.support.checkpoints import ATR_CLASSES

HEIGHT, WIDTH = 120, 90
SIZE = InputSize(128, 128)  # of the input, fast to train at
HAIR, UPPER, PANTS, FACE, LEFT_ARM, RIGHT_ARM = 2, 4, 6, 11, 14, 15
COLOURS = {
    HAIR: (50, 30, 20),
    UPPER: (30, 60, 200),
    PANTS: (40, 120, 60),
    FACE: (220, 170, 140),
    LEFT_ARM: (215, 165, 135),
    RIGHT_ARM: (215, 165, 135),
}


def class_names() -> tuple[str, ...]:
    return ATR_CLASSES


def person(rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A (HEIGHT, WIDTH, 3) picture of someone made of rectangles, and its labels."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    x, y = int(rng.integers(25, 50)), int(rng.integers(5, 15))
    labels[y : y + 10, x : x + 16] = HAIR
    labels[y + 10 : y + 24, x + 2 : x + 14] = FACE
    labels[y + 24 : y + 60, x - 4 : x + 20] = UPPER
    labels[y + 26 : y + 58, x - 9 : x - 4] = RIGHT_ARM
    labels[y + 26 : y + 58, x + 20 : x + 26] = LEFT_ARM
    labels[y + 60 : y + 100, x - 2 : x + 18] = PANTS
    image = rng.integers(120, 200, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    for index, colour in COLOURS.items():
        image[labels == index] = colour
    return image, labels


def write_set(folder: Path, count: int) -> Path:
    """`count` photos with labels and the class list."""
    rng = np.random.default_rng(7)
    for sub in ("images", "labels"):
        (folder / sub).mkdir(parents=True)
    for i in range(count):
        image, labels = person(rng)
        Image.fromarray(image).save(folder / "images" / f"toy{i:02}.png")
        Image.fromarray(labels).save(folder / "labels" / f"toy{i:02}.png")
    (folder / "classes.json").write_text(json.dumps(class_names()))
    return folder


# A scheme that knows hair, faces and arms; 30 is whatever else there is, 40 does not count.
PARTIAL: dict[str, list[str] | None] = {
    "10": ["Hair"],
    "20": ["Face"],
    "25": ["Left-arm", "Right-arm"],
    "30": [name for name in ATR_CLASSES if name not in ("Hair", "Face", "Left-arm", "Right-arm")],
    "40": None,
}


def write_partial_set(folder: Path, count: int) -> Path:
    """`count` photos whose labels are those of PARTIAL, with labels.json and no class list."""
    write_set(folder, count)
    (folder / "classes.json").unlink()
    value = np.full(256, 30, np.uint8)
    value[[HAIR, FACE, LEFT_ARM, RIGHT_ARM, PANTS]] = 10, 20, 25, 25, 40
    for file in (folder / "labels").iterdir():
        Image.fromarray(value[np.asarray(Image.open(file))]).save(file)
    (folder / "labels.json").write_text(json.dumps(PARTIAL))
    return folder


def checked(folder: Path) -> LabelledData:
    images = sorted((folder / "images").iterdir())
    return check(images, folder / "labels", class_names())
