"""Accuracy of the checkpoint, artifacts and the classical baselines on a folder of labelled photos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgekit import console
from edgekit.cluster import Cluster
from edgekit.errors import EdgekitError
from edgekit.files import check_file_place
from edgekit.scores.evaluating import EvaluationJob
from edgekit.scores.evaluation_shards import SHARD, Evaluated, evaluated, merge_evaluation
from edgekit.scores.external import External
from edgekit.scores.shards import WHOLE
from edgekit.scores.spreading import kept_in, spread
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
    ray: str | None = None,
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
    second of seven parts of the photos, whose files in `resume` are for `merge`. `ray`: the workers of a Ray cluster
    count the photos, each with one thread: `local` for one that is started here, or the address of another.

    Raises CalibrationError if no labelled photo can be used, EdgekitError for options that do not go together or for a
    `resume` of other inputs.
    """
    if shard != WHOLE and resume is None:
        raise EdgekitError("`shard` needs `resume`: the folder for the shard's file.")
    if shard != WHOLE and rows is not None:
        raise EdgekitError("`rows` does not go with `shard`: `merge` writes the rows of all shards.")
    if shard != WHOLE and ray is not None:
        raise EdgekitError("`shard` does not go with `ray`, which divides the photos itself.")
    if rows is not None:
        check_file_place(rows, replace=force, inputs=artifacts)
    cluster = None if ray is None else Cluster(ray)
    with console.quiet_libraries():
        job = EvaluationJob.of(
            checkpoint, artifacts, images, labels, baselines, external=external, strata=strata
        )
        counting = job.opened()
        if cluster is not None:
            with kept_in(resume) as kept:
                shards = spread(job.anywhere, counting.inputs, SHARD, cluster, kept, "evaluating")
                return merge_evaluation(shards, rows, replace=force)
        counted = counting.count(resume, shard, rows, replace=force)
    return evaluated(counted, whole=shard == WHOLE)
