"""Artifacts that nobody vouches for: run in a child first, and no child outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edgekit.benchmark.placement import place
from edgekit.devices import litert_process, probe
from edgekit.devices.profiles import profile_named
from edgekit.errors import ConversionError, EdgekitError
from edgekit.runtimes.litert import packed, parsed, read_tflite
from tests.support.cli import edgekit
from tests.support.tiny_tflite import SHAPE, write_tiny

ROOT = Path(__file__).parents[2]


def crashing(path: Path) -> Path:
    """A model whose root table has lost its subgraphs' place: LiteRT follows it and ends by SIGSEGV."""
    data = bytearray(write_tiny(path, "LOGISTIC").read_bytes())
    data[18] = 0
    path.write_bytes(data)
    return path


def test_an_artifact_is_described(tmp_path: Path) -> None:
    found = probe.probe(write_tiny(tmp_path / "a.tflite", "SIGN", "LOGISTIC"))
    assert found.inputs == (probe.TensorInfo("x", SHAPE, "float32"),)
    assert found.outputs == (probe.TensorInfo("y2", SHAPE, "float32"),)
    assert (found.partitions, found.undelegated_ops) == (2, ("SIGN",))


def test_the_same_bytes_are_run_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = probe.probe(write_tiny(tmp_path / "a.tflite", "ROUND", "ROUND"))
    monkeypatch.setattr(probe, "run", None)
    assert probe.probe(write_tiny(tmp_path / "b.tflite", "ROUND", "ROUND")) is first


def test_a_crash_is_one_sentence(tmp_path: Path) -> None:
    path = crashing(tmp_path / "edited.tflite")
    with pytest.raises(ConversionError) as failed:
        probe.probe(path)
    assert str(failed.value) == (
        f"tflite, loading: {path}: LiteRT was killed by signal 11 (SIGSEGV) while it loaded or ran the file, which "
        f"is damaged or was edited; convert it again."
    )


def test_placement_of_a_crashing_artifact_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"edited\.tflite"):
        place(crashing(tmp_path / "edited.tflite"), profile_named("Pixel 6"))
    ended = edgekit("bench", "placement", str(tmp_path / "edited.tflite"), "--phone", "Pixel 6")
    assert ended.code == 3 and "edited.tflite" in ended.err and "Traceback" not in ended.err


def test_bench_of_a_crashing_artifact_is_one_sentence(tmp_path: Path) -> None:
    ended = edgekit("bench", str(crashing(tmp_path / "edited.tflite")), "--runs", "1", "--seconds", "0")
    assert ended.code == 3 and "was killed by signal 11" in ended.sentence


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "cannot be loaded and run"), (b"....TFL3" + bytes(64), "cannot be loaded and run|was killed by")],
)
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.tflite").write_bytes(content)
    with pytest.raises(ConversionError, match=words):
        probe.probe(tmp_path / "a.tflite")
    with pytest.raises(ConversionError, match="cannot be read"):
        probe.probe(tmp_path / "none.tflite")


def test_a_tensor_beyond_any_segmenters_is_refused_before_it_is_allocated(tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "a.tflite", "LOGISTIC")
    model = parsed(read_tflite(path), path)
    for tensor in model.subgraphs[0].tensors:
        if tensor.name != b"scales":
            tensor.shape = np.array([1, 30000, 30000, 3], np.int32)
    path.write_bytes(packed(model))
    started = time.monotonic()
    with pytest.raises(ConversionError, match=r"tensor 0 has 2700000000 elements"):
        probe.probe(path)
    assert time.monotonic() - started < 20


def test_a_model_that_does_not_end_is_killed(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"no answer within 0\.01 s"):
        probe.probe(write_tiny(tmp_path / "a.tflite", "SIGN", "SIGN", "SIGN"), timeout_s=0.01)


def test_an_answer_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "runner.sh"
    program.write_text("#!/bin/sh\necho '{\"inputs\": 3}'\n")
    program.chmod(0o755)
    launcher = litert_process.Launcher("host", (str(program),), {"PATH": os.environ["PATH"]})
    monkeypatch.setattr(probe, "host_launcher", lambda: launcher)
    with pytest.raises(ConversionError, match=r"LiteRT answered .*inputs"):
        probe.probe(write_tiny(tmp_path / "a.tflite", "ROUND", "SIGN"))


def test_a_childs_memory_is_at_most_the_machines(tmp_path: Path) -> None:
    program = (
        "import resource, runpy, sys\n"
        f"child = runpy.run_path({str(litert_process.CHILD)!r})\n"
        "child['limit_memory']()\n"
        "print(resource.getrlimit(resource.RLIMIT_AS)[0])\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if sys.platform == "linux":
        assert int(ended.stdout) == max(physical, 8 << 30)


def test_the_child_refuses_more_threads_than_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    launcher = litert_process.host_launcher()
    for job in ("bench", "infer", "profile", "probe"):
        assert job in launcher.argv(job, tmp_path / "a.tflite", 4)
        with pytest.raises(EdgekitError, match="`threads` is 99999"):
            launcher.argv(job, tmp_path / "a.tflite", 99999)


# ---- the parent is killed -------------------------------------------------------------------------------

PARENT = """
import sys, time
from pathlib import Path
from edgekit.devices import litert_process
from edgekit.devices.device import BenchPlan
from edgekit.processes import child

launcher = litert_process.host_launcher()
with child(launcher.argv(*sys.argv[1:2], Path(sys.argv[2]), 1, *sys.argv[3:]), launcher.env, stdin=True) as process:
    print(process.pid, flush=True)
    if sys.argv[1] == "bench":
        process.stdout.readline()
        process.stdin.write(b"measure 100000000\\n")
        process.stdin.flush()
        print("measuring", flush=True)
    time.sleep(60)
"""


def is_alive(pid: int) -> bool:
    """Whether the process runs (a killed one may be a zombie until it is reaped)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("job", ["measuring", "waiting for a command", "profiling"])
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="NOT RUN: looks at /proc")
def test_a_child_does_not_outlive_a_killed_parent(job: str, tmp_path: Path) -> None:
    large = write_tiny(tmp_path / "large.tflite", "SIGN", "LOGISTIC", shape=(1, 2048, 2048, 3))
    words = {
        "measuring": ["bench", str(large), "0"],
        "waiting for a command": ["bench", str(large), "1000000"],  # it is warming up and reads nothing
        "profiling": ["profile", str(large), "1000000"],
    }[job]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *words], stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    if job == "measuring":
        assert parent.stdout.readline() == "measuring\n"
    else:
        time.sleep(2)
    assert is_alive(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 10
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    survived = is_alive(child)
    if survived:
        os.kill(child, signal.SIGKILL)
    parent.stdout.close()
    assert not survived
