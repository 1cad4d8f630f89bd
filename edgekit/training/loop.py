"""The training loop: AdamW, averaged weights, mixed precision, one validation an epoch, resumable."""

from __future__ import annotations

import copy
import math
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edgekit import console
from edgekit.errors import CalibrationError
from edgekit.metrics import Confusion, labels_from_logits
from edgekit.model.outputs import resized
from edgekit.model.reference import ReferenceSegmenter
from edgekit.training import history as log
from edgekit.training import qat, state
from edgekit.training.data import LabelledData, Pair, Preprocessing, TrainingSet, batches, split
from edgekit.training.framing import FIXED_FRAMES, head_classes, subject_of
from edgekit.training.losses import class_weights, cross_entropy, union_jaccard
from edgekit.training.save import write_checkpoint
from edgekit.training.settings import Settings
from edgekit.weights import Checkpoint

WEIGHT_DECAY = 0.02  # on matrices and kernels only; biases and norms are not shrunk
GRADIENT_NORM = 1.0
AVERAGE_DECAY = 0.998  # the averaged weights look back about 500 steps; fewer at first, see `averaged`
BATCHNORM_MOMENTUM = 0.03  # small batches of crops give noisy statistics; torch's 0.1 follows the noise
DROPOUT_MAX = (
    0.05  # hundreds of photos and a short run underfit: the checkpoint's 0.1 costs more than it gives
)
VALIDATION_FRAMES = ("whole", "head_and_shoulders")


@dataclass(frozen=True)
class Trained:
    """A finished run. The folder is a checkpoint, with the log and the plot beside the weights."""

    folder: Path
    history: tuple[log.Epoch, ...]
    training_photos: int
    validation_photos: int


