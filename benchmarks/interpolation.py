"""Trilinear or tetrahedral: how far an 8-bit table's answer is from the style itself.

    python -m benchmarks.interpolation [--samples 5000] [--write]

Every preset's two grades, at uniform random colours and on the grey ramp: ΔE2000 between the grade's own
formula and its 8-bit table, read trilinearly with exact fractions, trilinearly with the 8-bit fractions
of many texture units, and tetrahedrally (exact fetches).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks import harness
from edgekit.color.difference import delta_e00
from edgekit.color.grade import Grade, graded, lut_from_grade
from edgekit.color.interpolation import Interpolate, tetrahedral, trilinear
from edgekit.color.styles import STYLES

SIZES = (17, 33, 64)
FRACTION_STEPS = 256.0


def coarse_trilinear(table: NDArray[np.floating], rgb: NDArray[np.floating]) -> NDArray[np.float64]:
    """Trilinear with the position in the cell rounded to 1/256."""
    last = table.shape[0] - 1
    return trilinear(table, np.round(rgb * last * FRACTION_STEPS) / FRACTION_STEPS / last)


READS = {
    "trilinear, exact": trilinear,
    "trilinear, 8-bit fractions": coarse_trilinear,
    "tetrahedral": tetrahedral,
}


def main() -> None:
    """Compare, and publish the figure `interpolation`."""
    parser = harness.parser(__doc__)
    parser.add_argument("--samples", type=int, default=5000)
    options = parser.parse_args()
    random = np.random.default_rng(0).random((options.samples, 3))
    grey = np.repeat(np.linspace(0.0, 1.0, 256)[:, None], 3, axis=1)
    grades = [grade for style in STYLES.values() for grade in (style.everything, style.skin)]
    rows = []
    for size in SIZES:
        for name, read in READS.items():
            colours = np.concatenate([error(grade, size, read, random) for grade in grades])
            greys = np.concatenate([error(grade, size, read, grey) for grade in grades])
            rows.append(
                (
                    size, name, f"{colours.mean():.3f}", f"{np.percentile(colours, 99):.3f}",
                    f"{colours.max():.2f}", f"{greys.mean():.3f}", f"{greys.max():.2f}",
                )
            )  # fmt: skip
    columns = ("points a side", "read", "ΔE2000 mean", "p99", "max", "greys mean", "greys max")
    n = f"{len(grades)} grades, N = {options.samples} colours and 256 greys each"
    harness.publish(options, "interpolation", n, harness.machine("numpy"), harness.table(columns, rows))


def error(grade: Grade, size: int, read: Interpolate, rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    table = np.round(lut_from_grade(grade, size).table * 255.0) / 255.0
    return delta_e00(graded(rgb, grade), read(table, rgb))


if __name__ == "__main__":
    main()
