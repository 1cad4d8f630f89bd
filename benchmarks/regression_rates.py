"""How often `bench --baseline` raises a false alarm, and how often it misses a slowdown: synthetic series.

    python -m benchmarks.regression_rates [--pairs 1000]

Each pair is two runs of 60 latencies, log-normal with 5 % spread, independent or drifting (AR(1), 0.5).
"""

from __future__ import annotations

import argparse

from edgekit.benchmark.statistics import TOLERANCE, change_between
from tests.bench.test_statistics import series

SLOWDOWNS = (1.05, 1.07, 1.10, 1.15)


def called_slower(pairs: int, slowdown: float, memory: float, tolerance: float) -> float:
    """Share of pairs whose second run is called SLOWER."""
    verdicts = [
        change_between(
            series(2 * i, median=40 * slowdown, memory=memory), series(2 * i + 1, memory=memory), tolerance
        ).verdict
        for i in range(pairs)
    ]
    return verdicts.count("SLOWER") / pairs


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=1000)
    pairs = parser.parse_args().pairs
    for memory in (0.0, 0.5):
        print(f"AR(1) {memory}: false alarms {called_slower(pairs, 1.0, memory, TOLERANCE):.1%}", end=", ")
        print(f"with tolerance 0 {called_slower(pairs, 1.0, memory, 0.0):.1%}", end=", missed ")
        missed = {s: 1 - called_slower(pairs, s, memory, TOLERANCE) for s in SLOWDOWNS}
        print(", ".join(f"{s:.2f} × {share:.1%}" for s, share in missed.items()), flush=True)


if __name__ == "__main__":
    main()
