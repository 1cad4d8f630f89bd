"""The ranges that a conversion takes: from the photos given, else those kept with the weights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from calibration.ranges import Ranges, with_ranges
from converters.conversion import Job
from edgekit.errors import CalibrationError
from edgekit.recipes import ranges_path, recipe_named
from edgekit.targets import TARGETS
from edgekit.weights import load_checkpoint
from tests.support.conversions import conversion_of

TFLITE = TARGETS["tflite"]
RECIPE = recipe_named("w8a8")


def job(folder: Path, recipe: str = "w8a8") -> Job:
    return Job(TFLITE, conversion_of(load_checkpoint(folder), recipe), Path("never written"))


def keep(folder: Path, weights_sha256: str, observer: str) -> Ranges:
    ranges = Ranges("tflite", observer, 3, weights_sha256, "of the photos", {"x": (-1.0, 2.0)})
    ranges.save(ranges_path(folder, TFLITE))
    return ranges


def test_kept_ranges_are_taken(atr_folder: Path) -> None:
    kept = keep(atr_folder, load_checkpoint(atr_folder).sha256, RECIPE.observer)
    ready = with_ranges(job(atr_folder), None).conversion
    assert (ready.ranges, ready.calibration_sha256) == (kept.tensors, kept.calibration_sha256)
    assert with_ranges(job(atr_folder, "w8"), None).conversion.ranges is None


def test_ranges_serve_the_pooling_they_were_observed_with(atr_folder: Path) -> None:
    """A pooled graph has other tensors; ranges of one that pools nothing are written as before there was pooling."""
    own = load_checkpoint(atr_folder).sha256
    pooling = Job(
        TFLITE,
        conversion_of(load_checkpoint(atr_folder), replace(RECIPE, pool={"stage3": 2})),
        Path("never written"),
    )
    path = ranges_path(atr_folder, TFLITE)
    kept = keep(atr_folder, own, RECIPE.observer)
    assert "pool" not in json.loads(path.read_text())
    with pytest.raises(CalibrationError, match="no ranges for it on tflite are saved"):
        with_ranges(pooling, None)
    replace(kept, pool={"stage3": 2}).save(path, replace=True)
    assert with_ranges(pooling, None).conversion.ranges == kept.tensors
    with pytest.raises(CalibrationError, match="no ranges for it on tflite are saved"):
        with_ranges(job(atr_folder), None)


def test_ranges_of_other_weights_or_another_observer_are_not(atr_folder: Path) -> None:
    with pytest.raises(CalibrationError, match="no ranges for it on tflite are saved"):
        with_ranges(job(atr_folder), None)
    own = load_checkpoint(atr_folder).sha256
    for weights_sha256, observer in (("0" * 64, RECIPE.observer), (own, "never heard of")):
        keep(atr_folder, weights_sha256, observer)
        with pytest.raises(
            CalibrationError, match="pass `calibration`, a folder of photos like those the app will get"
        ):
            with_ranges(job(atr_folder), None)
        ranges_path(atr_folder, TFLITE).unlink()
