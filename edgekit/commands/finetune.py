"""`edgekit finetune`: train a checkpoint on labelled photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from edgekit import console
from edgekit.commands.options import Force, Json, Weights, unpacked


@dataclass(frozen=True)
class TrainingOptions:
    """How to train."""

    epochs: Annotated[int, typer.Option(help="Passes over the photos.")] = 20
    size: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N|HxW",
            help="Size of the training input in pixels: a side or rows x columns, multiples of 64, best as many "
            "pixels as 384x384 or more. Repeat it: each step draws one.",
            show_default="384",
        ),
    ] = None
    val_size: Annotated[
        str | None,
        typer.Option(
            metavar="N|HxW", help="Size of the validation input in pixels.", show_default="the checkpoint's"
        ),
    ] = None
    batch: Annotated[int, typer.Option(help="Photos per step, of all processes together.")] = 8
    accumulate: Annotated[
        int,
        typer.Option(help="Parts of the batch to compute one after the other, which takes less memory."),
    ] = 1
    lr: Annotated[
        float | None, typer.Option(help="Base learning rate.", show_default="4e-4, with --qat 4e-5")
    ] = None
    decay: Annotated[str, typer.Option(help="How the learning rate falls: cosine or exponential.")] = "cosine"
    skin_jaccard: Annotated[
        float, typer.Option(help="Weight of the Jaccard loss of skin as one class; 0 leaves it out.")
    ] = 0.5
    class_jaccard: Annotated[
        float, typer.Option(help="Weight of the mean Jaccard loss over all classes; 0 leaves it out.")
    ] = 0.0
    seed: Annotated[
        int,
        typer.Option(help="Random seed: the same seed, data and options give the same weights on a CPU."),
    ] = 0
    keep: Annotated[
        str | None,
        typer.Option(
            help="The epoch whose weights are kept: last, or best by the mean group IoU of the folders.",
            show_default="best with several folders or a labels.json, else last",
        ),
    ] = None
    freeze: Annotated[
        str | None,
        typer.Option(
            help="Keep the backbone's weights up to and including this stage: stem, stage1, ... stage5.",
            show_default="all is trained",
        ),
    ] = None
    workers: Annotated[
        int,
        typer.Option(
            help="Processes that prepare photos, at most one per processor; 0: none beside this one."
        ),
    ] = 0


@unpacked
def finetune(
    *,
    data: Annotated[
        list[str],
        typer.Option(
            metavar="DIR|FILES[:WEIGHT]",
            help="Folder with images/, labels/ and classes.json, or labels.json for labels of sets of classes; or "
            "WebDataset shards ('photos-{000..017}.tar') or Parquet files; repeatable. WEIGHT: how often an epoch "
            "draws each of its photos.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the trained checkpoint, its log and plot.")],
    weights: Weights = None,
    qat: Annotated[
        str | None,
        typer.Option(
            help="Train for this int8 recipe: w8a8, w8 or a recipe's .json.", show_default="float training"
        ),
    ] = None,
    unlabelled: Annotated[
        list[Path] | None,
        typer.Option(help="With --qat: a folder of further photos, which need no labels; repeatable."),
    ] = None,
    training: TrainingOptions,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the interrupted run in --out.")
    ] = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Train a checkpoint on your photos; the result is a checkpoint folder like any other.

    The data are checked first. Every epoch saves the weights to keep and the state to go on from, so an interruption
    costs at most one epoch.
    """
    import edgekit

    with console.quiet_libraries():
        from edgekit.training import distributed, finetuning

    with distributed.joined():
        with console.quiet_libraries():
            checkpoint = edgekit.load_checkpoint(weights)
        trained = finetuning.finetune(
            checkpoint,
            weighted(data),
            out,
            qat=qat,
            unlabelled=unlabelled or (),
            epochs=training.epochs,
            size=training.size or finetuning.SIZE_DEFAULT,
            val_size=training.val_size,
            batch=training.batch,
            accumulate=training.accumulate,
            lr=training.lr,
            decay=training.decay,
            skin_jaccard=training.skin_jaccard,
            class_jaccard=training.class_jaccard,
            seed=training.seed,
            keep=training.keep,
            freeze=training.freeze,
            workers=training.workers,
            resume=resume,
            force=force,
        )
    console.show(f"checkpoint: {out} (use it with --weights {out})")
    if json:
        console.print_json(
            {
                "out": str(trained.folder),
                "training_photos": trained.training_photos,
                "validation_photos": trained.validation_photos,
                "problems": {problem.reason: list(problem.files) for problem in trained.problems},
                "starting_weights": trained.start.to_json(),
                "epochs": [epoch.to_json() for epoch in trained.history],
                "kept_epoch": trained.kept,
            }
        )


def weighted(folders: Sequence[str]) -> dict[Path, float]:
    """The folders of DIR or DIR:WEIGHT with their weights, 1 unless given.

    A text that is itself the name of a folder has no weight, so that a folder may end in a colon and a number.
    """
    found: dict[Path, float] = {}
    for text in folders:
        name, colon, number = text.rpartition(":")
        given = bool(name and colon) and not Path(text).is_dir()
        weight = _number(number) if given else None
        folder = Path(text if weight is None else name)
        if folder in found:
            raise typer.BadParameter(f"--data names {folder} twice; give it a weight instead.")
        found[folder] = 1.0 if weight is None else weight
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
