"""The training loop: AdamW, averaged weights, mixed precision, one validation per epoch, resumable."""

from __future__ import annotations

import copy
import math
import operator
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path
from types import MappingProxyType
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edgekit import console
from edgekit.errors import CalibrationError, EdgekitError, ImageError
from edgekit.files import check_folder_place, remove_folder
from edgekit.images import InputSize, Picture, read_image, read_labels, write_labels
from edgekit.model.outputs import resized
from edgekit.model.reference import ReferenceSegmenter, fuse_attention, unpooled, up_to_stage
from edgekit.recipes import Recipe, block_of_module, keep_recipe
from edgekit.scores.counts import counted
from edgekit.scores.runners import TorchRunner, predictions
from edgekit.training import distributed, qat, state
from edgekit.training import history as log
from edgekit.training.data import Fault, LabelledData, Pair, Problem, split
from edgekit.training.framing import FIXED_FRAMES, head_classes, persons, subject_of
from edgekit.training.judging import folder_ious
from edgekit.training.label_sets import LabelSets, class_pixels
from edgekit.training.losses import class_weights, cross_entropy, distillation, mean_jaccard, union_jaccard
from edgekit.training.samples import Drawn, TrainingSet, batches
from edgekit.training.save import write_checkpoint
from edgekit.training.settings import Settings
from edgekit.training.shared_layers import share
from edgekit.weights import Checkpoint

WEIGHT_DECAY = 0.02  # on matrices and kernels only; biases and norms are not shrunk
GRADIENT_NORM = 1.0
AVERAGE_DECAY = 0.998  # the averaged weights look back about 500 steps; fewer at first, see `averaged`
BATCHNORM_MOMENTUM = 0.03  # small batches of crops give noisy statistics; torch's 0.1 follows the noise
DROPOUT_MAX = 0.05  # a short run on hundreds of photos underfits; MobileViT's 0.1 is for long ones
VALIDATION_FRAMES = ("whole", "head_and_shoulders")

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Trained:
    """A finished run. `folder` is a checkpoint, with the log and the plot beside the weights.

    start: scores of the starting weights. problems: what was left out of the labelled data, and why. kept: the epoch
    whose weights are in the checkpoint.
    """

    folder: Path
    start: log.Start
    history: tuple[log.Epoch, ...]
    training_photos: int
    validation_photos: int
    problems: tuple[Problem, ...]
    kept: int


