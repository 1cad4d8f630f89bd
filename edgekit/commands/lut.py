"""`edgekit lut`: the commands for look-up tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit import console
from edgekit.commands.options import Force, Json, SegmentingArtifact, Weights

lut = typer.Typer(
    name="lut", help="Look-up tables (LUTs): fit one to a photo and its edited version.", no_args_is_help=True
)


@lut.callback()
def _lut() -> None:
    """Keep `fit` a subcommand: with a single command, typer would drop its name."""


@lut.command("fit")
def fit(
    before: Annotated[
        Path,
        typer.Argument(help="The photo before editing; with --regions, or a folder.", show_default=False),
    ],
    after: Annotated[
        Path,
        typer.Argument(
            help="The same photo after editing, or a folder with the same names.", show_default=False
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(help="The .cube file to write; with --regions a look's .json.", show_default=False),
    ],
    regions: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=4,
            help="Find this many regions that the edit treats differently, among skin, hair, clothes and "
            "background: a table for each, and a look that draws them.",
            show_default="one table for all",
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            help="Mask picture, white on skin: fit skin separately, into OUT with -skin before its extension."
        ),
    ] = None,
    artifact: SegmentingArtifact = None,
    weights: Weights = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=9, max=33, help="Points per side of a fitted table.", show_default="17; with --regions 33"
        ),
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Fit a smooth LUT to a photo and its edited version; prints the error on held-out pixels."""
    if regions is not None:
        if mask is not None:
            raise typer.BadParameter("--mask does not go with --regions, which finds the regions.")
        _fit_look(before, after, regions, out, artifact or weights, size, force, json)
        return
    if artifact is not None or weights is not None:
        raise typer.BadParameter("--artifact and --weights go with --regions.")
    from dataclasses import asdict

    from edgekit.color.fit import DEFAULT_SIZE, fit_files

    fitted = fit_files(before, after, mask, out, size or DEFAULT_SIZE, force)
    for each in fitted:
        error = each.error
        console.show(
            f"{each.path} ({each.region}): mean Lab L2 {error.lab_l2_before:.2f} → {error.lab_l2_after:.2f}, "
            f"ΔE2000 {error.delta_e00_before:.2f} → {error.delta_e00_after:.2f}, {error.n:,} held-out pixels"
        )
    if json:
        console.print_json({"luts": [{**asdict(each), "path": str(each.path)} for each in fitted]})


def _fit_look(
    before: Path,
    after: Path,
    regions: int,
    out: Path,
    source: Path | str | None,
    size: int | None,
    force: bool,
    json: bool,
) -> None:
    from dataclasses import asdict

    with console.quiet_libraries():
        from edgekit.color.grade import DEFAULT_SIZE
        from edgekit.fitting import fit_look
        from edgekit.segmenter import Segmenter

        segmenter = Segmenter(source)
    made = fit_look(before, after, regions, out, segmenter, size or DEFAULT_SIZE, force)
    found = made.fitted
    console.show(f"{made.path}: a look for edgekit style --style {made.path}")
    for path, groups in zip(made.luts, found.regions, strict=True):
        console.show(f"{path}: {', '.join(groups)}")
    if found.unseen:
        console.say(f"the photos hardly show {', '.join(found.unseen)}: unchanged by the look")
    for name, error in found.errors.items():
        console.show(
            f"{name}: mean Lab L2 {error.lab_l2_before:.2f} → {error.lab_l2_after:.2f}, "
            f"ΔE2000 {error.delta_e00_before:.2f} → {error.delta_e00_after:.2f}, {error.n:,} held-out pixels"
        )
    if json:
        console.print_json(
            {
                "look": str(made.path),
                "luts": [
                    {"path": str(path), "regions": list(groups)}
                    for path, groups in zip(made.luts, found.regions, strict=True)
                ],
                "unseen": list(found.unseen),
                "errors": {name: asdict(error) for name, error in found.errors.items()},
            }
        )
