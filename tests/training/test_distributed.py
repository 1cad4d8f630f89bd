"""Several processes train what one does: the same steps, one writer, one sentence, killed or not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from edgekit.errors import EdgekitError
from edgekit.files import sha256_of
from edgekit.training import distributed, finetuning, loop
from edgekit.training.settings import Settings
from edgekit.training.state import RunIdentity
from edgekit.weights import Checkpoint
from tests.training.toy import SIZE, write_set

ROOT = Path(__file__).parent.parent.parent
STEP, RECORDED = (ROOT / "tests/training" / name for name in ("shared_step.py", "recorded.py"))
PHOTOS, EPOCHS, STEPS = 24, 2, 5  # steps per epoch of 4 photos: 22 are trained on
TOY = (
    "--size",
    "128",
    "--val-size",
    "128",
    "--batch",
    "4",
    "--lr",
    "1e-3",
    "--seed",
    "1",
    "--epochs",
    str(EPOCHS),
)
LIMIT_S = 1800  # on a busy machine

pytestmark = pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs PyTorch with gloo")


def command(processes: int, *arguments: object) -> list[str]:
    """torchrun on any free port; with one process, Python alone."""
    run = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    return [sys.executable, *(run if processes > 1 else []), *(str(argument) for argument in arguments)]


def started(place: Path, line: Sequence[str]) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with place.open("w") as errors:
        return subprocess.Popen(
            line, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, cwd=ROOT
        )


def run(place: Path, processes: int, *arguments: object) -> tuple[int, str, str]:
    """The exit code, standard output and standard error."""
    process = started(place, command(processes, *arguments))
    out, _ = process.communicate(timeout=LIMIT_S)
    return process.returncode, out, place.read_text()


# -- what needs no second process -------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [1, 2, 3])
@pytest.mark.parametrize("processes", [1, 2, 4])
def test_the_shares_of_a_batch_make_its_parts(
    monkeypatch: pytest.MonkeyPatch, processes: int, parts: int
) -> None:
    batch = list(range(24))
    monkeypatch.setattr(distributed, "count", lambda: processes)
    shares = []
    for rank in range(processes):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        shares.append(distributed.own_of_batch(batch, parts))
    size = 24 // processes // parts
    joined = [i for part in range(parts) for share in shares for i in share[part * size : (part + 1) * size]]
    assert joined == batch


def test_one_process_maps_in_order() -> None:
    assert list(distributed.mapped(str, [3, 1, 2])) == ["3", "1", "2"]
    assert (distributed.rank(), distributed.count(), distributed.gathered(5)) == (0, 1, [5])
    tensor = torch.ones(2)
    assert distributed.summed(tensor) is tensor


@pytest.mark.parametrize(
    ("processes", "batch", "accumulate", "words"),
    [
        (1, 8, 3, "`batch` 8 cannot be divided into `accumulate` 3 equal parts of two photos or more"),
        (1, 8, 8, "`batch` 8 cannot be divided into `accumulate` 8 equal parts"),
        (3, 8, 1, "`batch` 8 with `accumulate` 1 does not divide among 3 processes; give a multiple of 3"),
        (4, 6, 3, "`batch` 6 with `accumulate` 3 does not divide among 4 processes; give a multiple of 12"),
    ],
)
def test_a_batch_that_does_not_divide_is_refused(
    monkeypatch: pytest.MonkeyPatch, processes: int, batch: int, accumulate: int, words: str
) -> None:
    monkeypatch.setattr(distributed, "count", lambda: processes)
    with pytest.raises(EdgekitError) as refused:
        settings = Settings(1, (SIZE,), SIZE, batch, 1e-3, accumulate=accumulate)
        finetuning._check_processes(settings)
    assert words in str(refused.value)


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert distributed._backend(0, 4) == "gloo" or torch.cuda.is_available()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(EdgekitError, match="4 processes on a machine with 2 GPUs; start at most one per GPU"):
        distributed._backend(0, 4)


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (RuntimeError("[/build/gloo/transport/tcp/pair.cc:534] Connection closed by peer"), True),
        (torch.distributed.DistBackendError("NCCL error"), True),
        (RuntimeError("The size of tensor a must match the size of tensor b"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_a_lost_connection_is_told_from_other_errors(error: BaseException, lost: bool) -> None:
    assert distributed._is_lost_connection(error) is lost


def test_processes_that_see_other_data_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunIdentity(Settings(1, (SIZE,), SIZE, 4, 1e-3), "a" * 64, "b" * 64)
    loop._require_one_run(run)
    monkeypatch.setattr(distributed, "gathered", lambda value: [value, replace(value, data_sha256="c" * 64)])
    with pytest.raises(
        EdgekitError, match=r"do not see the same data \(data in process 0 b{12}, in process 1 c{12}\)"
    ):
        loop._require_one_run(run)


# -- two processes on gloo --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_step_in_two_processes_is_that_of_one(checkpoint: Checkpoint, tmp_path: Path) -> None:
    code, _, err = run(tmp_path / "err", 2, STEP, tmp_path, checkpoint.folder)
    assert code == 0, err
    for rank in range(2):
        found = json.loads((tmp_path / f"{rank}.json").read_text())
        assert (found["processes"], found["rows"]) == (2, 2)
        assert max(found["loss"], found["gradients"], found["statistics"]) < 1e-9, found
        assert found["range"] < 1e-6, found  # in float32


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory, checkpoint: Checkpoint) -> list[object]:
    """The command line but --out."""
    data = write_set(tmp_path_factory.mktemp("toy") / "set", PHOTOS)
    return ["finetune", "--data", data, "--weights", checkpoint.folder, *TOY, "--json"]


@pytest.fixture(scope="module")
def whole(toy: list[object], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A run of two processes: its folder, standard output and standard error."""
    folder = tmp_path_factory.mktemp("whole")
    code, out, err = run(folder / "err", 2, RECORDED, folder, *toy, "--out", folder / "out")
    assert code == 0, err
    return folder, out, err


