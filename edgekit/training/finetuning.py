"""Fine-tuning from folders to a checkpoint: everything is checked first, then trained."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from edgekit import console
from edgekit.errors import EdgekitError
from edgekit.files import check_file_place, check_folder_place
from edgekit.images import InputSize, Size, images_in
from edgekit.model.stages import pool_problem
from edgekit.recipes import BLOCKS, recipe_for_training
from edgekit.recipes.kept import PLANNED_FOLDER, RECIPE_FILE
from edgekit.training import data as labelled
from edgekit.training import distributed, state
from edgekit.training.history import LOG_FILE, PLOT_FILE
from edgekit.training.loop import Trained, train
from edgekit.training.save import CHECKPOINT_FILES, with_classes
from edgekit.training.settings import Settings, check_bounds
from edgekit.weights import Checkpoint

SIZE_DEFAULT = 384  # px
LR_DEFAULT = 4e-4  # found on 902 photos at 384², batches of 8
LR_QAT = 4e-5  # the weights are trained already; they only have to settle on the int8 grid
WEIGHT_BOUNDS = (0.01, 100.0)  # of a folder; beyond them it is hardly seen, or hardly anything else is
# px, or as many pixels in another shape: 24 cells at DeepLab's 1/16 scale, where its widest dilation reaches 18.
LEAST_SIZE = 384


@distributed.joined()
def finetune(
    checkpoint: Checkpoint,
    data: Path | Mapping[Path, float],
    out: Path,
    *,
    qat: str | None = None,
    unlabelled: Sequence[Path] = (),
    epochs: int = 20,
    size: Size | Sequence[Size] = SIZE_DEFAULT,
    val_size: Size | None = None,
    batch: int = 8,
    accumulate: int = 1,
    lr: float | None = None,
    decay: str = "cosine",
    skin_jaccard: float = 0.5,
    class_jaccard: float = 0.0,
    seed: int = 0,
    keep: str | None = None,
    freeze: str | None = None,
    workers: int = 0,
    resume: bool = False,
    force: bool = False,
) -> Trained:
    """Train `checkpoint` on the labelled photos in `data` and write an ordinary checkpoint folder to `out`.

    data: a folder with `images/`, `labels/` (single-channel PNGs, 255: not labelled) and `classes.json`, or several
    with weights: how often each of their photos is drawn in an epoch. A `labels.json` says which sets of classes the
    label values of a folder stand for. In place of a folder: WebDataset shards or Parquet files by their folder or
    their name, with one range (`photos-{000..017}.tar`) or `*`. A fifteenth of each folder's photos validates. Every
    epoch writes `log.jsonl`, `training.png`, the state for `resume` and, if they are those to keep, the averaged
    weights; the last removes the state. Progress and what is left out of the data go to standard error.

    Started by torchrun in several processes, they train one network: each takes its share of every batch, and the
    result is that of one process up to rounding. The first process writes and prints.

    qat: an int8 recipe (w8a8, w8 or a recipe's .json) to train for, its pooling included; `convert` then finds it in
    `out`. unlabelled: with `qat`, folders of further photos to train on. epochs: passes over the photos. size: of the
    input in training, a side in pixels or rows x columns as in "512x384", multiples of 64 from 128 to 1024; of
    several, each step draws one. val_size: of the input in validation (None: the checkpoint's). batch: photos per
    step, of all processes together. accumulate: parts of the batch that are computed one after the other in less
    memory, their gradients added; each part has its own BatchNorm statistics and loss. lr: base learning rate (None:
    4e-4, with `qat` 4e-5). decay: cosine or exponential. skin_jaccard, class_jaccard: weights of these terms of the
    loss, 0 leaves one out. seed: the same seed, data and settings give the same weights on a CPU. keep: the epoch
    whose weights are kept, `last` or `best` by the mean over the folders of their mean group IoU (None: best with
    several folders or a labels.json). freeze: the backbone keeps its weights from the first up to this stage (stem,
    stage1, ... stage5), which takes less time and memory. workers: processes that prepare photos, 0: none beside this
    one. resume: go on with the interrupted run in `out`. force: replace what is in `out`.

    Raises EdgekitError: a setting out of its bounds, an occupied `out`, a run that cannot be resumed; UnknownName: no
    such recipe or decay; CalibrationError: unusable data, too little of it, or a loss that is no longer a number.
    """
    if unlabelled and qat is None:
        raise EdgekitError("`unlabelled` needs `qat`: without it training learns from labels alone.")
    if freeze is not None and qat is not None:
        raise EdgekitError(
            "`freeze` and `qat` do not go together: every block has to settle on its int8 grid."
        )
    recipe = None if qat is None else recipe_for_training(qat)
    settings = Settings(
        epochs=epochs,
        sizes=tuple(InputSize.of(each) for each in _listed(size)),
        val_size=InputSize.of(checkpoint.size_default if val_size is None else val_size, "val_size"),
        batch=batch,
        accumulate=accumulate,
        lr=(LR_DEFAULT if recipe is None else LR_QAT) if lr is None else lr,
        decay=decay,
        skin_jaccard=skin_jaccard,
        class_jaccard=class_jaccard,
        seed=seed,
        keep="last" if keep is None else keep,
        qat=None if recipe is None else {block: recipe.mode_of(block) for block in BLOCKS},
        pool={} if recipe is None else recipe.pool,
        freeze=freeze,
    )
    _check_pool(settings, checkpoint)
    _check_processes(settings)
    processors = os.cpu_count() or 1
    check_bounds("workers", workers, 0, processors, f"this machine has {processors} processors")
    check_out(out, checkpoint, resume=resume, force=force)
    weights = data if isinstance(data, Mapping) else {data: 1.0}
    _check_folders(weights)
    names = labelled.class_names_of(weights, checkpoint.class_names)
    photos = [photo for folder in unlabelled for photo in images_in(folder)]
    folders = [labelled.checked_folder(folder, names, weight) for folder, weight in weights.items()]
    if keep is None and (len(folders) > 1 or folders[0].scheme is not None):
        settings = replace(settings, keep="best")
    for folder in folders:
        for sentence in folder.sentences():
            console.say(sentence if len(folders) == 1 else f"{folder.name}: {sentence}")
    for sentence in _warnings(settings, checkpoint, names):
        console.say(sentence)
    with console.quiet_libraries():
        fitted = checkpoint if checkpoint.class_names == names else with_classes(checkpoint, names, seed)
        return train(
            fitted,
            folders,
            settings,
            out,
            unlabelled=photos,
            resume=resume,
            workers=workers,
            recipe=recipe,
        )


def _listed(size: Size | Sequence[Size]) -> Sequence[Size]:
    """One size or several, as several."""
    return (size,) if isinstance(size, Size) else size


def _check_folders(weights: Mapping[Path, float]) -> None:
    """EdgekitError unless the folders are different ones and their weights within bounds."""
    if not weights:
        raise EdgekitError("`data` names no folder.")
    first: dict[Path, Path] = {}
    for folder, weight in weights.items():
        least, most = WEIGHT_BOUNDS
        if not least <= weight <= most:
            raise EdgekitError(
                f"`data`: the weight of {folder} is {weight}; it must be at least {least} and at most {most:g}."
            )
        place = Path(os.path.realpath(folder))
        if place in first:
            raise EdgekitError(f"`data`: {folder} and {first[place]} are the same folder; give it a weight.")
        first[place] = folder


def check_out(out: Path, checkpoint: Checkpoint, *, resume: bool, force: bool) -> None:
    """EdgekitError unless a checkpoint may be written into `out`.

    Refused: a folder that holds anything, unless `resume` or `force` is given; a file; the folder of the checkpoint
    that is trained; a folder or an input in the place of a file to be written; a `state` folder of somebody else's.
    """
    inputs = [checkpoint.folder / name for name in CHECKPOINT_FILES]
    for name in (*CHECKPOINT_FILES, LOG_FILE, PLOT_FILE, f"{PLANNED_FOLDER}/{RECIPE_FILE}"):
        check_file_place(
            out / name, replace=True, inputs=inputs
        )  # first of all: it refuses what has no place on a disk
    if out.exists() and not out.is_dir():
        raise EdgekitError(f"{out} is a file, and a folder is to be written; choose another `out`.")
    if out.is_dir() and any(out.iterdir()) and not (resume or force):
        if state.RUN_STATE.contents(out / state.STATE_FOLDER) is not None:
            raise EdgekitError(
                f"{out} holds an interrupted run; pass `resume` to go on, or `force` to start again."
            )
        raise EdgekitError(f"{out} exists already; pass `force` to write into it, or choose another `out`.")
    check_folder_place(out / state.STATE_FOLDER, state.RUN_STATE, replace=True)


def _check_pool(settings: Settings, checkpoint: Checkpoint) -> None:
    """EdgekitError unless attention can be pooled as settings say, at the sizes of training and validation."""
    stride = int(checkpoint.config.output_stride)
    for size in (*settings.sizes, settings.val_size):
        problem = pool_problem(settings.pool, size.height, size.width, stride)
        if problem is not None:
            raise EdgekitError(f"`qat`: {problem}")


def _check_processes(settings: Settings) -> None:
    """EdgekitError unless every part of a batch divides among the processes of the run."""
    processes, parts = distributed.count(), settings.accumulate
    if settings.batch % (processes * parts):
        raise EdgekitError(
            f"`batch` {settings.batch} with `accumulate` {parts} does not divide among {processes} processes; give a "
            f"multiple of {processes * parts}."
        )


def _warnings(settings: Settings, checkpoint: Checkpoint, names: Sequence[str]) -> list[str]:
    """What is allowed and probably not meant."""
    found = []
    if checkpoint.class_names != names:
        found.append(
            f"warning: classes.json differs from the checkpoint's {len(checkpoint.class_names)} classes; "
            f"the classifier starts afresh with {len(names)}."
        )
    smallest = min(settings.sizes, key=lambda size: size.pixels)
    if smallest.pixels < LEAST_SIZE**2:
        found.append(
            f"warning: at a training size of {smallest} pixels, less than {LEAST_SIZE}, DeepLab's dilated "
            "convolutions see mostly padding, and the network can fail on larger inputs such as 512."
        )
    return found
