"""Faults of half precision: found, located and named, in a checkpoint whose stream is too large for fp16."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.artifact import Artifact
from edgekit.errors import ConversionError
from edgekit.images import astronaut
from edgekit.parity import present
from edgekit.parity.check import parity_check
from edgekit.parity.gates import Gates
from edgekit.parity.graphs import Node
from edgekit.parity.half_precision import (
    fault_sentence,
    faults_among,
    half_precision,
    half_precision_warning,
    range_faults,
)
from edgekit.parity.written import markdown
from edgekit.runtimes.litert_half import Magnitudes
from edgekit.weights import Checkpoint, load_checkpoint
from tests.support.checkpoints import with_stream_times
from tests.support.conversions import converted


def node(kind: str, inputs: tuple[str, ...], output: str) -> Node:
    return Node(kind, inputs, (output,), "stage3.0.norm", None, lambda values: values, False)


def test_only_the_operator_that_overflows_first_is_accused() -> None:
    nodes = [node("MUL", ("x", "x"), "y"), node("ADD", ("y", "x"), "z")]
    found = {"x": Magnitudes(0.1, 300.0), "y": Magnitudes(0.01, 90000.0), "z": Magnitudes(0.1, float("inf"))}
    (fault,) = faults_among(nodes, found)
    assert (fault.kind, fault.operator, fault.tensor, fault.value) == ("overflow", "MUL", "y", 90000.0)
    assert fault_sentence([fault]) == "overflows in stage3.0.norm (MUL gives 90000)"
    assert fault_sentence([fault, fault]).endswith(", and 1 more")


def test_a_result_that_is_no_number_is_an_overflow() -> None:
    (fault,) = faults_among(
        [node("SUB", ("x",), "y")], {"x": Magnitudes(0, 1), "y": Magnitudes(0, float("nan"))}
    )
    assert fault.kind == "overflow" and "what is no number" in fault_sentence([fault])


@pytest.mark.parametrize(
    ("kind", "accused"), [("RSQRT", True), ("DIV", True), ("LOG", True), ("SQRT", False)]
)
def test_a_small_number_matters_where_something_is_divided_by_it(kind: str, accused: bool) -> None:
    found = {"n": Magnitudes(1e-9, 1.0), "x": Magnitudes(1e-5, 1.0), "y": Magnitudes(0.1, 400.0)}
    faults = faults_among([node(kind, ("x",) if kind != "DIV" else ("n", "x"), "y")], found)
    assert [(fault.kind, fault.value) for fault in faults] == ([("underflow", 1e-5)] if accused else [])
    assert not faults or "RSQRT reads 1e-05" in fault_sentence(faults).replace(kind, "RSQRT")


def test_a_numerator_may_be_small() -> None:
    found = {"n": Magnitudes(1e-9, 1.0), "x": Magnitudes(0.5, 1.0), "y": Magnitudes(0.1, 2.0)}
    assert not faults_among([node("DIV", ("n", "x"), "y")], found)


def test_the_report_has_a_column_for_it(artifacts: dict[str, Artifact], checkpoint: Checkpoint) -> None:
    report = parity_check(list(artifacts.values()), checkpoint, gates=Gates(min_agreement=0.99))
    tflite, coreml = report.artifacts
    half = tflite.half_precision
    assert half is not None and coreml.half_precision is None
    assert half.photos == 1 and half.label_agreement > 0.95 and half.faults == ()
    assert 0 < half.max_abs_logit < 1
    assert present.cells(tflite)[-1] == f"{half.label_agreement:.2%}" and present.cells(coreml)[-1] == "–"
    assert "every tensor fits into its range" in markdown(report)
    assert present.as_json(report)["artifacts"][0]["half_precision"]["faults"] == []  # type: ignore[index,call-overload]


def test_a_file_that_cannot_be_computed_so_has_a_note(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(data: bytes, path: Path) -> bytes:
        raise ConversionError("tflite", "fp16", f"{path} has more than one subgraph.")

    monkeypatch.setattr("edgekit.runtimes.litert_half.in_half", refused)
    report = parity_check([artifacts["tflite"]], checkpoint, gates=Gates(min_agreement=0.99))
    assert report.passed and report.artifacts[0].half_precision is None
    (note,) = report.notes
    assert "was not computed in half precision: tflite, fp16:" in note


def test_another_runtime_is_judged_alone_and_by_the_gates_of_fp16(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    report = parity_check(
        [artifacts["tflite"]], checkpoint, gates=Gates(min_agreement=0.9), runtime="litert-fp16"
    )
    (row,) = report.artifacts
    assert row.runtime == "litert-fp16" and row.half_precision is None
    assert report.passed and row.metrics.max_abs_logit > 1e-3  # fp32's gate
    assert "max |Δlogit|" not in {check.name for check in row.checks}


@pytest.fixture(scope="module")
def large(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> tuple[Artifact, Checkpoint]:
    """The small checkpoint with a stream 64 times as large, converted."""
    folder = tmp_path_factory.mktemp("large")
    planted = load_checkpoint(with_stream_times(checkpoint.folder, folder / "planted", 64))
    return converted(planted, "tflite", "fp32", folder), planted


@pytest.mark.slow
def test_a_planted_overflow_is_found_located_and_named(
    large: tuple[Artifact, Checkpoint], capsys: pytest.CaptureFixture[str]
) -> None:
    artifact, planted = large
    faults = range_faults(artifact, astronaut().at(128))
    first = faults[0]
    assert (first.kind, first.operator) == ("overflow", "MUL") and first.value > 65504
    assert first.place.split(".")[-1].startswith("norm")  # the norms square the stream
    assert half_precision_warning(artifact).startswith(
        f"in half precision, as on a phone's GPU, {artifact.path.name} overflows in {first.place} (MUL gives"
    )
    report = parity_check([artifact], planted, gates=Gates(min_agreement=0.99))
    assert report.passed  # the CPU computes in fp32
    (row,) = report.artifacts
    assert row.half_precision is not None and row.half_precision.faults == faults
    assert present.cells(row)[-1] == "overflow"
    present.print_report(report)
    assert f"it overflows in {first.place}" in capsys.readouterr().out


def test_the_small_checkpoint_itself_is_clean(artifacts: dict[str, Artifact], checkpoint: Checkpoint) -> None:
    assert half_precision_warning(artifacts["tflite"]) == ""
    assert half_precision_warning(artifacts["coreml"]) == ""
    half = half_precision(artifacts["tflite"], checkpoint, [astronaut()])
    assert half.faults == ()
