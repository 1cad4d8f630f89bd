"""The measurements behind a planned recipe: its recorded points that no other point beats, and the chosen one.

    python -m benchmarks.plan [RECIPE.json] [--write]

Reads the evidence that `edgekit plan` saved in the recipe (default: the bundled weights' plan) and measures nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import harness
from edgekit.weights import BUNDLED_FOLDER

PLANNED = BUNDLED_FOLDER / "planned/recipe.json"
COLUMNS = ("step", "latency / float", "partitions", "MB", "equal labels", "skin ΔE2000 p95")


def main() -> None:
    """Publish the figure `plan`."""
    parser = harness.parser(__doc__)
    parser.add_argument("recipe", nargs="?", type=Path, default=PLANNED)
    options = parser.parse_args()
    recipe = json.loads(options.recipe.read_text(encoding="utf-8"))
    evidence = recipe["evidence"]
    rows = []
    for point in evidence["pareto"]:
        step = f"**{point['step']}** (chosen)" if point["chosen"] else point["step"]
        rows.append(
            (
                step, f"{point['cost']:.2f}", point["partitions"], f"{point['size_bytes'] / 1e6:.1f}",
                f"{point['agreement']:.1%}", harness.number(point["skin_delta_e00_p95"], ".2f"),
            )
        )  # fmt: skip
    pictures, judged = evidence["pictures"], evidence["judged"]
    n = f"{pictures - judged} pictures for ranges, {judged} to judge"
    protected = [f"`{block}` ({mode})" for block, mode in recipe["blocks"].items() if mode != "w8a8"]
    body = f"{harness.table(COLUMNS, rows)}\n\nBlocks that are not `w8a8` in the end: {', '.join(protected)}."
    harness.publish(options, "plan", n, "Measured by `edgekit plan` on the machine that planned", body)


if __name__ == "__main__":
    main()
