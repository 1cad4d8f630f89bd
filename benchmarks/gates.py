"""How parity's gates judge small sets: verdicts on draws of 6, 12, 25 and 51 photos, and the worst of a photo.

    python -m benchmarks.gates --images DIR --labels DIR --photos N [--write]

Give photos that nothing is evaluated on: the factors in `edgekit/parity/gates.py` were chosen by this figure.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import harness
from benchmarks.models import converted
from benchmarks.plan import PLANNED
from edgekit.console import quiet_libraries
from edgekit.images import Folder
from edgekit.parity.compare import Comparison
from edgekit.parity.gates import GATES, LEAST_SKIN_PIXELS, judge
from edgekit.parity.picture import PixelGate
from edgekit.parity.report import Check, Metrics, PhotoRow, Status
from edgekit.parity.tally import Tally
from edgekit.weights import load_checkpoint

RECIPES: tuple[str | Path, ...] = (PLANNED, "w8a8")
SIZES, DRAWS = (6, 12, 25, 51), 50
GATE = "skin ΔE2000 p95"  # the one whose bound the default recipe comes nearest to


def main() -> None:
    """Count every photo alone, draw sets of them, judge each set, and publish the figure `gates`."""
    parser = harness.parser(__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, quiet_libraries():
        checkpoint = load_checkpoint()
        size = checkpoint.size_default
        made = dict(converted(checkpoint, "tflite", recipe, size, Path(name)) for recipe in RECIPES)
        comparison = Comparison(list(made.values()), checkpoint, PixelGate(checkpoint))
        folder = Folder(options.images, options.labels, len(checkpoint.class_names))
        chosen = folder.names[:: max(1, len(folder) // options.photos)][: options.photos]
        tallies = []
        for picture in folder.pictures(frozenset(chosen)):
            tallies.append(comparison.begin())
            comparison.add(picture)
    rows = [row for i, label in enumerate(made) for row in rows_of(label, i, tallies, checkpoint.class_names)]
    photos = harness.table(COLUMNS, (photo_row(label, i, tallies) for i, label in enumerate(made)))
    body = (
        f"{harness.table(('artifact', 'photos', 'by the interval', 'by the value alone'), rows)}\n\n{photos}"
    )
    n = f"{len(tallies)} pictures at {size}², {DRAWS} draws of each number"
    harness.publish(options, "gates", n, harness.machine("torch", "ai-edge-litert"), body)


COLUMNS = ("artifact", "median photo: labels, skin ΔE", "worst 1 %", "worst", "all photos")


def rows_of(
    label: str, artifact: int, tallies: Sequence[Tally], names: Sequence[str]
) -> list[tuple[object, ...]]:
    """A row per number of photos: how often a gate says which."""
    rng = np.random.default_rng(0)
    rows: list[tuple[object, ...]] = []
    for size in SIZES:
        if size > len(tallies):
            continue
        verdicts, values = Counter[str](), Counter[str]()
        for _ in range(DRAWS):
            drawn = [tallies[i].counts[artifact] for i in rng.choice(len(tallies), size, replace=False)]
            check = gate(sum(drawn[1:], drawn[0]).metrics(names))
            verdicts[check.status] += 1
            values[Status.PASSED if (check.value or 0) <= (check.bound or 0) else Status.FAILED] += 1
        rows.append((label, size, shares(verdicts), shares(values)))
    return rows


def gate(metrics: Metrics) -> Check:
    return next(check for check in judge(metrics, GATES["int8"]) if check.name == GATE)


def shares(counts: Counter[str]) -> str:
    return ", ".join(f"{status} {count / counts.total():.0%}" for status, count in sorted(counts.items()))


def photo_row(label: str, artifact: int, tallies: Sequence[Tally]) -> tuple[str, ...]:
    """What single photos lose: the median, the worst in a hundred, the worst; and all together."""
    rows: list[PhotoRow] = [tally.counts[artifact].rows[0] for tally in tallies]
    labels = np.array([1 - row.label_agreement for row in rows])
    colours = np.array(
        [row.skin_delta_e00_p95 or 0.0 for row in rows if row.skin_pixels >= LEAST_SKIN_PIXELS]
    )
    whole = sum([tally.counts[artifact] for tally in tallies[1:]], tallies[0].counts[artifact])
    agreement, colour = whole.agreement.overall_accuracy, whole.delta_e00["skin"].percentile(95) or 0.0
    figures = [(np.quantile(labels, q), np.quantile(colours, q)) for q in (0.5, 0.99, 1.0)]
    return (label, *(f"{lost:.2%}, {by:.2f}" for lost, by in (*figures, (1 - agreement, colour))))


if __name__ == "__main__":
    main()
