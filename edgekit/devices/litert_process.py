"""LiteRT in a child process that this machine can start: natively for the host, through qemu for arm64."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.devices.device import LONGEST_MS, BenchPlan, Measured, Opened, OpTime, check_threads
from edgekit.devices.figures import number
from edgekit.errors import DeviceError, UnreadableOutput, printable
from edgekit.files import JsonValue
from edgekit.processes import Completed, Output, child, clean_environment, ending, last_line, run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHILD = Path(__file__).with_name("litert_child.py")
PROFILED_RUNS = 20
MOST_MEMORY_MB = 1e8


@dataclass(frozen=True)
class Launcher:
    """The command that starts a Python with LiteRT: the arguments before the script, and the environment."""

    device: str
    python: tuple[str, ...]
    env: Mapping[str, str]
    emulated: bool = False

    def argv(self, job: str, model: Path, threads: int, *more: str | Path) -> list[str]:
        """The command line of one job of litert_child.py. Raises EdgekitError for more threads than processors."""
        check_threads(threads, os.cpu_count(), self.device)
        return [*self.python, str(CHILD), job, str(model.resolve()), str(threads), *map(str, more)]


def host_launcher() -> Launcher:
    """The launcher of this Python, isolated from the user's environment."""
    return Launcher("host", (sys.executable, "-I"), clean_environment())


class LiteRtSession:
    """One artifact in one child process, which takes commands and answers line by line."""

    def __init__(
        self, launcher: Launcher, artifact: Path, process: subprocess.Popen[bytes], plan: BenchPlan
    ) -> None:
        self._launcher, self._artifact, self._process, self._plan = launcher, artifact, process, plan
        self._output = Output(process)
        self._ready = self._answer("ready")

    def measure(self, inferences: int) -> Measured:
        self._send(f"measure {inferences}")
        values = self._answer("samples").get("ms")
        if not isinstance(values, list) or len(values) != inferences:
            raise UnreadableOutput(f"{self._where}: asked for {inferences} samples, got {values!r:.80}.")
        samples = [ms for value in values if (ms := number(value, LONGEST_MS))]
        if len(samples) != inferences:
            raise UnreadableOutput(f"{self._where}: a sample is not a positive number: {values!r:.80}.")
        return Measured(tuple(samples), inferences)

    def finish(self) -> Opened:
        self._send("finish")
        end = self._answer("end")
        try:
            code = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired as error:
            raise DeviceError(f"{self._where}: the runner answered but did not end.") from error
        if code != 0:
            raise DeviceError(f"{self._where}: the runner ended with code {code} after its last answer.")
        left = self._ready.get("undelegated_ops")
        partitions = self._ready.get("partitions")
        return Opened(
            load_ms=_positive(self._ready, "load_ms", LONGEST_MS),
            first_inference_ms=_positive(self._ready, "first_inference_ms", LONGEST_MS),
            accelerator="cpu (XNNPACK)" if partitions else "cpu",
            partitions=partitions if isinstance(partitions, int) else None,
            undelegated_ops=tuple(str(op) for op in left) if isinstance(left, list) else None,
            # Under emulation this would be the emulator's own memory.
            peak_rss_mb=None if self._launcher.emulated else _positive(end, "peak_rss_mb", MOST_MEMORY_MB),
            profile=profile(self._launcher, self._artifact, self._plan) if self._plan.profile else (),
            runner=f"LiteRT {self._ready.get('runtime')} in a Python process",
        )

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()
        except OSError:
            raise self._broken() from None

    def _answer(self, event: str) -> Mapping[str, JsonValue]:
        line = self._output.line(self._plan.timeout_s)
        if line is None:
            raise self._broken()
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UnreadableOutput(f"{self._where}: not an answer: {printable(line)!r}.") from error
        if not isinstance(answer, dict) or answer.get("event") != event:
            raise UnreadableOutput(f"{self._where}: expected {event!r}, got {printable(line)!r}.")
        return answer

    @property
    def _where(self) -> str:
        return f"{self._artifact} on {self._launcher.device}"

    def _broken(self) -> DeviceError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5 if self._output.ended else 0)
        code = self._process.returncode
        if code is None:
            return DeviceError(
                f"{self._where}: no answer within {self._plan.timeout_s:g} s; the runner was killed. "
                f"Raise `timeout_s` if the model is that slow."
            )
        return DeviceError(
            f"{self._where}: the runner {ending(code)}: {last_line(self._output.text('stderr'))}"
        )


@contextmanager
def sessions(
    launcher: Launcher, artifacts: Sequence[Path], plan: BenchPlan
) -> Iterator[Sequence[LiteRtSession]]:
    """Start a child per artifact, all loaded and warm; none outlives the block."""
    with ExitStack() as running:
        opened = []
        for artifact in artifacts:
            argv = launcher.argv("bench", artifact, plan.threads, str(plan.warmup_runs))
            process = running.enter_context(child(argv, launcher.env, stdin=True))
            opened.append(LiteRtSession(launcher, artifact, process, plan))
        yield opened


def infer(
    launcher: Launcher,
    artifact: Path,
    inputs: Sequence[NDArray[np.generic]],
    threads: int,
    timeout_s: float,
) -> list[list[NDArray[np.generic]]]:
    """Run the artifact on each input in one child process; outputs per input."""
    import numpy as np

    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        given, answered = Path(folder) / "in.npz", Path(folder) / "out.npz"
        named = {f"{i:05d}": value for i, value in enumerate(inputs)}
        np.savez(given, **named)  # type: ignore[arg-type]
        argv = launcher.argv("infer", artifact, threads, given, answered)
        ended = run(argv, timeout_s, launcher.env, stdin=True)
        if ended.code != 0 or not answered.is_file():
            raise DeviceError(f"{artifact} on {launcher.device}: {how(ended, timeout_s)}")
        with np.load(answered) as archive:
            count = len(archive.files) // len(inputs)
            return [[archive[f"{i:05d}/{o}"] for o in range(count)] for i in range(len(inputs))]


def profile(launcher: Launcher, artifact: Path, plan: BenchPlan) -> tuple[OpTime, ...]:
    """Measure the mean time per operator in a run of its own, because profiling slows a model down."""
    argv = launcher.argv("profile", artifact, plan.threads, str(PROFILED_RUNS))
    ended = run(argv, plan.timeout_s, launcher.env, stdin=True)
    if ended.code != 0:
        raise DeviceError(f"{artifact} on {launcher.device}, profiling: {how(ended, plan.timeout_s)}")
    try:
        rows = json.loads(ended.stdout)["ops"]
        times = [(str(name), str(kind), number(mean_ms, LONGEST_MS)) for name, kind, mean_ms in rows]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableOutput(f"{artifact}: the profiler answered {printable(ended.stdout)!r}.") from error
    if any(mean_ms is None for _, _, mean_ms in times):
        raise UnreadableOutput(f"{artifact}: the profiler answered {printable(ended.stdout)!r}.")
    return tuple(OpTime(name, kind, mean_ms) for name, kind, mean_ms in times if mean_ms is not None)


def how(ended: Completed, timeout_s: float) -> str:
    """A clause for an error's sentence: how a child ended that gave no answer."""
    if ended.code is None:
        return f"no answer within {timeout_s:g} s; the runner was killed."
    return f"the runner {ending(ended.code)}: {last_line(ended.stderr)}"


def _positive(answer: Mapping[str, JsonValue], key: str, most: float) -> float:
    value = number(answer.get(key), most)
    if not value:
        raise UnreadableOutput(f"the runner's {key} is {answer.get(key)!r:.40}, not a positive number.")
    return value