def steps(folder: Path, rank: int) -> list[tuple[float, list[Any]]]:
    return [tuple(step) for step in json.loads((folder / f"steps-{rank}.json").read_text())]


@pytest.mark.slow
def test_ten_steps_in_two_processes_are_those_of_one(
    whole: tuple[Path, str, str], toy: list[object], tmp_path: Path
) -> None:
    code, out, err = run(tmp_path / "err", 1, RECORDED, tmp_path, *toy, "--out", tmp_path / "out")
    assert code == 0, err
    alone, first, second = steps(tmp_path, 0), steps(whole[0], 0), steps(whole[0], 1)
    assert len(alone) == EPOCHS * STEPS == 10
    assert [step[1] for step in alone] == [a[1] + b[1] for a, b in zip(first, second, strict=True)]
    assert [a[0] for a in first] == [b[0] for b in second] == pytest.approx([s[0] for s in alone], abs=1e-5)
    assert len({step[0] for step in alone}) == 10
    assert validated(out) == validated(whole[1])


def validated(out: str) -> list[Any]:
    """Every validation figure of a run, from its JSON."""
    result = json.loads(out)
    return [
        (epoch["whole"], epoch["head_and_shoulders"])
        for epoch in (result["starting_weights"], *result["epochs"])
    ]


@pytest.mark.slow
def test_one_process_writes_and_prints(whole: tuple[Path, str, str]) -> None:
    folder, out, err = whole
    assert json.loads(out)["kept_epoch"] == EPOCHS  # one JSON object
    rows = [line.split()[1] for line in err.splitlines() if line.startswith("epoch ")]
    assert rows == [f"{epoch}/{EPOCHS}" for epoch in range(EPOCHS + 1)]
    assert len((folder / "out/log.jsonl").read_text().splitlines()) == EPOCHS
    assert not (folder / "out/state").exists()


@pytest.mark.slow
def test_killed_and_resumed_it_ends_in_the_same_weights(
    whole: tuple[Path, str, str], toy: list[object], tmp_path: Path
) -> None:
    arguments = (RECORDED, tmp_path, *toy, "--out", tmp_path / "out")
    process = started(tmp_path / "err", command(2, *arguments))
    log, limit = tmp_path / "out/log.jsonl", time.monotonic() + LIMIT_S
    state = tmp_path / "out/state/state.json"
    while not state.exists() and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.05)
    for pid in (process.pid, *children(process.pid)):
        os.kill(pid, signal.SIGKILL)
    process.communicate()
    epochs = len(log.read_text().splitlines())
    assert 1 <= epochs < EPOCHS, "killed too late"

    shutil.copytree(tmp_path / "out", tmp_path / "alone/out")
    code, _, err = run(tmp_path / "err", 2, *arguments, "--resume")
    assert code == 0, err
    assert sha256_of(tmp_path / "out/model.safetensors") == sha256_of(whole[0] / "out/model.safetensors")

    folder = tmp_path / "alone"  # with another number of processes: the same steps, up to rounding
    code, _, err = run(tmp_path / "err", 1, RECORDED, folder, *toy, "--out", folder / "out", "--resume")
    assert code == 0, err
    losses = [loss for loss, _ in steps(folder, 0)]
    assert losses == pytest.approx([loss for loss, _ in steps(whole[0], 0)[-len(losses) :]], abs=1e-5)


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


@pytest.mark.slow
def test_a_failure_of_one_process_ends_all_in_one_sentence(toy: list[object], tmp_path: Path) -> None:
    script = tmp_path / "fails.py"
    script.write_text(
        "from edgekit.cli import main\n"
        "from edgekit.errors import CalibrationError\n"
        "from edgekit.training import distributed, loop\n"
        "step = loop.Learner._step\n"
        "def fails(*arguments):\n"
        "    if distributed.rank() == 1:\n"
        "        raise CalibrationError('The disk of process 1 is gone.')\n"
        "    return step(*arguments)\n"
        "loop.Learner._step = fails\n"
        "main()\n"
    )
    code, out, err = run(tmp_path / "err", 2, script, *toy, "--out", tmp_path / "out")
    assert (code, out) == (1, "")  # torchrun's
    assert [line for line in err.splitlines() if line.startswith("edgekit: ")] == [
        "edgekit: The disk of process 1 is gone."
    ]
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_what_every_process_refuses_is_printed_once(toy: list[object], tmp_path: Path) -> None:
    arguments = (*toy, "--out", tmp_path / "out", "--batch", "3")
    code, _, err = run(tmp_path / "err", 2, "-m", "edgekit", *arguments)
    assert code == 1
    assert err.count("--batch 3 with --accumulate 1 does not divide among 2 processes") == 1
