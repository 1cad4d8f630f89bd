"""Scores of masks of the person and the skin as papers print them, for the bundled weights and skin by colour.

    python -m benchmarks.literature SET [SET …] [--masks NAME=FOLDER:GROUP …] [--model NAME=FILE …] [--write]

A SET is a folder with images/ and labels/, and one of these weights' evaluation sets. Publishes the figures
`literature-person` and `literature-skin`, with a row for each set and model. Masks are looked for by the photos' names,
so `--masks` goes with one SET.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks import harness
from edgekit.console import quiet_libraries
from edgekit.errors import CalibrationError
from edgekit.scores.evaluation import Evaluation
from edgekit.scores.evaluation_shards import Evaluated
from edgekit.scores.external import External, parsed_masks, parsed_model
from edgekit.scores.folder import evaluate
from edgekit.scores.masks import METRICS
from edgekit.scores.means import Mean
from edgekit.weights import load_checkpoint

TITLES = {
    "two_class_miou": "mIoU of 2 (95 %)", "iou": "IoU", "f_beta": "F, β²=0.3", "weighted_f": "weighted F",
    "mae": "MAE", "accuracy": "accuracy",
}  # fmt: skip
assert set(TITLES) <= set(METRICS)


def main() -> None:
    """Evaluate every set, and publish both figures."""
    parser = harness.parser(__doc__)
    parser.add_argument("sets", metavar="SET", type=Path, nargs="+")
    parser.add_argument("--masks", action="append", default=[])
    parser.add_argument("--model", action="append", default=[])
    options = parser.parse_args()
    external: list[External] = [*map(parsed_masks, options.masks), *map(parsed_model, options.model)]
    with quiet_libraries():
        checkpoint = load_checkpoint()
    found = {
        name_of(place): evaluate(
            checkpoint, images=place / "images", labels=place / "labels", external=external
        )
        for place in options.sets
    }
    for group in ("person", "skin"):
        rows = list(rows_of(found, group))
        if not rows:
            raise CalibrationError(f"No set's labels tell {group} apart.")
        photos = (
            f"labelled photos: {', '.join(f'{name} {one.n}' for name, one in found.items())}; means over them"
        )
        columns = ("photos", "model", *TITLES.values())
        made_with = harness.machine("torch", "transformers")
        harness.publish(options, f"literature-{group}", photos, made_with, harness.table(columns, rows))


def name_of(place: Path) -> str:
    """`people/eval` as people; a folder of another name as itself."""
    return place.parent.name if place.name == "eval" else place.name


def rows_of(found: Mapping[str, Evaluated], group: str) -> Iterator[tuple[str, ...]]:
    """A row for each set and model that has scores of the group."""
    for name, one in found.items():
        for model in one.models:
            if group in model.photo_means:
                yield name, shown_name(model), *cells(model.photo_means[group])


def shown_name(model: Evaluation) -> str:
    """The bundled weights by that name; the others by their own."""
    return "the bundled weights" if model.name.startswith("PyTorch ") else model.name


def cells(means: Mapping[str, Mean]) -> tuple[str, ...]:
    """The scores of a row, the first with its interval."""
    first, *others = (means[metric] for metric in TITLES)
    return (
        harness.number(first.value, ".3f") + harness.spread(first.ci95, ".3f"),
        *(harness.number(other.value, ".3f") for other in others),
    )


if __name__ == "__main__":
    main()
