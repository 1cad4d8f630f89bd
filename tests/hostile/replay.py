"""Hundreds of hostile inputs through the real command line: no traceback, no hang, nothing left, nothing lost.

    python -m tests.hostile.replay [--kit FOLDER] [--every N] [--only WORD]

The inputs are those of tests/hostile/tables.py. Each runs in a folder of its own; most in a worker process that runs
one command after the other and is replaced when it hangs or crashes, some as processes of their own. Prints a table of
counts and every finding; exits 1 when there is one.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from tests.hostile.tables import Input, inputs
from tests.support.cli import ENVIRONMENT, Ran, edgekit

HANG_S = 20.0  # on a machine that does nothing else
START_S = 300.0  # of a worker, which imports everything first
MEMORY_BYTES = 8 << 30  # of a worker's own data: an endless file ends here and not with the machine
MOST_LINE_CHARS = 2000
MOST_SHOWN = 6  # problems of one input
MINE = {"thesis.txt": b"years of work", "holiday/beach.txt": b"not for edgekit"}
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
STAGING = re.compile(r"\.edgekit-[a-z0-9_]{8}")
ADB_LOG = re.compile(r"tmp/adb\.\d+\.log")  # of the server that the first `adb` on a machine starts


@dataclass(frozen=True)
class Outcome:
    """What one input did: its exit code (None: it hung or crashed), and what was wrong with that."""

    input: Input
    code: int | None
    seconds: float
    problems: tuple[str, ...]


class Box:
    """A folder for one input: `work`, its current directory, with files of the user's; `kit`; `tmp`."""

    def __init__(self, folder: Path, kit: Path) -> None:
        self.folder, self.work, self.tmp = folder, folder / "work", folder / "tmp"
        for name, data in MINE.items():
            (self.work / name).parent.mkdir(parents=True, exist_ok=True)
            (self.work / name).write_bytes(data)
        self.tmp.mkdir()
        (folder / "kit").symlink_to(kit)

    def state(self) -> dict[str, str]:
        """Every path below, with what it is: its kind, and a file's sha256 or a link's target."""
        found = {}
        for parent, folders, files in os.walk(os.fsencode(self.folder)):
            for name in (*folders, *files):
                path = Path(os.fsdecode(os.path.join(parent, name)))  # noqa: PTH118  # bytes
                found[str(path.relative_to(self.folder))] = described(path)
        return found


def hang_s() -> float:
    """HANG_S, longer by as much as other processes share the processors."""
    return HANG_S * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def described(path: Path) -> str:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return f"link {path.readlink()}"
    if not stat.S_ISREG(status.st_mode):
        return f"kind {stat.S_IFMT(status.st_mode)}"
    if status.st_size > 1 << 30:
        return f"sparse {status.st_size}"
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ---- running ------------------------------------------------------------------------------------------------


