"""`edgekit evaluate`: accuracy of the checkpoint, artifacts and the classical baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit import console
from edgekit.commands.options import Force, Json, LargeSetOptions, Rows, Weights, unpacked

if TYPE_CHECKING:
    from edgekit.scores.evaluation import Evaluation
    from edgekit.scores.evaluation_shards import Evaluated
    from edgekit.scores.external import External


@unpacked
def evaluate(
    images: Annotated[Path, typer.Option(help="Folder of photos.")],
    labels: Annotated[
        Path,
        typer.Option(
            help="Folder of label PNGs with the photos' names; labels.json there, beside it or one folder above says "
            "what values of another scheme stand for."
        ),
    ],
    artifacts: Annotated[
        list[Path] | None,
        typer.Argument(help="Artifacts to evaluate beside the checkpoint.", show_default="none"),
    ] = None,
    weights: Weights = None,
    baselines: Annotated[bool, typer.Option(help="Also evaluate classical skin detectors.")] = True,
    masks: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FOLDER:GROUP",
            help="Also evaluate a folder of masks that another program made, grey PNGs with the photos' names. "
            "GROUP: person, skin, hair or clothes. Repeatable: u2net=masks:person.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE",
            help="Also evaluate a .tflite or .onnx file that finds one group; FILE.json beside it says what it takes "
            "and gives. Repeatable: u2net=u2net.onnx.",
        ),
    ] = None,
    strata: Annotated[
        bool,
        typer.Option(
            help="Also score by light, skin tone, size of the person, hair, people apart and outline."
        ),
    ] = False,
    rows: Rows = None,
    *,
    large: LargeSetOptions,
    force: Force = False,
    json: Json = False,
) -> None:
    """Measure mIoU, accuracy and skin IoU against true labels, with intervals, IoU per class and per group, and the
    means over photos of precision, recall and other scores of the person's and the skin's masks."""
    import edgekit
    from edgekit.scores.external import parsed_masks, parsed_model

    part = large.part
    with console.quiet_libraries():
        checkpoint = edgekit.load_checkpoint(weights)
    beside: list[External] = [*map(parsed_masks, masks or ()), *map(parsed_model, model or ())]
    result = edgekit.evaluate(
        checkpoint, artifacts or [], images=images, labels=labels, baselines=baselines, external=beside,
        strata=strata, rows=rows, resume=large.resume, shard=part, ray=large.ray, force=force,
    )  # fmt: skip
    if large.shard is not None:
        console.say("these are one shard's photos; edgekit merge gives the whole")
    print_evaluated(result, json)


def print_evaluated(result: Evaluated, json: bool) -> None:
    """Print the tables, what was left out, and with `json` the object."""
    from dataclasses import asdict

    from edgekit.commands.evaluation_tables import print_photo_means, print_strata

    print_evaluations(result.models)
    print_photo_means(result.models)
    print_strata(result.models)
    for name, reason in result.skipped:
        console.say(f"skipped {name}: {reason}")
    for note in result.notes:
        console.say(f"note: {note}")
    if json:
        console.print_json({"n": result.n, **{k: v for k, v in asdict(result).items() if k != "n"}})


def print_evaluations(models: tuple[Evaluation, ...]) -> None:
    """Print one row per model, then IoU per class and per group."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=f"{models[0].n} labelled photos", box=SIMPLE_HEAD, pad_edge=False)
    figures = ("mIoU (95 %)", "mean acc.", "overall acc.", "skin IoU (95 %)", "precision", "recall", "F1")
    for column in ("model", *figures):
        table.add_column(column, justify="right" if column in figures else "left", no_wrap=True)
    for m in models:
        table.add_row(
            m.name, ranged(m.miou, m.miou_ci95), shown(m.mean_accuracy), shown(m.overall_accuracy),
            ranged(m.skin_iou, m.skin_iou_ci95), shown(m.skin_precision), shown(m.skin_recall), shown(m.skin_f1),
        )  # fmt: skip
    console.print_table(table)
    parsers = [m for m in models if m.groups]
    if parsers[0].per_class:
        classes = [m for m in parsers if m.per_class]
        _print_ious("class", {m.name: {k: shown(v.iou) for k, v in m.per_class.items()} for m in classes})
    _print_ious(
        "group (95 %)",
        {m.name: {k: ranged(v.iou, v.iou_ci95) for k, v in m.groups.items()} for m in parsers},
    )


def _print_ious(what: str, columns: dict[str, dict[str, str]]) -> None:
    """Print a table with a column for each model and a row for each class or group."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=f"IoU per {what}", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(what.split()[0])
    for name in columns:
        table.add_column(name, justify="right")
    for row in next(iter(columns.values())):
        table.add_row(row, *(column.get(row, "–") for column in columns.values()))
    console.print_table(table)


def shown(value: float | None) -> str:
    """A score to three places; a dash for None."""
    return "–" if value is None else f"{value:.3f}"


def ranged(value: float | None, interval: tuple[float, float] | None) -> str:
    """A score with its interval, if it has one."""
    return shown(value) if interval is None else f"{shown(value)} ({interval[0]:.3f}–{interval[1]:.3f})"
