"""A parity report as a file, in the format of its name: a page, JSON, JUnit XML for CI, Markdown for a summary."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree

from edgekit.errors import printable
from edgekit.files import JsonValue, json_text, write_whole
from edgekit.parity import present
from edgekit.parity.baseline import WORSE, Change
from edgekit.parity.figures import figure, span
from edgekit.parity.half_precision import half_sentence
from edgekit.parity.page import html
from edgekit.parity.pictures import DrawnPhoto
from edgekit.parity.report import ArtifactReport, Check, ParityReport, Status


def as_json(report: ParityReport, changes: Sequence[Change] = ()) -> dict[str, JsonValue]:
    """The object that `parity-check --json` prints, with the changes since a baseline, if one was given."""
    found = present.as_json(report)
    return {**found, "baseline": [asdict(change) for change in changes]} if changes else found


def is_page(path: Path) -> bool:
    """Whether `write_report` writes a page there: for any suffix that is not one of `TEXTS`."""
    return path.suffix.lower() not in TEXTS


def write_report(
    report: ParityReport,
    path: Path,
    changes: Sequence[Change] = (),
    pictures: Mapping[str, Sequence[DrawnPhoto]] | None = None,
    *,
    replace: bool = False,
) -> None:
    """Write the report in the format that the file's suffix names. pictures: for a page, by the artifact's path."""
    text = (
        html(report, pictures or {}, changes)
        if is_page(path)
        else TEXTS[path.suffix.lower()](report, changes)
    )
    write_whole(path, text, replace=replace)


def junit(report: ParityReport, changes: Sequence[Change] = ()) -> str:
    """JUnit XML: a suite per artifact and a case per gate; gates that did not decide are skipped, with the reason."""
    root = ElementTree.Element("testsuites", name="edgekit parity-check")
    for artifact in report.artifacts:
        suite = ElementTree.SubElement(root, "testsuite", name=_name(artifact))
        for check in artifact.checks:
            case = ElementTree.SubElement(suite, "testcase", classname=_name(artifact), name=check.name)
            if check.status != Status.PASSED:
                kind = "failure" if check.status == Status.FAILED else "skipped"
                ElementTree.SubElement(case, kind, message=printable(present.sentence(check), 1000))
        for change in changes:
            if change.artifact == Path(artifact.path).name:
                named = f"{change.measure} since the baseline"
                case = ElementTree.SubElement(suite, "testcase", classname=_name(artifact), name=named)
                if change.verdict == WORSE:
                    ElementTree.SubElement(case, "failure", message=printable(present.changed(change), 1000))
        statuses = [child.tag for case in suite for child in case]
        suite.set("tests", str(len(suite)))
        suite.set("failures", str(statuses.count("failure")))
        suite.set("skipped", str(statuses.count("skipped")))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def markdown(report: ParityReport, changes: Sequence[Change] = ()) -> str:
    """A summary for a job's page: the verdict first, then a row per gate, the worst photos, and what changed."""
    lines = [f"## Parity with PyTorch: {report.status}", "", f"{report.pictures} picture(s)."]
    for artifact in report.artifacts:
        lines += ["", f"### {_escaped(_name(artifact))}: {artifact.status}", ""]
        lines += ["| gate | value | 95 % interval | bound | verdict |", "|---|---|---|---|---|"]
        lines += [_row(check) for check in artifact.checks]
        if artifact.half_precision is not None:
            lines += ["", f"In half precision: {_escaped(half_sentence(artifact.half_precision))}."]
        if report.pictures > 1 and artifact.worst_photos:
            lines += ["", f"The photos that lose most: {', '.join(map(_escaped, artifact.worst_photos))}."]
    if changes:
        lines += [
            "",
            "### Since the baseline",
            "",
            *(f"- {_escaped(present.changed(change))}" for change in changes),
        ]
    if report.skipped or report.notes:
        lines += ["", "### Skipped and noted", ""]
        lines += [f"- {_escaped(f'{name}: {reason}')}" for name, reason in report.skipped]
        lines += [f"- {_escaped(note)}" for note in report.notes]
    return "\n".join(lines) + "\n"


def _row(check: Check) -> str:
    value, bound = ("" if n is None else figure(check.name, n) for n in (check.value, check.bound))
    interval = span(check.name, check.interval)
    name = f"{check.name}, {check.where}" if check.where else check.name
    verdict = f"{check.status}: {check.reason}" if check.reason else str(check.status)
    return f"| {' | '.join(map(_escaped, (name, value, interval, bound, verdict)))} |"


def _name(artifact: ArtifactReport) -> str:
    return printable(Path(artifact.path).name, 200)


def _escaped(text: str) -> str:
    """The text as one line of Markdown that holds no markup of its own."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", printable(text, 1000))


TEXTS: Mapping[str, Callable[[ParityReport, Sequence[Change]], str]] = {
    ".json": lambda report, changes: json_text(as_json(report, changes)),
    ".xml": junit,
    ".md": markdown,
}
