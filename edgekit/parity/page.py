"""The parity report as one self-contained page: verdict, gates, the worst photos, strata, classes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from edgekit.parity.baseline import Change
from edgekit.parity.figures import figure, fixed, percent, span
from edgekit.parity.half_precision import half_sentence
from edgekit.parity.pictures import HOT_DELTA_E, DrawnPhoto
from edgekit.parity.present import changed
from edgekit.parity.present_stages import sentences
from edgekit.parity.report import ArtifactReport, Check, ParityReport, Status, StratumRow

TEMPLATES = "templates"
MOST_REASONS = 2  # artifacts; the sentence on more of them would be a page, and a table of reasons follows it
TEMPLATE, SCRIPT = "report.html.j2", "report.js"
# The first words of a check's name to what it means; the longest that fits is taken.
MEANINGS = {
    "max |Δlogit|": "The largest difference of any number that the network gives, before a class is chosen.",
    "label agreement": "The share of pixels that get the same class as from PyTorch.",
    "label agreement, worst photo": "The share of pixels with PyTorch's class in the photo that keeps fewest.",
    "output against its definition": "How far the delivered mask is from its definition, in steps of 1/255.",
    "mIoU drop": "What is lost against true labels: overlap with the true shape, averaged over classes.",
    "skin IoU drop": "What is lost against true labels: overlap with the true skin.",
    "skin ΔE2000 p95": (
        "How differently skin is coloured in the final picture: ΔE2000 below 1 cannot be seen. "
        "95 % of skin pixels differ less than the value."
    ),
    "boundary agreement": "How many outlines lie where PyTorch draws them: 1 is all, within a few pixels.",
    "flicker": "Labels that change from frame to frame although nothing moved, beyond PyTorch's own.",
    "skin IoU": "Overlap with PyTorch's skin.",
    "native": "The phone's own runtime, which runs only on its maker's systems.",
}


def html(
    report: ParityReport,
    pictures: Mapping[str, Sequence[DrawnPhoto]],
    changes: Sequence[Change] = (),
) -> str:
    """The page's text. pictures: an artifact's path to its drawn photos. changes: since a baseline."""
    environment = Environment(
        loader=PackageLoader("edgekit.parity", TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = resources.files("edgekit.parity").joinpath(TEMPLATES, SCRIPT).read_text(encoding="utf-8")
    return environment.get_template(TEMPLATE).render(
        report=report,
        pictures=pictures,
        changes=changes,
        changed=changed,
        sentence=verdict(report),
        script=script,
        script_sha256=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        hot_delta_e=HOT_DELTA_E,
        name=lambda path: Path(path).name,
        word=lambda status: status.lower().replace("_", " "),
        meaning=meaning,
        figure=figure,
        span=span,
        reasons=reasons,
        groups=strata_by_dimension,
        classes=classes_by_loss,
        sentences=sentences,
        half_sentence=half_sentence,
        scales={row.path: _scales(row) for row in report.artifacts},
        percent=lambda share: percent(share, signed=True),
        signed=lambda value: fixed(value, 2, signed=True),
    )


def verdict(report: ParityReport) -> str:
    """The report in a sentence: how many artifacts draw PyTorch's picture, and what is wrong with the others."""
    photos = "one photo" if report.pictures == 1 else f"{report.pictures} photos"
    of = {status: [a for a in report.artifacts if a.status == status] for status in Status}
    passed, all_of = len(of[Status.PASSED]), len(report.artifacts)
    if passed == all_of:
        subject = "The artifact draws" if all_of == 1 else f"All {all_of} artifacts draw"
        return f"{subject} the same picture as PyTorch on {photos}."
    parts = [f"{passed} of {all_of} artifacts draw{'s' if passed == 1 else ''} the same picture on {photos}"]
    if of[Status.FAILED]:
        if all_of <= MOST_REASONS:
            parts.append("; ".join(f"{Path(a.path).name} does not ({a.reason})" for a in of[Status.FAILED]))
        else:
            names = ", ".join(Path(a.path).name for a in of[Status.FAILED])
            parts.append(
                f"{len(of[Status.FAILED])} {'does' if len(of[Status.FAILED]) == 1 else 'do'} not: {names}"
            )
    if of[Status.UNDECIDED]:
        names = ", ".join(Path(a.path).name for a in of[Status.UNDECIDED])
        parts.append(f"more photos have to decide about {names}")
    if of[Status.NOT_RUN]:
        parts.append(f"nothing could be judged of {', '.join(Path(a.path).name for a in of[Status.NOT_RUN])}")
    return f"{'; '.join(parts)}."


def meaning(check: str) -> str:
    """What a check judges, for somebody who does not know the field's words; empty for one without an entry."""
    return next(
        (MEANINGS[name] for name in sorted(MEANINGS, key=len, reverse=True) if check.startswith(name)), ""
    )


def reasons(artifact: ArtifactReport) -> list[Check]:
    """The checks that decide against the artifact, or for more photos."""
    return [check for check in artifact.checks if check.status in (Status.FAILED, Status.UNDECIDED)]


def strata_by_dimension(rows: Sequence[StratumRow]) -> dict[str, list[StratumRow]]:
    groups: dict[str, list[StratumRow]] = {}
    for row in rows:
        groups.setdefault(row.dimension, []).append(row)
    return groups


def classes_by_loss(artifact: ArtifactReport) -> list[tuple[str, float]]:
    """(class, IoU with PyTorch's labels) of the classes that were seen, the worst first."""
    known = artifact.metrics.per_class_iou_agreement.items()
    return sorted(((name, iou) for name, iou in known if iou is not None), key=lambda row: row[1])


def _scales(artifact: ArtifactReport) -> dict[str, float]:
    """The largest share of any stage, in either direction: the length of a whole bar."""
    shares = [stage.share for stage in artifact.stages.stages if stage.share] if artifact.stages else []
    return {
        "labels": max((abs(share.labels or 0.0) for share in shares), default=0.0),
        "skin": max((abs(share.skin_delta_e00_p95 or 0.0) for share in shares), default=0.0),
    }
