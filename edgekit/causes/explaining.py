"""`--explain`: the waterfall, the drift, the first bad operator and the ablation of an artifact, and what they say."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit import console
from edgekit.artifact import Artifact
from edgekit.causes.ablation import ablated, badness, why_not_ablated
from edgekit.causes.rebuilt import Conversions, Rebuilt, conversion_of
from edgekit.causes.repro import write_repro
from edgekit.errors import CalibrationError, EdgekitError
from edgekit.files import size_bytes_of
from edgekit.images import Picture
from edgekit.parity.blame import (
    BLEND,
    DELIVERED,
    FLOAT,
    FP16,
    POOLED,
    PREPARED,
    PREPROCESSING,
    RUNTIME,
    UPSAMPLING,
    W8,
    W8A8,
    Ablation,
    Drift,
    Explanation,
    Measured,
    Operator,
    Stage,
    Waterfall,
)  # fmt: skip
from edgekit.parity.drift import as_read, block_drift, drift, first_bad, local_errors, tensors_of
from edgekit.parity.gates import Gates, gates_for
from edgekit.parity.graphs import nodes_of
from edgekit.parity.pictures import worst_pictures
from edgekit.parity.report import ParityReport, Status
from edgekit.parity.stages import Variant, handed_over, loss_of, own_stage, variant_runner, waterfall
from edgekit.runtimes import Opener, open_runtime, opener_of
from edgekit.scores.runners import Image
from edgekit.targets import target_named
from edgekit.weights import Checkpoint

# The reference kernels take tens of seconds for a photo of 512².
EXPLAINED_PHOTOS = 2
WORST_TENSORS = 20
WORTHWHILE = 0.9  # a block is a cure if what is lost falls to this share
GRAPH = (FLOAT, FP16, W8, W8A8, RUNTIME)
# Stage to (cause, cure), in the order in which data passes.
SENTENCES = {
    PREPROCESSING: (
        "the network does not get the defined input",
        "resize the whole frame and hand over RGB bytes as the manifest's `preprocessing` says",
    ),
    PREPARED: ("the prepared graph is not Hugging Face's", "report it with these weights"),
    POOLED: ("pooled attention loses it", "pool fewer tokens, or none, in the recipe's `pool`"),
    FLOAT: ("the float graph in the file is not the checkpoint's", "convert again"),
    FP16: ("fp16 does not hold what this network computes", "convert with `recipe` fp32"),
    W8: ("int8 weights lose it", "take the block that returns most back to float"),
    W8A8: ("int8 activations lose it", "take the block that returns most back to float"),
    RUNTIME: (
        "the runtime computes the graph otherwise than its definition",
        "run it without a delegate or in another version of the runtime, and report it",
    ),
    DELIVERED: ("the delivered output is not what its logits define", "convert again"),
    UPSAMPLING: (
        "the app samples the mask otherwise than with half-pixel centres",
        "sample it linearly at mask_from_image, as the emitted shader does",
    ),
    BLEND: (
        "the app's shader draws other colours than its tables define",
        "use the emitted shader: it reads point k of N at (k + 0.5)/N",
    ),
}  # fmt: skip


def explained(
    report: ParityReport,
    artifacts: Sequence[Artifact],
    checkpoint: Checkpoint,
    images: Path | None = None,
    repro: Path | None = None,
    *,
    replace: bool = False,
    runtime: str | None = None,
) -> ParityReport:
    """The report with stages and an explanation for every artifact, found on its worst photos of `images`.

    artifacts: those of the report, in its order. `repro`: a folder to write that shows the fault of the first that
    failed, or of the first, alone. `runtime`: the name of the runtime that is explained, as for `parity_check`. Takes
    minutes for each: the checkpoint is converted again, and reference kernels are slow. Raises CalibrationError if no
    photo can be used, EdgekitError for a folder in the way or a target whose runtime gives no intermediate tensors.
    """
    for artifact in artifacts:
        target = target_named(artifact.manifest.target)
        if not target.taps:
            raise EdgekitError(
                f"{artifact.path}: {target.title} gives no intermediate tensors to explain losses by."
            )
    failed = [i for i, row in enumerate(report.artifacts) if row.status == Status.FAILED]
    shown, rows = (failed or [0])[0], []
    with tempfile.TemporaryDirectory() as folder:
        made = Conversions(checkpoint, Path(folder))
        for i, (row, artifact) in enumerate(zip(report.artifacts, artifacts, strict=True)):
            console.say(f"explaining {artifact.path.name} …")
            # An artifact that loses nothing has no worst photos, and is explained on the first.
            names = row.worst_photos or tuple(photo.name for photo in row.photos)
            compared = dataclasses.replace(row, worst_photos=names)
            pictures = worst_pictures(compared, checkpoint, images, EXPLAINED_PHOTOS)
            if not pictures:
                raise CalibrationError(f"No picture in {images} could be read again; nothing was explained.")
            stages, explanation = explain(artifact, checkpoint, pictures, made, opener_of(runtime))
            rows.append(dataclasses.replace(row, stages=stages, explanation=explanation))
            if repro is not None and i == shown:
                write_repro(repro, artifact, checkpoint, pictures[0], explanation, replace=replace)
    return dataclasses.replace(report, artifacts=tuple(rows))


def explain(
    artifact: Artifact,
    checkpoint: Checkpoint,
    pictures: Sequence[Picture],
    conversions: Conversions | None = None,
    opener: Opener = open_runtime,
) -> tuple[Waterfall, Explanation]:
    """Stages, cause and cure of what the artifact loses on these pictures.

    `conversions`: the checkpoint's models that were made for other artifacts, to use and to add to. `opener` opens the
    artifact in the runtime that is explained.
    """
    with tempfile.TemporaryDirectory() as folder:
        made = (conversions or Conversions(checkpoint, Path(folder))).rebuilt(artifact)
        with console.quiet_libraries():
            stages = waterfall(artifact, checkpoint, pictures, made.variants, opener=opener)
            drifts, operators = _departures(
                artifact, checkpoint, made, pictures[0].at(artifact.manifest.input_size), opener
            )
        bad, not_ablated = first_bad(operators), why_not_ablated(artifact)
        again: Measured | None = None
        ablations: tuple[Ablation, ...] = ()
        if not not_ablated:
            again, ablations = ablated(artifact, checkpoint, made, pictures, operators)
        elif bad is not None:
            again = _converted_again(artifact, checkpoint, made, pictures, Path(folder))
    verdict = _verdict(
        stages,
        bad,
        _artifact_measured(stages, artifact),
        again,
        ablations,
        gates_for(artifact.manifest.recipe),
    )
    return stages, Explanation(
        photos=tuple(picture.name for picture in pictures),
        blocks=block_drift(drifts),
        tensors=tuple(sorted(drifts, key=lambda each: each.snr_db)[:WORST_TENSORS]),
        operator=bad,
        ablations=ablations,
        not_ablated=not_ablated,
        cause=verdict.cause,
        cure=verdict.cure,
        before=verdict.before,
        after=verdict.after,
    )


def _departures(
    artifact: Artifact, checkpoint: Checkpoint, made: Rebuilt, image: Image, opener: Opener
) -> tuple[tuple[Drift, ...], tuple[Operator, ...]]:
    """The artifact's drift against PyTorch and its operators' local errors on one input (H, W, 3)."""
    fed = handed_over(image, artifact)
    nodes = nodes_of(made.export.path)
    tensors = tensors_of(artifact, [name for node in nodes for name in node.outputs], fed, opener)
    drifts = drift(checkpoint, artifact, nodes, tensors, image)
    tensors |= as_read(artifact, fed)
    return drifts, local_errors(nodes, tensors, artifact.manifest.recipe)


def _artifact_measured(stages: Waterfall, artifact: Artifact) -> Measured:
    """The artifact's logits on this machine's runtime, or on the reference kernels where that is none."""
    loss = [
        stage.loss for stage in stages.stages if stage.loss is not None and stage.loss.labels is not None
    ][-1]
    assert loss.labels is not None
    return Measured(1 - loss.labels, loss.skin_delta_e00_p95, artifact.manifest.size_bytes)


def _converted_again(
    artifact: Artifact, checkpoint: Checkpoint, made: Rebuilt, pictures: Sequence[Picture], folder: Path
) -> Measured | None:
    """The same recipe of the same checkpoint, converted now; None where that needs ranges that are not in the file."""
    recipe, target = artifact.manifest.recipe, target_named(artifact.manifest.target)
    if recipe.needs_calibration:
        return None
    again = made.export
    if own_stage(recipe) != FLOAT:
        path = folder / f"again{target.suffix}"
        with console.quiet_libraries():
            converted = target.converted(conversion_of(artifact, checkpoint, recipe), path)
        again = Variant(own_stage(recipe), path, converted.taps["logits"])
    with console.quiet_libraries():
        loss = loss_of(variant_runner(again, artifact), checkpoint, pictures)
    assert loss.labels is not None
    return Measured(1 - loss.labels, loss.skin_delta_e00_p95, size_bytes_of(again.path))


@dataclass(frozen=True)
class _Verdict:
    cause: str
    cure: str
    before: Measured | None
    after: Measured | None


def _verdict(
    stages: Waterfall,
    bad: Operator | None,
    now: Measured,
    again: Measured | None,
    ablations: Sequence[Ablation],
    gates: Gates,
) -> _Verdict:
    """The cause is the stage that exceeds its bound most; within the graph, the operator that departs by itself."""
    worst = max(stages.blamed, key=_excess, default=None)
    if bad is not None and (worst is None or worst.name in GRAPH):
        return _Verdict(
            _accused(bad), "convert again: the recipe itself does not give this operator", now, again
        )
    if worst is None and not _beyond(now, gates):
        return _Verdict("no stage exceeds its bound", "none is needed", now, None)
    if ablations and again is not None and (worst is None or worst.name in (W8, W8A8)):
        best = ablations[0]
        cause = "int8 in all" if worst is None else f"{worst.name}: {SENTENCES[worst.name][0]}"
        if badness(best.measured) < tuple(WORTHWHILE * value for value in badness(again)):
            return _Verdict(
                cause, f'in the recipe\'s `blocks`: "{best.block}": "float"', again, best.measured
            )
        return _Verdict(
            cause, "no single block returns a tenth of it; plan a recipe on such photos", again, None
        )
    if worst is None:
        return _Verdict("the stages together lose too much", "choose a finer recipe", now, None)
    cause, cure = SENTENCES[worst.name]
    return _Verdict(f"{worst.name}: {cause}", cure, now, None)


def _beyond(now: Measured, gates: Gates) -> bool:
    """Whether what was measured breaks a gate on labels or on the picture's skin."""
    skin = now.skin_delta_e00_p95 or 0.0
    return now.label_agreement < (gates.min_agreement or 0.0) or skin > (gates.max_skin_de or np.inf)


def _accused(bad: Operator) -> str:
    error = bad.error
    return (
        f"{bad.kind} gives {error.tensor} in {error.place} otherwise than its definition, on its own inputs "
        f"(SNR {error.snr_db:.1f} dB, in its worst channel {bad.channel_snr_db:.1f}; a healthy one keeps "
        f"{bad.least_snr_db:.0f} and {bad.least_channel_snr_db:.0f})"
    )


def _excess(stage: Stage) -> float:
    """The largest ratio of a stage's step to its bound."""
    assert stage.step is not None and stage.bound is not None
    pairs = ((getattr(stage.step, name), getattr(stage.bound, name)) for name in stage.blamed)
    return max(float(step / bound) for step, bound in pairs)
