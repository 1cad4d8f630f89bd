"""Core ML itself: a .mlpackage run by the operating system, on a Mac only, on the processors that its name says.

`open_runtime` never chooses it: parity judges `mil-reference`, which computes the outputs that the program defines on
any machine. On a Mac the report holds beside it what Core ML delivers on each processor; elsewhere that is not run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgekit.errors import ConversionError
from edgekit.runtimes import Tensors


def why_not_native() -> str:
    """The reason why Core ML cannot run on this machine; empty if it can."""
    if sys.platform == "darwin":
        return ""
    return f"Core ML runs on Apple's systems only; this machine runs {sys.platform}"


def why_unproved() -> str:
    """The reason why a result of the reference executor does not prove the result of Core ML."""
    return why_not_native() or "parity judges the reference executor; this Mac's Core ML stands beside it"


class CoreML:
    """A .mlpackage open in Core ML, on the compute units that the system chooses.

    Inputs are (1, H, W, 3) uint8 images; image outputs come back (1, C, H, W) uint8, as from `MilReference`.
    Intermediate tensors cannot be read. Raises ConversionError off macOS, for a package that does not load, and for a
    tap.
    """

    name = "coreml"
    units = "ALL"  # of coremltools.ComputeUnit

    def __init__(self, path: Path, taps: Sequence[str] = ()) -> None:
        reason = why_not_native()
        if reason:
            raise ConversionError(
                "coreml", "native", f"{path} cannot be run: {reason}; use the mil-reference runtime here."
            )
        if taps:
            reason = f"{path} gives no {taps[0]!r} there; convert with `output` logits."
            raise ConversionError("coreml", "native", reason)
        import coremltools as ct

        try:
            self._model = ct.models.MLModel(str(path), compute_units=ct.ComputeUnit[self.units])
        except Exception as error:  # Core ML's own exceptions have no common base
            raise ConversionError("coreml", "native", f"{path} cannot be loaded by Core ML.") from error

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Run the model once. Returns its outputs by name."""
        results = self._model.predict({name: Image.fromarray(value[0]) for name, value in inputs.items()})
        return {name: _as_array(value) for name, value in results.items()}


class CoreMLOnCpu(CoreML):
    """A .mlpackage open in Core ML, on the CPU only."""

    name = "coreml-cpu"
    units = "CPU_ONLY"


class CoreMLOnGpu(CoreML):
    """A .mlpackage open in Core ML, on the GPU where it takes an operator, else on the CPU."""

    name = "coreml-gpu"
    units = "CPU_AND_GPU"


class CoreMLOnNeuralEngine(CoreML):
    """A .mlpackage open in Core ML, on the Neural Engine where it takes an operator, else on the CPU."""

    name = "coreml-ane"
    units = "CPU_AND_NE"


def _as_array(value: Any) -> NDArray[Any]:
    """A multi-array unchanged; an image as (1, C, H, W) uint8, without the alpha that Core ML adds."""
    if not isinstance(value, Image.Image):
        return np.asarray(value)
    pixels = np.asarray(value if value.mode == "L" else value.convert("RGB"))  # (H, W) or (H, W, 3)
    return np.atleast_3d(pixels).transpose(2, 0, 1)[None]
