"""The demo: the whole flow on the bundled weights and picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgekit import console
from edgekit.artifact import Artifact
from edgekit.files import check_file_place, write_whole
from edgekit.images import astronaut
from edgekit.overlay import overlay, png_bytes
from edgekit.parity.check import parity_check
from edgekit.parity.pictures import worst_compared
from edgekit.parity.report import ParityReport
from edgekit.parity.written import write_report
from edgekit.pipeline import convert
from edgekit.segmenter import Segmenter
from edgekit.weights import load_checkpoint


@dataclass(frozen=True)
class Demo:
    """What the demo made."""

    artifacts: tuple[Artifact, ...]
    report: ParityReport
    overlay: Path
    page: Path


def run_demo(out: Path, force: bool = False) -> Demo:
    """The whole flow on the bundled weights and picture: convert, check parity, draw, write a page."""
    drawing, page = out / "overlay.png", out / "report.html"
    for path in (drawing, page):
        check_file_place(path, replace=force)
    with console.quiet_libraries():  # transformers loads torchao where it is installed, and that prints
        checkpoint = load_checkpoint()
    artifacts = convert(checkpoint, out=out, force=force)
    report = parity_check(artifacts, checkpoint)
    picture = astronaut()
    segmenter = Segmenter(checkpoint)
    image = picture.at(segmenter.size)
    drawn = overlay(image, segmenter.labels(image), checkpoint.class_names)
    write_whole(drawing, png_bytes(drawn), replace=force)
    with console.quiet_libraries():
        pictures = worst_compared(report, checkpoint)
    write_report(report, page, pictures=pictures, replace=force)
    return Demo(tuple(artifacts), report, drawing, page)
