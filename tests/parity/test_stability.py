"""Flicker is none where a model follows the picture, and is measured where it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from edgekit.images import InputSize, Picture
from edgekit.parity.stability import (
    CHANGES,
    COLUMNS_PER_CHANGE,
    CROP,
    EXPOSED,
    JPEG,
    MOST_PHOTOS,
    PANNED,
    SHIFT,
    chosen,
    counts_of,
    excess,
    flicker_of,
    stability_of,
)
from edgekit.scores.resamples import Resamples, draws
from edgekit.scores.runners import Image, Logits, Outputs
from tests.support.pictures import picture

SIZE = InputSize(128, 192)


@dataclass
class Model:
    """A runner whose labels are a function of the picture, (H, W) bool, at full resolution."""

    labels: Callable[[Image], np.ndarray]
    size: InputSize = SIZE
    runs: int = 0

    def run(self, image: Image) -> Outputs:
        self.runs += 1
        found = self.labels(image)
        logits = np.stack([~found, found]).astype(np.float32)
        return Outputs(logits, logits)


def follows(image: Image) -> np.ndarray:
    return image[..., 1] > 128


def stands_still(image: Image) -> np.ndarray:
    """A grid that does not move with the picture."""
    rows, columns = np.indices(image.shape[:2])
    return (rows // 4 + columns // 4) % 2 == 0


def drawn(image: Image, logits: Logits) -> Image:
    """The picture, darker where the label is 1."""
    return np.where(logits[1][..., None] > 0, image // 2, image).astype(np.uint8)


def photo() -> Picture:
    return Picture("made", picture(150, 210))


def flicker(model: Model) -> dict[str, float]:
    found = flicker_of(photo(), model, drawn)
    return dict(zip(CHANGES, found.changed / found.pixels, strict=True))


def test_a_model_that_follows_the_picture_does_not_flicker_when_it_moves() -> None:
    model = Model(follows)
    found = flicker(model)
    assert model.runs == 11  # what docs/parity.md says it costs
    assert found[SHIFT] == found[PANNED] == 0
    assert all(0 < found[change] < 0.2 for change in (CROP, EXPOSED, JPEG))
    colours = flicker_of(photo(), model, drawn)
    assert not colours.delta_e00.any() and colours.delta_e00_pixels[CHANGES.index(SHIFT)] > 0


def test_a_mask_that_stands_still_flickers_only_when_the_picture_moves() -> None:
    found = flicker(Model(stands_still))
    assert found[SHIFT] == pytest.approx(0.25, abs=0.02)  # of squares of four pixels, one column changes
    assert found[PANNED] == pytest.approx(1.0)  # by a whole square
    assert found[EXPOSED] == found[JPEG] == 0
    colours = flicker_of(photo(), Model(stands_still), drawn)
    assert colours.delta_e00[CHANGES.index(PANNED)] > 0 and colours.delta_e00[CHANGES.index(JPEG)] == 0


def test_the_excess_is_over_the_reference_and_has_an_interval() -> None:
    reference = flicker_of(photo(), Model(follows), None)
    worse = flicker_of(photo(), Model(stands_still), None)
    resamples = Resamples(len(CHANGES) * COLUMNS_PER_CHANGE)
    for i in range(8):
        resamples.add(draws(f"photo {i}"), counts_of(worse if i % 2 else reference, reference))
    found = stability_of(resamples)
    assert found is not None and found.photos == 8
    assert found.excess == pytest.approx(found.flicker - found.flicker_reference)
    low, high = found.excess_ci95 or (0.0, 0.0)
    assert low < found.excess < high
    assert resamples.value(excess) == found.excess
    assert [row.change for row in found.changes] == list(CHANGES)
    assert all(row.delta_e00 is None for row in found.changes)
    assert stability_of(Resamples(len(CHANGES) * COLUMNS_PER_CHANGE)) is None


@pytest.mark.parametrize(("photos", "measured"), [(1, 1), (16, 16), (17, 9), (5000, 16)])
def test_a_bounded_number_of_photos_is_chosen_evenly(photos: int, measured: int) -> None:
    names = [f"{i:04}.jpg" for i in range(photos)]
    found = chosen(names)
    assert len(found) == measured <= MOST_PHOTOS
    assert names[0] in found and max(found) >= names[-1 - photos // 8]
