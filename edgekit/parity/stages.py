"""The blame waterfall: what each stage between a photo and the final picture loses against Hugging Face.

Every stage is a way to obtain labels, groups and a picture from a photo. Its loss is measured against the result that
Hugging Face's graph gives on the defined input; its share is the loss that it adds to the stage before it, and its step
is the distance to the stage before it. Stages are blamed for their step, never for a share, because errors can cancel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit.artifact import Artifact
from edgekit.color.engine import upsampled_rows
from edgekit.errors import CalibrationError, MissingDependency
from edgekit.images import InputSize, Picture, fit_of, input_from_photo
from edgekit.model.prepared import PreparedSegmenter
from edgekit.model.reference import ReferenceSegmenter
from edgekit.parity.blame import (
    BLEND,
    DELIVERED,
    FLOAT,
    FP16,
    POOLED,
    PREPARED,
    PREPROCESSING,
    REFERENCE,
    RUNTIME,
    SECOND_RUNTIME,
    STAGES,
    UPSAMPLING,
    W8,
    W8A8,
    Loss,
    Stage,
    Waterfall,
)
from edgekit.parity.gates import GATES
from edgekit.parity.losses import Count, Result, Sums, total_of
from edgekit.parity.picture import STYLE, PixelGate, heaviest, regions_of, styled
from edgekit.parity.report import Status
from edgekit.recipes import BLOCKS, Mode, Recipe, recipe_named
from edgekit.runtimes import Opener, image_order, open_runtime
from edgekit.scores.metrics import labels_from_logits
from edgekit.scores.runners import (
    Image,
    Logits,
    Runner,
    RuntimeRunner,
    TorchRunner,
    artifact_runner,
    predictions,
)
from edgekit.shader.compose import describe
from edgekit.shader.oracle import Frame, mask_pixels, render, sample_linear
from edgekit.shader.transforms import pixel_centres
from edgekit.targets import target_named
from edgekit.weights import Checkpoint

Weights = NDArray[np.floating]  # (h, w, 3) of skin, hair, clothes in [0, 1]

RGB = ("red", "green", "blue")

# Two pictures that round apart differ by one level here and there: ΔE2000 of up to 0.8 in five per cent of the pixels
# and of 0.2 on average (the shader's 8-bit tables against float ones, on photos). A mistake moves every pixel.
ROUNDED = Loss(skin_delta_e00_p95=1.0, skin_delta_e00_mean=0.3)


def sampled(mask: Weights, shape: tuple[int, int]) -> Weights:
    """The mask as a texture unit samples its bytes: bilinear, half-pixel centres. Returns (H, W, 3) in [0, 1]."""
    return sample_linear(mask_pixels(mask)[..., :3] / 255.0, pixel_centres(*shape))


def shaded(image: Image, weights: Weights) -> Image:
    """The picture that the fused shader draws, by its oracle: (H, W, 3) uint8. weights: (H, W, 3)."""
    description = describe(style=STYLE, refinement="bilinear", dialects=())
    opaque = np.full((*image.shape[:2], 1), 255, np.uint8)
    pixels = {"u_image": np.concatenate([image, opaque], -1), "u_mask": mask_pixels(weights)}
    drawn = render(Frame(description, pixels, *image.shape[:2]))
    return np.round(drawn[..., :3]).astype(np.uint8)


@dataclass(frozen=True)
class App:
    """What an app does around the network: edgekit's definitions, unless another function is given.

    `network_input`: a photo (H, W, 3) uint8 and a size to (height, width, 3) uint8. `upsampled`: the mask that was
    delivered for the photo (h, w, 3) in [0, 1] and a shape to weights (H, W, 3). `drawn`: a photo and weights of its
    size to the picture.
    """

    network_input: Callable[[Image, InputSize], Image] = input_from_photo
    upsampled: Callable[[Weights, tuple[int, int]], Weights] = sampled
    drawn: Callable[[Image, Weights], Image] = shaded


@dataclass(frozen=True)
class Variant:
    """A model of the same checkpoint and size that stands for one stage before the artifact's own recipe.

    `stage`: FLOAT, FP16 or W8. `logits_name`: the tensor of the file at `path` that holds the logits.
    """

    stage: str
    path: Path
    logits_name: str


def variant_recipes(recipe: Recipe) -> dict[str, Recipe]:
    """Stage name to the recipe that stands for it, for the stages before the recipe's own."""
    weights_only: dict[str, Mode] = {
        b: "w8" if recipe.mode_of(b) == "w8a8" else recipe.mode_of(b) for b in BLOCKS
    }
    own = own_stage(recipe)
    recipes = {FLOAT: recipe_named("fp32")}
    if recipe.compute == "fp16":
        recipes[FP16] = recipe_named("fp16")
    if recipe.needs_calibration:
        recipes[W8] = Recipe("weights-only", recipe.compute, "float", weights_only)
    return {stage: replace(each, pool=recipe.pool) for stage, each in recipes.items() if stage != own}


