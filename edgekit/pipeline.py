"""The flow: weights → artifacts → parity → picture. Each stage is a function from one named type to the next.

This is the one module of `edgekit/` (with the commands) that knows `converters` and `calibration`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit import console
from edgekit.artifact import (
    SUFFIXES,
    Artifact,
    Manifest,
    check_artifact_place,
    read_artifact,
    staged_artifact,
    write_manifest,
)
from edgekit.errors import CalibrationError, EdgekitError, UnknownName
from edgekit.files import (
    JsonValue,
    check_file_place,
    check_folder_place,
    json_text,
    sha256_of,
    sha256_of_bytes,
    size_bytes_of,
    write_json,
)
from edgekit.shader.description import DEFAULT_REFINEMENT
from edgekit.weights import Checkpoint, load_checkpoint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from calibration.dataset import CalibrationSet
    from calibration.planner import Budget, Plan
    from calibration.ranges import Ranges
    from calibration.trials import SkinDifference
    from converters.conversion import Conversion, Converted
    from edgekit.bundle.reading import OpenBundle
    from edgekit.devices.profiles import Profile
    from edgekit.images.pictures import Picture
    from edgekit.model.outputs import OutputMode
    from edgekit.parity.gates import Gates
    from edgekit.parity.report import ParityReport
    from edgekit.recipes.recipe import Recipe
    from edgekit.scores.evaluation import Evaluation

# Without calibration. Core ML computes in fp16 either way and w8 is half the size; int8 activations pay only
# from A17 Pro and M4 on, phones that have Photographic Styles already.
DEFAULT_RECIPES = {"coreml": "w8", "tflite": "fp32"}
TARGETS = tuple(SUFFIXES)
PLANNED_FOLDER = "planned"  # in a checkpoint's folder: recipe.json and ranges-<target>.json
RECIPE_FILE = "recipe.json"
CALIBRATION_FILE = "calibration.json"
RANGES_FILE = "ranges-{}.json"  # of a target
QAT_OBSERVER = "moving-average"  # what edgekit/training/qat.py trains with: each picture's extremes, averaged
AUTO = "auto"


@dataclass(frozen=True)
class ConvertOptions:
    """What to convert to. `recipe` None: the one planned for the checkpoint, else the target's default.
    `size` None: the checkpoint's own. `calibration`: photos that activation ranges are taken from.
    `minimum_ios`: the oldest iOS that the Core ML artifact must run on; None: what the recipe needs."""

    target: str = "all"
    size: int | None = None
    recipe: str | None = None
    output: OutputMode = "groups"
    mask_size: int = 0
    calibration: Path | None = None
    out: Path = Path("artifacts")
    force: bool = False
    minimum_ios: int | None = None


def targets_of(target: str) -> tuple[str, ...]:
    """`all` or one target as a tuple; UnknownName otherwise."""
    if target != "all" and target not in TARGETS:
        raise UnknownName("target", target, (*TARGETS, "all"))
    return TARGETS if target == "all" else (target,)


def convert(checkpoint: Checkpoint, options: ConvertOptions) -> list[Artifact]:
    """Checkpoint to one artifact per target. Everything is checked before anything is written."""
    from converters.conversion import Conversion

    size = checkpoint.size_default if options.size is None else options.size
    targets = targets_of(options.target)
    found = planned_now(checkpoint, options) if options.recipe == AUTO else None
    planned: list[tuple[str, Conversion, Path]] = []
    for target in targets:
        recipe = found or recipe_for(target, checkpoint, options)
        conversion = Conversion(checkpoint, size, recipe, options.output, options.mask_size)
        if target == "coreml" and options.minimum_ios is not None:
            from converters.coreml import check_minimum_ios

            check_minimum_ios(recipe, options.minimum_ios)
        path = options.out / f"{conversion.file_stem}{SUFFIXES[target]}"
        check_artifact_place(path, target, replace=options.force)
        planned.append((target, conversion, path))
    made = []
    for target, conversion, path in planned:
        ranges = ranges_for(target, conversion, options.calibration)
        made.append(convert_one(target, conversion, path, ranges, replace_existing=options.force))
    return made


def planned_now(checkpoint: Checkpoint, options: ConvertOptions) -> Recipe:
    """One recipe for all targets, planned on the photos given (`--recipe auto`)."""
    if options.calibration is None:
        raise EdgekitError("--recipe auto needs --calibration: photos to plan with.")
    return plan(checkpoint, PlanOptions(options.calibration, options.size)).recipe


def recipe_for(target: str, checkpoint: Checkpoint, options: ConvertOptions) -> Recipe:
    """The recipe asked for, planned for these weights, or the target's default.

    A built-in int8 recipe takes the observer that was planned for these weights, whose ranges are kept.
    """
    from edgekit.recipes.recipe import RECIPES, read_recipe, recipe_named

    shipped = checkpoint.folder / PLANNED_FOLDER / RECIPE_FILE
    if options.recipe is not None:
        recipe = recipe_named(options.recipe)
        if recipe.needs_calibration and options.recipe in RECIPES and shipped.is_file():
            return replace(recipe, observer=read_recipe(shipped).observer)
        return recipe
    if shipped.is_file() and target in PLANNED_TARGETS:
        return read_recipe(shipped)
    return recipe_named(DEFAULT_RECIPES[target])


def trained_recipe(name: str) -> Recipe:
    """The recipe that `--qat` names, with the observer nearest to how training finds ranges.

    What was measured when it was planned held for other weights and is left out. Raises EdgekitError when it rounds
    nothing.
    """
    from edgekit.recipes.recipe import recipe_named

    recipe = recipe_named(name)
    if not recipe.quantises:
        raise EdgekitError(f"--qat {name}: that recipe rounds nothing; name one with int8 weights, as w8a8.")
    return replace(recipe, observer=QAT_OBSERVER, evidence=None)


def keep_trained_recipe(folder: Path, recipe: Recipe | None) -> None:
    """What a finished fine-tuning was for, into its checkpoint: `convert` takes the recipe of `--qat` from there.

    A plan that the folder holds from before was for other weights and goes.
    """
    planned = folder / PLANNED_FOLDER
    ranges = (RANGES_FILE.format(target) for target in TARGETS)
    for name in (RECIPE_FILE, CALIBRATION_FILE, *ranges):
        (planned / name).unlink(missing_ok=True)
    if recipe is not None:
        write_json(planned / RECIPE_FILE, recipe.to_json())
    elif planned.is_dir() and not any(planned.iterdir()):
        planned.rmdir()


def ranges_for(target: str, conversion: Conversion, calibration: Path | None) -> Ranges | None:
    """The activation ranges a recipe needs: from the photos given, else those kept with the checkpoint.

    Raises CalibrationError when a recipe has int8 activations and there are neither.
    """
    from calibration.ranges import read_ranges

    recipe = conversion.recipe
    if not recipe.needs_calibration:
        return None
    if calibration is not None:
        return observe(target, conversion, calibration_set(calibration, conversion), [recipe.observer])[
            recipe.observer
        ]
    kept = conversion.checkpoint.folder / PLANNED_FOLDER / RANGES_FILE.format(target)
    if kept.is_file():
        ranges = read_ranges(kept)
        if ranges.weights_sha256 == conversion.checkpoint.sha256 and ranges.observer == recipe.observer:
            return ranges
    raise CalibrationError(
        f"Recipe {recipe.name} has int8 activations, and no ranges for it are kept with these weights; "
        "pass --calibration with photos like those it will see to edgekit convert."
    )


def calibration_set(
    folder: Path, conversion: Conversion, limit: int | None = None, evaluation: Path | None = None
) -> CalibrationSet:
    """The pictures of a folder, with coverage by the float model's own mask; its warnings are said.

    Raises CalibrationError when one of them is also in the `evaluation` folder.
    """
    from calibration.dataset import read_calibration_set, sha256_of_images

    has_skin = bool(conversion.checkpoint.groups.skin)
    masks = group_segmenter(checkpoint=conversion.checkpoint) if has_skin else None
    console.say(f"reading the calibration pictures in {folder} and what they cover …")
    with console.quiet_libraries():
        forbidden = frozenset() if evaluation is None else sha256_of_images(evaluation)
        found = read_calibration_set(folder, conversion.size, masks, limit, forbidden)
    for item in found.skipped:
        console.say(f"left out {item.name}: {item.reason}")
    for warning in found.warnings:
        console.say(f"warning: {warning}")
    return found


def observe(
    target: str, conversion: Conversion, pictures: CalibrationSet, observers: Sequence[str]
) -> dict[str, Ranges]:
    """Observer name to the ranges of the target's float graph over a calibration set."""
    import tempfile

    from calibration.ranges import Ranges, collect_ranges
    from converters import OBSERVABLES

    console.say(f"observing {len(pictures.images)} calibration pictures …")
    with tempfile.TemporaryDirectory() as folder, console.quiet_libraries():
        run = OBSERVABLES[target]()(conversion, Path(folder))
        images = console.track(pictures.images, len(pictures.images), "observing")
        collected = collect_ranges(run, images, {*observers, UNCLIPPED})
    for tensors in collected.values():
        for name in tensors.keys() & LOGITS_TENSORS:
            tensors[name] = collected[UNCLIPPED][name]
    weights = conversion.checkpoint.sha256
    return {
        name: Ranges(target, name, len(pictures.images), weights, pictures.sha256, tensors)
        for name, tensors in collected.items()
        if name in observers
    }


