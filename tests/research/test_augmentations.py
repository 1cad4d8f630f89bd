"""research/augmentations.py on a toy set: every way is trained and judged on the same photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.scores.metrics import IGNORE
from edgekit.training.augment import Lattice
from edgekit.weights import Checkpoint
from research import augmentations
from tests.training.toy import write_set

SIDE = 128


@pytest.mark.slow
def test_every_way_is_trained_and_judged(
    checkpoint: Checkpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(augmentations, "SIDE", SIDE)
    monkeypatch.setattr(augmentations, "load_checkpoint", lambda: checkpoint)
    write_set(tmp_path / "toy", 20)
    augmentations.main(tmp_path / "toy", photos=16, variants=1, epochs=2)
    table = capsys.readouterr().out
    rows = [line for line in table.splitlines() if line.startswith("| ")][2:]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == list(augmentations.ARMS)
    assert "16 photos, 1 samples of each, 2 epochs; 1 validate" in table


def test_a_condition_is_the_same_for_every_arm(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(augmentations, "SIDE", SIDE)
    write_set(tmp_path / "toy", 2)
    (pair, _) = augmentations.pairs_in(tmp_path / "toy")
    plain, labels = augmentations.changed(pair, 3, checkpoint, None)
    behind, hidden = augmentations.changed(pair, 3, checkpoint, Lattice(p=1))
    again, _ = augmentations.changed(pair, 3, checkpoint, Lattice(p=1))
    assert plain.shape == (SIDE, SIDE, 3) and labels.shape == (SIDE, SIDE)
    assert (behind == again).all() and (hidden == IGNORE).any()
    assert np.array_equal(behind[hidden != IGNORE], plain[hidden != IGNORE])
