"""Choosing recipes and ranges: what was asked for, what came with the weights, what is missing."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converters.conversion import Conversion
from edgekit.artifact import Artifact
from edgekit.errors import CalibrationError, ConversionError
from edgekit.files import write_json
from edgekit.images import astronaut
from edgekit.pipeline import (
    PLANNED_FOLDER,
    ConvertOptions,
    PlanOptions,
    calibration_set,
    check,
    convert,
    convert_one,
    keep_trained_recipe,
    plan,
    ranges_for,
    recipe_for,
    split,
    trained_recipe,
)
from edgekit.recipes import Recipe, recipe_named
from edgekit.weights import BUNDLED_FOLDER, Checkpoint, load_checkpoint
from tests.conftest import picture


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(9):
        Image.fromarray(picture(60 + i, 80, i)).save(folder / f"{i}.png")
    return folder


def test_the_planned_recipe_is_the_default_where_it_was_planned(checkpoint: Checkpoint) -> None:
    planned = recipe_for("tflite", checkpoint, ConvertOptions())
    assert planned.name == "planned" and planned.needs_calibration and planned.evidence
    assert recipe_for("coreml", checkpoint, ConvertOptions()).name == "w8"
    assert recipe_for("tflite", checkpoint, ConvertOptions(recipe="fp16")).name == "fp16"


def test_weights_without_a_plan_get_the_float_default(atr_folder: Path) -> None:
    assert recipe_for("tflite", load_checkpoint(atr_folder), ConvertOptions()).name == "fp32"


def test_a_built_in_int8_recipe_is_served_by_the_ranges_kept_with_the_weights(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    planned = recipe_for("tflite", checkpoint, ConvertOptions())
    everything = recipe_for("tflite", checkpoint, ConvertOptions(recipe="w8a8"))
    assert everything.observer == planned.observer and not everything.blocks
    assert ranges_for("tflite", Conversion(checkpoint, 128, everything), None) is not None
    own = Recipe("own", mode="w8a8", observer="minmax")
    write_json(tmp_path / "own.json", own.to_json())
    assert recipe_for("tflite", checkpoint, ConvertOptions(recipe=str(tmp_path / "own.json"))) == own


def test_trained_weights_keep_the_recipe_of_qat_and_no_older_plan(atr_folder: Path) -> None:
    shutil.copytree(BUNDLED_FOLDER / PLANNED_FOLDER, atr_folder / PLANNED_FOLDER)
    keep_trained_recipe(atr_folder, trained_recipe("w8a8"))
    trained = load_checkpoint(atr_folder)
    for options in (ConvertOptions(), ConvertOptions(recipe="w8a8")):
        recipe = recipe_for("tflite", trained, options)
        assert (recipe.mode, recipe.observer, dict(recipe.blocks)) == ("w8a8", "moving-average", {})
    with pytest.raises(CalibrationError, match="no ranges for it are kept"):
        ranges_for("tflite", Conversion(trained, 128, recipe), None)
    keep_trained_recipe(atr_folder, None)
    assert recipe_for("tflite", trained, ConvertOptions()).name == "fp32"
    assert not (atr_folder / PLANNED_FOLDER).exists()


def test_shipped_ranges_are_of_these_weights_and_this_observer(
    checkpoint: Checkpoint, atr_folder: Path
) -> None:
    conversion = Conversion(checkpoint, 128, recipe_for("tflite", checkpoint, ConvertOptions()))
    for target in ("tflite", "coreml"):
        ranges = ranges_for(target, conversion, None)
        assert ranges is not None and ranges.weights_sha256 == checkpoint.sha256
    shutil.copytree(BUNDLED_FOLDER / PLANNED_FOLDER, atr_folder / PLANNED_FOLDER)
    other = Conversion(load_checkpoint(atr_folder), 128, recipe_named("w8a8"))
    with pytest.raises(CalibrationError, match="pass --calibration with photos like those it will see"):
        ranges_for("tflite", other, None)
    assert ranges_for("tflite", Conversion(checkpoint, 128, recipe_named("w8")), None) is None


def test_every_fourth_picture_judges_and_gives_no_range(checkpoint: Checkpoint, photos: Path) -> None:
    conversion = Conversion(checkpoint, 128, recipe_named("fp32"))
    whole = calibration_set(photos, conversion)
    seen, judged = split(whole)
    assert judged == (0, 4, 8)
    assert len(seen.images) == 6
    few = calibration_set(photos, conversion, limit=3)
    assert split(few) == (few, (0, 1, 2))
    with pytest.raises(CalibrationError, match="also an evaluation picture"):
        calibration_set(photos, conversion, evaluation=photos)


@pytest.mark.slow
def test_one_int8_recipe_converts_to_both_targets(checkpoint: Checkpoint, tmp_path: Path) -> None:
    photos = tmp_path / "photos"  # what the check judges, cut and mirrored: ranges of noise would not fit it
    photos.mkdir()
    whole = astronaut().image
    for i, cut in enumerate((whole, whole[:, ::-1], whole[:400, 60:], whole[:300, 90:390], whole[40:])):
        Image.fromarray(np.ascontiguousarray(cut)).save(photos / f"{i}.png")
    made: list[Artifact] = []
    for target, suffix in (("tflite", "tflite"), ("coreml", "mlpackage")):
        conversion = Conversion(checkpoint, 128, recipe_named("w8a8"))
        ranges = ranges_for(target, conversion, photos)
        made.append(convert_one(target, conversion, tmp_path / f"a.{suffix}", ranges))
    tflite, coreml = (artifact.manifest for artifact in made)
    assert tflite.calibration_sha256 == coreml.calibration_sha256 is not None
    assert tflite.recipe == coreml.recipe
    assert coreml.minimum_os == "iOS 17"
    assert all(manifest.size_bytes < 7.5e6 for manifest in (tflite, coreml))
    report = check(made, checkpoint)
    for artifact in report.artifacts:
        assert artifact.metrics.psnr_db > 22  # at 128² the labels hang on less than int8's step
        assert artifact.metrics.output_error_levels <= 2
        assert {c.name for c in artifact.checks} >= {"label agreement", "mIoU drop", "skin ΔE2000 p95"}


@pytest.mark.slow
def test_a_small_plan_ends_with_a_recipe_and_its_evidence(checkpoint: Checkpoint, photos: Path) -> None:
    found = plan(checkpoint, PlanOptions(photos, 128, min_agreement=0.5))
    assert found.recipe.mode == "w8a8"
    evidence = json.loads(json.dumps(found.recipe.evidence))
    assert evidence["judged"] == 3 and 0 <= evidence["unstable_range_share"] <= 1
    assert any(row["cost"] > 0 for row in evidence["pareto"])
    assert [row["chosen"] for row in evidence["pareto"]].count(True) == 1


def test_an_ios_too_old_for_the_recipe_is_refused_before_anything_is_made(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    options = ConvertOptions("all", 128, "w8a8", out=tmp_path, minimum_ios=16)
    with pytest.raises(ConversionError, match="recipe w8a8 needs iOS 17, not iOS 16; use --recipe w8 or"):
        convert(checkpoint, options)
    with pytest.raises(ConversionError, match="ML Programs need iOS 16"):
        convert(checkpoint, replace(options, recipe="w8", minimum_ios=15))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_converted_when_one_target_exists(checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "mobilevit-s-deeplabv3-parsing-128-planned.tflite").touch()
    with pytest.raises(Exception, match="exists already"):
        convert(checkpoint, ConvertOptions(size=128, out=tmp_path))
    assert len(list(tmp_path.iterdir())) == 1
