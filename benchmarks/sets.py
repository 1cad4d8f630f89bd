"""IoU of skin, hair, clothes and person on sets with labels of any scheme, checkpoints and artifacts side by side.

    python -m benchmarks.sets DATA [NAME=WEIGHTS …] [--artifact FILE …] [--write]

DATA holds a folder for each set, with eval/images, eval/labels and, for labels of sets of classes, a labels.json. A
group is judged where the labels of a set tell it; every labelled pixel counts alike. Artifacts are of the first
checkpoint (default: the bundled one). Publishes the figure `sets`: the last word on weights that were chosen without
these photos.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import harness
from edgekit.console import quiet_libraries
from edgekit.errors import CalibrationError
from edgekit.scores.evaluation import Evaluation
from edgekit.scores.folder import evaluate
from edgekit.weights import GROUP_NAMES, Checkpoint, load_checkpoint

GROUPS = (*GROUP_NAMES, "person")
BUNDLED = "bundled="


def main() -> None:
    """Evaluate every checkpoint on every set, and publish the figure."""
    parser = harness.parser(__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", nargs="*", help="NAME=FOLDER (default: the bundled checkpoint)")
    parser.add_argument("--artifact", type=Path, action="append", default=[])
    options = parser.parse_args()
    places = sorted(labels.parent for labels in options.data.glob("*/eval/labels"))
    if not places:
        raise CalibrationError(f"{options.data} holds no folder with eval/labels.")
    networks = [named(given) for given in options.weights or [BUNDLED]]
    rows = [row for place in places for row in rows_of(place, networks, options.artifact)]
    columns = ("set", "photos", "network", *(f"{group} IoU (95 %)" for group in GROUPS))
    made_with = harness.machine("torch", "transformers", "ai-edge-litert")
    harness.publish(options, "sets", f"{len(places)} sets", made_with, harness.table(columns, rows))


def named(given: str) -> tuple[str, Checkpoint]:
    """The name and the checkpoint of NAME=FOLDER; without a folder the bundled one, without a name its own."""
    name, _, folder = given.rpartition("=")
    with quiet_libraries():
        checkpoint = load_checkpoint(folder or None)
    return name or checkpoint.name, checkpoint


def rows_of(
    place: Path, networks: Sequence[tuple[str, Checkpoint]], artifacts: Sequence[Path]
) -> Iterator[tuple[str, ...]]:
    """A row of a set for each checkpoint and, after the first, for each artifact."""
    for index, (name, checkpoint) in enumerate(networks):
        files = () if index else artifacts
        found = evaluate(checkpoint, files, images=place / "images", labels=place / "labels", baselines=False)
        for shown, model in zip([name, *(path.stem for path in files)], found.models, strict=True):
            yield place.parent.name, str(found.n), shown, *cells(model)


def cells(model: Evaluation) -> Iterator[str]:
    """The IoU of each group with its interval; a dash where the labels do not tell it."""
    for group in GROUPS:
        score = model.groups.get(group)
        iou = None if score is None else score.iou
        spread = "" if score is None else harness.spread(score.iou_ci95, ".3f")
        yield harness.number(iou, ".3f") + spread


if __name__ == "__main__":
    main()
