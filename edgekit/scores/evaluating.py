"""An evaluation of a folder of labelled photos, from what it is made of to its counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgekit.artifact import read_artifact
from edgekit.errors import CalibrationError, EdgekitError
from edgekit.files import check_file_place, staged_file
from edgekit.images import SCHEME_FILE, Folder, Picture
from edgekit.scores.baselines import Detector, skin_detectors
from edgekit.scores.evaluation import Evaluator, Tally
from edgekit.scores.evaluation_shards import (
    SHARD,
    Beside,
    Inputs,
    Model,
    PackedTally,
    join_kept_rows,
    rows_beside,
)
from edgekit.scores.external import External
from edgekit.scores.groups import judged_groups
from edgekit.scores.model_counts import Judged
from edgekit.scores.rows import RowFile, begin_rows, row_file
from edgekit.scores.runners import Runner, artifact_runner, reference_runner
from edgekit.scores.scheme import scheme_of
from edgekit.scores.shards import Counted, Journal, count_photos
from edgekit.weights import Checkpoint


@dataclass
class OpenEvaluation:
    """Models that are open, and the photos and labels that they are judged on."""

    runners: Mapping[str, Runner]
    detectors: Mapping[str, Detector]
    judged: Judged
    folder: Folder
    inputs: Inputs

    def count(
        self, resume: Path | None, shard: tuple[int, int], rows: Path | None = None, *, replace: bool = False
    ) -> Counted[Inputs, Tally]:
        """Count the photos, or a shard of them, with rows per photo in `rows`, and beside what `resume` keeps."""
        groups = tuple(self.inputs.groups)
        if resume is not None:
            journal = Journal(SHARD, resume, self.inputs, *shard)
            kept_rows = rows_beside(journal.path)
            if rows is not None:
                check_file_place(rows, replace=replace, inputs=[journal.path, kept_rows])
            begin_rows(kept_rows, groups, journal.done, self.inputs.models)
            with row_file(kept_rows, groups) as file:
                found = self._counted(shard, journal, file)
            if rows is not None:
                join_kept_rows(found, [journal.path], rows, replace=replace)
            return found
        if rows is not None:
            with staged_file(rows, replace=replace) as temporary, row_file(temporary, groups) as file:
                return self._counted(shard, None, file)
        return self._counted(shard, None, None)

    def _counted(
        self,
        shard: tuple[int, int],
        journal: Journal[Inputs, PackedTally, Tally] | None,
        file: RowFile | None,
    ) -> Counted[Inputs, Tally]:
        evaluator = Evaluator.of(self.runners, self.detectors, self.judged, strata=self.inputs.strata)
        if journal is not None:
            evaluator.tally = journal.tally or evaluator.tally

        def add(picture: Picture) -> None:
            scores = evaluator.add(picture)
            if file is not None:
                file.add(scores)

        return count_photos(self.folder, self.inputs, shard, journal, evaluator.tally, add, "evaluating")


@dataclass(frozen=True)
class EvaluationJob:
    """What is evaluated and on which photos, as a value.

    artifacts: their files by their names in reports. external: models of others.
    """

    checkpoint: Checkpoint
    artifacts: Mapping[str, Path]
    images: Path
    labels: Path
    baselines: bool
    external: tuple[External, ...] = ()
    strata: bool = False

    @classmethod
    def of(
        cls,
        checkpoint: Checkpoint,
        artifacts: Sequence[Path],
        images: Path,
        labels: Path,
        baselines: bool,
        *,
        external: Sequence[External] = (),
        strata: bool = False,
    ) -> EvaluationJob:
        """The job, in which every artifact has a name of its own."""
        named: dict[str, Path] = {}
        for artifact in map(read_artifact, dict.fromkeys(artifacts)):
            name = f"{artifact.manifest.target} {artifact.manifest.recipe_name}"
            named[name if name not in named else str(artifact.path)] = artifact.path
        return cls(checkpoint, named, images, labels, baselines, tuple(external), strata)

    @property
    def anywhere(self) -> EvaluationJob:
        """The job for a process with another current directory."""
        artifacts = {name: path.absolute() for name, path in self.artifacts.items()}
        return replace(
            self,
            artifacts=artifacts,
            images=self.images.absolute(),
            labels=self.labels.absolute(),
            external=tuple(one.anywhere for one in self.external),
        )

    def opened(self) -> OpenEvaluation:
        """The evaluation with its models open.

        Raises CalibrationError for photos or labels that cannot be used, ConversionError for an artifact.
        """
        checkpoint = self.checkpoint
        scheme = scheme_of(self.labels, checkpoint.class_names)
        values = None if scheme is None else scheme.sets
        folder = Folder(self.images, self.labels, len(checkpoint.class_names), values)
        groups = judged_groups(checkpoint.groups, len(checkpoint.class_names))
        judged = Judged(tuple(checkpoint.class_names), groups, scheme)
        if not any(judged.told.tells(members) for members in groups.values()):
            raise CalibrationError(
                f"{SCHEME_FILE} for {self.labels} tells none of {', '.join(groups)} apart."
            )
        name = f"PyTorch {checkpoint.name}"
        runners: dict[str, Runner] = {name: reference_runner(checkpoint)}
        models = [Model(name, checkpoint.sha256)]
        for name, artifact in ((name, read_artifact(path)) for name, path in self.artifacts.items()):
            runners[name] = artifact_runner(artifact)
            models.append(Model(name, artifact.manifest.sha256))
        skin = self.baselines and judged.told.tells(checkpoint.groups.skin)
        detectors = skin_detectors(judged.class_names) if skin else {}
        others, beside = _opened_beside(self.external, folder.labelled, judged, {*runners, *detectors})
        inputs = Inputs.of(
            judged, models, tuple(detectors), folder.names, external=beside, strata=self.strata
        )
        return OpenEvaluation(runners, detectors | others, judged, folder, inputs)


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