# Clipped logits keep their argmax and lose their differences, which are the group weights: never clip them.
UNCLIPPED = "minmax"
LOGITS_TENSORS = frozenset({"segmenter/classifier/conv:2", "logits"})


@dataclass(frozen=True)
class PlanOptions:
    """What a plan may use and may lose. `labels`: true labels of the calibration photos, by name; `evaluation`:
    photos that must not be among them. A bound that is None is parity's for int8; mIoU's needs labels."""

    calibration: Path
    size: int | None = None
    target: str = "tflite"
    labels: Path | None = None
    min_agreement: float | None = None
    max_miou_drop: float | None = None
    max_skin_de: float | None = None
    evaluation: Path | None = None
    journal: Path | None = None
    name: str = "planned"


PLANNED_TARGETS = ("tflite",)
JUDGED_SHARE = 4  # every fourth calibration picture judges; the others give the ranges
JUDGED_MOST = 16
PLAN_MOST = 80  # pictures of the folder that are used: 64 for ranges, 16 to judge


def plan(checkpoint: Checkpoint, options: PlanOptions) -> Plan:
    """The fastest recipe inside a budget, measured on this machine; its evidence is in the recipe."""
    import tempfile

    from calibration.planner import Journal
    from calibration.planner import plan as search
    from calibration.trials import LiteRTTrials
    from converters import tflite
    from converters.conversion import Conversion
    from edgekit.recipes.recipe import recipe_named

    if options.target not in PLANNED_TARGETS:
        raise EdgekitError(
            f"edgekit plans on {', '.join(PLANNED_TARGETS)}, whose runtime it can time here; "
            "the recipe it finds converts to every target."
        )
    size = checkpoint.size_default if options.size is None else options.size
    conversion = Conversion(checkpoint, size, recipe_named("fp32"))
    whole = calibration_set(options.calibration, conversion, PLAN_MOST, options.evaluation)
    seen, judged = split(whole)
    budget = budget_of(options)
    context = sha256_of_bytes(
        json_text([checkpoint.sha256, whole.sha256, size, options.target, tflite.tools()]).encode()
    )
    journal = Journal(options.journal, context)
    ranges = observe(options.target, conversion, seen, PLAN_OBSERVERS)
    with tempfile.TemporaryDirectory() as folder, console.quiet_libraries():
        trials = LiteRTTrials(
            tflite.float_model(conversion),
            {name: found.tensors for name, found in ranges.items()},
            labelled(whole, judged, options.labels, len(checkpoint.class_names)),
            checkpoint.groups.skin,
            Path(folder),
            tflite.LOGITS,
            skin_difference(checkpoint),
        )
        found = search(trials.measure, budget, PLAN_OBSERVERS, journal, console.say, options.name)
    unstable = instability(options.target, conversion, seen, found.recipe.observer)
    evidence = evidence_of(found, whole, len(judged), unstable)
    return replace(found, recipe=replace(found.recipe, evidence=evidence))


