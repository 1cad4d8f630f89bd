from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import coremltools as ct
import numpy as np
import pytest
from PIL import Image

from edgekit.artifact import Artifact
from edgekit.errors import ConversionError, UnknownName
from edgekit.images import astronaut
from edgekit.parity import present
from edgekit.parity.check import parity_check
from edgekit.parity.compare import native_runtime
from edgekit.parity.gates import Gates, overall
from edgekit.parity.report import Check, Status
from edgekit.runtimes.coreml import CoreML, _as_array, why_not_native
from edgekit.runtimes.mil_reference import MilReference
from edgekit.targets import TARGETS
from edgekit.weights import Checkpoint

SAME_GROUPS = 0.998  # what fp16 may cost in labels, as in parity's gates


def test_off_a_mac_it_says_why_and_what_to_use(
    artifacts: dict[str, Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(ConversionError, match="this machine runs linux; use the mil-reference runtime"):
        CoreML(artifacts["coreml"].path)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert why_not_native() == ""


def test_images_lose_their_alpha_and_become_planes() -> None:
    rgba = np.random.default_rng(0).integers(0, 256, (5, 7, 4)).astype(np.uint8)
    np.testing.assert_array_equal(
        _as_array(Image.fromarray(rgba, "RGBA")), rgba[None, ..., :3].transpose(0, 3, 1, 2)
    )
    grey = _as_array(Image.fromarray(rgba[..., 0]))
    np.testing.assert_array_equal(grey, rgba[None, None, ..., 0])
    assert _as_array(np.ones((1, 18, 8, 8), np.float32)).shape == (1, 18, 8, 8)


@pytest.mark.parametrize("status", [Status.PASSED, Status.FAILED])
def test_native_is_reported_as_not_run_and_does_not_change_the_verdict(
    status: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    check = native_runtime(TARGETS["coreml"])
    assert check.name == "native Core ML"
    assert check.status == Status.NOT_RUN
    assert "Apple" in check.reason
    other = Check("label agreement", status, 0.9, 0.8)
    assert overall((other, check)) == overall((other,)) == status
    assert overall((check,)) == Status.NOT_RUN  # never a pass by itself


class StandIn:
    """In the place of Core ML's model: the reference executor, which the Neural Engine computes 40 levels away from."""

    opened: ClassVar[list[str]] = []

    def __init__(self, path: str, units: str) -> None:
        self._runtime, self._units = MilReference(Path(path)), units
        self.opened.append(units)

    def predict(self, inputs: dict[str, Image.Image]) -> dict[str, Any]:
        found = self._runtime.run({name: np.asarray(value)[None] for name, value in inputs.items()})
        shift = 40 if self._units == "CPU_AND_NE" else 0
        return {
            name: Image.fromarray(np.roll(value, shift, 2)[0].transpose(1, 2, 0))
            for name, value in found.items()
        }


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Mac, as far as `CoreML` sees one."""
    read = ct.models.MLModel

    def model(path: str, *, skip_model_load: bool = False, compute_units: Any = None) -> Any:
        return read(path, skip_model_load=True) if skip_model_load else StandIn(path, compute_units.name)

    monkeypatch.setattr(StandIn, "opened", [])
    monkeypatch.setattr(ct.models, "MLModel", model)
    monkeypatch.setattr(sys, "platform", "darwin")


def test_on_a_mac_every_processor_stands_beside_the_reference_executor(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint, mac: None, capsys: pytest.CaptureFixture[str]
) -> None:
    report = parity_check(list(artifacts.values()), checkpoint, gates=Gates(min_agreement=0.99))
    rows = {row.target: row.native for row in report.artifacts}
    assert rows["tflite"] == () and StandIn.opened == ["CPU_ONLY", "CPU_AND_GPU", "CPU_AND_NE"]
    cpu, gpu, engine = rows["coreml"]
    assert (cpu.runtime, cpu.photos, cpu.equal, cpu.max_difference) == ("coreml-cpu", 1, 1.0, 0.0)
    assert gpu == replace(cpu, runtime="coreml-gpu")
    assert engine.equal < 0.9 and engine.max_difference > 20
    present.print_report(report)
    assert "coreml-ane delivers what the reference executor does in" in capsys.readouterr().out


def test_a_native_runtime_is_judged_by_its_name_and_gives_no_taps(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint, mac: None
) -> None:
    with pytest.raises(ConversionError, match="convert with `output` logits"):
        parity_check([artifacts["coreml"]], checkpoint, runtime="coreml-ane")
    with pytest.raises(UnknownName, match="runtime for Core ML 'litert-gpu'; known: coreml, coreml-cpu"):
        parity_check([artifacts["coreml"]], checkpoint, runtime="litert-gpu")


@pytest.mark.skipif(bool(why_not_native()), reason=f"NOT_RUN: {why_not_native()}")
def test_native_core_ml_delivers_what_the_reference_executor_delivers(artifacts: dict[str, Artifact]) -> None:
    """The very package, by the operating system: .github/workflows/macos.yml runs this; we have no Mac."""
    artifact = artifacts["coreml"]
    image = astronaut().at(artifact.manifest.input_size)[None]  # (1, H, W, 3) uint8
    native, reference = (
        runtime(artifact.path).run({"image": image})[artifact.manifest.outputs[0].name].astype(int)
        for runtime in (CoreML, MilReference)
    )  # (1, 3, h, w): skin, hair, clothes; background is what is left of 255
    assert native.shape == reference.shape
    winners = [np.concatenate([255 - g.sum(1, keepdims=True), g], 1).argmax(1) for g in (native, reference)]
    assert (winners[0] == winners[1]).mean() >= SAME_GROUPS