def worker(pipe: Connection) -> None:
    """In a process of its own: run each command line that comes, in its current directory."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    import ai_edge_litert.interpreter
    import cv2
    import transformers.models.mobilevit

    import edgekit as library
    from edgekit.color.engine import styled_pixels
    from edgekit.parity import check

    del ai_edge_litert, cv2, transformers, styled_pixels, check
    library.convert, library.style, library.parity_check  # noqa: B018  # lazy: now they are imported
    pipe.send("ready")
    while True:
        words, work, tmp = pipe.recv()
        os.chdir(work)
        os.environ["TMPDIR"], tempfile.tempdir = tmp, tmp
        try:
            pipe.send(edgekit(*words))
        except Exception:  # what the command line let through
            pipe.send(f"a traceback: {traceback.format_exc()[-1500:]}")


class Worker:
    """A worker process, started again when it hung or crashed."""

    def __init__(self) -> None:
        self._start()

    def run(self, one: Input, box: Box) -> Ran | str:
        """What the command did, or how it ended otherwise."""
        self._pipe.send((one.command, str(box.work), str(box.tmp)))
        try:
            limit_s = hang_s()
            if self._pipe.poll(limit_s):
                ran: Ran | str = self._pipe.recv()
                return ran
            ended = f"it was still running after {limit_s:.0f} s"
        except EOFError:
            self._process.join(5)
            ended = f"the process ended with {self._process.exitcode}"
        self.end()
        self._start()
        return ended

    def end(self) -> None:
        self._process.kill()
        self._process.join()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=worker, args=(theirs,), daemon=False)
        self._process.start()
        theirs.close()
        if not self._pipe.poll(START_S):
            raise RuntimeError("a worker did not start")
        self._pipe.recv()


def run_process(one: Input, box: Box) -> Ran | str:
    """The command as a user starts it, with one more second for each that a start takes here."""
    environment = {**os.environ, **ENVIRONMENT, "TMPDIR": str(box.tmp)}
    gone = "a reader that is gone" in one.name
    process = subprocess.Popen(
        [sys.executable, "-m", "edgekit", *one.command],
        cwd=box.work,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    if gone:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
    try:
        out, err = process.communicate(timeout=hang_s() + start_s())
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return "it was still running"
    text = (out or b"").decode(errors="surrogateescape"), err.decode(errors="surrogateescape")
    return Ran(process.returncode, *text)


_starts: list[float] = []


def start_s() -> float:
    """How long a process takes here to load what the commands load; measured once."""
    if not _starts:
        began = time.monotonic()
        code = "import transformers.models.mobilevit, edgekit; edgekit.style, edgekit.parity_check"
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        _starts.append(time.monotonic() - began)
    return 2 * _starts[0]


# ---- judging ------------------------------------------------------------------------------------------------


def judged(one: Input, ran: Ran | str, before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What is wrong with how the command ended, what it said and what it left."""
    problems = [ran] if isinstance(ran, str) else said(one, ran)
    lost = [name for name, what in before.items() if after.get(name) != what]
    problems += [f"{name!r} was lost or changed" for name in lost if not may_change(one, name)]
    new = sorted(name for name in after.keys() - before.keys() if not ADB_LOG.fullmatch(name))
    problems += [f"it left {name!r}" for name in new if STAGING.search(name) or name.startswith("tmp/")]
    if isinstance(ran, Ran) and ran.code in (2, 3):
        made = [name for name in new if not STAGING.search(name) and not name.startswith("tmp/")]
        problems += [f"it made {name!r} and refused" for name in made]
    return problems


def may_change(one: Input, name: str) -> bool:
    """With --force a file of the user's that is named as the destination may be replaced."""
    return "--force" in one.command and name.removeprefix("work/") in one.command


def said(one: Input, ran: Ran) -> list[str]:
    problems = []
    if ran.code not in one.codes:
        problems.append(f"exit code {ran.code}")
    if "Traceback" in ran.err + ran.out:
        problems.append("a traceback")
    if found := CONTROL.search(ran.err + ran.out):
        problems.append(f"{found[0]!r} on the terminal")
    lines = ran.err.splitlines()
    if longest := max(map(len, lines), default=0) > MOST_LINE_CHARS + 50:
        problems.append(f"a line of {longest} characters")
    if len(ran.err) > 4 * MOST_LINE_CHARS:
        problems.append(f"{len(ran.err)} characters of text")
    if ran.code == 3 and [line for line in lines if line.startswith("edgekit: ")] != lines[-1:]:
        problems.append("not one sentence at the end")
    if ran.code in (2, 3) and one.words and not any(word in ran.err for word in one.words):
        problems.append(f"the refusal does not name {' or '.join(one.words)}")
    if problems:
        problems.append(f"it said: {ran.err.strip()[-700:]!r}")
    return problems


# ---- all of it ----------------------------------------------------------------------------------------------