def budget_of(options: PlanOptions) -> Budget:
    """The bounds stated, and parity's for int8 where none is."""
    from calibration.planner import Budget
    from edgekit.parity.gates import GATES

    stated = (options.min_agreement, options.max_miou_drop, options.max_skin_de)
    usual = (GATES["int8"].min_agreement, GATES["int8"].max_miou_drop, GATES["int8"].max_skin_de)
    agreement, miou, skin = (u if s is None else s for s, u in zip(stated, usual, strict=True))
    return Budget(agreement or 0.0, None if options.labels is None else miou, max_skin_de=skin)


def skin_difference(checkpoint: Checkpoint) -> SkinDifference | None:
    """What the planner judges the final picture by: the parity gate's ΔE2000 on skin. None without skin."""
    from edgekit.parity.picture import PixelGate

    if not checkpoint.groups.skin:
        return None
    gate = PixelGate(checkpoint)
    return lambda image, expected, got: gate(image, expected, got)["skin"]


def instability(target: str, conversion: Conversion, pictures: CalibrationSet, observer: str) -> float:
    """Share of tensors whose range another half of the pictures would put elsewhere; said, with advice."""
    from calibration.ranges import unstable_share

    halves = [replace(pictures, images=pictures.images[i::2] or pictures.images) for i in (0, 1)]
    ranges = [observe(target, conversion, half, [observer])[observer].tensors for half in halves]
    share = unstable_share(*ranges)
    console.say(
        f"{share:.0%} of the ranges differ between two halves of the pictures; more pictures make it fewer"
    )
    return share


