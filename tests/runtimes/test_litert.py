from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.artifact import Artifact
from edgekit.errors import ConversionError, UnknownName
from edgekit.runtimes import open_runtime
from edgekit.runtimes.litert import LiteRT
from tests.support.pictures import picture


@pytest.fixture(scope="module")
def path(artifacts: dict[str, Artifact]) -> Path:
    return artifacts["tflite"].path


def damaged(path: Path, tmp_path: Path, data: bytes) -> Path:
    made = tmp_path / path.name
    made.write_bytes(data)
    return made


def test_a_tap_does_not_change_the_output(path: Path, artifacts: dict[str, Artifact]) -> None:
    image = {"image": picture(128, 128)[None]}
    tap = artifacts["tflite"].manifest.taps["logits"]
    plain, tapped = LiteRT(path).run(image), LiteRT(path, taps=(tap,)).run(image)
    assert list(plain) == ["groups"]
    assert set(tapped) == {"groups", tap}
    assert tapped[tap].shape == (1, 8, 8, 18)
    assert (plain["groups"] == tapped["groups"]).all()


def test_unknown_tap(path: Path) -> None:
    with pytest.raises(ConversionError, match="has no tensor 'nowhere'"):
        LiteRT(path, taps=("nowhere",))


@pytest.mark.parametrize(
    "data",
    [b"", b"TFL", b"junk" * 1000, b"\x1c\x00\x00\x00TFL3" + b"\xff" * 400, b"\x00\x00\x00\x00TFL3"],
    ids=["empty", "three bytes", "junk", "only a header", "nothing after the header"],
)
@pytest.mark.parametrize("taps", [(), ("logits",)], ids=["plain", "tapped"])
def test_junk(data: bytes, taps: tuple[str, ...], path: Path, tmp_path: Path) -> None:
    made = damaged(path, tmp_path, data)
    with pytest.raises(ConversionError) as caught:
        LiteRT(made, taps=taps)
    assert str(made) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("taps", [(), ("groups",)], ids=["plain", "tapped"])
def test_truncated(share: float, taps: tuple[str, ...], path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    made = damaged(path, tmp_path, data[: int(len(data) * share)])
    with pytest.raises(ConversionError) as caught:
        LiteRT(made, taps=taps)
    assert str(made) in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="does not exist"):
        LiteRT(tmp_path / "none.tflite")


@pytest.mark.parametrize(
    ("inputs", "match"),
    [
        ({}, "inputs must be image"),
        ({"picture": np.zeros((1, 128, 128, 3), np.uint8)}, "inputs must be image"),
        ({"image": np.zeros((1, 3, 128, 128), np.uint8)}, "'image'"),
        ({"image": np.zeros((1, 128, 128, 3), np.float32)}, "'image'"),
    ],
)
def test_wrong_inputs(path: Path, inputs: dict[str, NDArray[np.uint8]], match: str) -> None:
    with pytest.raises(ConversionError, match=match):
        LiteRT(path).run(inputs)


def test_another_suffix_is_no_artifact(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"known: \.mlpackage, \.tflite"):
        open_runtime(tmp_path / "model.onnx")
