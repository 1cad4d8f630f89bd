"""Ctrl-C and SIGTERM in the middle of long work: the exit code, what is said, and that nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from edgekit.artifact import Artifact
from edgekit.preview.litert_js import FILES
from edgekit.weights import Checkpoint
from tests.hostile.replay import STAGING, Box
from tests.hostile.tables import CK, STYLE
from tests.support.cli import ENVIRONMENT
from tests.support.pictures import picture

START_S = 240.0  # until the sign that the work has begun, on a busy machine
END_S = 120.0  # from the signal to the end: native code, of a converter or a network, is not interrupted
PHOTOS = 40
LEAST_PHOTOS = 2  # that a plan takes

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Work:
    """A command that takes long, and the sign by which one sees that it is at work. says: what it says in the end."""

    command: tuple[str, ...]
    sign: Callable[[Running], bool]
    says: str
    codes: tuple[int, int] = (130, 143)  # after Ctrl-C, after SIGTERM


class Running:
    """A started command, in the box's `work`, with what it printed so far."""

    def __init__(self, command: Sequence[str], box: Box) -> None:
        self.work, self.printed = box.work, ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "edgekit", *command],
            cwd=box.work,
            env={**os.environ, **ENVIRONMENT, "TMPDIR": str(box.tmp), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # the signal goes to the command alone, as `kill` sends it
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line

    def wait_for(self, sign: Callable[[Running], bool]) -> None:
        end = time.monotonic() + START_S
        while not sign(self):
            assert self.process.poll() is None, f"it ended too early: {self.printed}"
            assert time.monotonic() < end, f"no sign of its work: {self.printed}"
            time.sleep(0.02)

    def stopped_by(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        try:
            code = self.process.wait(END_S)
        finally:
            self.kill()
        self._reader.join(10)
        return code

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def children(self) -> list[int]:
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for task in tasks for pid in task.read_text().split()]


def says(text: str) -> Callable[[Running], bool]:
    return lambda running: text in running.printed


def holds(pattern: str) -> Callable[[Running], bool]:
    return lambda running: any(running.work.glob(pattern))


def maps(library: str) -> Callable[[Running], bool]:
    """The process has loaded a native library."""
    return lambda running: library in Path(f"/proc/{running.process.pid}/maps").read_text()


A, MANY, FEW = "../kit/a.tflite", "../many", "../few"
LONG: dict[str, Work] = {
    "convert": Work(
        ("convert", *CK, "--target", "coreml", "--recipe", "fp16"),
        says("converting to"),
        "0 of 1 artifacts are finished and kept in artifacts.",
    ),
    "plan": Work(("plan", *CK, "--calibration", FEW, "--out", "r.json"), holds("r.journal.json"), "r.journal.json"),
    "parity-check": Work(("parity-check", A, *CK, "--images", MANY), maps("ai_edge_litert"), "nothing half-written"),
    "style": Work(
        ("style", MANY, *STYLE, *CK, "--out", "styled"), holds("styled/*.png"), "run the same command with --resume"
    ),
    "bundle": Work(("bundle", "--artifact", A, *CK), holds(".edgekit-*"), "nothing half-written"),
    "bench": Work(("bench", A, "--seconds", "120"), lambda running: bool(running.children()), "nothing half-written"),
    "preview": Work(
        ("preview", "../kit/bundle", "--no-browser", "--port", "0", "--litert-js", "../litert"),
        says("Ctrl-C stops it"), "", (0, 0),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def kit(
    checkpoint: Checkpoint, artifacts: dict[str, Artifact], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    from tests.hostile.kit import fill

    folder = tmp_path_factory.mktemp("signals") / "kit"
    fill(folder, checkpoint, list(artifacts.values()))
    return folder


# Both signals take one way through edgekit; those commands get both that reach their work at once.
BOTH = ("convert", "style", "bench", "preview")
CASES = [(name, signal.SIGINT) for name in LONG] + [(name, signal.SIGTERM) for name in BOTH]


@pytest.mark.parametrize(("name", "number"), CASES, ids=[f"{name}-{number.name}" for name, number in CASES])
def test_an_interrupted_command_says_what_is_kept_and_leaves_nothing(
    name: str, number: signal.Signals, kit: Path, tmp_path: Path
) -> None:
    box = Box(tmp_path, kit)
    for folder, photos in (("many", PHOTOS), ("few", LEAST_PHOTOS)):
        (tmp_path / folder).mkdir()
        for i in range(photos):
            Image.fromarray(picture(96, 128, i)).save(tmp_path / folder / f"{i}.png")
    for file in FILES:
        (tmp_path / "litert" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "litert" / file).touch()
    before = box.state()
    work = LONG[name]
    running = Running(work.command, box)
    try:
        running.wait_for(work.sign)
        time.sleep(0.3)
        children = running.children()
        code = running.stopped_by(number)
    finally:
        running.kill()
    assert code == work.codes[number == signal.SIGTERM], running.printed
    assert "Traceback" not in running.printed
    if work.says:
        was = "interrupted" if number == signal.SIGINT else "terminated"
        last = running.printed.splitlines()[-1]
        assert last.startswith(f"edgekit: {was}; ") and work.says in last, running.printed
    after = box.state()
    assert {path: after.get(path) for path in before} == before
    left = sorted(after.keys() - before.keys())
    assert not [path for path in left if STAGING.search(path) or path.startswith("tmp/")]
    time.sleep(0.5)
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()], "a child outlived it"
