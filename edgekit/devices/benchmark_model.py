"""Strict reader of the text that LiteRT's `benchmark_model` prints: a missing figure is an error, never a zero.

Format: tflite/tools/benchmark/benchmark_model.cc and stats_calculator.h of google-ai-edge/LiteRT. Lines
may carry an `INFO: ` prefix. The two `count=` lines are the warm-up and the measured runs, in µs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from edgekit.devices.device import LONGEST_MS, OpTime
from edgekit.devices.figures import number, whole
from edgekit.errors import UnreadableOutput, printable

NUMBER = r"([0-9.e+-]{1,40})"
PREFIX = re.compile(r"^(?:INFO|WARN|WARNING|ERROR): ")
COUNT = re.compile(r"^count=([0-9]{1,9})(?=\s|$)(.*)$")
FIELD = re.compile(rf"\b([a-z0-9]+)={NUMBER}(?=\s|\(|$)")
TIMINGS = re.compile(
    rf"^Inference timings in us: Init: {NUMBER}, First inference: {NUMBER}, "
    rf"Warmup \(avg\): {NUMBER}, Inference \(avg\): {NUMBER}$"
)
APPLIED = re.compile(
    r"^Explicitly applied (\w{1,40}) delegate, and the model graph will be "
    r"(?:completely executed by the delegate|partially executed by the delegate w/ ([0-9]{1,6}) delegate kernels)\.$"
)
CREATED_XNNPACK = re.compile(r"Created TensorFlow Lite XNNPACK delegate for CPU\.")
PEAK_MEMORY = re.compile(rf"^Overall peak memory footprint \(MB\) via periodic monitoring: {NUMBER}$")
PROFILE_TITLE = "Operator-wise Profiling Info for Regular Benchmark Runs:"
CELLS = re.compile(r"\t\s*|\s{2,}")
PROFILE_COLUMNS = frozenset({"[node type]", "[avg ms]", "[times called]", "[Name]"})
DELEGATES = {"GPU": "gpu", "NNAPI": "nnapi", "XNNPACK": "cpu (XNNPACK)"}
# Printed averages carry 6 significant digits.
ROUNDING = 1e-4
LONGEST_US = LONGEST_MS * 1e3
MOST_MEMORY_MB = 1e6
MOST_CALLS = 1_000_000  # of one operator within one inference


@dataclass(frozen=True)
class BenchmarkText:
    """The figures that one launch of benchmark_model printed."""

    init_ms: float
    first_inference_ms: float
    mean_ms: float
    shortest_ms: float
    longest_ms: float
    count: int
    accelerator: str
    partitions: int | None
    peak_memory_mb: float | None
    profile: tuple[OpTime, ...]


def read_benchmark_text(text: str) -> BenchmarkText:
    """Read the figures of one complete run. UnreadableOutput names the first that is missing or wrong."""
    lines = [PREFIX.sub("", line.rstrip("\r")).strip() for line in text.split("\n")]
    counts = [m for line in lines if (m := COUNT.match(line))]
    timings = [m for line in lines if (m := TIMINGS.match(line))]
    if len(timings) != 1 or len(counts) != 2:
        raise UnreadableOutput(
            f"benchmark_model printed {len(counts)} of 2 'count=' lines and {len(timings)} of 1 "
            f"'Inference timings' lines; it did not finish, or its format is unknown. "
            f"It ended with: {printable(_last(lines))!r}"
        )
    count, mean, shortest, longest = _steady(counts[1])
    init, first, _, average = (_ms(v, timings[0]) for v in timings[0].groups())
    if abs(average - mean) > ROUNDING * mean + 1e-3:
        raise UnreadableOutput(f"benchmark_model contradicts itself: avg {mean} ms, then {average} ms.")
    if min(init, first, mean) <= 0:
        raise UnreadableOutput(f"benchmark_model printed a time of zero: {printable(timings[0].group())!r}")
    accelerator, partitions = _accelerator(lines)
    peak = next((m[1] for line in lines if (m := PEAK_MEMORY.match(line))), None)
    return BenchmarkText(
        init, first, mean, shortest, longest, count, accelerator, partitions,
        number(peak, MOST_MEMORY_MB), tuple(_profile(lines)),
    )  # fmt: skip


def _ms(us: str, line: re.Match[str]) -> float:
    """A printed time in ms. Raises UnreadableOutput if it is not a number, or longer than any inference."""
    value = number(us, LONGEST_US)
    if value is None:
        raise UnreadableOutput(f"benchmark_model printed an impossible time: {printable(line.group())!r}")
    return value / 1e3


def _steady(match: re.Match[str]) -> tuple[int, float, float, float]:
    """(count, mean, min, max) in ms. If all runs are equal, only `curr=` is printed."""
    count = int(match[1])
    fields = {name: _ms(value, match) for name, value in FIELD.findall(match[2])}
    if count >= 1 and "curr" in fields and "avg" not in fields:
        return count, fields["curr"], fields["curr"], fields["curr"]
    if count < 1 or not {"avg", "min", "max"} <= fields.keys():
        raise UnreadableOutput(f"benchmark_model's statistics cannot be read: {printable(match.group())!r}")
    if not fields["min"] <= fields["avg"] * (1 + ROUNDING) <= fields["max"] * (1 + 2 * ROUNDING):
        raise UnreadableOutput(f"benchmark_model's average is out of range: {printable(match.group())!r}")
    return count, fields["avg"], fields["min"], fields["max"]


def _accelerator(lines: list[str]) -> tuple[str, int | None]:
    """(accelerator that ran, partitions): the delegate that was reported last as applied, otherwise the CPU."""
    for line in reversed(lines):
        if match := APPLIED.match(line):
            name = DELEGATES.get(match[1], match[1].lower())
            return name, int(match[2]) if match[2] else 1
    if any(CREATED_XNNPACK.search(line) for line in lines):
        return "cpu (XNNPACK)", None
    return "cpu", None


def _profile(lines: list[str]) -> Iterator[OpTime]:
    """Yield the rows of `Run Order` of the regular runs, if --enable_op_profiling was on.

    [avg ms] is per call, and an inference calls the operator [times called] times.
    """
    if PROFILE_TITLE not in lines:
        return
    rows = lines[lines.index(PROFILE_TITLE) :]
    header = next((i for i, line in enumerate(rows) if line.startswith("[node type]")), None)
    if header is None:
        raise UnreadableOutput("benchmark_model's operator profile has no header row '[node type] …'.")
    columns = CELLS.split(rows[header])
    if not set(columns) >= PROFILE_COLUMNS:
        raise UnreadableOutput("benchmark_model's operator profile lacks a column that edgekit needs.")
    for row in rows[header + 1 :]:
        cells = CELLS.split(row)
        if len(cells) != len(columns):
            return
        cell = dict(zip(columns, cells, strict=True))
        call_ms = number(cell["[avg ms]"], LONGEST_MS)
        calls = whole(cell["[times called]"], MOST_CALLS)
        if call_ms is None or calls is None:
            raise UnreadableOutput(f"benchmark_model's operator profile cannot be read: {printable(row)!r}")
        yield OpTime(cell["[Name]"], cell["[node type]"], call_ms * calls)


def _last(lines: list[str]) -> str:
    return next((line for line in reversed(lines) if line), "nothing at all")
