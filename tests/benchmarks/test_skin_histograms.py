"""Histograms of skin: every photo counts alike, and the figure is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.skin_histograms import BINS, OTHER, TONES, Histograms, drawn, shares_of
from edgekit.images import Picture
from edgekit.scores.masks import TrueMask


def test_shares_by_hand() -> None:
    found = shares_of(np.array([[0.0, 0.5, 0.5, 1.0], [0.25] * 4, [0.1, 0.1, 0.1, 0.9]]))
    assert found.shape == (3, BINS) and found.sum(1) == pytest.approx(1)
    assert found[0, [0, BINS // 2, BINS - 1]].tolist() == [0.25, 0.5, 0.25]
    assert found[1, BINS // 4] == 1 and found[2, int(0.1 * BINS)] == 0.75


def test_photos_count_alike_under_their_skin_tone(tmp_path: Path) -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    image[..., 2] = 200
    light, large, small = (240, 205, 185), np.zeros((20, 30), bool), np.zeros((20, 30), bool)
    large[:10], small[0, :4] = True, True
    found = Histograms()
    for mask in (large, small):
        shown = image.copy()
        shown[mask] = light
        found.add(Picture("a", shown), TrueMask(mask, np.ones_like(mask)))
    found.add(Picture("b", image), TrueMask(np.zeros_like(mask), np.ones_like(mask)))
    assert found.photos == {TONES[0][0]: 2, OTHER: 2}
    hue = found.mean(TONES[0][0])[0]
    assert hue.sum() == pytest.approx(1) and hue.argmax() == int((22 / 360 + 0.5) * BINS)
    drawn(found, tmp_path / "figure.png")
    assert Image.open(tmp_path / "figure.png").size[0] > 1000
