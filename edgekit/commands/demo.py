"""`edgekit demo`: the whole flow on the bundled weights and picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit import console
from edgekit.commands.options import Force, Json


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the artifacts, the overlay and the report.")] = Path(
        "demo-out"
    ),
    force: Force = False,
    json: Json = False,
) -> None:
    """Convert the bundled parser to both targets, check both against PyTorch, draw the result."""
    with console.quiet_libraries():  # they print on import
        from edgekit.demo import run_demo
        from edgekit.parity import present

    made = run_demo(out, force)
    present.print_report(made.report)
    console.show(f"overlay: {made.overlay}")
    console.show(f"report: {made.page}")
    if json:
        console.print_json(
            {**present.as_json(made.report), "overlay": str(made.overlay), "report": str(made.page)}
        )
    raise typer.Exit(0 if made.report.passed else 1)
