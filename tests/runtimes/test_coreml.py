from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image

from edgekit.artifact import Artifact
from edgekit.errors import ConversionError
from edgekit.parity.compare import native_coreml
from edgekit.parity.gates import overall
from edgekit.parity.report import Check, Status
from edgekit.runtimes.coreml import CoreML, _as_array, why_not_native


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
    check = native_coreml()
    assert check.name == "native Core ML"
    assert check.status == Status.NOT_RUN
    assert "macOS" in check.reason
    other = Check("label agreement", status, 0.9, 0.8)
    assert overall((other, check)) == overall((other,)) == status
    assert overall((check,)) == Status.NOT_RUN  # never a pass by itself
