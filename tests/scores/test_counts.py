"""Counts against true labels and against a reference, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.images import InputSize, Picture
from edgekit.scores.counts import LogitDifference, counted
from edgekit.scores.runners import Outputs


def test_logits_by_hand() -> None:
    reference = np.array([[[1.0, -2.0]], [[0.0, 4.0]]], np.float32)
    difference = LogitDifference()
    difference.add(reference, reference)
    assert (difference.max_abs, difference.psnr_db, difference.snr_db) == (0, None, 120)
    difference.add(reference, reference + np.float32(0.5))
    assert difference.max_abs == 0.5
    assert difference.psnr_db == pytest.approx(10 * math.log10(6**2 / (4 * 0.25 / 8)))
    assert difference.snr_db == pytest.approx(10 * math.log10(2 * 21 / 1))


def test_logits_are_the_same_in_any_order_and_split() -> None:
    rng = np.random.default_rng(0)
    pairs = [
        (scale * rng.normal(size=(3, 4, 5))).astype(np.float32) + np.zeros((2, 1, 1, 1), np.float32)
        for scale in 10.0 ** rng.integers(-6, 6, 12)
    ]
    for pair in pairs:
        pair[1] += rng.normal(size=pair[1].shape).astype(np.float32) / 3

    def of(some: list[NDArray[np.float32]]) -> LogitDifference:
        difference = LogitDifference()
        for reference, logits in some:
            difference.add(reference, logits)
        return difference

    whole = of(pairs)
    for cut in (0, 1, 5, 12):
        assert of(pairs[cut:][::-1]) + of(pairs[:cut]) == whole


def test_logits_that_are_not_numbers_stay_so() -> None:
    good, bad = np.ones((2, 1, 1), np.float32), np.full((2, 1, 1), np.nan, np.float32)
    difference = LogitDifference()
    difference.add(good, bad)
    difference.add(good, good)
    assert math.isnan(difference.max_abs) and difference.psnr_db is None


class Brightness:
    """Class 1 where the image is bright."""

    def __init__(self, size: int) -> None:
        self.size = InputSize(size, size)

    def run(self, image: NDArray[np.uint8]) -> Outputs:
        bright = image[..., 0].astype(np.float32) - 127.5
        logits = np.stack([-bright, bright])
        return Outputs(logits, logits.astype(np.float64))


def test_every_runner_is_counted_on_labelled_pictures_at_their_labels_size() -> None:
    image = np.zeros((16, 24, 3), np.uint8)
    image[:, 12:] = 255
    labels = (image[..., 0] // 255).astype(np.uint8)
    pictures = [
        Picture("no labels", image),
        Picture("right", image, labels),
        Picture("wrong", image, 1 - labels),
    ]
    found = counted({"fine": Brightness(256), "coarse": Brightness(128)}, pictures, 2)
    for confusion in found.values():
        assert confusion.counts.tolist() == [
            [192, 192],
            [192, 192],
        ]  # half of each picture, right once and wrong once