def placement_warnings(
    checkpoint: Checkpoint, recipe: Path, options: PlanOptions, phone: Profile
) -> list[str]:
    """What of a saved recipe would land on that phone's CPU: the artifact it makes, looked at, not run."""
    import tempfile

    from edgekit.bench.placement import place

    with tempfile.TemporaryDirectory() as folder:
        convert_options = ConvertOptions(
            options.target, options.size, str(recipe), calibration=options.calibration, out=Path(folder)
        )
        (artifact,) = convert(checkpoint, convert_options)
        return list(place(artifact.path, phone).warnings)


PLAN_OBSERVERS = ("moving-average", "percentile", "mse")  # min-max never won (docs/quantization.md)


def split(pictures: CalibrationSet) -> tuple[CalibrationSet, tuple[int, ...]]:
    """The pictures that give ranges, and the indices of those that judge; with too few, all do both."""
    n = len(pictures.images)
    judged = tuple(range(0, n, JUDGED_SHARE))[:JUDGED_MOST]
    if n < 2 * JUDGED_SHARE:
        return pictures, tuple(range(n))
    kept = tuple(image for i, image in enumerate(pictures.images) if i not in judged)
    return replace(pictures, images=kept), judged


def labelled(
    pictures: CalibrationSet, judged: Sequence[int], labels: Path | None, classes: int
) -> list[Picture]:
    """The judging pictures, with true labels where the folder has them."""
    from edgekit.images.pictures import Picture
    from edgekit.images.preprocess import read_labels

    names = list(pictures.files)
    made = []
    for i in judged:
        file = None if labels is None else labels / f"{Path(names[i]).stem}.png"
        truth = read_labels(file, classes) if file is not None and file.is_file() else None
        made.append(Picture(names[i], pictures.images[i], truth))
    if labels is not None and all(item.labels is None for item in made):
        raise CalibrationError(f"{labels} has a label for none of the judging pictures.")
    return made


def evidence_of(found: Plan, pictures: CalibrationSet, judged: int, unstable: float) -> JsonValue:
    """What a planned recipe is based on, for its JSON."""
    from dataclasses import asdict

    rows: list[JsonValue] = [
        {
            "step": trial.why,
            "protected": list(trial.recipe.blocks),
            "chosen": trial is found.chosen,
            **asdict(trial.point),
        }
        for trial in found.pareto()
    ]
    return {
        "calibration_sha256": pictures.sha256,
        "pictures": len(pictures.images),
        "judged": judged,
        "unstable_range_share": unstable,
        "pareto": rows,
        "sensitivity_db": dict(found.sensitivity_db),
    }


