"""`edgekit demo`: the whole flow on the bundled weights and picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit import console


def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything that is made.")] = Path("demo-out"),
    force: Annotated[bool, typer.Option("--force", help="Replace what an earlier demo made there.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Convert the bundled parser to both targets, check both against PyTorch, draw the result."""
    from edgekit import pipeline
    from edgekit.parity import present

    made = pipeline.demo(out, force)
    present.print_report(made.report)
    console.say(f"overlay: {made.overlay}\nreport:  {made.page}")
    if json:
        console.print_json(
            {**present.as_json(made.report), "overlay": str(made.overlay), "report": str(made.page)}
        )
    raise typer.Exit(0 if made.report.passed else 1)
