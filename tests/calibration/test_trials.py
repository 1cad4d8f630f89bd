"""What a trial measures, on one layer whose answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibration.trials import Judged, LiteRTTrials
from edgekit.recipes import Recipe
from tests.converters.test_tflite_int8 import RANGES, X, layer

WEIGHTS = np.array([[1.0, 0.5, -0.503], [0.25, 1.0, 0.753], [0.1, -0.2, 0.3]], np.float32)


@pytest.mark.parametrize("mode", ["w8", "w8a8"])
def test_rounded_weights_are_measured_as_such(mode: str, tmp_path: Path) -> None:
    """Weights alone too: a trial of int8 weights computed in float is not one of the float model."""
    trials = LiteRTTrials(
        layer("CONV_2D", WEIGHTS, source="image"),
        {"minmax": {**RANGES, "image": RANGES["x"]}},
        [Judged(X.reshape(1, 1, 3))],  # type: ignore[arg-type]  # float pixels: this graph has no cast
        (),
        tmp_path,
        "segmenter/stem",
    )
    assert trials.measure(Recipe("float")).snr_db == 120
    point = trials.measure(Recipe("rounded", mode=mode, observer="minmax"))  # type: ignore[arg-type]
    assert 20 < point.snr_db < 80
