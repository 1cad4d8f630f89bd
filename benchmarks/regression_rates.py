"""How often `bench --baseline` raises a false alarm, and how often it misses a slowdown: synthetic series.

    python -m benchmarks.regression_rates [--pairs 1000] [--write]

Each pair is two runs of 60 latencies, log-normal with 5 % spread, independent or drifting (AR(1), 0.5).
"""

from __future__ import annotations

from benchmarks import harness
from edgekit.benchmark.statistics import TOLERANCE, change_between
from tests.support.latencies import series

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
    """Simulate, and publish the figure `regression-rates`."""
    parser = harness.parser(__doc__)
    parser.add_argument("--pairs", type=int, default=1000)
    options = parser.parse_args()
    drifts = (0.0, 0.5)
    rows = [
        ("false alarms", *(f"{called_slower(options.pairs, 1.0, d, TOLERANCE):.1%}" for d in drifts)),
        (
            "false alarms with `--tolerance 0`",
            *(f"{called_slower(options.pairs, 1.0, d, 0.0):.1%}" for d in drifts),
        ),
    ]
    for slowdown in SLOWDOWNS:
        missed = (f"{1 - called_slower(options.pairs, slowdown, d, TOLERANCE):.1%}" for d in drifts)
        rows.append((f"a {slowdown - 1:.0%} slowdown missed", *missed))
    body = harness.table(("", "independent", "drifting (AR(1), 0.5)"), rows)
    n = f"{options.pairs} synthetic pairs of 60 samples with 5 % spread"
    harness.publish(options, "regression-rates", n, harness.machine("numpy"), body)


if __name__ == "__main__":
    main()
