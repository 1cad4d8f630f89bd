"""The tables of `edgekit evaluate` that hold means over photos, and scores by stratum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from edgekit import console
from edgekit.commands.evaluate import ranged, shown

if TYPE_CHECKING:
    from edgekit.scores.evaluation import Evaluation

TITLES = {
    "iou": "IoU", "two_class_miou": "mIoU of 2", "precision": "precision", "recall": "recall", "f1": "F1",
    "f_beta": "F (β²=0.3)", "weighted_f": "weighted F", "accuracy": "accuracy", "mae": "MAE",
    "false_share": "false share",
}  # fmt: skip


def print_photo_means(models: Sequence[Evaluation]) -> None:
    """Print a table for the person and one for the skin: the means over photos of every score, a row per model."""
    for group in ("person", "skin"):
        rows = [(m.name, m.photo_means[group]) for m in models if group in m.photo_means]
        if rows:
            _print_table(
                f"Mean over photos, {group}",
                ("model", *TITLES.values()),
                ((name, *(shown(means[metric].value) for metric in TITLES)) for name, means in rows),
            )


def print_strata(models: Sequence[Evaluation]) -> None:
    """Print a table for each model that finds more than skin thresholds do, a row per stratum."""
    for model in models:
        if not (model.strata and model.groups):
            continue
        groups = tuple(model.groups)
        rows = (
            (
                one.dimension,
                one.stratum,
                str(one.n),
                *(ranged(one.groups[group].iou, one.groups[group].iou_ci95) for group in groups),
                *(shown(one.photo_means[group]["false_share"].value) for group in one.photo_means),
            )
            for one in model.strata
        )
        false_shares = (f"false share, {group}" for group in model.photo_means)
        columns = ("by", "", "photos", *(f"{group} IoU (95 %)" for group in groups), *false_shares)
        _print_table(model.name, columns, rows)


def _print_table(title: str, columns: Sequence[str], rows: Iterator[tuple[str, ...]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="left" if column in ("model", "by", "") else "right")
    for row in rows:
        table.add_row(*row)
    console.print_table(table)
