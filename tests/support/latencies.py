"""Synthetic latencies whose truth is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

N = 60  # a little above the default of 50 runs


def series(seed: int, n: int = N, median: float = 40.0, memory: float = 0.0) -> NDArray[np.float64]:
    """Latencies as runtimes give them: log-normal around `median`, with drift when memory > 0 (AR(1))."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=n)
    for i in range(1, n):
        noise[i] = memory * noise[i - 1] + np.sqrt(1 - memory**2) * noise[i]
    return median * np.exp(0.05 * noise)