def convert_one(
    target: str,
    conversion: Conversion,
    path: Path,
    ranges: Ranges | None = None,
    *,
    replace_existing: bool = False,
) -> Artifact:
    """Write one artifact and its manifest, whole or not at all.

    The manifest takes its name first: whatever kills the process, no artifact is left without one, and one whose
    bytes are not the manifest's is refused when it is read.
    """
    from converters import CONVERTERS

    console.say(f"converting to {path.name} …")
    ready = conversion if ranges is None else replace(conversion, ranges=ranges.tensors)
    with staged_artifact(path, target, replace=replace_existing) as temporary, console.quiet_libraries():
        converted = CONVERTERS[target]()(ready, temporary)
        manifest = _manifest(target, conversion, converted, ranges, temporary)
        artifact = write_manifest(path, manifest, replace=replace_existing)
    return artifact


def _manifest(
    target: str, conversion: Conversion, converted: Converted, ranges: Ranges | None, file: Path
) -> Manifest:
    from edgekit.images.preprocess import PREPROCESSING_ID

    checkpoint = conversion.checkpoint
    return Manifest(
        target=target,
        name=checkpoint.name,
        size=conversion.size,
        output=conversion.output,
        recipe_name=conversion.recipe.name,
        recipe=conversion.recipe.to_json(),
        inputs=converted.inputs,
        outputs=converted.outputs,
        taps=converted.taps,
        class_names=checkpoint.class_names,
        groups=dict(checkpoint.groups.items()),
        preprocessing=PREPROCESSING_ID,
        weights_sha256=checkpoint.sha256,
        calibration_sha256=None if ranges is None else ranges.calibration_sha256,
        minimum_os=converted.minimum_os,
        tools=converted.tools,
        sha256=sha256_of(file),
        size_bytes=size_bytes_of(file),
    )


def artifacts_at(paths: Sequence[Path], default: Path = Path("artifacts")) -> list[Artifact]:
    """The artifacts named, or all of the default folder; EdgekitError when there is none."""
    if not paths:
        paths = sorted(p for p in default.glob("*") if p.suffix in SUFFIXES.values())
        if not paths:
            raise EdgekitError(f"No artifact was named and {default}/ holds none; run edgekit convert first.")
    return [read_artifact(path) for path in paths]


def check(
    artifacts: Sequence[Artifact],
    checkpoint: Checkpoint,
    images: Path | None = None,
    labels: Path | None = None,
    stated: Gates | None = None,
) -> ParityReport:
    """Parity of the artifacts with PyTorch on a folder, or on the picture every install has."""
    from edgekit.images.pictures import Folder, astronaut
    from edgekit.parity.compare import check_parity
    from edgekit.parity.gates import Gates
    from edgekit.parity.picture import PixelGate

    stated = stated or Gates()
    if labels is not None and images is None:
        raise EdgekitError("--labels needs --images: the folder of the pictures they belong to.")
    if stated.max_miou_drop is not None and labels is None:
        raise EdgekitError("--max-miou-drop needs --labels: true labels to measure mIoU with.")
    gate = PixelGate(checkpoint) if checkpoint.groups.skin else None
    if images is None:
        with console.quiet_libraries():
            return check_parity(artifacts, checkpoint, [astronaut()], stated, gate)
    folder = Folder(images, labels, len(checkpoint.class_names))
    with console.quiet_libraries():
        pictures = console.track(folder, len(folder), "comparing pictures")
        report = check_parity(artifacts, checkpoint, pictures, stated, gate)
    skipped = tuple((item.name, item.reason) for item in folder.skipped)
    return replace(report, skipped=skipped, notes=tuple(folder.notes))


