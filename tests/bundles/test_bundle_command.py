"""`edgekit bundle` writes, zips, places and proves; a bundle whose network sees something else exits 1."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.artifact import Artifact
from edgekit.bundles import building
from edgekit.bundles.reading import read_bundle, unpack_bundle
from edgekit.files import sha256_of
from edgekit.weights import Checkpoint
from tests.support.cli import edgekit


def test_a_bundle_is_written_zipped_and_proved(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint, tmp_path: Path
) -> None:
    chosen = [option for a in artifacts.values() for option in ("--artifact", a.path)]
    common = ("bundle", "--weights", checkpoint.folder, *chosen, "--out", tmp_path / "bundle")
    ran = edgekit(*common, "--style", "warm, cool", "--default-style", "cool", "--zip", "--json")
    assert ran.code == 0, ran.err
    answer = json.loads(ran.out)
    opened = read_bundle(tmp_path / "bundle")
    assert answer["sha256"] == sha256_of(opened.folder) and answer["styles"] == ["warm", "cool"]
    assert opened.bundle.default_style == opened.bundle.golden.style == "cool"
    assert {g["target"] for g in answer["golden"] if g["passed"]} == {"tflite", "coreml"}
    assert unpack_bundle(Path(answer["zip"]), tmp_path / "again").bundle == opened.bundle
    again = edgekit(*common)
    assert again.code == 3 and read_bundle(opened.folder).bundle == opened.bundle


class Elsewhere:
    """In the segmenter's place: the reference sees skin everywhere, an artifact none."""

    def __init__(self, source: object, **_: object) -> None:
        self.skin = float(isinstance(source, Checkpoint))

    def groups(self, photo: NDArray[np.uint8]) -> NDArray[np.float32]:
        mask = np.zeros((32, 32, 3), np.float32)
        mask[:, :, 0] = self.skin
        return mask


def test_a_network_that_sees_something_else_fails_its_golden_picture(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "Segmenter", Elsewhere)
    common = ("bundle", "--weights", checkpoint.folder, "--artifact", artifacts["tflite"].path)
    ran = edgekit(*common, "--style", "dramatic", "--into", android_project(tmp_path), "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["path"].endswith("app/src/main/assets/edgekit")
    (golden,) = json.loads(ran.out)["golden"]
    assert not golden["passed"] and golden["delta_e00_p95"] > 5


def android_project(folder: Path) -> Path:
    (folder / "android_demo/app/src/main").mkdir(parents=True)
    return folder / "android_demo"


def test_a_refinement_that_no_app_draws_is_refused_before_anything_is_converted(tmp_path: Path) -> None:
    ran = edgekit("bundle", "--refinement", "guided", "--out", tmp_path / "bundle")
    assert ran.code == 3 and not (tmp_path / "bundle").exists()
    assert "--refinement guided needs textures of coefficients, which no app of a bundle makes" in ran.err
    assert "converting" not in ran.err
    ran = edgekit("bundle", "--refinement", "gided", "--out", tmp_path / "bundle")
    assert "There is no mask refinement 'gided'; known: bilinear, joint-bilateral, guided." in ran.err
