"""The measurements behind a planned recipe: its recorded points that no other point beats, and the chosen one.

    python -m benchmarks.plan [RECIPE.json] [--plot docs/images/plan.png] [--write]

Reads the evidence that `edgekit plan` saved in the recipe (default: the bundled weights' plan) and measures nothing.
`--plot` draws the points, time against the change of skin; it needs matplotlib (`pip install 'edgekit[train]'`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import harness
from edgekit.files import staged_file
from edgekit.recipes import PLANNED_FOLDER, RECIPE_FILE
from edgekit.weights import BUNDLED_FOLDER

PLANNED = BUNDLED_FOLDER / PLANNED_FOLDER / RECIPE_FILE
COLUMNS = ("step", "latency / float", "partitions", "MB", "equal labels", "skin ΔE2000 p95")


def main() -> None:
    """Publish the figure `plan`."""
    parser = harness.parser(__doc__)
    parser.add_argument("recipe", nargs="?", type=Path, default=PLANNED)
    parser.add_argument("--plot", type=Path, help="picture of the points, .png")
    options = parser.parse_args()
    recipe = json.loads(options.recipe.read_text(encoding="utf-8"))
    evidence = recipe["evidence"]
    rows = []
    for point in evidence["pareto"]:
        cost = f"{point['cost']:.2f}{harness.spread(point.get('cost_ci95'), '.2f')}"
        step = f"**{point['step']}** (chosen)" if point["chosen"] else point["step"]
        rows.append(
            (
                step, cost, point["partitions"], f"{point['size_bytes'] / 1e6:.1f}",
                f"{point['agreement']:.1%}", harness.number(point["skin_delta_e00_p95"], ".2f"),
            )
        )  # fmt: skip
    pictures, judged = evidence["pictures"], evidence["judged"]
    n = f"{pictures - judged} pictures for ranges, {judged} to judge"
    protected = [f"`{block}` ({mode})" for block, mode in recipe["blocks"].items() if mode != "w8a8"]
    body = f"{harness.table(COLUMNS, rows)}\n\nBlocks that are not `w8a8` in the end: {', '.join(protected)}."
    harness.publish(options, "plan", n, "Measured by `edgekit plan` on the machine that planned", body)
    if options.plot is not None:
        plotted(evidence["pareto"], options.plot)


def plotted(points: Sequence[Mapping[str, Any]], out: Path) -> None:
    """Draw time against the change of skin, each point with the step that led to it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    axes = figure.subplots()
    known = [point for point in points if point["skin_delta_e00_p95"] is not None]
    known.sort(key=lambda point: point["cost"])
    for number, point in enumerate(known, 1):
        place, colour = (point["cost"], point["skin_delta_e00_p95"]), "C3" if point["chosen"] else "C0"
        step = f"{number}  {point['step']}" + (" (chosen)" if point["chosen"] else "")
        axes.plot(*place, marker="o", linestyle="", color=colour, label=step)
        below = number % 2  # that the numbers of two points side by side do not touch
        axes.annotate(
            str(number), place, xytext=(0, -13 if below else 7), textcoords="offset points", fontsize=8,
            horizontalalignment="center", color=colour,
        )  # fmt: skip
    axes.set(xlabel="time of an inference / edgekit's float artifact", ylabel="skin ΔE2000, 95th percentile")
    axes.margins(y=0.1)
    figure.legend(loc="outside right upper", fontsize=8, frameon=False, handlelength=1)
    with staged_file(out, replace=True) as file:
        figure.savefig(file, format="png", dpi=110)


if __name__ == "__main__":
    main()
