"""The host's runner: its own process, honest about memory and partitions, gone when something fails."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from edgekit.benchmark.run import bench_on
from edgekit.devices import litert_process
from edgekit.devices.device import BenchPlan, Measured
from edgekit.devices.host import Host
from edgekit.errors import DeviceError, EdgekitError, MissingDependency, UnreadableOutput
from tests.support.tiny_tflite import SHAPE, expected, write_tiny

QUICK = BenchPlan(runs=25, seconds=0, warmup_runs=1, threads=1, timeout_s=20)


def silent(_: str) -> None:
    """Takes the progress lines of `bench`."""


def children() -> set[int]:
    """Live (not zombie) children of this process."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            found.add(int(stat.parent.name))
    return found


def alive(stat: Path) -> bool:
    """Whether the process still runs (a killed one may be a zombie until init reaps it)."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def launcher(tmp_path: Path, text: str) -> litert_process.Launcher:
    """A launcher whose Python is a shell script that ignores its arguments."""
    program = tmp_path / "runner.sh"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return litert_process.Launcher("broken", (str(program),), {"PATH": os.environ["PATH"]})


def test_everything_about_one_artifact(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path / "tiny.tflite", "LOGISTIC")
    report = bench_on(Host(), [tiny], QUICK, silent)
    row = report.artifacts[0]
    assert row.latency is not None and row.latency.n == len(row.samples_ms) >= 25
    assert row.latency.p50 is not None and row.latency.p90 is not None
    assert row.latency.p50 <= row.latency.p90
    assert row.load_ms is not None and row.first_inference_ms is not None
    assert row.first_inference_ms > row.latency.p50  # cold caches, and nothing ran before
    assert (row.accelerator, row.partitions, row.undelegated_ops) == ("cpu (XNNPACK)", 1, ())
    assert row.peak_rss_mb is not None and 20 < row.peak_rss_mb < 150
    assert not report.device.simulated and report.complete


def test_the_profile_names_xnnpacks_operators_and_its_sum_is_plausible(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path / "tiny.tflite", "SIGN", "LOGISTIC", shape=(1, 256, 512, 3))
    plan = BenchPlan(runs=20, seconds=0, threads=1, profile=True)
    row = bench_on(Host(), [tiny], plan, silent).artifacts[0]
    kinds = [op.kind for op in row.profile]
    assert [k.split(" ")[0] for k in kinds] == ["Multiply", "SIGN", "Sigmoid"]
    assert row.latency is not None and row.latency.p50 is not None
    assert 0.2 * row.latency.p50 < sum(op.mean_ms for op in row.profile) < 5 * row.latency.p50


def test_a_profile_of_a_broken_model_is_an_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"nothing")
    with pytest.raises(DeviceError, match=r"profiling: .*LiteRtCreateModelFromFile failed"):
        litert_process.profile(Host()._launcher, broken, QUICK)


@pytest.mark.slow
def test_peak_memory_is_the_runners_own(tmp_path: Path) -> None:
    """ru_maxrss would carry this process's ballast into the child."""
    ballast = np.ones(60_000_000, np.float64)  # 480 MB, touched
    tiny = write_tiny(tmp_path / "tiny.tflite", "LOGISTIC")
    row = bench_on(Host(), [tiny], QUICK, silent).artifacts[0]
    assert ballast.sum() > 0
    assert row.peak_rss_mb is not None and row.peak_rss_mb < 200


def test_an_operator_outside_xnnpack_is_named_and_splits_the_graph(tmp_path: Path) -> None:
    split = write_tiny(tmp_path / "split.tflite", "SIGN", "LOGISTIC")
    row = bench_on(Host(), [split], QUICK, silent).artifacts[0]
    assert (row.partitions, row.undelegated_ops) == (2, ("SIGN",))


