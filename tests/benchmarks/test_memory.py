"""The benchmark of memory: photos of the asked side, and what a process takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.memory import shrink_photos, watched
from tests.support.pictures import picture


def test_photos_and_labels_are_shrunk_alike(tmp_path: Path) -> None:
    for place in ("photos", "truth", "small"):
        (tmp_path / place).mkdir()
    Image.fromarray(picture(300, 200)).save(tmp_path / "photos" / "a.png")
    Image.fromarray(picture(300, 200)).save(tmp_path / "photos" / "unlabelled.png")
    Image.fromarray(np.full((300, 200), 7, np.uint8)).save(tmp_path / "truth" / "a.png")
    shrink_photos(tmp_path / "photos", tmp_path / "truth", 150, tmp_path / "small")
    assert [path.name for path in (tmp_path / "small/images").iterdir()] == ["a.jpg"]
    with (
        Image.open(tmp_path / "small/images/a.jpg") as photo,
        Image.open(tmp_path / "small/labels/a.png") as label,
    ):
        assert photo.size == label.size == (100, 150) and np.unique(np.asarray(label)).tolist() == [7]


def test_a_command_is_watched_to_its_end(tmp_path: Path) -> None:
    used = watched(["--version"], tmp_path)
    assert used.peak_mb >= used.late_mb >= 0 and 10 < used.peak_mb < 10_000
    with pytest.raises(RuntimeError, match="no-such-command ended with 2"):
        watched(["no-such-command"], tmp_path)
