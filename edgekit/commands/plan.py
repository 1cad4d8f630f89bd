"""`edgekit plan`: the fastest int8 recipe inside an accuracy budget."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit import console
from edgekit.commands.options import Force, Json, Size, Weights, unpacked

if TYPE_CHECKING:
    from calibration.planner import Plan


@dataclass(frozen=True)
class BoundOptions:
    """What may be lost."""

    min_agreement: Annotated[
        float | None,
        typer.Option(
            help="Smallest allowed share of labels equal to the float model's.", show_default="0.98"
        ),
    ] = None
    max_miou_drop: Annotated[
        float | None,
        typer.Option(
            help="Largest allowed loss of mIoU; needs --labels.", show_default="0.005 with --labels"
        ),
    ] = None
    max_skin_de: Annotated[
        float | None,
        typer.Option(
            help="Largest allowed ΔE2000 (95th percentile) of skin in the final picture.", show_default="1.0"
        ),
    ] = None


@unpacked
def plan(
    *,
    calibration: Annotated[Path, typer.Option(help="Folder of photos like those the app will get.")],
    target: Annotated[str, typer.Option(help="Runtime to time on this machine: tflite.")] = "tflite",
    weights: Weights = None,
    size: Size = None,
    labels: Annotated[
        Path | None, typer.Option(help="Folder of label PNGs with the calibration photos' names.")
    ] = None,
    bounds: BoundOptions,
    budget_seconds: Annotated[
        float | None,
        typer.Option(
            help="End the search after this time with the cheapest recipe found so far.",
            show_default="the whole search",
        ),
    ] = None,
    evaluation: Annotated[
        Path | None, typer.Option(help="Folder of evaluation photos that must not be calibrated on.")
    ] = None,
    phone: Annotated[
        str | None,
        typer.Option(
            help="A known phone (edgekit devices --profiles): warn about parts that would be slow on it."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="File for the recipe.")] = Path("recipe.json"),
    journal: Annotated[
        Path | None,
        typer.Option(
            help="File of measured recipes: a plan with other bounds goes on from it.",
            show_default="beside the recipe",
        ),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Measure again what the journal holds.")] = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Find the fastest int8 recipe inside an accuracy budget.

    What was measured is kept: an interrupted run, or one with other bounds, measures only what is new.
    """
    import edgekit
    from edgekit.devices.profiles import profile_named
    from edgekit.files import check_file_place, write_json

    with console.quiet_libraries():  # what they print when they are imported
        from calibration.planning import Bounds
        from edgekit.benchmark.placement import place

    check_file_place(out, replace=force)
    profile = None if phone is None else profile_named(phone)
    with console.quiet_libraries():
        checkpoint = edgekit.load_checkpoint(weights)
    journal = journal or out.with_suffix(".journal.json")
    found = edgekit.plan(
        checkpoint,
        calibration,
        target,
        size=size,
        labels=labels,
        evaluation=evaluation,
        bounds=Bounds(bounds.min_agreement, bounds.max_miou_drop, None, bounds.max_skin_de),
        journal=journal,
        fresh=fresh,
        name=_recipe_name(out),
        budget_seconds=inf if budget_seconds is None else budget_seconds,
    )
    write_json(out, found.recipe.to_json(), replace=force)
    _print_pareto(found)
    _print_coreml(found)
    console.show(f"recipe: {out}")
    console.say(f"{journal} keeps what was measured, for a plan with other bounds")
    warnings: tuple[str, ...] = ()
    if profile is not None:
        with tempfile.TemporaryDirectory() as folder:
            (made,) = edgekit.convert(
                checkpoint, target, size=size, recipe=found.recipe, calibration=calibration, out=Path(folder)
            )
            warnings = place(made.path, profile).warnings
    for warning in warnings:
        console.say(f"warning, on {phone}: {warning}")
    if json:
        printed = {
            "recipe": str(out),
            "evidence": found.recipe.evidence,
            "placement_warnings": list(warnings),
        }
        console.print_json(printed)


def _recipe_name(out: Path) -> str:
    """A valid recipe name from the file's name: `My Recipe.json` → `my-recipe`."""
    return re.sub(r"[^a-z0-9.-]+", "-", out.stem.lower()).strip("-.")[:40] or "planned"


def _print_pareto(found: Plan) -> None:
    from rich.table import Table

    table = Table(title="recipes that no other beats in both latency and agreement, and the chosen one")
    for column in (
        "step",
        "size MB",
        "latency / float",
        "partitions",
        "agreement",
        "skin ΔE",
        "mIoU drop",
        "",
    ):
        table.add_column(column, justify="left" if column == "step" else "right")
    for trial in found.pareto():
        p = trial.point
        drop = "–" if p.miou_drop is None else f"{p.miou_drop:+.4f}"
        mark = "chosen" if trial is found.chosen else ""
        row = (
            f"{p.size_bytes / 1e6:.1f}",
            f"{p.cost:.2f} ({p.cost_ends[0]:.2f}–{p.cost_ends[1]:.2f})",
            str(p.partitions),
            f"{p.agreement:.4f}",
            "–" if p.skin_delta_e00_p95 is None else f"{p.skin_delta_e00_p95:.2f}",
            drop,
            mark,
        )
        table.add_row(trial.why, *row)
    console.print_table(table)


def _print_coreml(found: Plan) -> None:
    """What the chosen recipe computes and moves in Core ML, whose time cannot be had here."""
    from converters.coreml_costs import total

    chosen, plain = total(found.coreml["chosen"]), total(found.coreml["float"])
    macs = sum(chosen.macs.values())
    shares = ", ".join(f"{count / macs:.0%} {precision}" for precision, count in chosen.macs.items() if count)
    console.show(
        f"Core ML, counted and not timed: {macs / 1e9:.2f} G multiply-accumulates ({shares}), "
        f"{chosen.bytes / 1e6:.0f} MB read and written, {chosen.bytes / plain.bytes:.2f} of float's"
    )