def own_stage(recipe: Recipe) -> str:
    """The stage that an artifact with this recipe stands for: that of its coarsest number format."""
    if recipe.needs_calibration:
        return W8A8
    if recipe.quantises:
        return W8
    return FP16 if recipe.compute == "fp16" else FLOAT


def bounds_of(recipe: Recipe) -> dict[str, Loss]:
    """The largest step of a healthy stage: parity's gate for the number format that the stage introduces.

    A stage that rounds nothing may move what float32 moves. Two runtimes of one int8 graph round a level apart in every
    layer, which is as much again as rounding itself; they get int8's gate too. From the delivered mask on there are 8
    bits, and labels are no longer known.
    """
    exact, half, int8 = (_bound(kind) for kind in ("fp32", "fp16", "int8"))
    bytes_only = replace(half, labels=None)
    runtime = int8 if recipe.needs_calibration else exact
    return {
        PREPROCESSING: exact, PREPARED: exact, POOLED: int8, FLOAT: exact, FP16: half, W8: int8, W8A8: int8,
        RUNTIME: runtime, DELIVERED: bytes_only, UPSAMPLING: bytes_only, BLEND: bytes_only, SECOND_RUNTIME: runtime,
    }  # fmt: skip


def _bound(kind: str) -> Loss:
    gate = GATES[kind]
    assert gate.min_agreement is not None
    most = 1 - gate.min_agreement
    if gate.max_skin_de is None:
        return replace(ROUNDED, labels=most, groups=most)
    return Loss(most, most, gate.max_skin_de)


def waterfall(
    artifact: Artifact,
    checkpoint: Checkpoint,
    pictures: Iterable[Picture],
    variants: Sequence[Variant] = (),
    app: App | None = None,
    bounds: Mapping[str, Loss] | None = None,
    opener: Opener = open_runtime,
) -> Waterfall:
    """The losses of every stage of one artifact, per photo and over the photos.

    `variants`: artifacts that stand for the stages before the artifact's recipe (`edgekit.explain` makes them); a stage
    without one is NOT_RUN. `app`: what the app does around the network. `bounds`: stage name to the largest healthy
    step, in place of `bounds_of`. `opener` opens the artifact in the runtime of the stage `RUNTIME`. Raises
    CalibrationError without pictures.
    """
    chain, count = _Chain(artifact, checkpoint, variants, app or App(), opener), Count()
    for picture in pictures:
        count.add(picture.name, *chain.results(picture))
    if not count.photos:
        raise CalibrationError("No picture could be used; no stage was measured.")
    known = {**bounds_of(artifact.manifest.recipe), **(bounds or {})}

    def stages_in(names: Sequence[str]) -> tuple[Stage, ...]:
        return tuple(
            Stage(name, Status.NOT_RUN, chain.not_run[name])
            if name in chain.not_run
            else count.stage(name, known[name])
            for name in names
            if name in chain.not_run or name in count.losses
        )

    total = total_of({name: sums.loss() for name, sums in count.losses.items()})
    return Waterfall(stages_in(STAGES), total, tuple(count.photos), stages_in([SECOND_RUNTIME]))


