"""The benchmark of flicker: which photos, and the table from reports."""

from __future__ import annotations

from pathlib import Path

from benchmarks.harness import evenly
from benchmarks.stability import table
from edgekit.parity.report import ArtifactReport, Check, Metrics, Stability, StabilityRow, Status


def test_photos_are_spread_over_the_folder() -> None:
    paths = [Path(f"{i}") for i in range(51)]
    assert [path.name for path in evenly(paths, 4)] == ["0", "12", "25", "38"]
    assert evenly(paths[:3], 8) == paths[:3]


def found(flicker: float, status: Status) -> ArtifactReport:
    rows = (
        StabilityRow("pan", flicker, 0.02, 0.5 + flicker, 0.5),
        StabilityRow("JPEG", flicker, 0.01, None, None),
    )
    stability = Stability(8, flicker, 0.015, flicker - 0.015, (0.001, 0.002), rows)
    check = Check("flicker beyond PyTorch's", status, flicker - 0.015, 0.002)
    made = Metrics(8, 0.1, 40.0, 0.99, 0.99, 0.9, None, 0.9, 1.0, {})
    return ArtifactReport(
        "a.tflite", "tflite", "w8a8", "litert", status, "", made, (check,), stability=stability
    )


def test_the_table_has_pytorch_beside_each_artifact() -> None:
    text = table(["planned", "w8a8"], (found(0.016, Status.PASSED), found(0.03, Status.FAILED)))
    assert "| pan | 2.00% | 1.60% | 3.00% | 0.50 | 0.52 | 0.53 |" in text
    assert "| JPEG | 1.00% | 1.60% | 3.00% | – | – | – |" in text
    assert "| all | 1.50% | 1.60% | 3.00% | – | – | – |" in text
    assert "- planned: 0.10 (0.10–0.20) points beyond PyTorch's, PASSED (bound 0.20)." in text
    assert "- w8a8: 1.50 (0.10–0.20) points beyond PyTorch's, FAILED (bound 0.20)." in text
