"""Flicker: labels that change where the picture's content does not, and ΔE2000 between styled frames, float and int8.

    python -m benchmarks.stability --images DIR [--photos 8] [--size 512] [--write]

It is what `edgekit parity-check --stability` measures, on photos evenly spread over the folder;
`edgekit/parity/stability.py` says which frames are compared.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import harness
from benchmarks.models import converted
from benchmarks.plan import PLANNED
from edgekit.console import quiet_libraries
from edgekit.images import images_in
from edgekit.parity.check import parity_check
from edgekit.parity.report import ArtifactReport, Stability, StabilityRow
from edgekit.parity.stability import MOST_PHOTOS
from edgekit.weights import load_checkpoint

RECIPES: tuple[str | Path, ...] = (PLANNED, "w8a8")
GATE = "flicker"  # the first word of the check's name


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=8, help=f"at most {MOST_PHOTOS}")
    parser.add_argument(
        "--size", type=int, default=None, help="the input in pixels; by default the checkpoint's"
    )
    options = parser.parse_args()
    if not 1 <= options.photos <= MOST_PHOTOS:
        parser.error(f"--photos must be 1 to {MOST_PHOTOS}.")
    checkpoint = load_checkpoint()
    size = options.size or checkpoint.size_default
    with tempfile.TemporaryDirectory() as name, quiet_libraries():
        folder = Path(name)
        (folder / "photos").mkdir()
        for path in harness.evenly(images_in(options.images.absolute()), options.photos):
            (folder / "photos" / path.name).symlink_to(path)
        made = dict(converted(checkpoint, "tflite", recipe, size, folder) for recipe in RECIPES)
        report = parity_check(list(made.values()), checkpoint, images=folder / "photos", stability=True)
    names = [label.removeprefix("edgekit ") for label in made]
    n = f"{report.pictures} photos at {size}²"
    body = table(names, report.artifacts)
    harness.publish(options, "stability", n, harness.machine("torch", "ai-edge-litert"), body)


def table(names: list[str], artifacts: tuple[ArtifactReport, ...]) -> str:
    """The figure: labels that change and ΔE2000 of the styled frames, by change, then all changes and the verdict."""
    found = [stability for artifact in artifacts if (stability := artifact.stability) is not None]
    columns = [f"{what}, {who}" for what in ("labels that change", "ΔE2000") for who in ("PyTorch", *names)]
    rows = [_row([each.changes[i] for each in found]) for i in range(len(found[0].changes))]
    total = ["all", f"{found[0].flicker_reference:.2%}", *(f"{each.flicker:.2%}" for each in found)]
    rows.append([*total, *["–"] * (1 + len(found))])
    verdicts = [
        f"{name}: {_points(each)} beyond PyTorch's, "
        + ", ".join(
            f"{c.status} (bound {100 * (c.bound or 0):.2f})" for c in artifact.checks if GATE in c.name
        )
        for name, each, artifact in zip(names, found, artifacts, strict=True)
    ]
    return harness.table(["change", *columns], rows) + "\n\n" + "\n".join(f"- {line}." for line in verdicts)


def _row(rows: list[StabilityRow]) -> list[str]:
    """One change's line: the rows of it of every artifact, whose PyTorch is the same."""
    labels = [rows[0].flicker_reference, *(row.flicker for row in rows)]
    colours = [rows[0].delta_e00_reference, *(row.delta_e00 for row in rows)]
    return [
        rows[0].change,
        *(f"{value:.2%}" for value in labels),
        *(harness.number(value, ".2f") for value in colours),
    ]


def _points(found: Stability) -> str:
    """The excess in points, with its interval."""
    ends = None if found.excess_ci95 is None else (100 * found.excess_ci95[0], 100 * found.excess_ci95[1])
    return f"{100 * found.excess:.2f}{harness.spread(ends, '.2f')} points"


if __name__ == "__main__":
    main()
