"""What every benchmark shares: its options, interleaved timing, tables, and the line that names the machine.

A benchmark prints its figure as Markdown. With --write the figure also becomes docs/figures/NAME.md and the pages that
show it are brought up to date (`benchmarks/include.py`).
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks import include
from benchmarks.instruction_set import instruction_set
from edgekit.files import write_whole

Item = TypeVar("Item")
THREADS = 2  # of every runtime that is timed: what the figures are compared at
WARM_UP = 2  # untimed rounds


def parser(doc: str | None) -> argparse.ArgumentParser:
    """A benchmark's options: the module's docstring as help, and --write."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--write", action="store_true", help="write the figure to docs/figures/ and the pages")
    return made


def timed_ms(run: Callable[[], object]) -> float:
    """Wall-clock time of one call, in milliseconds."""
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1e3


def interleaved_ms(
    runs: Mapping[str, Callable[[], object]], rounds: int, warm_up: int = WARM_UP
) -> dict[str, list[float]]:
    """Milliseconds of every call, by name. The candidates take turns, so that drift meets all of them alike."""
    samples: dict[str, list[float]] = {name: [] for name in runs}
    for index in range(-warm_up, rounds):
        for name, run in runs.items():
            elapsed_ms = timed_ms(run)
            if index >= 0:
                samples[name].append(elapsed_ms)
    return samples


def paired_ratio(samples_ms: Sequence[float], base_ms: Sequence[float]) -> float:
    """Median of the ratios round by round, which drift of the machine moves less than a ratio of medians."""
    return float(np.median(np.divide(samples_ms, base_ms)))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def number(value: float | None, form: str) -> str:
    """A cell of a table: the formatted value, or a dash for None."""
    return "–" if value is None else format(value, form)


def evenly(items: Sequence[Item], count: int) -> list[Item]:
    """So many of the items, or all if they are fewer, evenly spread."""
    count = min(count, len(items))
    return [items[i * len(items) // count] for i in range(count)]


def spread(ends: tuple[float, float] | None, form: str) -> str:
    """An interval to stand behind a value, with a space before it; nothing for None."""
    return "" if ends is None else f" ({ends[0]:{form}}–{ends[1]:{form}})"


def machine(*packages: str, threads: int | None = None) -> str:
    """Cores, instruction set, threads and versions; no model names, which say less and tell more."""
    parts = [f"{os.cpu_count()} cores", f"{platform.machine()} with {instruction_set()}"]
    if threads is not None:
        parts.append(f"{threads} {'thread' if threads == 1 else 'threads'}")
    versions = [f"{name} {metadata.version(name)}" for name in packages]
    return ", ".join(parts) + "; " + ", ".join([f"Python {platform.python_version()}", *versions])


def command(arguments: Sequence[str] | None = None) -> str:
    """The command that is running, with names in place of this machine's folders."""
    words = sys.argv[1:] if arguments is None else arguments
    shown = [Path(word).name if os.sep in word else word for word in words if word != "--write"]
    return " ".join([f"python -m benchmarks.{Path(sys.argv[0]).stem}", *shown])


def publish(options: argparse.Namespace, name: str, n: str, made_with: str, body: str) -> None:
    """Print a figure: the command, N, the machine, and `body`. With --write it becomes docs/figures/NAME.md."""
    text = f"`{command()}`: {n}. {made_with}.\n\n{body.strip()}\n"
    print(text)
    if options.write:
        write_whole(include.FIGURES / f"{name}.md", text, replace=True)
        include.update()
