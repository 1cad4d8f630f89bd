"""Planning on real graphs: which pictures judge, and a small plan from photos to a recipe with its evidence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edgekit
from calibration import planning
from calibration.dataset import calibration_set
from calibration.planner import Point
from calibration.planning import Task, split
from calibration.trials import LiteRTTrials
from edgekit.errors import CalibrationError
from edgekit.images import InputSize, Picture
from edgekit.targets import TARGETS
from edgekit.weights import Checkpoint
from tests.support.checkpoints import SIDE
from tests.support.conversions import conversion_of
from tests.support.pictures import picture


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(9):
        Image.fromarray(picture(60 + i, 80, i)).save(folder / f"{i}.png")
    return folder


@pytest.mark.slow
def test_every_fourth_picture_judges_and_gives_no_range(checkpoint: Checkpoint, photos: Path) -> None:
    seen, judged = split(calibration_set(photos, checkpoint, SIDE))
    assert judged == (0, 4, 8)
    assert len(seen.images) == 6
    few = calibration_set(photos, checkpoint, SIDE, 3)
    assert split(few) == (few, (0, 1, 2))
    with pytest.raises(CalibrationError, match="also an evaluation picture"):
        calibration_set(photos, checkpoint, SIDE, None, photos)


def test_attention_is_pooled_by_sides_that_divide_its_tokens(checkpoint: Checkpoint) -> None:
    assert planning._pools(conversion_of(checkpoint, "fp32", size=192)) == {
        "stage3": (2, 4), "stage4": (2,), "stage5": (2,),
    }  # fmt: skip


def test_a_journal_holds_for_all_that_a_measurement_depends_on(
    checkpoint: Checkpoint, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = calibration_set(photos, checkpoint, SIDE)
    task = Task(TARGETS["tflite"], InputSize.of(SIDE), photos)
    labelled = [Picture("a", whole.images[0], np.zeros(whole.images[0].shape[:2], np.uint8))]

    def context() -> str:
        return planning._context(checkpoint, whole, labelled, task)

    first = context()
    assert context() == first
    other = replace(whole, files=dict(list(whole.files.items())[1:]))
    unlabelled = [replace(labelled[0], labels=None)]
    larger = replace(task, size=InputSize.of(2 * SIDE))
    changed = [
        planning._context(replace(checkpoint, sha256="0" * 64), whole, labelled, task),
        planning._context(checkpoint, other, labelled, task),
        planning._context(checkpoint, whole, unlabelled, task),
        planning._context(checkpoint, whole, labelled, larger),
    ]
    for name, value in (("times_hold_for", "another"), ("tool_versions", {"numpy": "0"})):
        with monkeypatch.context() as patch:
            patch.setattr(planning, name, lambda *_, value=value: value)
            changed.append(context())
    assert len({first, *changed}) == 7
    for bounded in (replace(task, seconds=3.0), replace(task, fresh=True)):
        assert planning._context(checkpoint, whole, labelled, bounded) == first


@pytest.mark.slow
def test_a_small_plan_ends_with_a_recipe_and_its_evidence(
    checkpoint: Checkpoint, photos: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(planning, "STAGE_DEPTHS", ("stage3",))  # each pooled graph is a conversion
    easy = edgekit.Bounds(min_agreement=0.5, max_skin_de=20.0)  # random weights see skin in noise
    journal = tmp_path / "plan.journal.json"
    found = edgekit.plan(checkpoint, photos, size=SIDE, bounds=easy, journal=journal)
    assert found.recipe.mode == "w8a8"
    evidence = json.loads(json.dumps(found.recipe.evidence))
    assert evidence["judged"] == 3 and 0 <= evidence["unstable_range_share"] <= 1
    assert any(row["cost"] > 0 for row in evidence["pareto"])
    pooled = [trial for trial in found.trials if trial.recipe.pool == {"stage3": 2}]
    assert [trial.recipe.quantises for trial in pooled] == [False, True]  # in float first
    assert all(trial.point.agreement < 1 and trial.point.partitions == 1 for trial in pooled)
    assert [row["chosen"] for row in evidence["pareto"]].count(True) == 1
    counted, plain = evidence["coreml"]["chosen"], evidence["coreml"]["float"]
    assert counted["macs"]["w8a8"] > 0.9 * sum(counted["macs"].values()) and plain["macs"]["w8a8"] == 0
    assert counted["activation_bytes"] < plain["activation_bytes"] and "stage3.fusion" in counted["blocks"]

    def never(*_: object) -> Point:
        raise AssertionError("this was measured")

    monkeypatch.setattr(LiteRTTrials, "measure", never)
    easier = edgekit.Bounds(min_agreement=0.4, max_skin_de=30.0)
    again = edgekit.plan(checkpoint, photos, size=SIDE, bounds=easier, journal=journal)
    assert again.recipe.blocks == found.recipe.blocks and again.recipe.pool == found.recipe.pool
    chosen = next(row for row in evidence["pareto"] if row["chosen"])
    assert chosen["cost_ci95"][0] <= chosen["cost"] <= chosen["cost_ci95"][1]
