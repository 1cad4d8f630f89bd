"""The knobs of a training run, checked once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from edgekit.errors import EdgekitError, UnknownName

Decay = Literal["cosine", "exponential"]
DECAYS: tuple[Decay, ...] = get_args(Decay)
WARM_UP_STEPS = 60  # until AdamW's second moments (horizon ~1/(1 − 0.999)) and the BatchNorms have settled
LR_FLOOR = 0.01  # of the base rate, at the end of either decay
SIZE_STEP = 64  # MobileViT's stride 32 times its 2×2 patches
SIZE_RANGE = (128, 1024)


@dataclass(frozen=True)
class Settings:
    """One run. Sizes in pixels; `lr` is the base rate; `skin_jaccard` and `class_jaccard` weigh their terms of the
    loss, 0 leaves one out.

    `qat`: the mode of every block (edgekit/recipes/blocks.py) that is rounded, None trains the float model.
    `val_size` is the input side of validation, the deployed one.
    """

    epochs: int
    size: int
    val_size: int
    batch: int
    lr: float
    decay: str = "cosine"
    skin_jaccard: float = 0.5
    class_jaccard: float = 0.0
    seed: int = 0
    qat: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if self.decay not in DECAYS:
            raise UnknownName("decay", self.decay, DECAYS)
        for name, side in (("size", self.size), ("val-size", self.val_size)):
            if side % SIZE_STEP or not SIZE_RANGE[0] <= side <= SIZE_RANGE[1]:
                raise EdgekitError(
                    f"--{name} {side} must be a multiple of {SIZE_STEP}, {SIZE_RANGE[0]} to {SIZE_RANGE[1]}."
                )
        if self.epochs < 1:
            raise EdgekitError(f"`epochs` {self.epochs} trains nothing; give 1 or more.")
        if self.batch < 2:
            raise EdgekitError(
                f"`batch` {self.batch} is too small: BatchNorm needs 2 photos or more at a time."
            )
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise EdgekitError(f"`lr` {self.lr} is not a positive number.")
        for name, weight in (("skin", self.skin_jaccard), ("class", self.class_jaccard)):
            if not (math.isfinite(weight) and weight >= 0):
                raise EdgekitError(
                    f"--{name}-jaccard {weight} is not a positive number; 0 leaves the term out."
                )
        if self.seed < 0:
            raise EdgekitError(f"`seed` {self.seed} is negative; give 0 or more.")

    def learning_rate(self, step: int, steps: int) -> float:
        """The rate of one of `steps` steps: linear warm-up (a tenth of a short run), then the decay."""
        warm_up = max(1, min(WARM_UP_STEPS, steps // 10))
        return self.lr * min(1.0, (step + 1) / warm_up) * _DECAY[self.decay](step / steps)


def _cosine(progress: float) -> float:
    """Loshchilov & Hutter, arXiv 1608.03983, one cycle."""
    return LR_FLOOR + (1 - LR_FLOOR) * 0.5 * (1 + math.cos(math.pi * progress))


def _exponential(progress: float) -> float:
    """The rate falls by the same factor every step."""
    return float(LR_FLOOR**progress)


_DECAY: Mapping[str, Callable[[float], float]] = {"cosine": _cosine, "exponential": _exponential}
