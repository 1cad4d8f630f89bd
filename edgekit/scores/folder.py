"""Accuracy of the checkpoint, artifacts and the classical baselines on a folder of labelled photos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgekit import console
from edgekit.artifact import read_artifact
from edgekit.errors import CalibrationError, EdgekitError
from edgekit.files import check_file_place, staged_file
from edgekit.images import SCHEME_FILE, Folder, Picture
from edgekit.scores.baselines import Detector, skin_detectors
from edgekit.scores.evaluation import Evaluator, Tally
from edgekit.scores.evaluation_shards import (
    SHARD,
    Beside,
    Evaluated,
    Inputs,
    Model,
    PackedTally,
    evaluated,
    join_kept_rows,
    rows_beside,
)
from edgekit.scores.external import External
from edgekit.scores.groups import judged_groups
from edgekit.scores.model_counts import Judged
from edgekit.scores.rows import RowFile, begin_rows, row_file
from edgekit.scores.runners import Runner, artifact_runner, reference_runner
from edgekit.scores.scheme import scheme_of
from edgekit.scores.shards import WHOLE, Counted, Journal, count_photos
from edgekit.weights import Checkpoint


def evaluate(
    checkpoint: Checkpoint,
    artifacts: Sequence[Path] = (),
    *,
    images: Path,
    labels: Path,
    baselines: bool = True,
    external: Sequence[External] = (),
    strata: bool = False,
    rows: Path | None = None,
    resume: Path | None = None,
    shard: tuple[int, int] = WHOLE,
    force: bool = False,
) -> Evaluated:
    """Measure accuracy against true labels: the checkpoint first, then the artifacts, the skin detectors and the models
    of others.

    `images`: a folder of photos; `labels`: a folder of label PNGs with the photos' names (values index the class list,
    255 is not labelled). With a labels.json in `labels`, beside it or one folder above, values stand for what that
    says, and models are judged by the groups that it can tell. Shares and IoUs are in [0, 1], intervals are 95 %
    bootstrap over photos.

    `external`: masks that another program made, and models that are not edgekit's. `strata`: also scores by light, skin
    tone, size of the person, hair, people apart and contrast at the outline.

    `rows`: a CSV file for each model's scores on each photo; one that exists is replaced only with `force`. `resume`: a
    folder that keeps what was counted, where the same call goes on after an interruption; `shard`: (2, 7) for the
    second of seven parts of the photos, whose files in `resume` are for `merge`.

    Raises CalibrationError if no labelled photo can be used, EdgekitError for options that do not go together or for a
    `resume` of other inputs.
    """
    if shard != WHOLE and resume is None:
        raise EdgekitError("`shard` needs `resume`: the folder for the shard's file.")
    if shard != WHOLE and rows is not None:
        raise EdgekitError("`rows` does not go with `shard`: `merge` writes the rows of all shards.")
    if rows is not None:
        check_file_place(rows, replace=force, inputs=artifacts)
    scheme = scheme_of(labels, checkpoint.class_names)
    folder = Folder(images, labels, len(checkpoint.class_names), None if scheme is None else scheme.sets)
    groups = judged_groups(checkpoint.groups, len(checkpoint.class_names))
    judged = Judged(tuple(checkpoint.class_names), groups, scheme)
    if not any(judged.told.tells(members) for members in groups.values()):
        raise CalibrationError(f"{SCHEME_FILE} for {labels} tells none of {', '.join(groups)} apart.")
    with console.quiet_libraries():
        runners, models = _opened(checkpoint, artifacts)
        skin = baselines and judged.told.tells(checkpoint.groups.skin)
        detectors = skin_detectors(judged.class_names) if skin else {}
        others, beside = _opened_beside(external, folder.labelled, judged, {*runners, *detectors})
        inputs = Inputs.of(judged, models, tuple(detectors), folder.names, external=beside, strata=strata)
        evaluator = Evaluator.of(runners, detectors | others, judged, strata=strata)
        counted = _counted(evaluator, folder, inputs, resume, shard, rows, replace=force)
    return evaluated(counted, whole=shard == WHOLE)


def _opened(checkpoint: Checkpoint, artifacts: Sequence[Path]) -> tuple[dict[str, Runner], tuple[Model, ...]]:
    """The runners of the checkpoint and the artifacts by their names in reports, and what identifies them."""
    name = f"PyTorch {checkpoint.name}"
    runners: dict[str, Runner] = {name: reference_runner(checkpoint)}
    models = [Model(name, checkpoint.sha256)]
    for artifact in map(read_artifact, dict.fromkeys(artifacts)):
        name = f"{artifact.manifest.target} {artifact.manifest.recipe_name}"
        name = name if name not in runners else str(artifact.path)
        runners[name] = artifact_runner(artifact)
        models.append(Model(name, artifact.manifest.sha256))
    return runners, tuple(models)


def _opened_beside(
    external: Sequence[External], photos: Sequence[str], judged: Judged, taken: set[str]
) -> tuple[dict[str, Detector], tuple[Beside, ...]]:
    """The detectors of others by name, and what identifies them.

    EdgekitError for a name that is taken, or a group that labels do not tell.
    """
    detectors: dict[str, Detector] = {}
    beside = []
    for one in external:
        if one.name in taken or one.name in detectors:
            raise EdgekitError(f"Two models are called {one.name!r}; give each a name of its own.")
        detector = one.detector(photos)
        if not judged.told.tells(judged.groups.get(detector.group, ())):
            raise EdgekitError(f"{one.name} finds {detector.group}, which these labels do not tell apart.")
        detectors[one.name] = detector
        beside.append(Beside(one.name, detector.group, one.sha256(photos)))
    return detectors, tuple(beside)


def _counted(
    evaluator: Evaluator,
    folder: Folder,
    inputs: Inputs,
    resume: Path | None,
    shard: tuple[int, int],
    rows: Path | None,
    *,
    replace: bool,
) -> Counted[Inputs, Tally]:
    """Count a folder's photos, or a shard of them, with rows per photo in `rows`, and beside what `resume` keeps."""
    groups = tuple(inputs.groups)

    def counted(
        journal: Journal[Inputs, PackedTally, Tally] | None, file: RowFile | None
    ) -> Counted[Inputs, Tally]:
        def add(picture: Picture) -> None:
            scores = evaluator.add(picture)
            if file is not None:
                file.add(scores)

        return count_photos(folder, inputs, shard, journal, evaluator.tally, add, "evaluating")

    if resume is not None:
        journal = Journal(SHARD, resume, inputs, *shard)
        evaluator.tally = journal.tally or evaluator.tally
        kept_rows = rows_beside(journal.path)
        if rows is not None:
            check_file_place(rows, replace=replace, inputs=[journal.path, kept_rows])
        begin_rows(kept_rows, groups, journal.done, inputs.models)
        with row_file(kept_rows, groups) as file:
            found = counted(journal, file)
        if rows is not None:
            join_kept_rows(found, [journal.path], rows, replace=replace)
        return found
    if rows is not None:
        with staged_file(rows, replace=replace) as temporary, row_file(temporary, groups) as file:
            return counted(None, file)
    return counted(None, None)
