"""LiteRT's GPU backend, on SwiftShader where there is no GPU: what it computes, and what it says when it cannot."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.artifact import Artifact
from edgekit.errors import ConversionError, MissingProgram
from edgekit.images import astronaut
from edgekit.parity.compare import check_parity
from edgekit.parity.gates import Gates
from edgekit.runtimes import in_half_precision, opener_of, swiftshader
from edgekit.runtimes.litert import LiteRT
from edgekit.runtimes.litert_gpu import LiteRTGpu
from edgekit.weights import Checkpoint
from tests.support import tiny_faults
from tests.support.gpu import needs_gpu
from tests.support.pictures import picture
from tests.support.tiny_tflite import SHAPE, expected, write_tiny

pytestmark = needs_gpu


def noise(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def differences(path: Path, inputs: dict[str, NDArray[np.float32]], runs: int = 3) -> list[float]:
    """Largest difference between the GPU's and the CPU's output in each of several inferences in a row."""
    here, gpu = LiteRT(path).run(inputs)["y"], LiteRTGpu(path)
    return [float(np.abs(gpu.run(inputs)["y"] - here).max()) for _ in range(runs)]


def test_a_small_graph_names_its_device(tmp_path: Path) -> None:
    runtime, x = LiteRTGpu(write_tiny(tmp_path / "a.tflite", "LOGISTIC"), taps=("y0",)), noise(*SHAPE)
    found = runtime.run({"x": x})
    assert np.abs(found["y1"] - expected(x)).max() < 1e-3
    assert set(found) == {"y0", "y1"} and found["y0"].shape == SHAPE
    assert runtime.fully_accelerated
    assert runtime.name == f"litert-gpu on {runtime.adapter}"
    assert runtime.adapter.name and in_half_precision(runtime) != runtime.adapter.simulated


def test_the_parser_agrees_with_the_cpu_in_every_inference(artifacts: dict[str, Artifact]) -> None:
    """LiteRT 8065: a WebGPU backend was right on the first inference only."""
    artifact = artifacts["tflite"]
    tap = artifact.manifest.taps["logits"]
    runtime = LiteRTGpu(artifact.path, taps=(tap,))
    bound = 0.5 if in_half_precision(runtime) else 1e-3
    assert runtime.fully_accelerated
    for seed in range(3):
        image = {"image": picture(128, 128, seed)[None]}
        here, there = LiteRT(artifact.path, taps=(tap,)).run(image), runtime.run(image)
        assert np.abs(there[tap] - here[tap]).max() < bound
        assert np.abs(there["groups"].astype(int) - here["groups"]).max() <= 2


def test_parity_names_the_device(artifacts: dict[str, Artifact], checkpoint: Checkpoint) -> None:
    stated = Gates(min_agreement=0.99)
    report = check_parity(
        [artifacts["tflite"]], checkpoint, [astronaut()], stated, opener=opener_of("litert-gpu")
    )
    (row,) = report.artifacts
    assert report.passed and row.runtime.startswith("litert-gpu on ")


@pytest.mark.slow
def test_a_padded_tensor_of_rank_three_is_wrong_in_silence(tmp_path: Path) -> None:
    """LiteRT 9272, still true of LiteRT 2.3; a rank-4 tensor is right."""
    assert max(differences(tiny_faults.rank_4_pad(tmp_path / "b.tflite"), {"x0": noise(1, 16, 32, 3)})) < 1e-3
    wrong = tiny_faults.rank_3_pad(tmp_path / "a.tflite")
    assert min(differences(wrong, {"x0": noise(16, 32, 3)})) > 1
    assert LiteRTGpu(wrong).fully_accelerated


@pytest.mark.parametrize("square", [True, False])
def test_a_transposed_operand_is_read_as_such(square: bool, tmp_path: Path) -> None:
    """LiteRT 8913 was reported of 2.1; the parser's attention has such products."""
    path = tiny_faults.transposed_product(tmp_path / "a.tflite", square=square)
    inputs = {"x0": noise(4, 30, 12), "x1": noise(4, 12 if square else 20, 12, seed=1)}
    assert max(differences(path, inputs)) < 0.05


def test_ranks_are_aligned_at_their_last_axis(tmp_path: Path) -> None:
    """LiteRT 8980 was reported of 2.1."""
    inputs = {"x0": noise(20, 16, 8), "x1": noise(1, 1, 16, 8, seed=1)}
    assert max(differences(tiny_faults.mixed_ranks(tmp_path / "a.tflite"), inputs)) < 0.05


def test_wrong_inputs_are_named(tmp_path: Path) -> None:
    runtime = LiteRTGpu(write_tiny(tmp_path / "a.tflite"))
    for inputs in ({"y": noise(*SHAPE)}, {"x": noise(1, 5, 7, 3)}, {"x": noise(*SHAPE).astype(np.float64)}):
        with pytest.raises(ConversionError, match="input"):
            runtime.run(inputs)


def test_a_damaged_file_ends_the_child_alone(tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "a.tflite", "LOGISTIC")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ConversionError, match=r"a\.tflite"):
        LiteRTGpu(path)


def test_a_crash_is_a_sentence(tmp_path: Path) -> None:
    runtime = LiteRTGpu(write_tiny(tmp_path / "a.tflite"))
    os.kill(runtime._served.process.pid, signal.SIGSEGV)
    with pytest.raises(ConversionError, match=r"GPU backend was killed by signal 11"):
        runtime.run({"x": noise(*SHAPE)})


def test_the_process_ends_with_the_object(tmp_path: Path) -> None:
    runtime = LiteRTGpu(write_tiny(tmp_path / "a.tflite"))
    process, folder = runtime._served.process, runtime._workplace.folder
    assert process.poll() is None and folder.is_dir()
    del runtime
    assert process.poll() is not None and not folder.exists()


def test_without_a_gpu_and_without_swiftshader_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VK_ICD_FILENAMES", str(tmp_path / "none.json"))
    monkeypatch.setenv("VK_DRIVER_FILES", str(tmp_path / "none.json"))
    monkeypatch.setattr(swiftshader, "library", lambda: None)
    with pytest.raises(MissingProgram, match="chromium; install Chromium or Google Chrome"):
        LiteRTGpu(write_tiny(tmp_path / "a.tflite"))
