"""Settings out of their bounds are refused by name; the learning rate warms up and decays."""

from dataclasses import replace
from pathlib import Path

import pytest

from edgekit.errors import EdgekitError, UnknownName
from edgekit.images import InputSize
from edgekit.training.settings import Settings
from edgekit.training.state import RunIdentity, require_same

GOOD = Settings(epochs=3, sizes=(InputSize(128, 128),), val_size=InputSize(192, 192), batch=4, lr=1e-3)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"epochs": 0}, "`epochs` is 0; it must be at least 1 and at most 100,000."),
        ({"epochs": 10**9}, "`epochs` is 1000000000; it must"),
        ({"sizes": ()}, "`size` needs one size or several different ones."),
        ({"sizes": (InputSize(128, 128),) * 2}, "`size` needs one size or several different ones."),
        ({"batch": 1}, "`batch` is 1; .* (BatchNorm needs two photos or more at a time)."),
        ({"batch": 10**6}, "`batch` is 1000000; it must"),
        ({"lr": float("nan")}, "`lr` is nan; it must"),
        ({"lr": float("inf")}, "`lr` is inf; it must"),
        ({"lr": 0.0}, "`lr` is 0.0; it must"),
        ({"skin_jaccard": -0.5}, "`skin_jaccard` is -0.5; .* (0 leaves the term out)."),
        ({"class_jaccard": float("inf")}, "`class_jaccard` is inf; it must"),
        ({"seed": -1}, "`seed` is -1; it must"),
        ({"seed": 2**32}, "`seed` is 4294967296; it must"),
    ],
)
def test_a_value_out_of_bounds_is_refused_with_its_parameter_named(
    change: dict[str, object], sentence: str
) -> None:
    with pytest.raises(EdgekitError, match=sentence.replace("(", r"\(").replace(")", r"\)")):
        replace(GOOD, **change)  # type: ignore[arg-type]


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
