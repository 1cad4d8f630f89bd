"""`edgekit evaluate`: accuracy of the checkpoint, artifacts and the classical baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit import console
from edgekit.commands.options import Json, Weights

if TYPE_CHECKING:
    from edgekit.scores.evaluation import Evaluation


def evaluate(
    images: Annotated[Path, typer.Option(help="Folder of photos.")],
    labels: Annotated[Path, typer.Option(help="Folder of label PNGs with the photos' names.")],
    artifacts: Annotated[
        list[Path] | None,
        typer.Argument(help="Artifacts to evaluate beside the checkpoint.", show_default="none"),
    ] = None,
    weights: Weights = None,
    baselines: Annotated[bool, typer.Option(help="Also evaluate classical skin thresholds.")] = True,
    json: Json = False,
) -> None:
    """Measure mIoU, accuracy and skin IoU against true labels, with intervals, and IoU per class."""
    from dataclasses import asdict

    import edgekit

    with console.quiet_libraries():
        checkpoint = edgekit.load_checkpoint(weights)
    result = edgekit.evaluate(checkpoint, artifacts or [], images=images, labels=labels, baselines=baselines)
    print_evaluations(result.models)
    for name, reason in result.skipped:
        console.say(f"skipped {name}: {reason}")
    for note in result.notes:
        console.say(f"note: {note}")
    if json:
        console.print_json({"n": result.n, **{k: v for k, v in asdict(result).items() if k != "n"}})


def print_evaluations(models: tuple[Evaluation, ...]) -> None:
    """Print one row per model, then IoU per class."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=f"{models[0].n} labelled photos", box=SIMPLE_HEAD, pad_edge=False)
    figures = ("mIoU (95 %)", "mean acc.", "overall acc.", "skin IoU (95 %)", "precision", "recall", "F1")
    for column in ("model", *figures):
        table.add_column(column, justify="right" if column in figures else "left", no_wrap=True)
    for m in models:
        table.add_row(
            m.name, _ranged(m.miou, m.miou_ci95), _shown(m.mean_accuracy), _shown(m.overall_accuracy),
            _ranged(m.skin_iou, m.skin_iou_ci95), _shown(m.skin_precision), _shown(m.skin_recall), _shown(m.skin_f1),
        )  # fmt: skip
    console.print_table(table)
    classes = Table(title="IoU per class", box=SIMPLE_HEAD, pad_edge=False)
    parsers = [m for m in models if m.per_class]
    classes.add_column("class")
    for m in parsers:
        classes.add_column(m.name, justify="right")
    for name in parsers[0].per_class:
        classes.add_row(name, *(_shown(m.per_class[name].iou) for m in parsers))
    console.print_table(classes)


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _ranged(value: float | None, interval: tuple[float, float] | None) -> str:
    return _shown(value) if interval is None else f"{_shown(value)} ({interval[0]:.3f}–{interval[1]:.3f})"
