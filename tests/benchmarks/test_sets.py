"""The figure of sets: a row for each set, checkpoint and artifact, with a dash where the labels do not tell a group."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.sets import named, rows_of
from edgekit.weights import Checkpoint
from tests.support.pictures import picture


def test_a_set_is_judged_by_the_groups_that_its_labels_tell(checkpoint: Checkpoint, tmp_path: Path) -> None:
    place = tmp_path / "hair/eval"
    (place / "images").mkdir(parents=True)
    (place / "labels").mkdir()
    (tmp_path / "hair/labels.json").write_text(json.dumps({"0": None, "1": ["Hair"], "2": ["Background"]}))
    for i in range(2):
        Image.fromarray(picture(64, 48, i)).save(place / f"images/{i}.png")
        Image.fromarray(np.full((64, 48), 1 + i, np.uint8)).save(place / f"labels/{i}.png")
    networks = [named(f"first={checkpoint.folder}"), named(f"{checkpoint.folder}")]
    rows = list(rows_of(place, networks, []))
    assert [row[:3] for row in rows] == [("hair", "2", "first"), ("hair", "2", checkpoint.name)]
    assert rows[0][3:] == rows[1][3:]
    skin, hair, clothes, person = rows[0][3:]
    assert (skin, clothes) == ("–", "–") and 0 <= float(hair.split()[0]) <= 1 and person
