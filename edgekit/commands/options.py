"""Options that several commands share, each defined once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit import console

Weights = Annotated[
    str | None, typer.Option(help="Checkpoint folder or hub id.", show_default="the bundled parser")
]
Size = Annotated[
    int | None,
    typer.Option(
        help="Side of the input in pixels: a multiple of 64 from 128 to 1024.",
        show_default="the checkpoint's",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there already.")]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object on standard output.", callback=console.expect_json),
]
Style = Annotated[str | None, typer.Option(help="A preset; `edgekit styles` lists them.")]
Lut = Annotated[
    Path | None, typer.Option(help="A LUT for everything but skin: .cube, .3dl, .csp, .clf, Hald …")
]
SkinLut = Annotated[Path | None, typer.Option(help="A LUT for skin.", show_default="skin stays as it is")]
Refinement = Annotated[
    str, typer.Option(help="How the mask follows edges: bilinear, joint-bilateral or guided.")
]