@dataclass(frozen=True)
class Evaluated:
    """Every model over n labelled photos, and what was left out."""

    n: int
    models: tuple[Evaluation, ...]
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def evaluate(
    checkpoint: Checkpoint, artifacts: Sequence[Path], images: Path, labels: Path, baselines: bool = True
) -> Evaluated:
    """Accuracy of the checkpoint, artifacts and classical baselines against true labels."""
    from edgekit.images.pictures import Folder
    from edgekit.scores import evaluation
    from edgekit.scores.runners import Runner, artifact_runner, reference_runner

    folder = Folder(images, labels, len(checkpoint.class_names))
    with console.quiet_libraries():
        runners: dict[str, Runner] = {f"PyTorch {checkpoint.name}": reference_runner(checkpoint)}
        for artifact in (read_artifact(path) for path in artifacts):
            name = f"{artifact.manifest.target} {artifact.manifest.recipe_name}"
            runners[name if name not in runners else str(artifact.path)] = artifact_runner(artifact)
        models = evaluation.evaluate(
            runners,
            evaluation.BASELINES if baselines and checkpoint.groups.skin else {},
            console.track(folder, len(folder), "evaluating"),
            checkpoint.class_names,
            checkpoint.groups.skin,
        )
    if models[0].n == 0:
        raise CalibrationError(f"No labelled photo in {images} could be used; nothing was evaluated.")
    skipped = tuple((item.name, item.reason) for item in folder.skipped)
    return Evaluated(models[0].n, models, skipped, tuple(folder.notes))


@dataclass(frozen=True)
class Demo:
    """What the demo made."""

    artifacts: tuple[Artifact, ...]
    report: ParityReport
    overlay: Path
    page: Path


def demo(out: Path, force: bool = False) -> Demo:
    """The whole flow on the bundled weights and picture: convert, check parity, draw, write a page."""
    from edgekit.files import write_whole
    from edgekit.images.pictures import astronaut
    from edgekit.overlay import data_uri, overlay, png_bytes

    with console.quiet_libraries():  # transformers loads torchao where it is installed, and that prints
        from edgekit.parity.present import write_html
        from edgekit.scores.runners import predictions, reference_runner

        checkpoint = load_checkpoint()
    drawing, page = out / "overlay.png", out / "report.html"
    for path in (drawing, page):
        check_file_place(path, replace=force)
    artifacts = convert(checkpoint, ConvertOptions(out=out, force=force))
    report = check(artifacts, checkpoint)
    ((picture, found),) = predictions({"reference": reference_runner(checkpoint)}, [astronaut()])
    reference = found["reference"]
    drawn = overlay(reference.image, reference.input_labels, checkpoint.class_names)
    write_whole(drawing, png_bytes(drawn), replace=force)
    write_html(report, page, ((picture.name, data_uri(drawn)),), replace=force)
    return Demo(tuple(artifacts), report, drawing, page)


@dataclass(frozen=True)
class BundleOptions:
    """What to bundle. No artifacts: the checkpoint is converted for both targets first."""

    artifacts: tuple[Path, ...]
    styles: tuple[str, ...]
    default_style: str
    out: Path
    refinement: str = DEFAULT_REFINEMENT
    force: bool = False


@dataclass(frozen=True)
class GoldenCheck:
    """One artifact's own mask on the golden picture, drawn, against the golden styled picture."""

    target: str
    delta_e00_p95: float
    bound: float

    @property
    def passed(self) -> bool:
        return self.delta_e00_p95 <= self.bound


def bundle(checkpoint: Checkpoint, options: BundleOptions) -> tuple[OpenBundle, tuple[GoldenCheck, ...]]:
    """Write a bundle and hold each of its artifacts to its golden picture, on this machine's runtimes."""
    import tempfile

    from edgekit.bundle.reading import BUNDLE
    from edgekit.bundle.writing import BundleContents, write_bundle
    from edgekit.images.pictures import astronaut

    check_folder_place(
        options.out, BUNDLE, replace=options.force, inputs=(*options.artifacts, checkpoint.folder)
    )
    with tempfile.TemporaryDirectory() as temporary:
        artifacts = [read_artifact(path) for path in options.artifacts]
        if not artifacts:
            artifacts = convert(checkpoint, ConvertOptions(out=Path(temporary)))
        for artifact in artifacts:
            if artifact.manifest.weights_sha256 != checkpoint.sha256:
                raise EdgekitError(
                    f"{artifact.path} was made from other weights than {checkpoint.folder}; give them with --weights."
                )
        image = astronaut().image
        with console.quiet_libraries():
            segment = group_segmenter(checkpoint=checkpoint, size=artifacts[0].manifest.size)
            weights = segment(image)
        contents = BundleContents(
            artifacts, options.styles, options.default_style, image, weights, options.refinement
        )
        made = write_bundle(contents, options.out, options.force)
    return made, tuple(_golden_check(made, artifact.manifest.target) for artifact in artifacts)


