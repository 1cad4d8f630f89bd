"""`pytest device_tests`: NOT_RUN without a device, passes on a phone that computes, fails on another."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.artifact import Artifact, Manifest
from edgekit.devices.agreement import disagreement
from edgekit.devices.device import DeviceInfo
from edgekit.devices.runtime import opener_on
from edgekit.errors import DeviceError
from edgekit.weights import Checkpoint
from tests.devices.conftest import Plug
from tests.devices.device_suite import device_suite
from tests.support.conversions import converted
from tests.support.gpu import needs_gpu

MANIFEST = Manifest(
    "tflite", "parser", 128, "groups", "fp32", {}, (), (), {}, (), {}, "p/1", "0", None, "", {}, "0", 0
)  # fmt: skip


@pytest.mark.slow
def test_without_a_device_it_says_not_run_and_why() -> None:
    ended = device_suite("-rs")
    assert ended.returncode == 0
    assert "NOT_RUN: no --device was given" in ended.stdout and "passed" not in ended.stdout


@pytest.mark.system
def test_a_device_that_is_not_there_is_an_error_not_a_skip(adb_environment: None) -> None:
    ended = device_suite("--device", "pixel")
    assert ended.returncode == 1 and "No connected phone matches 'pixel'" in ended.stdout


def groups(seed: int) -> np.ndarray:
    """(1, 6, 4, 4) uint8 weights whose largest channel is clear."""
    values = np.random.default_rng(seed).integers(0, 100, (1, 6, 4, 4))
    np.put_along_axis(values, values.argmax(axis=-1)[..., None], 200, axis=-1)
    return values.astype(np.uint8)


def test_equal_outputs_pass_and_one_level_is_rounding() -> None:
    artifact = Artifact(Path("a.tflite"), MANIFEST)
    assert disagreement(artifact, groups(1), groups(1)) == ""
    assert disagreement(artifact, groups(1), groups(1) + np.uint8(1)) == ""


def test_other_labels_other_levels_and_other_types_fail() -> None:
    artifact = Artifact(Path("a.tflite"), MANIFEST)
    flipped, brighter = groups(1)[..., ::-1], groups(1) + np.uint8(3)
    for other, words in (
        (flipped, "of the labels are equal"),
        (brighter, "differ by 3 levels"),
        (groups(1).astype(np.float32), "float32 of shape"),
        (groups(1)[:, :5], r"of shape (1, 5, 4, 4) there"),
    ):
        assert words in disagreement(artifact, groups(1), other)


def test_labels_are_compared_by_value() -> None:
    artifact = Artifact(Path("a.tflite"), replace(MANIFEST, output="labels"))
    labels = np.arange(24, dtype=np.uint8).reshape(1, 6, 4)
    assert disagreement(artifact, labels, labels) == ""
    assert disagreement(artifact, labels, labels + np.uint8(1))  # an argmax over the width would not see it


def test_taps_are_refused_on_a_device() -> None:
    class Nowhere:
        info = DeviceInfo("x", "adb", "X", "", "", None, simulated=True)

    with pytest.raises(DeviceError, match="whose `output` is logits"):
        opener_on(Nowhere())(Path("a.tflite"), ("logits",))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def small_artifact(shipped: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """The bundled parser at 128 × 128 with logits."""
    return converted(shipped, "tflite", "fp32", tmp_path_factory.mktemp("artifacts"), "logits")


@pytest.mark.slow
@needs_gpu
def test_parity_in_litert_on_a_gpu(small_artifact: Artifact) -> None:
    ended = device_suite("--runtime", "litert-gpu", "--artifact", small_artifact.path)
    assert ended.returncode == 0 and "2 passed" in ended.stdout, ended.stdout


@pytest.mark.slow
@pytest.mark.system
def test_parity_on_a_phone_that_computes_and_on_one_that_does_not(
    plug: Plug, runner: Path, small_artifact: Artifact
) -> None:
    phone = plug()
    arguments = ("--device", phone.serial, "--runner", runner, "--artifact", small_artifact.path)
    passed = device_suite(*arguments)
    assert passed.returncode == 0 and "2 passed" in passed.stdout, passed.stdout

    text = runner.read_text()
    assert "o.tobytes() for o in outputs" in text
    runner.write_text(text.replace("o.tobytes() for o", "(o + 0.01).astype(o.dtype).tobytes() for o"))
    failed = device_suite(*arguments, "-k", "pytorchs")
    assert failed.returncode == 1 and re.search(r"AssertionError: .*max .Δlogit", failed.stdout), (
        failed.stdout
    )
    runner.write_text(text.replace("o.tobytes() for o", "o[..., ::-1].tobytes() for o"))
    failed = device_suite(*arguments, "-k", "delivers")
    assert failed.returncode == 1 and "of the labels are equal" in failed.stdout, failed.stdout
    assert phone.leftovers() == []
