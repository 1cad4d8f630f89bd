"""The settings of a training run, checked once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from edgekit.errors import EdgekitError, UnknownName
from edgekit.images import InputSize
from edgekit.model.reference import STAGES

Decay = Literal["cosine", "exponential"]
DECAYS: tuple[Decay, ...] = get_args(Decay)
Kept = Literal["last", "best"]
KEPT: tuple[Kept, ...] = get_args(Kept)
WARM_UP_STEPS = 60  # until AdamW's second moments (horizon ~1/(1 − 0.999)) and the BatchNorms have settled
LR_FLOOR = 0.01  # fraction of the base rate at the end of either decay

# The least and the most of each number. Batches and runs beyond these have no use; torch and numpy take any seed of
# 32 bits; AdamW moves a weight by about `lr` per step, so a rate above 1 destroys every network.
BOUNDS: Mapping[str, tuple[float, float]] = {
    "epochs": (1, 100_000),
    "batch": (2, 4096),
    "accumulate": (1, 2048),
    "lr": (1e-9, 1.0),
    "skin_jaccard": (0, 100),
    "class_jaccard": (0, 100),
    "seed": (0, 2**32 - 1),
}
REASONS: Mapping[str, str] = {
    "batch": "BatchNorm needs two photos or more at a time",
    "skin_jaccard": "0 leaves the term out",
    "class_jaccard": "0 leaves the term out",
}


@dataclass(frozen=True)
class Settings:
    """The settings that decide a run's result: with the same ones it can be resumed.

    sizes: of the input in training, one of them for each step. val_size: of the input in validation, the deployed one.
    batch: photos per step. lr: base learning rate. skin_jaccard, class_jaccard: weights of these terms of the loss; 0
    leaves one out. qat: the mode (`float`, `w8` or `w8a8`) of every named block for quantisation-aware training; None
    trains the float model. pool: with `qat`, the recipe's pooling of attention. keep: the epoch whose weights are kept,
    the last or the one with the best mean group IoU. freeze: the network up to and including this stage keeps its
    weights and statistics; None trains all of it. accumulate: parts of the batch whose gradients are added; each has
    its own BatchNorm statistics and loss.
    """

    epochs: int
    sizes: tuple[InputSize, ...]
    val_size: InputSize
    batch: int
    lr: float
    decay: str = "cosine"
    skin_jaccard: float = 0.5
    class_jaccard: float = 0.0
    seed: int = 0
    qat: Mapping[str, str] | None = None
    keep: str = "last"
    pool: Mapping[str, int] = field(default_factory=dict)
    freeze: str | None = None
    accumulate: int = 1

    def __post_init__(self) -> None:
        if self.decay not in DECAYS:
            raise UnknownName("decay", self.decay, DECAYS)
        if self.keep not in KEPT:
            raise UnknownName("epoch to keep", self.keep, KEPT)
        if self.freeze is not None and self.freeze not in STAGES:
            raise UnknownName("stage to freeze", self.freeze, STAGES)
        for name, bounds in BOUNDS.items():
            check_bounds(name, getattr(self, name), *bounds, REASONS.get(name, ""))
        if self.batch % self.accumulate or self.batch // self.accumulate < 2:
            raise EdgekitError(
                f"`batch` {self.batch} cannot be divided into `accumulate` {self.accumulate} equal parts of two photos "
                "or more."
            )
        if not 1 <= len(set(self.sizes)) == len(self.sizes):
            raise EdgekitError("`size` needs one size or several different ones.")

    def learning_rate(self, step: int, steps: int) -> float:
        """The rate of one of `steps` steps: linear warm-up (a tenth of a short run), then the decay."""
        warm_up = max(1, min(WARM_UP_STEPS, steps // 10))
        return self.lr * min(1.0, (step + 1) / warm_up) * _DECAY[self.decay](step / steps)


def check_bounds(name: str, value: float, least: float, most: float, reason: str = "") -> None:
    """EdgekitError unless the parameter's value is from `least` to `most`; NaN never is."""
    if not least <= value <= most:
        why = f" ({reason})" if reason else ""
        raise EdgekitError(f"`{name}` is {value}; it must be at least {least:,} and at most {most:,}{why}.")


def _cosine(progress: float) -> float:
    """Loshchilov & Hutter, arXiv 1608.03983, one cycle."""
    return LR_FLOOR + (1 - LR_FLOOR) * 0.5 * (1 + math.cos(math.pi * progress))


def _exponential(progress: float) -> float:
    """The rate falls by the same factor every step."""
    return float(LR_FLOOR**progress)


_DECAY: Mapping[str, Callable[[float], float]] = {"cosine": _cosine, "exponential": _exponential}
