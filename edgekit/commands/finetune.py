"""`edgekit finetune`: train a checkpoint on labelled photos."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit import console
from edgekit.commands.options import Force, Json, Weights
from edgekit.errors import EdgekitError, MissingDependency

if TYPE_CHECKING:
    from edgekit.weights import Checkpoint

LR_DEFAULT = 4e-4  # found on 902 photos at 384², batches of 8
LR_QAT = 4e-5  # the weights are trained already; they only have to settle on the grid
TRAINING_PACKAGES = ("albumentations", "matplotlib")  # the extra edgekit[train]


def finetune(
    data: Annotated[Path, typer.Option(help="Folder with images/, labels/ and classes.json.")],
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
        typer.Option(help="With --qat: a folder of your photos to train on too, without labels; repeatable."),
    ] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the photos.")] = 20,
    size: Annotated[int, typer.Option(help="Training input side in pixels, a multiple of 64.")] = 384,
    val_size: Annotated[
        int | None, typer.Option(help="Validation input side in pixels.", show_default="the checkpoint's")
    ] = None,
    batch: Annotated[int, typer.Option(help="Photos per step.")] = 8,
    lr: Annotated[
        float | None, typer.Option(help="Base learning rate.", show_default="4e-4, with --qat 4e-5")
    ] = None,
    decay: Annotated[str, typer.Option(help="cosine or exponential.")] = "cosine",
    skin_jaccard: Annotated[
        float, typer.Option(help="Weight of the skin-union Jaccard term; 0 leaves it out.")
    ] = 0.5,
    class_jaccard: Annotated[
        float, typer.Option(help="Weight of the mean Jaccard term over all classes; 0 leaves it out.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Same seed, data and options: same weights (on a CPU).")] = 0,
    workers: Annotated[int, typer.Option(help="Processes that prepare photos; 0: none beside this one.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run in --out.")] = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Train a checkpoint on your photos; the result is a checkpoint folder like any other.

    The data are checked first. Each epoch writes the weights so far, so an interruption costs one epoch.
    """
    _require_packages()
    if unlabelled and qat is None:
        raise EdgekitError("--unlabelled needs --qat: without it training learns from labels alone.")
    from edgekit.recipes import BLOCKS, keep_recipe, recipe_for_training
    from edgekit.weights import load_checkpoint

    with console.quiet_libraries():
        checkpoint = load_checkpoint(weights)
        from edgekit.images import images_in
        from edgekit.training import data as labelled
        from edgekit.training.loop import train
        from edgekit.training.settings import Settings
    recipe = None if qat is None else recipe_for_training(qat)
    settings = Settings(
        epochs=epochs,
        size=size,
        val_size=checkpoint.size_default if val_size is None else val_size,
        batch=batch,
        lr=(LR_QAT if qat else LR_DEFAULT) if lr is None else lr,
        decay=decay,
        skin_jaccard=skin_jaccard,
        class_jaccard=class_jaccard,
        seed=seed,
        qat=None if recipe is None else {block: recipe.mode_of(block) for block in BLOCKS},
    )
    _refuse_occupied(out, resume, force)
    names = labelled.read_class_names(data)
    checked = labelled.check(images_in(data / "images"), data / "labels", names)
    for sentence in checked.sentences():
        console.say(sentence)
    with console.quiet_libraries():
        fitted = _fitted(checkpoint, names, seed)
        photos = [photo for folder in unlabelled or () for photo in images_in(folder)]
        trained = train(fitted, checked, settings, out, unlabelled=photos, resume=resume, workers=workers)
    keep_recipe(out, recipe)
    console.show(f"checkpoint: {out} (use it with --weights {out})")
    if json:
        console.print_json(
            {
                "out": str(trained.folder),
                "training_photos": trained.training_photos,
                "validation_photos": trained.validation_photos,
                "problems": {problem.reason: list(problem.files) for problem in checked.problems},
                "epochs": [epoch.to_json() for epoch in trained.history],
            }
        )


def _require_packages() -> None:
    """MissingDependency before anything is trained: the plot is drawn after the first epoch."""
    for package in TRAINING_PACKAGES:
        if find_spec(package) is None:
            raise MissingDependency(package, "edgekit finetune", "train")


def _fitted(checkpoint: Checkpoint, names: tuple[str, ...], seed: int) -> Checkpoint:
    """The checkpoint with the data's classes."""
    if checkpoint.class_names == names:
        return checkpoint
    from edgekit.training.save import with_classes

    console.say(
        f"classes.json differs from the checkpoint's {len(checkpoint.class_names)} classes: "
        f"its classifier starts afresh with {len(names)}"
    )
    return with_classes(checkpoint, names, seed)


def _refuse_occupied(out: Path, resume: bool, force: bool) -> None:
    from edgekit.training.state import STATE_FOLDER

    if resume:
        return
    if (out / STATE_FOLDER).is_dir() and not force:
        raise EdgekitError(
            f"{out} holds an interrupted run; pass --resume to go on, or --force to start again."
        )
    if out.exists() and not force:
        raise EdgekitError(f"{out} exists already; pass --force to write into it, or choose another --out.")