def _golden_check(opened: OpenBundle, target: str) -> GoldenCheck:
    import numpy as np
    from PIL import Image

    from edgekit.bundle.golden import styled_levels
    from edgekit.color.difference import delta_e00
    from edgekit.shader.description import read_description

    bundle, golden = opened.bundle, opened.bundle.golden
    image, styled = (
        np.asarray(Image.open(opened.path(picture.path)), np.uint8)
        for picture in (golden.image, golden.styled)
    )
    with console.quiet_libraries():
        weights = group_segmenter(opened.path(bundle.segmenter(target).path))(image[..., :3])
    description = read_description(opened.path(bundle.style(golden.style).description))
    drawn = np.round(styled_levels(description, image, weights)).astype(np.uint8)
    difference = delta_e00(drawn[..., :3], styled[..., :3])
    return GoldenCheck(target, float(np.percentile(difference, 95)), golden.end_to_end_delta_e00_p95)


PREVIEW_CACHE = Path("~/.cache/edgekit/preview").expanduser()


def preview_bundle(cache: Path = PREVIEW_CACHE) -> OpenBundle:
    """The bundled parser for the browser with every preset: made once for these weights and this edgekit."""
    import tempfile

    from edgekit import __version__
    from edgekit.bundle.reading import read_bundle
    from edgekit.bundle.writing import DEFAULT_STYLES
    from edgekit.color.styles import STYLES
    from edgekit.errors import BundleError

    with console.quiet_libraries():
        checkpoint = load_checkpoint()
    place = cache / f"{__version__}-{checkpoint.sha256[:16]}"
    try:
        return read_bundle(place)
    except BundleError:
        console.say("making a bundle of the bundled parser for the preview, once …")
    with tempfile.TemporaryDirectory() as temporary:
        (artifact,) = convert(checkpoint, ConvertOptions(target="tflite", out=Path(temporary)))
        options = BundleOptions((artifact.path,), tuple(STYLES), DEFAULT_STYLES[0], place, force=True)
        return bundle(checkpoint, options)[0]


def group_segmenter(
    artifact: Path | None = None, checkpoint: Checkpoint | None = None, size: int | None = None
) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """Photo (H, W, 3) uint8 sRGB → weights of skin, hair, clothes (h, w, 3) float32 in [0, 1].

    Runs the artifact, which must deliver groups; without one, the prepared model in PyTorch at `size` (None: the
    checkpoint's).
    """
    from edgekit.images.preprocess import stretch

    if artifact is not None:
        return _segmenter_from_artifact(read_artifact(artifact))
    import torch

    from edgekit.model.outputs import MASK_STRIDE, GroupWeights, mask_of
    from edgekit.model.prepared import PreparedSegmenter

    checkpoint = checkpoint or load_checkpoint()
    size = checkpoint.size_default if size is None else size
    model = PreparedSegmenter(checkpoint)
    head = GroupWeights(checkpoint.groups, len(checkpoint.class_names), size // MASK_STRIDE, rgba=False)

    def segment(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
        x = torch.from_numpy(stretch(photo, size).copy()).permute(2, 0, 1)[None].float()  # (1, 3, size, size)
        with torch.inference_mode():
            return mask_of(head(model(x)))

    return segment


def _segmenter_from_artifact(artifact: Artifact) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    import numpy as np

    from edgekit.images.preprocess import stretch
    from edgekit.scores.runners import artifact_runner

    if artifact.manifest.output != "groups":
        raise EdgekitError(
            f"{artifact.path} delivers {artifact.manifest.output}; convert with --output groups to style."
        )
    runner = artifact_runner(artifact)

    def segment(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
        delivered = runner.run(stretch(photo, runner.size)).delivered  # (3 or 4, mask, mask)
        weights = delivered[:3].transpose(1, 2, 0) / 255.0
        return np.clip(weights, 0.0, 1.0).astype(np.float32)

    return segment
