"""A trial run of an artifact in a process of its own, before this process opens it.

LiteRT trusts the content of a .tflite: a file that was edited or truncated ends the process that opens it with SIGABRT
or SIGSEGV, which Python cannot catch. A child process that ends this way is reported as an ordinary error.
"""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass
from pathlib import Path

from edgekit.devices.litert_process import host_launcher, how
from edgekit.errors import ConversionError, printable
from edgekit.files import sha256_of
from edgekit.processes import Completed, ending, run

THREADS = 1
# Loading and one inference of the largest artifacts take seconds; one that takes this long is not fit for a phone.
TIMEOUT_S = 120.0


@dataclass(frozen=True)
class TensorInfo:
    """An input or output as the runtime describes it. dtype: numpy's name of it, such as uint8."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Probed:
    """Inputs, outputs and XNNPACK partitions of a .tflite that loads and runs on this machine's CPU."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    partitions: int
    undelegated_ops: tuple[str, ...]


_probed: dict[str, Probed] = {}  # by the file's sha256, for as long as this process lives


def probe(artifact: Path, timeout_s: float = TIMEOUT_S) -> Probed:
    """Load and run a .tflite once in a child process; returns its inputs, outputs and XNNPACK partitions.

    Results are cached by the file's content for as long as this process lives. Raises ConversionError if the file
    cannot be read, or if loading or running it fails, crashes or does not end.
    """
    try:
        sha256 = sha256_of(artifact)
    except OSError as error:
        raise _refused(f"{artifact} cannot be read ({error.strerror}).") from error
    if sha256 not in _probed:
        argv = host_launcher().argv("probe", artifact, THREADS)
        ended = run(argv, timeout_s, host_launcher().env, stdin=True)
        if ended.code != 0:
            raise _refused(_reason(artifact, ended, timeout_s))
        try:
            _probed[sha256] = _answer(ended.stdout)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _refused(f"{artifact}: LiteRT answered {printable(ended.stdout)!r}.") from error
    return _probed[sha256]


def _refused(reason: str) -> ConversionError:
    return ConversionError("tflite", "loading", reason)


def _reason(artifact: Path, ended: Completed, timeout_s: float) -> str:
    if ended.code is not None and ended.code < 0:
        name = signal.Signals(-ended.code).name
        return (
            f"{artifact}: LiteRT {ending(ended.code)} ({name}) while it loaded or ran the file, which is damaged or "
            f"was edited; convert it again."
        )
    return f"{artifact} cannot be loaded and run: {how(ended, timeout_s)}"


def _answer(text: str) -> Probed:
    answer = json.loads(text)
    inputs, outputs = (
        tuple(
            TensorInfo(str(each["name"]), tuple(int(n) for n in each["shape"]), str(each["dtype"]))
            for each in answer[side]
        )
        for side in ("inputs", "outputs")
    )
    left = tuple(str(name) for name in answer["undelegated_ops"])
    return Probed(inputs, outputs, int(answer["partitions"]), left)