@pytest.mark.slow
def test_artifacts_are_measured_alternately_and_compared_with_the_first(tmp_path: Path) -> None:
    small = write_tiny(tmp_path / "small.tflite", "LOGISTIC", shape=(1, 64, 64, 3))
    large = write_tiny(tmp_path / "large.tflite", "LOGISTIC", shape=(1, 512, 512, 3))
    report = bench_on(Host(), [small, large, small], QUICK, silent)
    first, second, again = report.artifacts
    assert first.change_to_first is None
    assert second.change_to_first is not None and second.change_to_first.verdict == "SLOWER"
    assert second.change_to_first.ratio > 5
    assert again.change_to_first is not None and 0.5 < again.change_to_first.ratio < 2
    assert len(first.samples_ms) == len(second.samples_ms) == len(again.samples_ms)


@pytest.mark.slow
def test_the_order_turns_every_round(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    order: list[str] = []
    measure = litert_process.LiteRtSession.measure

    def noted(self: litert_process.LiteRtSession, inferences: int) -> Measured:
        order.append(self._artifact.stem)
        return measure(self, inferences)

    monkeypatch.setattr(litert_process.LiteRtSession, "measure", noted)
    artifacts = [write_tiny(tmp_path / f"{name}.tflite", "LOGISTIC") for name in "ABC"]
    bench_on(Host(), artifacts, BenchPlan(runs=110, seconds=0, threads=1), silent)
    assert "".join(order).startswith("ABCBCACAB")


@pytest.mark.slow
def test_runs_and_seconds_are_both_kept(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path / "tiny.tflite", "LOGISTIC", shape=(1, 256, 256, 3))
    started = time.monotonic()
    row = bench_on(Host(), [tiny], BenchPlan(runs=1, seconds=0.6, threads=1), silent).artifacts[0]
    assert time.monotonic() - started >= 0.6 and len(row.samples_ms) > 20
    row = bench_on(Host(), [tiny], BenchPlan(runs=300, seconds=0, threads=1), silent).artifacts[0]
    assert len(row.samples_ms) >= 300


def test_a_model_of_microseconds_stops_at_the_bound(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("edgekit.benchmark.run.MOST_INFERENCES", 500)
    tiny = write_tiny(tmp_path / "tiny.tflite", "LOGISTIC")
    row = bench_on(Host(), [tiny], BenchPlan(runs=50, seconds=600, threads=1), silent).artifacts[0]
    assert 500 <= len(row.samples_ms) < 600


def test_core_ml_is_not_run_here_and_that_is_not_complete(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path / "tiny.tflite", "LOGISTIC")
    package = tmp_path / "parser.mlpackage"
    package.mkdir()
    (package / "Manifest.json").write_text("{}")
    report = bench_on(Host(), [package, tiny], QUICK, silent)
    assert [a.status for a in report.artifacts] == ["NOT_RUN", "MEASURED"]
    assert "Mac" in report.artifacts[0].reason and report.artifacts[0].latency is None
    assert not report.complete


def test_inference_gives_the_models_answers(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path / "tiny.tflite", "LOGISTIC")
    inputs = [np.random.default_rng(i).normal(size=SHAPE).astype(np.float32) for i in range(3)]
    outputs = Host().infer(tiny, inputs, threads=1)
    assert len(outputs) == 3
    for x, (y,) in zip(inputs, outputs, strict=True):
        np.testing.assert_allclose(y, expected(x), atol=1e-6)


def test_a_file_that_is_no_model_names_itself_and_leaves_no_process(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"TFL3 but not really")
    before = children()
    with pytest.raises(
        DeviceError, match=r"broken\.tflite on host: the runner ended with code 1: ValueError"
    ):
        bench_on(Host(), [broken], QUICK, silent)
    assert children() <= before


def test_a_missing_file_and_bad_numbers_are_refused_first(tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match="does not exist"):
        bench_on(Host(), [tmp_path / "none.tflite"], QUICK, silent)
    with pytest.raises(EdgekitError, match="name is empty"):
        bench_on(Host(), [Path()], QUICK, silent)
    os.mkfifo(tmp_path / "pipe.tflite")
    with pytest.raises(EdgekitError, match="not a regular file"):
        bench_on(Host(), [tmp_path / "pipe.tflite"], QUICK, silent)
    tiny = write_tiny(tmp_path / "tiny.tflite")
    with pytest.raises(EdgekitError, match="at least"):
        bench_on(Host(), [tiny], BenchPlan(runs=0), silent)


def test_an_accelerator_the_host_lacks_is_refused(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path / "tiny.tflite")
    with pytest.raises(DeviceError, match="no gpu delegate"):
        bench_on(Host(), [tiny], BenchPlan(accelerator="gpu"), silent)


READY = 'echo \'{"event":"ready","load_ms":1,"first_inference_ms":1,"partitions":1}\''
END = 'echo \'{"event":"end","peak_rss_mb":9}\''
NONE = 'echo \'{"event":"samples","ms":[]}\''
NEGATIVE = 'echo \'{"event":"samples","ms":[-1]}\''
ANSWER = 'read l; echo \'{"event":"samples","ms":[1.5]}\''


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("exit 0", DeviceError, "ended with code 0: it printed nothing"),
        ("echo bang >&2; kill -SEGV $$", DeviceError, "killed by signal 11: bang"),
        ("echo hello; sleep 60", UnreadableOutput, "not an answer: 'hello'"),
        ("echo '[1]'; sleep 60", UnreadableOutput, "expected 'ready'"),
        (f"{READY}; read l; exit 3", DeviceError, "ended with code 3"),
        (f"{READY}; read l; {NONE}", UnreadableOutput, "asked for 1 samples"),
        (f"{READY}; read l; {NEGATIVE}", UnreadableOutput, "not a positive number"),
        (f"{READY}; {ANSWER}; read l; exit 0", DeviceError, "ended with code 0"),
        (f"{READY}; {ANSWER}; read l; {END}; exit 4", DeviceError, "code 4"),
        ("yes", UnreadableOutput, "not an answer"),
        ("yes | tr -d '\\n'", DeviceError, "no answer within|ended"),
    ],
)  # fmt: skip
def test_a_broken_runner_is_an_error_and_leaves_no_process(
    tmp_path: Path, text: str, error: type[Exception], words: str
) -> None:
    tiny = write_tiny(tmp_path / "tiny.tflite")
    device = Host()
    device._launcher = launcher(tmp_path, text)
    before = children()
    with pytest.raises(error, match=words):
        bench_on(device, [tiny], BenchPlan(runs=1, seconds=0, timeout_s=5), silent)
    assert children() <= before


def test_a_hanging_runner_and_its_children_are_killed(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path / "tiny.tflite")
    device = Host()
    device._launcher = launcher(tmp_path, f"sleep 4711 & echo $! > {tmp_path}/pid; sleep 4711")
    with pytest.raises(DeviceError, match=r"no answer within 0\.5 s; the runner was killed"):
        bench_on(device, [tiny], BenchPlan(timeout_s=0.5), silent)
    grandchild = Path("/proc", (tmp_path / "pid").read_text().strip(), "stat")
    deadline = time.monotonic() + 2
    while alive(grandchild) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(grandchild)


def test_a_runner_that_is_not_there_is_a_missing_dependency(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path / "tiny.tflite")
    device = Host()
    device._launcher = litert_process.Launcher("host", ("no-such-python",), {})
    with pytest.raises(MissingDependency, match="no-such-python"):
        bench_on(device, [tiny], QUICK, silent)


def test_the_runner_ignores_what_the_users_environment_injects(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    tiny = write_tiny(tmp_path / "tiny.tflite")
    assert bench_on(Host(), [tiny], QUICK, silent).artifacts[0].status == "MEASURED"
