"""What of this machine decides how fast a model runs: its processor, and the vector extensions that libraries see."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def cpu_model() -> str:
    """The processor's name, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def times_hold_for() -> str:
    """What a time that was measured here holds for, as one line; that of another kind of machine differs."""
    import numpy as np

    extensions = np.show_config(mode="dicts")[
        "SIMD Extensions"
    ]  # numpy asks the CPU, as the timed runtimes do
    named = ", ".join(extensions["baseline"] + extensions.get("found", []))
    return f"{cpu_model()}, {platform.machine()} with {named}, {os.cpu_count()} cores"