@dataclass(frozen=True)
class Objective:
    """What is minimised: class weights (classes,), the skin classes and the weight of their term."""

    weights: torch.Tensor
    skin: tuple[int, ...]
    skin_jaccard: float

    def __call__(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """logits: (B, C, h, w), labels: (B, H, W) int64. A scalar."""
        wide = resized(logits.float(), labels.shape[-2:])
        loss = cross_entropy(wide, labels, self.weights)
        if self.skin_jaccard and self.skin:
            loss = loss + self.skin_jaccard * union_jaccard(wide, labels, self.skin)
        return loss


def train(
    checkpoint: Checkpoint,
    data: LabelledData,
    reading: Preprocessing,
    settings: Settings,
    out: Path,
    *,
    resume: bool = False,
    workers: int = 0,
) -> Trained:
    """Train, writing the averaged weights, log, plot and state into `out` after every epoch.

    The same settings, data and thread count give the same weights on a CPU, interrupted or not. The state
    is removed at the end.
    """
    training, validation = split(data.pairs)
    if len(training) < settings.batch:
        raise CalibrationError(
            f"{len(training)} photos remain to train on, less than one batch; lower --batch {settings.batch}."
        )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(settings.seed)
    model = _trainable(checkpoint, device)
    samples = TrainingSet(training, data.class_names, reading, settings.size, settings.seed)
    if settings.qat:
        qat.prepare(model)
        qat.observe(model, (x.to(device).float() for x, _ in batches(samples, 0, settings.batch, workers)))
    average = copy.deepcopy(model).eval().requires_grad_(False)
    optimizer = _optimizer(model, settings.lr)
    identity = state.RunIdentity(
        settings, checkpoint.sha256, state.data_identity([pair.image.name for pair in data.pairs])
    )
    history = state.restore(out, identity, model, average, optimizer) if resume else []
    objective = Objective(
        class_weights(data.pixels).to(device), checkpoint.groups.skin, settings.skin_jaccard
    )
    per_epoch = len(training) // settings.batch
    for epoch in range(len(history) + 1, settings.epochs + 1):
        started = time.perf_counter()
        torch.manual_seed(settings.seed + epoch)  # dropout: the same after a resume
        steps = console.track(
            batches(samples, epoch, settings.batch, workers), per_epoch, f"epoch {epoch}/{settings.epochs}"
        )
        loss = _one_epoch(
            model, average, optimizer, objective, settings, steps, (epoch - 1) * per_epoch, per_epoch
        )
        scores = [
            validate(average, checkpoint, validation, reading, settings.val_size, f)
            for f in VALIDATION_FRAMES
        ]
        step = epoch * per_epoch
        rate = settings.learning_rate(step - 1, settings.epochs * per_epoch)
        history.append(log.Epoch(epoch, step, loss, rate, round(time.perf_counter() - started, 1), *scores))
        console.say(history[-1].sentence(settings.epochs))
        write_checkpoint(out, checkpoint, average.model)
        log.write_log(history, out)
        log.write_plot(history, out)
        state.save(out, identity, model, average, optimizer, history)
    shutil.rmtree(out / state.STATE_FOLDER)
    return Trained(out, tuple(history), len(training), len(validation))


def _trainable(checkpoint: Checkpoint, device: torch.device) -> ReferenceSegmenter:
    """The reference graph with the dropout and BatchNorm momentum of a short fine-tuning."""
    model = ReferenceSegmenter(checkpoint).to(device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = min(module.p, DROPOUT_MAX)
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = BATCHNORM_MOMENTUM
    return model


def _optimizer(model: nn.Module, lr: float) -> torch.optim.AdamW:
    shrunk = [p for p in model.parameters() if p.ndim > 1]
    kept = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": shrunk, "weight_decay": WEIGHT_DECAY}, {"params": kept, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=lr)


def _one_epoch(
    model: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
    objective: Objective,
    settings: Settings,
    steps: Iterable[tuple[torch.Tensor, torch.Tensor]],
    first_step: int,
    per_epoch: int,
) -> float:
    """Train over `steps`; the mean loss. CalibrationError when the loss stops being a number."""
    device = next(model.parameters()).device
    model.train()
    if settings.qat:
        qat.freeze_statistics(model)
    losses = []
    for step, (pixels, labels) in enumerate(steps, first_step):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate(step, settings.epochs * per_epoch)
        images = pixels.to(device, memory_format=torch.channels_last).float()  # (B, 3, size, size) RGB, 0…255
        with mixed_precision(device):
            logits = model(images)
        loss = objective(logits, labels.to(device))
        losses.append(float(loss.detach()))
        if not math.isfinite(losses[-1]):
            raise CalibrationError(
                f"The loss is {losses[-1]} at step {step + 1}; start again with a lower --lr."
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_NORM)
        optimizer.step()
        averaged(average, model, step + 1)
    return float(np.mean(losses))


def averaged(average: nn.Module, model: nn.Module, steps: int) -> None:
    """Move the averaged weights towards the model's, by more while few steps have been taken."""
    decay = min(AVERAGE_DECAY, (steps + 1) / (steps + 10))
    with torch.no_grad():
        pairs = zip(average.state_dict().values(), model.state_dict().values(), strict=True)
        for kept, new in pairs:
            kept.lerp_(new, 1 - decay) if kept.is_floating_point() else kept.copy_(new)


def mixed_precision(device: torch.device) -> AbstractContextManager[None]:
    """bfloat16 where it is exact enough and fast: CPUs, and GPUs that have it. It needs no loss scaling."""
    able = device.type == "cpu" or torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device.type, torch.bfloat16, enabled=able)


def validate(
    model: nn.Module,
    checkpoint: Checkpoint,
    pairs: Sequence[Pair],
    reading: Preprocessing,
    size: int,
    frame: str,
) -> log.Scores:
    """Scores of the photos cut to one of FIXED_FRAMES and stretched to `size`; labels at full resolution."""
    confusion = Confusion(len(checkpoint.class_names))
    for image, labels in _framed(pairs, reading, head_classes(checkpoint.class_names), frame):
        logits = _logits(model, reading.stretch(image, size))
        confusion.add(labels, labels_from_logits(logits, labels.shape))
    return log.Scores(
        miou=_number(confusion.miou),
        mean_accuracy=_number(confusion.mean_accuracy),
        overall_accuracy=_number(confusion.overall_accuracy),
        skin_iou=_number(confusion.union_iou(checkpoint.groups.skin)),
    )


def _framed(
    pairs: Sequence[Pair], reading: Preprocessing, head: Sequence[int], frame: str
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    for pair in pairs:
        image, labels = reading.image(pair.image), reading.labels(pair.label)
        subject = subject_of(labels, head)
        if subject is not None:
            cut = FIXED_FRAMES[frame](labels, subject)
            yield np.ascontiguousarray(cut.of(image)), np.ascontiguousarray(cut.of(labels))


def _logits(model: nn.Module, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(size, size, 3) uint8 RGB to (classes, h, w) float32."""
    device = next(model.parameters()).device
    pixels = torch.from_numpy(image.copy()).to(device).permute(2, 0, 1)[None].float()
    with torch.inference_mode(), mixed_precision(device):
        logits = model(pixels.to(memory_format=torch.channels_last))
    values: NDArray[np.float32] = logits[0].float().cpu().numpy()
    return values


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
