"""Observers: they choose an activation's range from its values over the calibration pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

# Values kept per tensor and picture, evenly spaced: over 64 pictures enough for the 1e-5 quantile, and 1 GB for 500
# tensors.
SAMPLES_PER_UPDATE = 8192
SEARCHED_SAMPLES = 65_536  # values that the error search uses
PERCENTILE = (
    99.999  # per cent of values inside the range; chosen on calibration photos (docs/quantization.md)
)
LEVELS = 255
CLIP_STEPS = 40
MOMENTUM = 0.9  # ai-edge-quantizer's is 0.95, for many more updates; ours gets tens of pictures

Values = NDArray[np.float32]


class Observer(Protocol):
    """Collects one tensor's values, picture by picture, and gives its range (low, high)."""

    def update(self, values: Values) -> None: ...
    def range(self) -> tuple[float, float]: ...


class MinMax:
    """From the lowest to the highest value: no clipping, but coarse steps if there are outliers."""

    def __init__(self) -> None:
        self.low, self.high = np.inf, -np.inf

    def update(self, values: Values) -> None:
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))

    def range(self) -> tuple[float, float]:
        return self.low, self.high


class MovingAverage:
    """Exponential average of each picture's extremes, starting with those of the first picture."""

    def __init__(self) -> None:
        self._ends: NDArray[np.float64] | None = None

    def update(self, values: Values) -> None:
        ends = np.array([values.min(), values.max()], np.float64)
        self._ends = ends if self._ends is None else MOMENTUM * self._ends + (1 - MOMENTUM) * ends

    def range(self) -> tuple[float, float]:
        if self._ends is None:
            return np.inf, -np.inf
        return float(self._ends[0]), float(self._ends[1])


class _Sampled:
    """Keeps a strided sample of the values; the same pictures give the same sample."""

    def __init__(self) -> None:
        self._kept: list[Values] = []

    def update(self, values: Values) -> None:
        flat = values.reshape(-1)
        stride = (
            max(1, flat.size // SAMPLES_PER_UPDATE) | 1
        )  # odd, so that the sample does not stay in one channel
        self._kept.append(flat[::stride][:SAMPLES_PER_UPDATE].astype(np.float32))

    @property
    def sample(self) -> Values:
        return np.concatenate(self._kept)


class Percentile(_Sampled):
    """The central `PERCENTILE` per cent of the values."""

    def range(self) -> tuple[float, float]:
        tail = (100 - PERCENTILE) / 100
        low, high = np.quantile(self.sample, [tail, 1 - tail])
        return float(low), float(high)


class MeanSquaredError(_Sampled):
    """The range with the smallest squared error of rounding and clipping together."""

    def range(self) -> tuple[float, float]:
        kept = self.sample
        sample = kept[:: max(1, len(kept) // SEARCHED_SAMPLES)].astype(np.float64)
        low, high = min(0.0, float(sample.min())), max(0.0, float(sample.max()))
        shares = np.linspace(1, 1 / CLIP_STEPS, CLIP_STEPS)
        errors = [_squared_error(sample, low * share, high * share) for share in shares]
        best = shares[int(np.argmin(errors))]
        return low * best, high * best


def _squared_error(values: NDArray[np.float64], low: float, high: float) -> float:
    step = (high - low) / LEVELS or 1.0
    levels = np.clip(np.round((values - low) / step), 0, LEVELS)
    return float(((levels * step + low - values) ** 2).mean())


OBSERVERS: Mapping[str, Callable[[], Observer]] = {
    "minmax": MinMax,
    "moving-average": MovingAverage,
    "percentile": Percentile,
    "mse": MeanSquaredError,
}
