"""Models in a process of their own, for runtimes in native code that a file or a driver can crash."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import ConversionError, printable
from edgekit.processes import Output, child, clean_environment, ending
from edgekit.runtimes import Tensors

CHILD = Path(__file__).with_name("served_child.py")
TIMEOUT_S = 600.0  # Core AI's CPU runtime takes half a minute for the parser in fp16 at 128×128


@dataclass(frozen=True)
class TensorDetail:
    """An input or output of the loaded model. `dtype`: numpy's name of it, such as uint8."""

    name: str
    shape: tuple[int, ...]
    dtype: str


class Workplace:
    """A folder for the files of one model, and its processes; both end with `owner`."""

    def __init__(self, owner: object) -> None:
        self.stack = ExitStack()
        weakref.finalize(owner, self.stack.close)
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="edgekit-")))

    @property
    def log(self) -> str:
        """What the processes printed so far."""
        path = self.folder / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


class Served:
    """A model that one backend of `served_child.py` has loaded in a process of its own.

    `model`: the file or folder that it loads; `path` stands in errors, as do `target` and `title`, the runtime's name.
    `ready`: what the backend says of the model; it holds `error` if the backend raised, which `require` makes an error.
    """

    def __init__(
        self,
        backend: str,
        model: Path,
        path: Path,
        *,
        target: str,
        title: str,
        workplace: Workplace,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._folder, self._path, self._target, self._title = workplace.folder, path, target, title
        argv: list[str | Path] = [sys.executable, "-I", CHILD, backend, model, workplace.folder]
        started = child(argv, {**clean_environment(), **(environment or {})}, stdin=True)
        self.process = workplace.stack.enter_context(started)
        self._output = Output(self.process)
        self.ready = self._answer()
        self.inputs, self.outputs = (
            tuple(
                TensorDetail(each["name"], tuple(each["shape"]), each["dtype"])
                for each in self.ready.get(side, ())
            )
            for side in ("inputs", "outputs")
        )

    def require(self) -> None:
        """Raise ConversionError if the backend could not load the model."""
        if "error" in self.ready:
            raise self._refused(self.ready["error"])

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Run the model once. Returns its outputs by name.

        Raises ConversionError for inputs that are not the model's, and where the backend fails, crashes or hangs.
        """
        self._check(inputs)
        given = {str(i): np.ascontiguousarray(inputs[each.name]) for i, each in enumerate(self.inputs)}
        np.savez(self._folder / "in.npz", **given)  # type: ignore[arg-type]
        assert self.process.stdin is not None
        with suppress(OSError):  # a child that has ended answers nothing
            self.process.stdin.write(b"run\n")
            self.process.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            raise self._refused(answer["error"])
        with np.load(self._folder / "out.npz", allow_pickle=False) as archive:
            return {each.name: archive[str(i)] for i, each in enumerate(self.outputs)}

    def _check(self, inputs: Tensors) -> None:
        if set(inputs) != {each.name for each in self.inputs}:
            names = ", ".join(each.name for each in self.inputs)
            raise ConversionError(self._target, "run", f"inputs must be {names}, not {list(inputs)}.")
        for each in self.inputs:
            shape, kind = inputs[each.name].shape, inputs[each.name].dtype
            if shape != each.shape or kind.name != each.dtype:
                reason = f"input {each.name!r} must be {each.shape} {each.dtype}, not {shape} {kind}."
                raise ConversionError(self._target, "run", reason)

    def _answer(self) -> Mapping[str, Any]:
        """The child's next answer; ConversionError if it crashes or hangs."""
        line = self._output.line(TIMEOUT_S)
        if line is None:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=5 if self._output.ended else 0)
            code = self.process.returncode
            how = f"gave no answer within {TIMEOUT_S:g} s" if code is None else ending(code)
            raise ConversionError(self._target, "run", f"{self._path}: {self._title} {how}.")
        answer: Mapping[str, Any] = json.loads(line)
        return answer

    def _refused(self, error: str) -> ConversionError:
        reasons = [line.strip(" └") for line in error.splitlines() if "ERROR:" not in line]
        reason = printable(reasons[-1].rstrip(".") if reasons else "it gives no reason")
        return ConversionError(self._target, "run", f"{self._path} does not run on {self._title}: {reason}.")
