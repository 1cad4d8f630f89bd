"""Planning: find the fastest recipe inside a budget on the user's photos, and the evidence for it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from math import inf
from pathlib import Path

from calibration.dataset import CalibrationSet, calibration_set
from calibration.planner import Budget, Journal, ObservedRanges, Plan, pool_name, search
from calibration.ranges import observe, unstable_share
from calibration.trials import FloatGraph, LiteRTTrials, SkinDifference
from converters import coreml, tflite
from converters.conversion import Conversion
from converters.coreml_costs import total
from edgekit import console
from edgekit.artifact import tool_versions
from edgekit.errors import CalibrationError, EdgekitError
from edgekit.files import JsonValue, json_text, sha256_of_bytes
from edgekit.images import Fit, InputSize, Picture, read_labels, require_class_indices
from edgekit.machine import times_hold_for
from edgekit.model.stages import pool_problem
from edgekit.parity.gates import BOUNDARY, GATES, Gates, check_finite
from edgekit.parity.picture import PixelGate
from edgekit.recipes import POOLS, STAGE_DEPTHS, Pool, recipe_named
from edgekit.scores.resamples import FEWEST_PHOTOS
from edgekit.targets import TARGETS, Target
from edgekit.weights import Checkpoint

OBSERVERS = ("moving-average", "percentile", "mse")  # min-max never won (docs/quantization.md)
JUDGED_SHARE = 4  # every fourth calibration picture judges; the others give the ranges
JUDGED_MOST = 16
PICTURES_MOST = 80  # of the folder: 64 for ranges, 16 to judge


@dataclass(frozen=True)
class Bounds:
    """Bounds on a recipe's losses; None stands for parity's int8 bound.

    `max_miou_drop` and `max_skin_iou_drop` need labels; both are differences of IoU (0.005 is half a percentage point).
    `max_skin_de`: ΔE2000 of skin in the final picture, 95th percentile.
    """

    min_agreement: float | None = None
    max_miou_drop: float | None = None
    max_skin_iou_drop: float | None = None
    max_skin_de: float | None = None

    def __post_init__(self) -> None:
        check_finite(**asdict(self))

    def budget(self, has_labels: bool) -> Budget:
        """The planner's budget: these bounds, else parity's; bounds on true labels only if there are labels."""
        usual = GATES["int8"]
        agreement = usual.min_agreement if self.min_agreement is None else self.min_agreement
        miou = usual.max_miou_drop if self.max_miou_drop is None else self.max_miou_drop
        skin_iou = usual.max_skin_iou_drop if self.max_skin_iou_drop is None else self.max_skin_iou_drop
        return Budget(
            min_agreement=agreement or 0.0,
            max_miou_drop=miou if has_labels else None,
            max_skin_iou_drop=skin_iou if has_labels else None,
            max_skin_de=usual.max_skin_de if self.max_skin_de is None else self.max_skin_de,
            min_boundary=Gates(min_agreement=agreement).least_agreement(BOUNDARY),
        )


@dataclass(frozen=True)
class Task:
    """The inputs of a plan.

    `target`: its runtime is timed on this machine. `size`: of the input. `calibration`: folder of
    photos; `labels`: folder of their label PNGs. `evaluation`: folder of photos that must not be calibrated on.
    `journal`: file for measured points, from which an interrupted plan and one with other bounds go on, unless `fresh`.
    `seconds`: of the search, at most.
    """

    target: Target
    size: InputSize
    calibration: Path
    labels: Path | None = None
    evaluation: Path | None = None
    journal: Path | None = None
    fresh: bool = False
    seconds: float = inf

    def __post_init__(self) -> None:
        if not self.seconds >= 0:
            raise EdgekitError(f"`budget_seconds` is {self.seconds}; it must be at least 0.")
        if not self.target.plans:
            able = ", ".join(target.name for target in TARGETS.values() if target.plans)
            raise EdgekitError(
                f"edgekit plans on {able}, whose runtime it can time here; "
                "the recipe it finds converts to every target."
            )


def planned(checkpoint: Checkpoint, task: Task, bounds: Bounds, name: str) -> Plan:
    """Find the fastest recipe inside the bounds, measured on this machine; the recipe holds its evidence."""
    conversion = Conversion(checkpoint, task.size, recipe_named("fp32"))
    whole = calibration_set(task.calibration, checkpoint, task.size, PICTURES_MOST, task.evaluation)
    calibrating, judging = split(whole)
    judged = _judged(whole, judging, task.labels, len(checkpoint.class_names))
    if len(judged) < FEWEST_PHOTOS:
        console.say(
            f"warning: {len(judged)} pictures judge, and no margin is kept with fewer than {FEWEST_PHOTOS}; "
            f"parity may find the recipe undecided"
        )
    journal = Journal(task.journal, _context(checkpoint, whole, judged, task), task.fresh)
    with console.interruptible(journal.kept):
        journal.observed(partial(_observed, task.target, conversion, calibrating))
        with tempfile.TemporaryDirectory() as folder, console.quiet_libraries():
            graph = _graphs(task.target, conversion, calibrating, journal)
            fits = [whole.fits[i] for i in judging]
            trials = _trials(conversion, task.target, graph, judged, fits, Path(folder))
            budget = bounds.budget(task.labels is not None)
            found = search(
                trials.measure,
                trials.snr_db,
                budget,
                OBSERVERS,
                journal,
                console.say,
                name,
                _pools(conversion),
                task.seconds,
            )
    chosen = _with_pool(conversion, found.recipe.pool)
    unstable = _instability(task.target, chosen, calibrating, found.recipe.observer)
    with console.quiet_libraries():
        recipes = {"float": conversion.recipe, "chosen": found.recipe}
        counted = {name: coreml.costs(replace(conversion, recipe=each)) for name, each in recipes.items()}
    found = replace(found, coreml=counted)
    evidence = _evidence(found, whole, len(judged), unstable)
    return replace(found, recipe=replace(found.recipe, evidence=evidence))


def _context(checkpoint: Checkpoint, whole: CalibrationSet, judged: Sequence[Picture], task: Task) -> str:
    """A digest of all that a measured point depends on, beside its recipe."""
    labels = sha256_of_bytes(b"".join(b"" if j.labels is None else j.labels.tobytes() for j in judged))
    tools = tflite.tools() | tool_versions("numpy", "pillow")
    parts = [
        checkpoint.sha256,
        whole.sha256,
        labels,
        task.size.as_json,
        task.target.name,
        tools,
        times_hold_for(),
    ]
    return sha256_of_bytes(json_text(parts).encode())


def _observed(target: Target, conversion: Conversion, pictures: CalibrationSet) -> ObservedRanges:
    """Observer name to tensor name to (low, high)."""
    ranges = observe(target, conversion, pictures, OBSERVERS)
    return {observer: found.tensors for observer, found in ranges.items()}


def _with_pool(conversion: Conversion, pool: Mapping[str, Pool]) -> Conversion:
    """The float conversion with attention pooled as a recipe says."""
    return replace(conversion, recipe=replace(conversion.recipe, pool=pool))


def _pools(conversion: Conversion) -> dict[str, tuple[Pool, ...]]:
    """The sides, smallest first, by which each stage's attention can be pooled at the conversion's size."""
    size, stride = conversion.size, int(conversion.checkpoint.config.output_stride)
    return {
        stage: tuple(
            side for side in POOLS if side > 1 and pool_problem({stage: side}, *size.shape, stride) is None
        )
        for stage in STAGE_DEPTHS
    }


def _graphs(
    target: Target, conversion: Conversion, pictures: CalibrationSet, journal: Journal
) -> Callable[[Mapping[str, Pool]], FloatGraph]:
    """The function from a pooling to its float graph, which is made once; ranges are observed when they are needed."""
    made: dict[str, FloatGraph] = {}

    def graph(pool: Mapping[str, Pool]) -> FloatGraph:
        name = pool_name(pool)
        if name not in made:
            pooled = _with_pool(conversion, pool)
            observe = partial(_observed, target, pooled, pictures)
            made[name] = FloatGraph(tflite.float_model(pooled), partial(journal.observed, observe, pool))
        return made[name]

    return graph


def split(pictures: CalibrationSet) -> tuple[CalibrationSet, tuple[int, ...]]:
    """Divide pictures into those that give ranges and, by index, those that judge recipes; too few do both."""
    n = len(pictures.images)
    judging = tuple(range(0, n, JUDGED_SHARE))[:JUDGED_MOST]
    if n < 2 * JUDGED_SHARE:
        return pictures, tuple(range(n))
    kept = tuple(image for i, image in enumerate(pictures.images) if i not in judging)
    return replace(pictures, images=kept), judging


def _judged(
    pictures: CalibrationSet, judging: Sequence[int], labels: Path | None, classes: int
) -> list[Picture]:
    """The judging pictures, with true labels where the folder has them."""
    if labels is not None:
        require_class_indices(labels)
    names = list(pictures.files)
    judged = []
    for i in judging:
        file = None if labels is None else labels / f"{Path(names[i]).stem}.png"
        truth = read_labels(file, classes) if file is not None and file.is_file() else None
        judged.append(Picture(names[i], pictures.images[i], truth))
    if labels is not None and all(item.labels is None for item in judged):
        raise CalibrationError(f"{labels} has a label for none of the judging pictures.")
    return judged


def _trials(
    conversion: Conversion,
    target: Target,
    graph: Callable[[Mapping[str, Pool]], FloatGraph],
    judged: Sequence[Picture],
    fits: Sequence[Fit],
    folder: Path,
) -> LiteRTTrials:
    checkpoint = conversion.checkpoint
    return LiteRTTrials(
        graph,
        judged,
        checkpoint.groups.skin,
        folder,
        target.logits_names[0],
        _skin_difference(checkpoint),
        fits,
    )


def _skin_difference(checkpoint: Checkpoint) -> SkinDifference | None:
    """The parity gate's ΔE2000 on skin in the final picture; None for a checkpoint without a skin class."""
    if not checkpoint.groups.skin:
        return None
    gate = PixelGate(checkpoint)
    return lambda image, expected, got: gate(image, expected, got)["skin"]


def _instability(target: Target, conversion: Conversion, pictures: CalibrationSet, observer: str) -> float:
    """Share of tensors whose range differs between two halves of the pictures; printed, with advice."""
    halves = [replace(pictures, images=pictures.images[i::2] or pictures.images) for i in (0, 1)]
    first, second = (observe(target, conversion, half, [observer])[observer].tensors for half in halves)
    share = unstable_share(first, second)
    console.say(
        f"{share:.0%} of the ranges differ between two halves of the pictures; more pictures lower this share"
    )
    return share


def _evidence(found: Plan, pictures: CalibrationSet, judged: int, unstable: float) -> JsonValue:
    """The measurements that a planned recipe is based on, for its JSON."""
    rows: list[JsonValue] = [
        {
            "step": trial.why,
            "protected": list(trial.recipe.blocks),
            "pool": dict(trial.recipe.pool),
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
        "complete": found.complete,
        "sensitivity_db": dict(found.sensitivity_db),
        "coreml": {
            name: {**asdict(total(costs)), "blocks": {block: asdict(cost) for block, cost in costs.items()}}
            for name, costs in found.coreml.items()
        },
    }
