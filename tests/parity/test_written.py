"""Reports as files: every format holds every gate, and nothing of a name becomes markup."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from edgekit.errors import EdgekitError
from edgekit.parity.baseline import (
    BETTER,
    MEASURES,
    SAME,
    UNDECIDED,
    WORSE,
    Change,
    changes_since,
    read_baseline,
)
from edgekit.parity.present import changed
from edgekit.parity.report import ArtifactReport, Check, Metrics, ParityReport, PhotoRow, Status
from edgekit.parity.written import write_report

HOSTILE = "a|b<script>*x*\x1b[31m.tflite"
METRICS = Metrics(20, 1e-5, 90.0, 0.99, 0.99, 0.9, 0.9, 0.9, 0.5, {"Face": 0.9})
CHECKS = (
    Check("max |Δlogit|", Status.PASSED, 1e-5, 1e-3),
    Check("label agreement", Status.FAILED, 0.97, 0.98, interval=(0.965, 0.975)),
    Check("skin ΔE2000 p95", Status.UNDECIDED, 0.95, 1.0, "undecided with 20 photos", (0.9, 1.1)),
    Check("label agreement, worst photo", Status.PASSED, 0.95, 0.9, where="<b>.jpg"),
    Check("native Core ML", Status.NOT_RUN, reason="needs a Mac"),
)


def rows(n: int, agreement: float, colour: float) -> tuple[PhotoRow, ...]:
    """Photos around these figures."""
    return tuple(
        PhotoRow(f"{i:02}.jpg", agreement + (i % 5 - 2) * 1e-4, 0.9, 500, 0.9, colour + (i % 3 - 1) * 0.01, None, None,
                 None, None, 30.0, 50.0, 0.2)
        for i in range(n)
    )  # fmt: skip


def report(photos: tuple[PhotoRow, ...], path: str = HOSTILE) -> ParityReport:
    artifact = ArtifactReport(
        path,
        "tflite",
        "w8a8",
        "litert",
        Status.FAILED,
        "failed: label agreement",
        METRICS,
        CHECKS,
        photos,
        ("<b>.jpg",),
    )
    return ParityReport(False, (artifact,), 1e-5, len(photos), (("x|.jpg", "is <damaged>"),), ("a_note_",))


def written(tmp_path: Path, name: str, changes: tuple[Change, ...] = ()) -> str:
    write_report(report(rows(20, 0.99, 0.5)), tmp_path / name, changes)
    return (tmp_path / name).read_text(encoding="utf-8")


WORSENED = Change("a|b<script>*x*\x1b[31m.tflite", "label_agreement", 0.01, (0.005, 0.02), 20, WORSE)


def test_junit_has_a_case_per_gate(tmp_path: Path) -> None:
    root = ElementTree.fromstring(written(tmp_path, "report.xml", (WORSENED,)))
    (suite,) = root
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("6", "2", "2")
    outcomes = {case.get("name"): [child.tag for child in case] for case in suite}
    assert outcomes == {
        "max |Δlogit|": [],
        "label agreement": ["failure"],
        "skin ΔE2000 p95": ["skipped"],
        "label agreement, worst photo": [],
        "native Core ML": ["skipped"],
        "label_agreement since the baseline": ["failure"],
    }
    message = suite[1][0].get("message")
    assert message == "label agreement FAILED: 97.00% (96.50% to 97.50%) against the bound 98.00%"


def test_markdown_is_a_summary_without_markup_of_the_names(tmp_path: Path) -> None:
    text = written(tmp_path, "summary.MD", (WORSENED,))
    assert text.startswith("## Parity with PyTorch: FAILED\n")
    assert "| label agreement | 97.00% | 96.50% to 97.50% | 98.00% | FAILED |" in text
    assert "UNDECIDED: undecided with 20 photos |" in text and "is worse than the baseline" in text
    assert "<script>" not in text and "<b>" not in text.replace("\\<b\\>", "") and "\x1b" not in text
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(line.replace("\\|", "").count("|") == 6 for line in tables)


def test_json_holds_the_rows_and_what_changed(tmp_path: Path) -> None:
    found = json.loads(written(tmp_path, "report.json", (WORSENED,)))
    assert (found["passed"], found["status"]) == (False, "FAILED")
    assert len(found["artifacts"][0]["photos"]) == 20 and found["artifacts"][0]["worst_photos"] == ["<b>.jpg"]
    assert found["artifacts"][0]["checks"][1]["interval"] == [0.965, 0.975]
    assert found["baseline"][0]["verdict"] == "worse"


def test_any_other_suffix_is_a_page(tmp_path: Path) -> None:
    page = written(tmp_path, "report")
    assert page.startswith("<!doctype html>") and "<b>.jpg" not in page and "<script>*x*" not in page


@pytest.mark.parametrize(
    ("agreement", "colour", "verdicts"),
    [
        (0.98, 0.5, {"label_agreement": WORSE, "skin_delta_e00_p95": SAME}),
        (0.99, 0.9, {"label_agreement": SAME, "skin_delta_e00_p95": WORSE}),
        (0.999, 0.1, {"label_agreement": BETTER, "skin_delta_e00_p95": BETTER}),
        (0.9899, 0.51, {"label_agreement": SAME, "skin_delta_e00_p95": SAME}),
    ],
)
def test_what_got_worse_since_a_baseline(
    tmp_path: Path, agreement: float, colour: float, verdicts: dict[str, str]
) -> None:
    write_report(report(rows(20, 0.99, 0.5), "old/a.tflite"), tmp_path / "old.json")
    found = changes_since(
        read_baseline(tmp_path / "old.json"), report(rows(20, agreement, colour), "new/a.tflite")
    )
    assert {change.measure: change.verdict for change in found} == {**verdicts, "boundary_agreement": SAME}
    assert [change.measure for change in found] == [name for name, *_ in MEASURES[:3]]
    worse = next(change for change in found if change.measure == "label_agreement")
    assert worse.loss == pytest.approx(0.99 - agreement) and worse.interval is not None
    assert worse.interval[0] <= worse.loss + 1e-9 and worse.loss - 1e-9 <= worse.interval[1]
    assert "a.tflite: label_agreement is" in changed(worse)


def test_few_common_photos_decide_nothing(tmp_path: Path) -> None:
    write_report(report(rows(5, 0.99, 0.5)), tmp_path / "old.json")
    old = read_baseline(tmp_path / "old.json")
    assert {change.verdict for change in changes_since(old, report(rows(20, 0.5, 9.0)))} == {UNDECIDED}


def test_a_baseline_of_other_things_is_refused(tmp_path: Path) -> None:
    here = report(rows(8, 0.99, 0.5))
    write_report(here, tmp_path / "old.json")
    old = read_baseline(tmp_path / "old.json")
    with pytest.raises(EdgekitError, match="has none of these artifacts"):
        changes_since(old, report(rows(8, 0.99, 0.5), "other.tflite"))
    renamed = tuple(replace(row, name=f"new {row.name}") for row in rows(8, 0.99, 0.5))
    with pytest.raises(EdgekitError, match="has no photo of"):
        changes_since(old, report(renamed))
    (tmp_path / "older.json").write_text(
        '{"passed": true, "artifacts": [{"path": "a.tflite", "metrics": {}}]}'
    )
    with pytest.raises(EdgekitError, match="no rows of photos"):
        read_baseline(tmp_path / "older.json")
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(EdgekitError, match="is not a report of parity-check"):
        read_baseline(tmp_path / "list.json")
