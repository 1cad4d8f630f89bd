"""Hostile inputs through the real command line: no traceback, no hang, nothing left behind, nothing lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from edgekit.artifact import Artifact
from edgekit.weights import Checkpoint
from tests.hostile.kit import fill
from tests.hostile.replay import replay, table
from tests.hostile.tables import BASES, Input, inputs, numeric_options

SAMPLE = 48  # of every kind a share: what each run of the tests can afford


@pytest.fixture(scope="module")
def kit(
    checkpoint: Checkpoint, artifacts: dict[str, Artifact], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "kit"
    fill(folder, checkpoint, list(artifacts.values()))
    return folder


def check(chosen: Sequence[Input], kit: Path, folder: Path) -> None:
    outcomes = replay(chosen, kit, folder)
    print(table(outcomes))
    found = [
        "\n  ".join((f"{one.input.name}: edgekit {' '.join(one.input.command)[:300]}", *one.problems[:4]))
        for one in outcomes
        if one.problems
    ]
    assert not found, "\n".join(found)


def test_a_sample(kit: Path, tmp_path: Path) -> None:
    quick = [one for one in inputs() if not one.process and "bundle --out" not in one.name]
    check(quick[:: len(quick) // SAMPLE], kit, tmp_path)


@pytest.mark.slow
def test_every_sixth(kit: Path, tmp_path: Path) -> None:
    """At least 300 inputs, real processes among them; `python -m tests.hostile.replay` runs them all."""
    chosen = inputs()[::6]
    assert len(chosen) >= 300
    check(chosen, kit, tmp_path)


def test_there_are_enough_of_every_kind() -> None:
    kinds = Counter(one.kind for one in inputs())
    assert sum(kinds.values()) >= 300 and kinds["real processes"] >= 20 and min(kinds.values()) >= 20


def test_every_command_with_numbers_is_attacked() -> None:
    assert {path for path, _ in numeric_options()} == BASES.keys()
    assert len(list(numeric_options())) >= 30
