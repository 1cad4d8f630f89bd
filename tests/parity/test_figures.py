"""Figures of the page and the terminal: fixed decimals and units, never an exponent."""

from __future__ import annotations

import pytest

from edgekit.parity.figures import figure, fixed, percent, span


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("label agreement", 0.98765, "98.77%"),
        ("skin IoU drop", 0.0012, "0.12 points"),
        ("skin IoU drop", -0.000012, ">-0.01 points"),
        ("skin IoU loss by stratum", -0.0022, "-0.002"),
        ("flicker beyond PyTorch's", 0.00001, "0.001 points"),
        ("skin ΔE2000 p95", 0.8249, "0.825"),
        ("skin ΔE2000 p95", 1.0, "1"),
        ("skin ΔE2000 by stratum", -0.0022, "-0.002"),
        ("skin ΔE2000 by stratum", 0.0004, "<0.001"),
        ("skin ΔE2000 by stratum", 0.0, "0"),
        ("max |Δlogit|", 0.0000123, "0.00001"),
        ("max |Δlogit|", 0.0000012, "<0.00001"),
        ("max |Δlogit|", 0.001, "0.001"),
        ("largest error", 81999.6, "82,000"),
        ("skin ΔE2000 p95", None, "–"),
        ("max |Δlogit|", float("nan"), "nan"),
    ],
)
def test_figures_are_read_by_people(name: str, value: float | None, shown: str) -> None:
    assert figure(name, value) == shown


@pytest.mark.parametrize("exponent", range(-12, 7))
@pytest.mark.parametrize(
    "name", ["label agreement", "skin IoU", "mIoU drop", "flicker", "|Δlogit|", "ΔE2000"]
)
def test_no_figure_has_an_exponent_and_only_nothing_reads_as_zero(name: str, exponent: int) -> None:
    for value in (3 * 10.0**exponent, -3 * 10.0**exponent):
        text = figure(name, value)
        assert "e" not in text
        assert text[0] in "<>" or any(digit in text for digit in "123456789")
        assert ("-" in text) == (value < 0)


def test_signed_figures_have_a_sign_unless_they_are_nothing() -> None:
    assert [fixed(value, 2, signed=True) for value in (1.5, -1.5, 0.0, -0.002, None)] == [
        "+1.50", "-1.50", "0.00", ">-0.01", "–",
    ]  # fmt: skip
    assert percent(0.00002, signed=True) == "<0.01%"
    assert percent(-0.0301, signed=True) == "-3.01%"


def test_an_interval_names_its_unit_once() -> None:
    assert span("mIoU drop", (0.001, 0.006)) == "0.10 to 0.60 points"
    assert span("skin ΔE2000 p95", (0.5, 1.25)) == "0.5 to 1.25"
    assert span("mIoU drop", None) == ""
