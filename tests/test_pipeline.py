"""What `convert` refuses before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest

import edgekit
from edgekit.errors import ConversionError, EdgekitError
from edgekit.weights import Checkpoint
from tests.support.checkpoints import SIDE


def test_an_ios_too_old_for_the_recipe_is_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="recipe w8a8 needs iOS 17, not iOS 16; use `recipe` w8 or"):
        edgekit.convert(checkpoint, size=SIDE, recipe="w8a8", minimum_ios=16, out=tmp_path)
    with pytest.raises(ConversionError, match="ML Programs need iOS 16"):
        edgekit.convert(checkpoint, size=SIDE, recipe="w8", minimum_ios=15, out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_converted_when_one_target_exists(checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / f"seeded-{SIDE}-fp32.tflite").touch()
    with pytest.raises(EdgekitError, match="exists already"):
        edgekit.convert(checkpoint, out=tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_nothing_is_converted_when_one_target_has_no_ranges(atr_folder: Path, tmp_path: Path) -> None:
    """Both targets are asked for; without ranges neither is made."""
    with pytest.raises(EdgekitError, match="no ranges for it on coreml are saved"):
        edgekit.convert(edgekit.load_checkpoint(atr_folder), recipe="w8a8", out=tmp_path / "made")
    assert not (tmp_path / "made").exists()
