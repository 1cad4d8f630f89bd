"""`edgekit bundle` writes, zips, places and proves; a bundle whose network sees something else exits 1."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from edgekit import pipeline
from edgekit.artifact import Artifact
from edgekit.bundles.reading import read_bundle, unpack_bundle
from edgekit.cli import app
from edgekit.files import sha256_of


def run(*arguments: str):
    return CliRunner().invoke(app, ["bundle", *arguments])


def test_a_bundle_is_written_zipped_and_proved(artifacts: dict[str, Artifact], tmp_path: Path) -> None:
    chosen = [option for a in artifacts.values() for option in ("--artifact", str(a.path))]
    out = tmp_path / "bundle"
    result = run(
        *chosen, "--style", "warm, cool", "--default-style", "cool", "--out", str(out), "--zip", "--json"
    )
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    opened = read_bundle(out)
    assert answer["sha256"] == sha256_of(out) and answer["styles"] == ["warm", "cool"]
    assert opened.bundle.default_style == opened.bundle.golden.style == "cool"
    assert {g["target"] for g in answer["golden"] if g["passed"]} == {"tflite", "coreml"}
    assert unpack_bundle(Path(answer["zip"]), tmp_path / "again").bundle == opened.bundle
    again = run(*chosen, "--out", str(out))
    assert again.exit_code != 0 and read_bundle(out).bundle == opened.bundle


def test_a_network_that_sees_something_else_fails_its_golden_picture(
    artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(artifact: Path | None = None, **options: object):
        def segment(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
            mask = np.zeros((32, 32, 3), np.float32)
            mask[:, :, 0] = artifact is None  # the reference sees skin everywhere, the artifact none
            return mask

        return segment

    monkeypatch.setattr(pipeline, "group_segmenter", elsewhere)
    path = str(artifacts["tflite"].path)
    result = run(
        "--artifact", path, "--style", "dramatic", "--into", str(android_project(tmp_path)), "--json"
    )
    assert result.exit_code == 1
    assert json.loads(result.stdout)["path"].endswith("app/src/main/assets/edgekit")
    (golden,) = json.loads(result.stdout)["golden"]
    assert not golden["passed"] and golden["delta_e00_p95"] > 5


def android_project(folder: Path) -> Path:
    (folder / "android_demo/app/src/main").mkdir(parents=True)
    return folder / "android_demo"