# The loss, a scalar, of (B, 3, H, W) float32 pictures in [0, 255], the model's logits for them and (B, H/4, W/4)
# int64 labels.
Objective = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class FromLabels:
    """The loss against the labels: weighted cross-entropy plus Jaccard terms of skin as one class and of all classes.

    weights: (labels,) float32, of the cross-entropy. skin: the skin classes. skin_jaccard, class_jaccard: weights of
    the two terms, 0 leaves one out. sets: (labels, classes) bool, the classes that each label stands for; None: labels
    are classes.
    """

    weights: torch.Tensor
    skin: tuple[int, ...]
    skin_jaccard: float
    class_jaccard: float
    sets: torch.Tensor | None = None

    def __call__(self, images: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        wide = resized(logits.float(), labels.shape[-2:])
        loss = cross_entropy(wide, labels, self.weights, self.sets)
        if self.skin_jaccard and self.skin:
            loss = loss + self.skin_jaccard * union_jaccard(wide, labels, self.skin, self.sets)
        if self.class_jaccard:
            loss = loss + self.class_jaccard * mean_jaccard(wide, labels, self.sets)
        return loss


@dataclass(frozen=True)
class FromNetwork:
    """The loss against the class probabilities that another network predicts; labels are ignored.

    Of several logits for each picture, as `Learner.logits` gives them, it is the mean. weights: (classes,) float32, of
    each pixel by its likeliest class.
    """

    network: nn.Module
    weights: torch.Tensor

    def __call__(self, images: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with torch.no_grad(), mixed_precision(images.device):
            goal = self.network(images)
        goals = goal.repeat(len(logits) // len(images), 1, 1, 1)
        return distillation(logits.float(), goals.float(), self.weights)


@dataclass(frozen=True)
class Learner(Generic[M]):
    """The model in training, its averaged weights and the optimizer, with the loss and the settings.

    A parameter group of the optimizer may have a `share`: the factor from the base rate to its own. frozen: modules of
    the model that keep their statistics.
    """

    model: M
    average: M
    optimizer: torch.optim.Optimizer
    objective: Objective
    settings: Settings
    steps_per_epoch: int
    frozen: Sequence[nn.Module] = ()

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0 over all epochs."""
        return self.settings.learning_rate(step, self.settings.epochs * self.steps_per_epoch)

    def epoch(self, epoch: int, steps: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> float:
        """Train through one epoch's batches. Returns the mean loss."""
        torch.manual_seed(self.settings.seed + epoch)  # dropout: the same after a resume
        self.model.train()
        for module in self.frozen:
            module.eval()
        if self.settings.qat:
            qat.freeze_statistics(self.model)
        first = (epoch - 1) * self.steps_per_epoch
        return float(np.mean([self._step(step, *batch) for step, batch in enumerate(steps, first)]))

    def _step(self, step: int, pixels: torch.Tensor, labels: torch.Tensor) -> float:
        """Take one step. Returns the loss of the whole batch.

        pixels: (B, 3, H, W) uint8 RGB, labels: (B, H/4, W/4) int64, both of this process's share of the batch.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(step) * group.get("share", 1.0)
        self.optimizer.zero_grad(set_to_none=True)
        parts = self.settings.accumulate
        value = sum(
            self._add_gradients(*part, 1 / parts)
            for part in zip(pixels.chunk(parts), labels.chunk(parts), strict=True)
        )
        if not math.isfinite(value):
            raise CalibrationError(f"The loss is {value} at step {step + 1}; start again with a lower `lr`.")
        distributed.average_gradients(list(self.model.parameters()))
        nn.utils.clip_grad_norm_(self.model.parameters(), GRADIENT_NORM)
        self.optimizer.step()
        averaged(self.average, self.model, step + 1)
        return value

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """(B, classes, h, w) logits of (B, 3, H, W) pictures.

        With `qat` (2B, classes, h, w): first those of the rounded and pooled network, then those of the same weights
        as they are, which an artifact will be compared with.
        """
        logits: torch.Tensor = self.model(images)
        if not self.settings.qat:
            return logits
        with qat.unrounded(self.model), unpooled(self.model):
            return torch.cat([logits, self.model(images)])

    def _add_gradients(self, pixels: torch.Tensor, labels: torch.Tensor, share: float) -> float:
        """Add the gradients of a part of the batch, of which `share` counts. Returns that share of the part's loss."""
        images = pixels.to(self.device, memory_format=layout(self.device)).float()
        with mixed_precision(self.device):
            logits = self.logits(images)
        loss = self.objective(images, logits, labels.to(self.device)) * share
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())


def train(
    checkpoint: Checkpoint,
    folders: Sequence[LabelledData],
    settings: Settings,
    out: Path,
    *,
    unlabelled: Sequence[Path] = (),
    recipe: Recipe | None = None,
    resume: bool = False,
    workers: int = 0,
) -> Trained:
    """Train, writing the averaged weights, log, plot and state into `out` after every epoch.

    folders: at least one, all of the checkpoint's classes. unlabelled: further photos to train on, with pseudo-labels
    that the checkpoint predicts; quantisation-aware training, which imitates the checkpoint, needs them to place
    frames only. recipe: the one that `settings.qat` is of, kept beside the weights. The same settings, data, thread and
    process count give the same weights on a CPU, interrupted or not; of several processes the first writes. The state
    is removed at the end. Raises CalibrationError for too little data or a loss that is no longer a number,
    EdgekitError for a run that cannot be resumed.
    """
    check_folder_place(out / state.STATE_FOLDER, state.RUN_STATE, replace=True)
    with tempfile.TemporaryDirectory(prefix="edgekit-") as pseudo_labels_folder:
        training, validating = zip(*(split(folder.pairs) for folder in folders), strict=True)
        drawn = [Drawn(pairs, folder.weight) for pairs, folder in zip(training, folders, strict=True)]
        if unlabelled:
            labels = Path(pseudo_labels_folder)
            drawn.append(Drawn(_pseudo_labelled(checkpoint, unlabelled, settings.val_size, labels)))
        sets = LabelSets.of(checkpoint.class_names, (folder.told for folder in folders))
        samples = TrainingSet(drawn, sets, settings.sizes, settings.seed)
        if len(samples) < settings.batch:
            raise CalibrationError(
                f"{len(samples)} photos remain to train on, less than one batch; lower `batch` {settings.batch}."
            )
        learner = _learner(
            checkpoint, folders, sets, settings, _batches(samples, 0, settings, workers), len(samples)
        )
        validation = Validation(checkpoint, tuple(zip(folders, validating, strict=True)), settings)
        names = [
            pair.image.name for pairs in (*(some.pairs for some in drawn), *validating) for pair in pairs
        ]
        run = state.RunIdentity(
            settings, checkpoint.sha256, state.data_identity(names), state.folder_identities(folders)
        )
        _require_one_run(run)
        parts = (learner.model, learner.average, learner.optimizer)
        start, history = state.restore(out, run, *parts) if resume else (_start(learner, validation), [])
        for line in (start.sentence(settings.epochs), *log.folder_lines(start)):
            console.say(line)
        with console.interruptible(lambda: _kept(out, len(history), settings.epochs)):
            for number in range(len(history) + 1, settings.epochs + 1):
                epoch = _epoch(number, learner, samples, validation, workers)
                for line in (epoch.sentence(settings.epochs), *log.folder_lines(epoch)):
                    console.say(line)
                so_far = [*history, epoch]
                if distributed.rank() == 0:
                    if _kept_epoch(so_far, settings.keep) == number:
                        write_checkpoint(out, checkpoint, learner.average.model)
                    keep_recipe(out, recipe)
                    log.write_log(so_far, out)
                    log.write_plot(so_far, out)
                    state.save(out, run, *parts, start, so_far)
                history = so_far
            distributed.wait()  # a process that resumed a finished run may still read the state
            if distributed.rank() == 0:
                remove_folder(out / state.STATE_FOLDER, state.RUN_STATE)
    kept = _kept_epoch(history, settings.keep)
    if settings.keep == "best":
        console.say(f"kept: epoch {kept}, with the best mean group IoU")
    return Trained(
        out,
        start,
        tuple(history),
        sum(len(some.pairs) for some in drawn),
        sum(len(pairs) for pairs in validating),
        _problems(folders),
        kept,
    )


def _require_one_run(run: state.RunIdentity) -> None:
    """EdgekitError in every process unless all of them have the same settings, weights and data."""
    first, *others = distributed.gathered(run)
    for number, other in enumerate(others, 1):
        differences = state.differences(first, other, "in process 0", f"in process {number}")
        if differences:
            raise EdgekitError(f"The processes of this run do not see the same data ({differences}).")


def _batches(
    samples: TrainingSet, epoch: int, settings: Settings, workers: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    return batches(samples, epoch, settings.batch, workers, settings.accumulate)


def _kept_epoch(history: Sequence[log.Epoch], keep: str) -> int:
    """The number of the epoch whose weights are kept: the last, or the first of those with the best score."""
    if keep == "last":
        return history[-1].epoch
    return max(history, key=lambda epoch: -math.inf if epoch.score is None else epoch.score).epoch


def _problems(folders: Sequence[LabelledData]) -> tuple[Problem, ...]:
    """The problems of all folders, one for each reason; of several folders, files are named with theirs."""
    files: dict[str, tuple[str, ...]] = {}
    for folder in folders:
        for problem in folder.problems:
            named = (f"{folder.name}/{name}" for name in problem.files)
            found = problem.files if len(folders) == 1 else tuple(named)
            files[problem.reason] = files.get(problem.reason, ()) + found
    return tuple(Problem(reason, names) for reason, names in files.items())


def _pseudo_labelled(
    checkpoint: Checkpoint, photos: Sequence[Path], size: InputSize, folder: Path
) -> tuple[Pair, ...]:
    """The photos with labels that the checkpoint predicts, and a line on how many there are."""
    pairs, problems = pseudo_labels(trainable(checkpoint, training_device()), photos, size, folder)
    console.say(f"{len(pairs)} photos without labels, labelled by the checkpoint")
    for problem in problems:
        console.say(problem.sentence())
    return pairs


@dataclass(frozen=True)
class Validation:
    """The photos of every folder that validate, and how: complete labels in each of VALIDATION_FRAMES, all folders
    together, and, with several folders, labels of sets of classes or the best epoch to keep, each folder by its groups.
    """

    checkpoint: Checkpoint
    folders: tuple[tuple[LabelledData, tuple[Pair, ...]], ...]
    settings: Settings

    def scores(self, model: nn.Module) -> tuple[log.Scores, log.Scores, log.Folders]:
        """Scores in each of VALIDATION_FRAMES, and IoUs of each folder."""
        complete = [pair for _, pairs in self.folders for pair in pairs if pair.scheme is None]
        size = self.settings.val_size
        whole, close = (
            validate(model, self.checkpoint, complete, size, frame) if complete else log.Scores()
            for frame in VALIDATION_FRAMES
        )
        by_group = len(self.folders) > 1 or not complete or self.settings.keep == "best"
        ious = folder_ious(_runner(model, size), self.folders, self.checkpoint.groups) if by_group else {}
        return whole, close, ious


def _start(learner: Learner[ReferenceSegmenter], validation: Validation) -> log.Start:
    """The starting weights, validated like those of every epoch."""
    started = time.perf_counter()
    whole, close, folders = validation.scores(learner.average)
    seconds = round(time.perf_counter() - started, 1)
    return log.Start(seconds, whole, close, folders, log.mean_group_iou(folders))


def _epoch(
    number: int,
    learner: Learner[ReferenceSegmenter],
    samples: TrainingSet,
    validation: Validation,
    workers: int,
) -> log.Epoch:
    """Train through one epoch and validate the averaged weights."""
    settings, started = learner.settings, time.perf_counter()
    steps = console.track(
        _batches(samples, number, settings, workers),
        learner.steps_per_epoch,
        f"epoch {number}/{settings.epochs}",
    )
    loss = learner.epoch(number, steps)
    whole, close, folders = validation.scores(learner.average)
    step, seconds = number * learner.steps_per_epoch, round(time.perf_counter() - started, 1)
    rate, score = learner.rate(step - 1), log.mean_group_iou(folders)
    return log.Epoch(number, step, loss, rate, seconds, whole, close, folders, score)


def _kept(out: Path, finished: int, epochs: int) -> str:
    """What an interrupted run leaves, and how to go on."""
    if not finished:
        return f"no epoch was finished, so {out} is as it was before."
    which = "epoch 1" if finished == 1 else f"epochs 1 to {finished}"
    return f"{which} of {epochs} kept in {out}; run the same command with `resume` to go on."


def _learner(
    checkpoint: Checkpoint,
    folders: Sequence[LabelledData],
    sets: LabelSets,
    settings: Settings,
    first_batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
    photos: int,
) -> Learner[ReferenceSegmenter]:
    device = training_device()
    torch.manual_seed(settings.seed)
    model = trainable(checkpoint, device, 0.0 if settings.qat else DROPOUT_MAX, settings.pool)
    frozen = () if settings.freeze is None else up_to_stage(model, settings.freeze)
    for module in frozen:
        module.requires_grad_(False)
    pixels = class_pixels(folders, sets)
    several = len(sets.sets) > len(sets.class_names)
    objective: Objective = FromLabels(
        class_weights(pixels, sets.members if several else None).to(device),
        checkpoint.groups.skin,
        settings.skin_jaccard,
        settings.class_jaccard,
        torch.from_numpy(sets.members).to(device) if several else None,
    )
    if settings.qat:
        weights = class_weights(pixels).to(device)
        objective = FromNetwork(trainable(checkpoint, device).eval().requires_grad_(False), weights)
        qat.prepare(model, partial(_mode, settings.qat))
        qat.observe(model, (pixels.to(device).float() for pixels, _ in first_batches))
    share(model)
    return Learner(
        model,
        copy.deepcopy(model).eval().requires_grad_(False),
        torch.optim.AdamW(parameter_groups(model), lr=settings.lr),
        objective,
        settings,
        photos // settings.batch,
        frozen,
    )


def _mode(modes: Mapping[str, str], module: str) -> str:
    """The mode of a module of the reference by its block; a module outside every block stays float."""
    return modes.get(block_of_module(module) or "", "float")


def training_device() -> torch.device:
    """The CUDA device where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def layout(device: torch.device) -> torch.memory_format:
    """The faster memory format: channels last on a CPU, channels first on a GPU.

    With channels last, cuDNN's search for bfloat16 depthwise kernels did not end (an H200, PyTorch 2.11,
    `cudnn.benchmark`); with channels first it took no time.
    """
    return torch.channels_last if device.type == "cpu" else torch.contiguous_format


def laid_out(module: nn.Module, device: torch.device) -> None:
    """Move the module to the device, in the memory format of `layout`."""
    module.to(device)
    module.to(memory_format=layout(device))  # type: ignore[call-overload]  # torch's stub lacks it


def trainable(
    checkpoint: Checkpoint,
    device: torch.device,
    dropout: float = DROPOUT_MAX,
    pool: Mapping[str, int] = MappingProxyType({}),
) -> ReferenceSegmenter:
    """The reference graph with the BatchNorm momentum of a short fine-tuning and dropout of at most `dropout`.

    A network that imitates another one needs no dropout: its targets are exact. pool: a recipe's, of attention.
    """
    model = ReferenceSegmenter(checkpoint)
    fuse_attention(model, pool)
    laid_out(model, device)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = min(module.p, dropout)
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = BATCHNORM_MOMENTUM
    return model


def parameter_groups(model: nn.Module, share: float = 1.0) -> list[dict[str, object]]:
    """AdamW's groups: weight decay on matrices and kernels only. share: factor from the base rate to theirs."""
    trained = [p for p in model.parameters() if p.requires_grad]
    matrices = [p for p in trained if p.ndim > 1]
    vectors = [p for p in trained if p.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": WEIGHT_DECAY, "share": share},
        {"params": vectors, "weight_decay": 0.0, "share": share},
    ]


def averaged(average: nn.Module, model: nn.Module, steps: int) -> None:
    """Move the averaged weights, in place, towards the model's; by more in the first steps."""
    decay = min(AVERAGE_DECAY, (steps + 1) / (steps + 10))
    with torch.no_grad():
        pairs = zip(average.state_dict().values(), model.state_dict().values(), strict=True)
        for kept, new in pairs:
            kept.lerp_(new, 1 - decay) if kept.is_floating_point() else kept.copy_(new)


def mixed_precision(device: torch.device) -> AbstractContextManager[None]:
    """Autocast to bfloat16 on CPUs and GPUs that compute in it, float32 on others. It needs no loss scaling."""
    able = (
        cpu_computes_bfloat16()
        if device.type == "cpu"
        else torch.cuda.is_bf16_supported(including_emulation=False)
    )
    return torch.autocast(device.type, torch.bfloat16, enabled=able)


def cpu_computes_bfloat16() -> bool:
    """Whether oneDNN convolves in bfloat16 here: it needs AVX-512 or Arm's BF16.

    Elsewhere PyTorch emulates it, which takes many times as long as float32.
    """
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def pseudo_labels(
    model: nn.Module, photos: Sequence[Path], size: InputSize, out: Path
) -> tuple[tuple[Pair, ...], tuple[Problem, ...]]:
    """Photos paired with the labels that `model` predicts at an input of `size`, written to `out` as PNGs.

    Left out, and named in the problems: unreadable photos and those in which it finds nobody.
    """
    pairs: list[Pair] = []
    found: dict[str, list[str]] = {}
    verdicts = distributed.mapped(partial(_predicted, _runner(model, size)), photos)
    for i, verdict in enumerate(console.track(verdicts, len(photos), "labelling photos")):
        if isinstance(verdict, Fault):
            found.setdefault(verdict.reason, []).append(verdict.name)
            continue
        label = out / f"{i:05}-{photos[i].stem}.png"  # folders may share names
        write_labels(label, verdict, replace=True)
        pairs.append(Pair(photos[i], label))
    return tuple(pairs), tuple(Problem(reason, tuple(files)) for reason, files in found.items())


def _predicted(runner: TorchRunner, path: Path) -> NDArray[np.uint8] | Fault:
    """The (H, W) labels that the runner predicts for a photo, or why it is left out."""
    try:
        image = read_image(path)
    except ImageError as error:
        return Fault("unreadable", f"{path.name} ({error.reason.rstrip('.')})")
    ((_, by_name),) = predictions({"": runner}, [Picture(path.name, image)])
    labels = by_name[""].labels(image.shape[:2])
    return labels if persons(labels).any() else Fault("nobody found in it", path.name)


def validate(
    model: nn.Module,
    checkpoint: Checkpoint,
    pairs: Sequence[Pair],
    size: InputSize,
    frame: str,
) -> log.Scores:
    """Scores on the photos, cut to one of FIXED_FRAMES and stretched to `size`; labels at full resolution."""
    framed = _framed(distributed.own(pairs), head_classes(checkpoint.class_names), frame)
    counts = counted({frame: _runner(model, size)}, framed, len(checkpoint.class_names))
    confusion = reduce(operator.add, distributed.gathered(counts[frame]))
    return log.Scores(
        miou=_number(confusion.miou),
        mean_accuracy=_number(confusion.mean_accuracy),
        overall_accuracy=_number(confusion.overall_accuracy),
        skin_iou=_number(confusion.union_iou(checkpoint.groups.skin)),
    )


def _framed(pairs: Sequence[Pair], head: Sequence[int], frame: str) -> Iterator[Picture]:
    """The photos in which a person is labelled, cut to the frame with their labels."""
    for pair in console.track(pairs, len(pairs), f"validating, {frame.replace('_', ' ')}"):
        image, labels = read_image(pair.image), read_labels(pair.label)
        subject = subject_of(labels, head)
        if subject is not None:
            cut = FIXED_FRAMES[frame](labels, subject)
            cut_image, cut_labels = (np.ascontiguousarray(cut.of(whole)) for whole in (image, labels))
            yield Picture(pair.image.name, cut_image, cut_labels)


def _runner(model: nn.Module, size: InputSize) -> TorchRunner:
    """A runner of the model on its own device, in that device's memory format and precision."""
    device = next(model.parameters()).device

    def forward(images: torch.Tensor) -> torch.Tensor:
        with mixed_precision(device):
            logits: torch.Tensor = model(images.to(device).to(memory_format=layout(device)))
        return logits

    return TorchRunner(InputSize.of(size), forward)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