class _Chain:
    """The stages of one artifact, ready to run. `not_run`: stage name to the reason why it cannot."""

    def __init__(
        self,
        artifact: Artifact,
        checkpoint: Checkpoint,
        variants: Sequence[Variant],
        app: App,
        opener: Opener,
    ) -> None:
        manifest = artifact.manifest
        target = target_named(manifest.target)
        self._artifact, self._manifest, self._app = artifact, manifest, app
        self._size = manifest.input_size
        self._definition = _Definition(checkpoint)
        self._reference = TorchRunner(self._size, ReferenceSegmenter(checkpoint))
        self._before: dict[str, Runner] = {PREPARED: TorchRunner(self._size, PreparedSegmenter(checkpoint))}
        if manifest.recipe.pool:
            pooled = PreparedSegmenter(checkpoint, pool=manifest.recipe.pool)
            self._before[POOLED] = TorchRunner(self._size, pooled)
        self.not_run: dict[str, str] = {}
        paths = {variant.stage: variant for variant in variants}
        for stage in variant_recipes(manifest.recipe):
            if stage in paths:
                self._before[stage] = variant_runner(paths[stage], artifact)
            else:
                self.not_run[stage] = "no model stands for this stage; `explain` makes one"
        own = artifact_runner(artifact, target.opened_by_definition)
        self._read_order = image_order(own.runtime)
        self._own: dict[str, Runner] = {own_stage(manifest.recipe): own}
        unproved = target.why_unproved()
        if unproved is None:
            self._own[RUNTIME] = artifact_runner(artifact, opener)
        else:
            self.not_run[RUNTIME] = unproved
        self._second: Runner | None = None
        if target.second is not None:
            try:
                self._second = artifact_runner(artifact, target.opened_in_second)
            except MissingDependency as error:
                self.not_run[SECOND_RUNTIME] = str(error)

    def results(self, picture: Picture) -> tuple[dict[str, Result], NDArray[np.bool_]]:
        """Hugging Face's result on the defined input, then every stage's in order, and the skin (H, W).

        All are of the part of the input that shows the picture.
        """
        fit, whole = fit_of(picture.image.shape[:2], self._size), picture.at(self._size)
        image = fit.shown(whole)

        def result(logits: Logits) -> Result:
            return self._definition.result(image, fit.shown_planes(logits))

        fed = handed_over(self._app.network_input(picture.image, self._size), self._artifact)
        seen = np.ascontiguousarray(fed[..., self._read_order])
        logits = self._reference.run(whole).logits
        found = {REFERENCE: result(logits)}
        seen_logits = logits if np.array_equal(seen, whole) else self._reference.run(seen).logits
        found[PREPROCESSING] = result(seen_logits)
        for name, runner in self._before.items():
            found[name] = result(runner.run(seen).logits)
        for name, runner in self._own.items():
            outputs = runner.run(fed)
            found[name] = result(outputs.logits)
        found |= self._after(image, fit.shown_planes(outputs.delivered))
        if self._second is not None:
            found[SECOND_RUNTIME] = result(self._second.run(fed).logits)
        return found, self._definition.skin(image, fit.shown_planes(logits))

    def _after(self, image: Image, delivered: NDArray[np.float64]) -> dict[str, Result]:
        """The stages after the network. delivered: (channels, h, w), of the image."""
        if self._manifest.output == "labels":
            rows, columns = (
                np.arange(side) * n // side
                for side, n in zip(image.shape[:2], delivered.shape[1:], strict=True)
            )
            return {DELIVERED: Result(labels=delivered[0][np.ix_(rows, columns)].astype(np.uint8))}
        if self._manifest.output != "groups":
            return {}
        mask = np.clip(delivered[:3].transpose(1, 2, 0) / 255, 0, 1).astype(np.float32)
        weights = self._app.upsampled(mask, image.shape[:2])
        upsampled = self._definition.drawn(image, np.asarray(weights, np.float32))
        drawn = Result(groups=upsampled.groups, picture=self._app.drawn(image, weights))
        return {DELIVERED: self._definition.drawn(image, mask), UPSAMPLING: upsampled, BLEND: drawn}


class _Definition:
    """What logits and masks mean: labels as Hugging Face's post-processing, groups and picture as the CPU engine."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._gate = PixelGate(checkpoint) if checkpoint.groups.skin else None

    def result(self, image: Image, logits: Logits) -> Result:
        labels = labels_from_logits(logits, image.shape[:2])
        if self._gate is None:
            return Result(labels)
        drawn = self.drawn(image, self._gate.mask(logits, image.shape[:2]))
        return Result(labels, drawn.groups, drawn.picture)

    def drawn(self, image: Image, mask: NDArray[np.float32]) -> Result:
        """The heaviest group of every pixel, and the styled picture. mask: (h, w, 3) in [0, 1]."""
        weights = upsampled_rows(mask, image.shape[:2], slice(0, image.shape[0]))
        return Result(groups=heaviest(weights), picture=styled(image, mask))

    def skin(self, image: Image, logits: Logits) -> NDArray[np.bool_]:
        """The pixels (H, W) that parity's gate on skin judges."""
        shape = image.shape[:2]
        if self._gate is None:
            return np.zeros(shape, np.bool_)
        return regions_of(self._gate.mask(logits, shape), shape)["skin"]


def loss_of(runner: Runner, checkpoint: Checkpoint, pictures: Iterable[Picture]) -> Loss:
    """What one runner loses against Hugging Face on these pictures, drawn by the CPU engine."""
    definition, sums = _Definition(checkpoint), Sums()
    reference = TorchRunner(runner.size, ReferenceSegmenter(checkpoint))
    for _, found in predictions({REFERENCE: reference, FLOAT: runner}, pictures):
        expected, got = found[REFERENCE], found[FLOAT]
        sums.add(
            definition.result(expected.image, expected.logits),
            definition.result(got.image, got.logits),
            definition.skin(expected.image, expected.logits),
        )
    return sums.loss()


def variant_runner(variant: Variant, artifact: Artifact) -> RuntimeRunner:
    """A runner of a variant of the artifact, on the runtime that computes every operator by its definition."""
    target, logits = target_named(artifact.manifest.target), variant.logits_name
    return RuntimeRunner(
        runtime=target.opened_by_definition(variant.path, (logits,)),
        size=artifact.manifest.input_size,
        image_name=artifact.manifest.inputs[0].name,
        logits_name=logits,
        output_name=logits,
        channels_last=target.layout == "NHWC",
    )


def handed_over(image: Image, artifact: Artifact) -> Image:
    """An RGB image (H, W, 3) in the order of channels that the manifest tells apps to hand over."""
    return image[..., [RGB.index(channel) for channel in artifact.manifest.inputs[0].channels]]
