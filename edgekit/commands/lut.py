"""`edgekit lut`: the commands for look-up tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit import console
from edgekit.commands.options import Force, Json

lut = typer.Typer(
    name="lut", help="Look-up tables (LUTs): fit one to a photo and its edited version.", no_args_is_help=True
)


@lut.callback()
def _lut() -> None:
    """Keep `fit` a subcommand: with a single command, typer would drop its name."""


@lut.command("fit")
def fit(
    before: Annotated[Path, typer.Argument(help="The photo before editing.", show_default=False)],
    after: Annotated[Path, typer.Argument(help="The same photo after editing.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The .cube file to write.", show_default=False)],
    mask: Annotated[
        Path | None,
        typer.Option(
            help="Mask picture, white on skin: fit skin separately, into OUT with -skin before its extension."
        ),
    ] = None,
    size: Annotated[int, typer.Option(min=9, max=33, help="Points per side of the fitted table.")] = 17,
    force: Force = False,
    json: Json = False,
) -> None:
    """Fit a smooth LUT to a photo and its edited version; prints the error on held-out pixels."""
    from dataclasses import asdict

    from edgekit.color.fit import fit_files

    fitted = fit_files(before, after, mask, out, size, force)
    for each in fitted:
        error = each.error
        console.show(
            f"{each.path} ({each.region}): mean Lab L2 {error.lab_l2_before:.2f} → {error.lab_l2_after:.2f}, "
            f"ΔE2000 {error.delta_e00_before:.2f} → {error.delta_e00_after:.2f}, {error.n:,} held-out pixels"
        )
    if json:
        console.print_json({"luts": [{**asdict(each), "path": str(each.path)} for each in fitted]})
