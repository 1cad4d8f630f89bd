"""Graphs that GPUs were reported to compute wrongly are named, and LiteRT's backend is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgekit.artifact import Artifact
from edgekit.benchmark.gpu_placement import asked, reported_faults
from edgekit.benchmark.placement import place
from edgekit.devices.profiles import profile_named
from edgekit.runtimes import swiftshader
from edgekit.runtimes.litert import parsed, read_tflite
from tests.support import tiny_faults
from tests.support.gpu import needs_gpu
from tests.support.tiny_tflite import layer, with_stored_weights, write_operator, write_tiny

PIXEL = profile_named("pixel 6")


def warnings(path: Path) -> list[str]:
    return [f.text for f in reported_faults(parsed(read_tflite(path), path)) if f.severity == "WARNING"]


@pytest.mark.parametrize(
    ("make", "issue"),
    [
        (tiny_faults.rank_3_pad, 9272),
        (tiny_faults.large_sum, 9249),
        (lambda path: tiny_faults.transposed_product(path, square=True), 8913),
        (tiny_faults.mixed_ranks, 8980),
    ],
)
def test_a_reported_fault_is_named_by_its_issue(
    make: Callable[[Path], Path], issue: int, tmp_path: Path
) -> None:
    path = make(tmp_path / "a.tflite")
    (text,) = warnings(path)
    assert text.startswith("1 ") and f"(LiteRT {issue})" in text
    assert any(str(issue) in warning for warning in place(path, PIXEL).warnings)


@pytest.mark.parametrize(
    "make",
    [tiny_faults.rank_4_pad, lambda path: tiny_faults.transposed_product(path, square=False), write_tiny],
)
def test_what_differs_in_the_decisive_point_is_not(make: Callable[[Path], Path], tmp_path: Path) -> None:
    assert warnings(make(tmp_path / "a.tflite")) == []


def test_the_parser_has_none_of_them(artifacts: dict[str, Artifact]) -> None:
    """Except 8913 at 128²: the small checkpoint's heads happen to be as wide there as it has tokens."""
    path = artifacts["tflite"].path
    assert [text for text in warnings(path) if "8913" not in text] == []
    notes = [f.text for f in reported_faults(parsed(read_tflite(path), path)) if f.severity == "NOTE"]
    assert len(notes) == 1 and "hold the phone to the bundle's golden picture" in notes[0]


@needs_gpu
def test_the_backend_is_asked(tmp_path: Path, artifacts: dict[str, Artifact]) -> None:
    (found,) = asked(artifacts["tflite"].path)
    assert found.severity == "NOTE" and found.text.startswith("takes every operator, asked on ")
    rounds = place(write_tiny(tmp_path / "a.tflite", "ROUND"), PIXEL, asks=True).findings
    answers = {f.processor: f.text for f in rounds}
    assert answers["GPU"] == "the delegate refuses 1 ROUND"
    assert answers["GPU, LiteRT 2"].startswith("takes every operator")


@needs_gpu
def test_an_operator_that_is_left_to_the_cpu_is_a_warning(tmp_path: Path) -> None:
    places = np.array([[0], [2]], np.int32)
    path = write_operator(
        tmp_path / "a.tflite", "GATHER_ND", [(4, 5, 3), places], (2, 5, 3), schema.GatherNdOptionsT()
    )
    (found,) = asked(path)
    assert found.severity == "WARNING" and found.text.startswith("leaves operators to the CPU, asked on ")


@needs_gpu
def test_a_graph_that_the_backend_refuses_is_a_warning(tmp_path: Path) -> None:
    """LiteRT 2.3 does not read int8 weights with a scale per channel behind a DEQUANTIZE, as recipe w8 has them."""
    weights = np.arange(-4, 5, dtype=np.int8).reshape(3, 3)
    data = with_stored_weights(
        layer("FULLY_CONNECTED", np.zeros((3, 3), np.float32)), weights, [0.1, 0.2, 0.3]
    )
    (path := tmp_path / "a.tflite").write_bytes(data)
    (found,) = asked(path)
    assert found.severity == "WARNING" and "does not run on LiteRT's GPU backend" in found.text


def test_where_nothing_can_be_asked_a_note_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VK_ICD_FILENAMES", str(tmp_path / "none.json"))
    monkeypatch.setenv("VK_DRIVER_FILES", str(tmp_path / "none.json"))
    monkeypatch.setattr(swiftshader, "library", lambda: None)
    (found,) = asked(write_tiny(tmp_path / "a.tflite"))
    assert found.severity == "NOTE" and found.text.startswith("not asked: LiteRT's GPU backend")
