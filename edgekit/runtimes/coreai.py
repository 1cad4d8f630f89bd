"""Core AI: an .aimodel in Apple's own CPU runtime, which the wheel `coreai-core` carries for Linux too.

What it computes is what Core AI computes on a CPU. An iPhone's GPU and Neural Engine are not here: they were reported
to differ from it in silence (coreai-torch 115 and 116). fp16 is computed in software, tens of times slower than fp32.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edgekit.errors import ConversionError, MissingDependency
from edgekit.runtimes import DEFAULT_THREADS, Tensors
from edgekit.runtimes.served import Served, Workplace


class CoreAI:
    """An .aimodel open in Core AI's CPU runtime, in a process that ends with this object.

    `taps` must be outputs of the model. Raises MissingDependency without the extra `coreai`, ConversionError for a
    package that cannot be loaded.
    """

    name = "coreai-cpu"

    def __init__(self, path: Path, taps: Sequence[str] = (), threads: int = DEFAULT_THREADS) -> None:
        if find_spec("coreai") is None:
            raise MissingDependency("coreai-core", "Core AI's runtime", extra="coreai")
        if not (path / "main.mlirb").is_file():
            raise ConversionError("coreai", "load", f"{path} is not a complete .aimodel (no main.mlirb).")
        self._workplace = Workplace(self)
        self._served = Served(
            "coreai", path.resolve(), path, target="coreai", title="Core AI's CPU runtime",
            workplace=self._workplace,
        )  # fmt: skip
        self._served.require()
        outputs = {each.name for each in self._served.outputs}
        for tap in taps:
            if tap not in outputs:
                raise ConversionError("coreai", "load", f"{path} has no output {tap!r}.")

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Run the model once. Returns its outputs by name. ConversionError for inputs that are not the model's."""
        return self._served.run(inputs)
