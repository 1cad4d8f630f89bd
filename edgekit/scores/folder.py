"""Accuracy of the checkpoint, artifacts and the classical baselines on a folder of labelled photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit import console
from edgekit.artifact import read_artifact
from edgekit.errors import CalibrationError
from edgekit.images import SCHEME_FILE, Folder
from edgekit.scores import evaluation
from edgekit.scores.evaluation import Evaluation
from edgekit.scores.groups import judged_groups
from edgekit.scores.runners import Runner, artifact_runner, reference_runner
from edgekit.scores.scheme import scheme_of
from edgekit.weights import Checkpoint


@dataclass(frozen=True)
class Evaluated:
    """Scores of every model over n labelled photos; `skipped`: (file name, reason) of each unused file."""

    n: int
    models: tuple[Evaluation, ...]
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def evaluate(
    checkpoint: Checkpoint,
    artifacts: Sequence[Path] = (),
    *,
    images: Path,
    labels: Path,
    baselines: bool = True,
) -> Evaluated:
    """Measure accuracy against true labels: the checkpoint first, then the artifacts, then the skin thresholds.

    `images`: a folder of photos; `labels`: a folder of label PNGs with the photos' names (values index the class list,
    255 is not labelled). With a labels.json in `labels`, beside it or one folder above, values stand for what that
    says, and models are judged by the groups that it can tell. Shares and IoUs are in [0, 1], intervals are 95 %
    bootstrap over photos. Raises CalibrationError if no labelled photo can be used.
    """
    scheme = scheme_of(labels, checkpoint.class_names)
    folder = Folder(images, labels, len(checkpoint.class_names), None if scheme is None else scheme.sets)
    groups = judged_groups(checkpoint.groups, len(checkpoint.class_names))
    if scheme is not None and not any(scheme.tells(members) for members in groups.values()):
        raise CalibrationError(f"{SCHEME_FILE} for {labels} tells none of {', '.join(groups)} apart.")
    with console.quiet_libraries():
        runners: dict[str, Runner] = {f"PyTorch {checkpoint.name}": reference_runner(checkpoint)}
        for artifact in (read_artifact(path) for path in artifacts):
            name = f"{artifact.manifest.target} {artifact.manifest.recipe_name}"
            runners[name if name not in runners else str(artifact.path)] = artifact_runner(artifact)
        tells_skin = bool(checkpoint.groups.skin) if scheme is None else scheme.tells(checkpoint.groups.skin)
        models = evaluation.evaluate(
            runners,
            evaluation.BASELINES if baselines and tells_skin else {},
            console.track(folder, len(folder), "evaluating"),
            checkpoint.class_names,
            checkpoint.groups.skin,
            groups,
            scheme,
        )
    if models[0].n == 0:
        raise CalibrationError(f"No labelled photo in {images} could be used; nothing was evaluated.")
    skipped = tuple((item.name, item.reason) for item in folder.skipped)
    return Evaluated(models[0].n, models, skipped, tuple(folder.notes))
