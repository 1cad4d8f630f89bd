"""The protocol of a published set of retouched photos, on photos made up here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.photo_adjustment import divided, mean_l2, names_in, row
from edgekit.color.fit_regions import Pair
from edgekit.errors import CalibrationError
from tests.support.pictures import picture


class Halves:
    """A segmenter that takes the left half of any photo for skin."""

    def groups(self, photo: np.ndarray) -> np.ndarray:
        mask = np.zeros((*photo.shape[:2], 3), np.float32)
        mask[:, : photo.shape[1] // 2, 0] = 1
        return mask


@pytest.fixture
def effect(tmp_path: Path) -> tuple[Path, Path]:
    """Six photos, and versions of them whose right half is inverted, as other files of the same names."""
    originals, retouched = tmp_path / "originals", tmp_path / "inverted"
    originals.mkdir()
    retouched.mkdir()
    for seed in range(6):
        before = picture(64, 96, seed)
        after = before.copy()
        after[:, 48:] = 255 - after[:, 48:]
        Image.fromarray(before).save(originals / f"{seed}.png")
        Image.fromarray(after).save(retouched / f"{seed}.tif")
    return originals, retouched


def test_named_photos_are_tested_on_and_no_other(tmp_path: Path, effect: tuple[Path, Path]) -> None:
    (tmp_path / "names.txt").write_text("4.jpg\n\n5\n")
    names = names_in(tmp_path / "names.txt")
    assert names == {"4", "5"}
    fitting, testing = divided(*effect, names, Halves())  # type: ignore[arg-type]
    assert [len(fitting), len(testing)] == [4, 2]
    assert (testing[1].before == picture(64, 96, 5)).all()
    with pytest.raises(CalibrationError, match=r"originals has no photo 7 \(1 are missing\)"):
        divided(*effect, {"5", "7"}, Halves())  # type: ignore[arg-type]


def test_the_distance_of_black_from_white_is_a_hundred() -> None:
    black = np.zeros((8, 8, 3), np.uint8)
    half = black.copy()
    half[:4] = 255
    mask = np.zeros((8, 8, 3), np.float32)
    assert mean_l2([Pair(black, half, mask)], None) == pytest.approx(50.0, abs=1e-3)
    assert mean_l2([Pair(black, half, mask), Pair(black, black, mask)], None) == pytest.approx(25, abs=1e-3)


@pytest.mark.slow
def test_an_effect_of_two_regions_is_found_on_photos_not_fitted_to(effect: tuple[Path, Path]) -> None:
    fitting, testing = divided(*effect, {"4", "5"}, Halves())  # type: ignore[arg-type]
    name, regions, before, one, each, found = row(effect[1], fitting, testing, 2)
    assert (name, regions) == ("inverted", "skin; background")
    assert float(found) < 0.5 * float(one) < 0.5 * float(before)
    assert each == found  # the photos show no other group
