"""Augmentation of a framed training picture with albumentations, seeded per sample.

The ranges cover what phones photograph: people who are mirrored, tilted, dim or glaring, behind a fence, or sharp
although the frame is a small part of the photo. The frame's place, scale and aspect are in `framing`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it asks the network for its newest version on import
import albumentations as A
import cv2

from edgekit.scores.metrics import IGNORE
from edgekit.training.framing import persons

LATTICE_LINES = (3, 6)  # bars across the person in each direction
LATTICE_THICKNESS = (0.006, 0.02)  # fraction of the picture's side: wires and bars, thinner than an arm
LATTICE_DEGREES = 90  # that it is turned by, at most: a fence stands, a net and a mesh hang anyhow
HUE_DEGREES = 180  # to either side, so the full circle: a hat is one by its shape
DEGREES_PER_HUE = 2  # of albumentations and OpenCV, where the circle has 180 hues
TILT_DEGREES = 35  # a phone held askew, a person who leans, sits or lies
DETAIL_SIGMA = (0.8, 2.5)  # px; detail is the difference from a blur of this width
DETAIL_GAIN = (0.4, 1.4)


def mirror_table(names: Sequence[str]) -> NDArray[np.uint8]:
    """(256,) uint8, the label that each label becomes in a mirror: `Left-x` and `Right-x` change places."""
    table = np.arange(256, dtype=np.uint8)
    index = {name.lower(): i for i, name in enumerate(names)}
    for name, i in index.items():
        if name.startswith("left"):
            other = index.get("right" + name.removeprefix("left"))
            if other is not None:
                table[i], table[other] = other, i
    return table


class Mirror(A.HorizontalFlip):  # type: ignore[misc]
    """A horizontal flip that swaps left and right classes too: a mirrored left arm is a right arm."""

    def __init__(self, table: NDArray[np.uint8], p: float) -> None:
        super().__init__(p=p)
        self.table = table

    def apply_to_mask(self, mask: NDArray[np.uint8], **params: object) -> NDArray[np.uint8]:
        return np.ascontiguousarray(self.table[mask[:, ::-1]])


class Lattice(A.DualTransform):  # type: ignore[misc]
    """Crossing bars of one colour over the person, like a fence or a net in front, turned by up to `degrees`.

    The pixels that they hide become unlabelled.
    """

    def __init__(self, p: float, degrees: float = LATTICE_DEGREES) -> None:
        super().__init__(p=p)
        self.degrees = degrees

    @property
    def targets_as_params(self) -> list[str]:
        return ["image", "mask"]

    def get_params_dependent_on_data(
        self, params: Mapping[str, object], data: Mapping[str, NDArray[np.uint8]]
    ) -> dict[str, NDArray[np.uint8] | NDArray[np.bool_]]:
        bars = self._bars(data["mask"])
        return {"bars": bars, "colour": np.array([self.py_random.randrange(256) for _ in range(3)], np.uint8)}

    def apply(
        self, img: NDArray[np.uint8], bars: NDArray[np.bool_], colour: NDArray[np.uint8], **params: object
    ) -> NDArray[np.uint8]:
        out = img.copy()
        out[bars] = colour
        return out

    def apply_to_mask(
        self, mask: NDArray[np.uint8], bars: NDArray[np.bool_], **params: object
    ) -> NDArray[np.uint8]:
        out = mask.copy()
        out[bars] = IGNORE
        return out

    def _bars(self, mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """(H, W), true under a bar; all false if no person is labelled."""
        bars = np.zeros(mask.shape, bool)
        rows, columns = np.nonzero(persons(mask))
        if not len(rows):
            return bars
        top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
        thickness = max(1, round(self.py_random.uniform(*LATTICE_THICKNESS) * max(mask.shape)))
        turn = math.radians(self.py_random.uniform(0, self.degrees))
        y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
        for across in (y * math.cos(turn) - x * math.sin(turn), x * math.cos(turn) + y * math.sin(turn)):
            step = max(1.0, float(np.ptp(across)) / self.py_random.randint(*LATTICE_LINES))
            from_bar = (across - across.min() - self.py_random.uniform(0, step)) % step
            bars[top:bottom, left:right] |= from_bar < thickness
        return bars


class Detail(A.ImageOnlyTransform):  # type: ignore[misc]
    """Adds fine structure from elsewhere in the photo, turned on its side, to an enlarged frame.

    A close-up cut from a full-body photo is enlarged and therefore blurred; a real close-up is sharp. A network
    trained on blurred ones only takes sharp skin and cloth for background. The gain grows from 0 for a frame that is
    not enlarged to its full value for one enlarged twice or more.
    """

    @property
    def targets_as_params(self) -> list[str]:
        return ["image", "photo", "enlargement"]

    def get_params_dependent_on_data(
        self, params: Mapping[str, object], data: Mapping[str, Any]
    ) -> dict[str, NDArray[np.float32]]:
        lost = min(max(data["enlargement"] - 1, 0.0), 1.0)
        if not lost:
            return {"detail": np.zeros((1, 1, 1), np.float32)}
        # On its side, so that nobody's outline stands there unlabelled.
        photo: NDArray[np.uint8] = data["photo"].transpose(1, 0, 2)
        rows, columns = (
            np.pad(np.arange(of), (0, side), "symmetric")[self.py_random.randrange(of) :][:side]
            for side, of in zip(data["image"].shape[:2], photo.shape[:2], strict=True)
        )
        patch = photo[np.ix_(rows, columns)].astype(np.float32)
        blurred = cv2.GaussianBlur(patch, (0, 0), self.py_random.uniform(*DETAIL_SIGMA))
        gain = lost * self.py_random.uniform(*DETAIL_GAIN)
        return {"detail": (patch - blurred) * np.float32(gain)}

    def apply(
        self, img: NDArray[np.uint8], detail: NDArray[np.float32], **params: object
    ) -> NDArray[np.uint8]:
        sharp: NDArray[np.uint8] = np.clip(np.rint(img + detail), 0, 255).astype(np.uint8)
        return sharp


class Augmentation:
    """Random changes of an (H, W, 3) uint8 RGB picture and its (H, W) uint8 labels.

    photo: (H, W, 3) uint8 RGB, the whole photo that the frame was cut from. enlargement: the picture's side in pixels
    per pixel of the frame's. seed: the same seed changes a picture in the same way, in any worker process and
    whatever was augmented before.

    mirror: (256,) uint8, the label that each label becomes in a mirror. lattice_degrees, hue_degrees: how far a lattice
    is turned, and hues to either side.
    """

    def __init__(
        self,
        mirror: NDArray[np.uint8],
        lattice_degrees: float = LATTICE_DEGREES,
        hue_degrees: float = HUE_DEGREES,
    ) -> None:
        hue = hue_degrees / DEGREES_PER_HUE
        self._transforms = A.Compose(
            [
                Mirror(mirror, p=0.5),
                A.Rotate(limit=TILT_DEGREES, border_mode=cv2.BORDER_REFLECT_101, p=0.35),
                Lattice(p=0.05, degrees=lattice_degrees),
                A.Downscale(
                    scale_range=(0.33, 0.5),
                    interpolation_pair={"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_LINEAR},
                    p=0.25,
                ),
                A.UnsharpMask(blur_limit=(3, 13), alpha=(0.3, 1.0), p=0.25),
                Detail(p=0.5),
                A.ColorJitter(
                    brightness=(0.65, 1.35), contrast=(0.7, 1.3), saturation=(0.5, 1.5), hue=(0, 0), p=0.9
                ),
                A.HueSaturationValue(
                    hue_shift_limit=(-hue, hue), sat_shift_limit=0, val_shift_limit=0, p=0.1
                ),
                A.MultiplicativeNoise(multiplier=(0.88, 1.12), per_channel=True, p=0.9),  # white balance
                A.OneOf([A.ToGray(p=1), A.ToSepia(p=1)], p=0.1),
                A.GaussNoise(std_range=(0.01, 0.04), p=0.2),
                A.PixelDropout(dropout_prob=0.01, p=0.05),
            ]
        )

    def __call__(
        self,
        image: NDArray[np.uint8],
        labels: NDArray[np.uint8],
        photo: NDArray[np.uint8],
        enlargement: float,
        seed: int,
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        # Compose.set_random_seed gives every transform the same generator, so that all of them would roll
        # the same number against their `p` and fire together; each gets a stream of its own instead.
        self._transforms.set_random_seed(seed)
        for i, transform in enumerate(self._transforms.transforms):
            transform.set_random_seed(seed + 1 + i)
        changed = self._transforms(image=image, mask=labels, photo=photo, enlargement=enlargement)
        return changed["image"], changed["mask"]
