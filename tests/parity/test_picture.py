"""The final picture as a gate."""

from __future__ import annotations

import numpy as np

from edgekit.parity.picture import PixelGate
from edgekit.weights import Checkpoint


def test_a_network_that_is_certain_is_compared(checkpoint: Checkpoint) -> None:
    """In float32 the probabilities of the skin classes then add up to a little more than 1 here and there."""
    rng = np.random.default_rng(0)
    logits = np.full((len(checkpoint.class_names), 32, 32), -60, np.float32)
    logits[list(checkpoint.groups.skin)] = rng.normal(size=(len(checkpoint.groups.skin), 32, 32))
    image = rng.integers(0, 256, (128, 128, 3)).astype(np.uint8)
    found = PixelGate(checkpoint)(image, logits, logits)
    assert len(found["skin"]) == 128 * 128
    assert not found["skin"].any()
