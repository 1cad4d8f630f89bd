"""What a device prints is bounded: absurd numbers are none, and twice the text takes about twice the time."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import pytest

from edgekit.devices.adb import cores_in, fields_in, properties_in
from edgekit.devices.benchmark_model import read_benchmark_text
from edgekit.devices.device import MOST_CORES, BenchPlan, DeviceInfo, check_plan, check_threads
from edgekit.devices.figures import number, whole
from edgekit.devices.litert_profiler import operators
from edgekit.errors import EdgekitError, UnreadableOutput, printable
from tests.devices.benchmark_texts import OLD, PROFILE

HUGE = "9" * 5000


@pytest.mark.parametrize("text", ["²", "٣", "-1", "+1", "1.0", "1e3", "", " ", "0x1", "1_000", "nan", HUGE])
def test_what_is_no_whole_number_is_none(text: str) -> None:
    assert whole(text, 1 << 60) is None


def test_whole_numbers_end_at_their_bound() -> None:
    assert (whole(" 007\n", 7), whole("8", 7), whole("0", 0)) == (7, None, 0)


@pytest.mark.parametrize(
    "value",
    ["1e999", "nan", "inf", "-1", "²", HUGE, float("nan"), float("inf"), -0.5, 10**400, True, None, [1]],
)
def test_what_is_no_number_is_none(value: object) -> None:
    assert number(value, 1e9) is None


def test_numbers_end_at_their_bound() -> None:
    assert (number("1.5e2", 150), number(150.1, 150), number(0, 1)) == (150.0, None, 0.0)


# ---- benchmark_model ------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["1e999", HUGE, "1e-999x", "1.2.3", "9e15"])
@pytest.mark.parametrize(
    "place",
    ["avg=33209.4 std", "Init: 855,", "First inference: 49060", "Inference (avg): 33209.4", "count=50"],
)
def test_an_absurd_time_or_count_is_refused(place: str, value: str) -> None:
    digits = next(word.strip(",") for word in place.replace("=", " ").split() if word[0].isdigit())
    broken = OLD.replace(place, place.replace(digits, value))
    assert broken != OLD
    with pytest.raises(UnreadableOutput):
        read_benchmark_text(broken)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("   60.957\t", "   1e999\t"),
        ("   60.957\t", "   fast\t"),
        ("        1\t[a", "   ²\t[a"),
        ("        1\t[a", f"  {HUGE}\t[a"),
        ("[avg ms]", "[mean ms]"),
        ("[times called]", "[calls]"),
    ],
)
def test_an_absurd_profile_is_refused(place: str, value: str) -> None:
    text = OLD + PROFILE
    assert place in text
    with pytest.raises(UnreadableOutput, match="operator profile"):
        read_benchmark_text(text.replace(place, value))


def test_absurd_memory_is_unknown_and_an_absurd_delegate_is_not_named() -> None:
    memory = f"Overall peak memory footprint (MB) via periodic monitoring: {HUGE}\n"
    name = "A" * 5000
    delegate = f"Explicitly applied {name} delegate, and the model graph will be completely executed by the delegate.\n"
    found = read_benchmark_text(delegate + OLD + memory)
    assert (found.peak_memory_mb, found.accelerator) == (None, "cpu")


# ---- adb ------------------------------------------------------------------------------------------------


def test_properties_may_hold_newlines_and_brackets() -> None:
    text = "[a]: [1]\n[b]: [x\n[c]: [y]\n\nnoise\n[d]: []\n[e]: [f]: [g]\n[cut]: [off"
    assert properties_in(text) == {"a": "1", "b": "x\n[c]: [y", "d": "", "e": "f]: [g"}


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("0-7\n", 8), ("0-3,6-7", 6), ("0", 1), ("0-99999999999", None), ("7-0", None), ("0-²", None),
        ("1-2-3", None), ("", None), (HUGE, None), (",".join(["0-1023"] * 2), None),
    ],
)  # fmt: skip
def test_processors_are_counted_within_reason(text: str, cores: int | None) -> None:
    assert cores_in(text) == cores


# ---- time -----------------------------------------------------------------------------------------------


def refused(text: str) -> None:
    with pytest.raises(UnreadableOutput):
        read_benchmark_text(text)


def profiled(text: str) -> None:
    operators(text, 5)


# Each was quadratic or worse, or is near something that was.
TEXTS: dict[str, tuple[Callable[[str], object], str, str]] = {
    "properties without an end": (properties_in, "[a]: [\n", ""),
    "properties in one line": (properties_in, "[a]: [b", ""),
    "empty lines of dumpsys": (fields_in, "\n", ""),
    "a row's numbers": (profiled, "1.0 ", ""),
    "a row's figures without a name": (profiled, "1.000 1.000 1.000 1.000% 1.000% 1.000 1 [x ", ""),
    "a row's spaces": (profiled, " ", "]:1"),
    "a row's words": (profiled, "Delegate/x 0.1 0.1 0.1 0.1% 0.1% 0.1 ", "]:1"),
    "equal signs": (refused, "count=5 a=1", ""),
    "one word": (refused, "count=5 " + "a", ""),
    "digits": (refused, "1", ""),
    "escapes": (printable, "\x1b]", ""),
    "unended escapes": (printable, "\x1b[0", ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXTS)
def test_eight_times_the_text_takes_about_eight_times_the_time(name: str) -> None:
    read, part, end = TEXTS[name]
    # As many repetitions as take a time that can be measured; a quadratic reader needs few of them.
    count = 2_000
    while (once := shortest_s(read, part * count + end)) < 0.01 and count < 100_000:
        count *= 2
    # A quadratic reader takes 64 times as long.
    assert shortest_s(read, part * (8 * count) + end) < 24 * max(once, 0.01)


def shortest_s(read: Callable[[str], object], text: str) -> float:
    """This thread's own processor time, the best of several: the machine has other work too.

    Without garbage collection, whose passes over many results take more than in proportion.
    """
    best = float("inf")
    gc.disable()
    try:
        for _ in range(5):
            start = time.thread_time()
            read(text)
            best = min(best, time.thread_time() - start)
            if best > 1:
                break
    finally:
        gc.enable()
    return best


# ---- a plan ---------------------------------------------------------------------------------------------

TWO = DeviceInfo("x", "host", "X", "", "", 2, simulated=True)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (BenchPlan(seconds=float("nan")), "`seconds` is nan; it must be at least 0"),
        (BenchPlan(seconds=float("inf")), "`seconds` is inf"),
        (BenchPlan(timeout_s=float("nan")), "`timeout_s` is nan; it must be at least 0.1"),
        (BenchPlan(timeout_s=0), "`timeout_s` is 0"),
        (BenchPlan(cool_down_s=-1), "`cool_down_s` is -1"),
        (BenchPlan(warmup_runs=-1), "`warmup_runs` is -1"),
        (BenchPlan(runs=10**9), "`runs` is 1e+09; it must be at least 1 and at most 1e+06"),
        (BenchPlan(runs_per_launch=0), "`runs_per_launch` is 0"),
        (BenchPlan(hottest_status=9), "`hottest_status` is 9; it must be at least 0 and at most 6"),
        (BenchPlan(threads=0), "`threads` is 0"),
        (
            BenchPlan(threads=3),
            "`threads` is 3; it must be at least 1 and at most 2, because x has 2 processors",
        ),
        (BenchPlan(threads=99999), "`threads` is 99999"),
    ],
)
def test_a_plans_numbers_are_bounded(plan: BenchPlan, words: str) -> None:
    with pytest.raises(EdgekitError) as failed:
        check_plan(plan, TWO)
    assert words in str(failed.value) and "--" not in str(failed.value)


def test_the_usual_threads_are_allowed_on_one_processor_and_unknown_devices_have_a_bound() -> None:
    check_threads(2, 1, "a small machine")
    check_threads(MOST_CORES, None, "a secretive phone")
    with pytest.raises(EdgekitError, match=r"at most 1024\.$"):
        check_threads(MOST_CORES + 1, None, "a secretive phone")