def replay(
    chosen: Sequence[Input],
    kit: Path,
    folder: Path,
    workers: int = 2,
    report: Callable[[Outcome], object] = lambda outcome: None,
) -> list[Outcome]:
    """Run every input in a new folder below `folder`, with the good files in `kit`, which have to stay as they are."""
    free: SimpleQueue[Worker] = SimpleQueue()
    if any(not one.process for one in chosen):
        with ThreadPoolExecutor(workers) as pool:
            started = list(pool.map(lambda _: Worker(), range(workers)))
        for each in started:
            free.put(each)
    good = {str(path): described(path) for path in sorted(kit.rglob("*"))}

    def run(numbered: tuple[int, Input]) -> Outcome:
        number, one = numbered
        box = Box(folder / str(number), kit)
        one.make(box.work)
        before = box.state()
        began = time.monotonic()
        if one.process:
            ran = run_process(one, box)
        else:
            mine = free.get()
            try:
                ran = mine.run(one, box)
            finally:
                free.put(mine)
        seconds = time.monotonic() - began
        problems = judged(one, ran, before, box.state())
        shutil.rmtree(box.folder)
        outcome = Outcome(one, ran.code if isinstance(ran, Ran) else None, seconds, tuple(problems))
        report(outcome)
        return outcome

    try:
        with ThreadPoolExecutor(workers) as pool:
            outcomes = list(pool.map(run, enumerate(chosen)))
    finally:
        while not free.empty():
            free.get().end()
    now = {str(path): described(path) for path in sorted(kit.rglob("*"))}
    # Commands that are to write beside their inputs may: what they add must be whole.
    changed = [path for path in good if now.get(path) != good[path]]
    changed += [path for path in now.keys() - good.keys() if STAGING.search(path)]
    assert not changed, f"the good files were changed: {changed[:5]}"
    return outcomes


def table(outcomes: Iterable[Outcome]) -> str:
    """Counts by kind and exit code, as Markdown."""
    found = list(outcomes)
    lines = [
        "| inputs | n | exit 0 | exit 1 | exit 2 | exit 3 | hangs, crashes | findings | slowest | together |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]

    def row(name: str, some: Sequence[Outcome]) -> str:
        codes: Counter[Any] = Counter(one.code for one in some)
        counts = [codes[code] for code in (0, 1, 2, 3)]
        others = len(some) - sum(counts)
        failed = sum(bool(one.problems) for one in some)
        times = f"{max(one.seconds for one in some):.1f} s | {sum(one.seconds for one in some):.0f} s"
        return f"| {name} | {len(some)} | {' | '.join(map(str, counts))} | {others} | {failed} | {times} |"

    for kind in dict.fromkeys(one.input.kind for one in found):
        lines.append(row(kind, [one for one in found if one.input.kind == kind]))
    return "\n".join([*lines, row("all", found)])


def show(outcome: Outcome) -> None:
    """Print a finding."""
    if outcome.problems:
        one = outcome.input
        lines = (f"FINDING {one.kind}: {one.name}", f"{one.command!r:.300}", *outcome.problems[:MOST_SHOWN])
        print("\n   ".join(lines), flush=True)


def main() -> None:
    from tests.hostile.kit import fill, made_checkpoint

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kit", type=Path, help="keep the checkpoint and the artifacts here")
    parser.add_argument("--every", type=int, default=1, help="only every n-th input")
    parser.add_argument("--only", default="", help="only inputs whose kind or name holds this")
    arguments = parser.parse_args()
    chosen = [one for one in inputs() if arguments.only in f"{one.kind}: {one.name}"][:: arguments.every]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder / "kit", *made_checkpoint(arguments.kit or folder / "made"))
        began = time.monotonic()
        outcomes = replay(chosen, folder / "kit", folder / "boxes", report=show)
    print(table(outcomes))
    print(f"\n{len(outcomes)} inputs in {time.monotonic() - began:.0f} s")
    raise SystemExit(any(outcome.problems for outcome in outcomes))


if __name__ == "__main__":
    main()
