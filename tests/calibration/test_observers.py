from __future__ import annotations

import numpy as np
import pytest

from calibration.observers import OBSERVERS, MovingAverage
from calibration.ranges import Ranges, collect_ranges, read_ranges, unstable_share
from edgekit.errors import CalibrationError, UnknownName


def observed(name: str, *batches: np.ndarray) -> tuple[float, float]:
    observer = OBSERVERS[name]()
    for batch in batches:
        observer.update(batch.astype(np.float32))
    return observer.range()


def test_minmax_keeps_every_extreme() -> None:
    assert observed("minmax", np.array([-1.0, 2]), np.array([[0.5], [7]])) == (-1, 7)


def test_moving_average_follows_slowly() -> None:
    low, high = observed("moving-average", np.array([0.0, 1]), np.array([-1.0, 11]))
    assert (low, high) == (pytest.approx(-0.1), pytest.approx(2))
    assert MovingAverage().range() == (np.inf, -np.inf)


def test_percentile_cuts_lone_outliers() -> None:
    values = np.random.default_rng(2).uniform(-1, 3, 400_000)
    values[123_457] = 900
    low, high = observed("percentile", values)
    assert low == pytest.approx(-1, abs=0.01)
    assert high == pytest.approx(3, abs=0.01)


def test_mse_chooses_the_clipping_with_the_least_error() -> None:
    generator = np.random.default_rng(3)
    flat = generator.uniform(0, 4, 8000)
    assert observed("mse", flat)[1] == pytest.approx(4, rel=0.03)
    heavy = generator.normal(0, 1, 8000) ** 5
    low, high = observed("mse", heavy)
    assert high < 0.99 * heavy.max()
    assert _error(heavy, low, high) < _error(heavy, heavy.min(), heavy.max())
    assert _error(heavy, low, high) < _error(heavy, heavy.min() / 2, heavy.max() / 2)


def _error(values: np.ndarray, low: float, high: float) -> float:
    step = (high - low) / 255
    return float(((np.clip(np.round((values - low) / step), 0, 255) * step + low - values) ** 2).mean())


def test_collecting_streams_every_tensor_and_names_what_is_not_finite() -> None:
    images = [np.full((4, 4, 3), level, np.uint8) for level in (10, 30)]

    def run(image: np.ndarray) -> dict[str, np.ndarray]:
        return {"a": image.astype(np.float32), "b": -image.astype(np.float32)}

    ranges = collect_ranges(run, images, ["minmax", "moving-average"])
    assert ranges["minmax"] == {"a": (10, 30), "b": (-30, -10)}
    assert ranges["moving-average"]["a"] == (pytest.approx(12), pytest.approx(12))
    with pytest.raises(UnknownName, match="observer 'median'"):
        collect_ranges(run, images, ["median"])
    with pytest.raises(CalibrationError, match="Tensor a is not finite"):
        collect_ranges(lambda image: {"a": np.array([np.nan], np.float32)}, images, ["minmax"])


def test_unstable_share_counts_ranges_that_moved() -> None:
    first = {"a": (0.0, 10.0), "b": (-1.0, 1.0), "c": (0.0, 1.0), "d": (0.0, 0.0)}
    second = {"a": (0.0, 10.5), "b": (-1.0, 3.0), "c": (0.0, 1.0), "d": (0.0, 0.0)}
    assert unstable_share(first, second) == 0.25
    assert unstable_share(first, first) == 0


def test_ranges_survive_the_disk(tmp_path) -> None:  # type: ignore[no-untyped-def]
    ranges = Ranges("tflite", "percentile", 3, "w", "c", {"x;1": (-0.25, 3.5)})
    ranges.save(tmp_path / "r.json")
    assert read_ranges(tmp_path / "r.json") == ranges
    (tmp_path / "r.json").write_text('{"version": 9}')
    with pytest.raises(CalibrationError, match="version 9"):
        read_ranges(tmp_path / "r.json")
