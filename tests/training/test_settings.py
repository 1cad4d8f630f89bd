"""Settings refuse what cannot train, in the option's name; the rate warms up and decays."""

from dataclasses import replace
from pathlib import Path

import pytest

from edgekit.errors import EdgekitError, UnknownName
from edgekit.training.settings import Settings
from edgekit.training.state import RunIdentity, require_same

GOOD = Settings(epochs=3, size=128, val_size=192, batch=4, lr=1e-3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epochs": 0}, "--epochs 0"),
        ({"size": 100}, "--size 100"),
        ({"val_size": 2048}, "--val-size 2048"),
        ({"batch": 1}, "--batch 1"),
        ({"lr": float("nan")}, "--lr nan"),
        ({"skin_jaccard": -0.5}, "--skin-jaccard -0.5"),
        ({"class_jaccard": float("inf")}, "--class-jaccard inf"),
        ({"seed": -1}, "--seed -1"),
    ],
)
def test_refused_with_the_option_named(change: dict[str, float], said: str) -> None:
    with pytest.raises(EdgekitError, match=said):
        replace(GOOD, **change)


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(UnknownName, match="cosine, exponential"):
        replace(GOOD, decay="linear")


def test_cosine_warms_up_peaks_and_ends_at_the_floor() -> None:
    rates = [GOOD.learning_rate(step, 1000) for step in range(1000)]
    assert rates[0] == pytest.approx(1e-3 / 60, rel=0.01)
    assert max(rates) == pytest.approx(1e-3, rel=0.02) and rates.index(max(rates)) in (59, 60)
    assert GOOD.learning_rate(500, 1000) == pytest.approx(0.505e-3)
    assert rates[-1] == pytest.approx(1e-5, rel=0.01)


def test_exponential_falls_by_the_same_factor() -> None:
    settings = replace(GOOD, decay="exponential")
    a, b, c = (settings.learning_rate(step, 1000) for step in (200, 400, 600))
    assert b / a == pytest.approx(c / b) and b == pytest.approx(1e-3 * 0.01**0.4)


def test_another_recipe_is_another_run() -> None:
    first = RunIdentity(replace(GOOD, qat={"stem": "float", "aspp": "w8a8"}), "a" * 64, "b" * 64)
    same = replace(first, settings=replace(GOOD, qat={"aspp": "w8a8", "stem": "float"}))
    require_same(first, same, Path("state"))
    for qat in (None, {"stem": "w8", "aspp": "w8a8"}):
        with pytest.raises(
            EdgekitError, match=r"\(qat was recipe [0-9a-f]{12}, is (None|recipe [0-9a-f]{12})\)"
        ):
            require_same(first, replace(first, settings=replace(GOOD, qat=qat)), Path("state"))
