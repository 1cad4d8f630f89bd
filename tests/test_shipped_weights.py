"""What is true of the shipped weights alone. With other weights this file and the figures change, and no other test."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import coremltools as ct
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import edgekit
from calibration.ranges import Ranges, read_ranges, with_ranges
from converters import coreml
from converters.conversion import Job
from converters.coreml_int8 import blocks_of, program_of, quantize_activations, quantize_weights
from edgekit.benchmark.gpu_placement import reported_faults
from edgekit.errors import CalibrationError
from edgekit.files import size_bytes_of
from edgekit.images import Folder, astronaut, stretch
from edgekit.model.prepared import NormForm, PreparedSegmenter
from edgekit.model.reference import ReferenceSegmenter
from edgekit.parity.check import parity_check
from edgekit.parity.compare import check_parity
from edgekit.parity.gates import Gates
from edgekit.parity.half_precision import half_precision
from edgekit.recipes import FIRST_BLOCKS, PLANNED_FOLDER, Recipe, ranges_path, recipe_for, recipe_named
from edgekit.runtimes.litert import parsed, read_tflite
from edgekit.runtimes.litert_half import magnitudes
from edgekit.runtimes.mil_reference import MilFunction, MilReference
from edgekit.segmenter import Segmenter
from edgekit.targets import TARGETS
from edgekit.weights import WEIGHTS_FILE, Checkpoint, license_of, load_checkpoint
from tests.support.checkpoints import ATR_CLASSES, ATR_GROUPS
from tests.support.conversions import conversion_of, converted
from tests.support.pictures import picture

RELATIVE_TOLERANCE = 3e-5  # of the largest logit, in float32, where the reference itself rounds
HALF_PRECISION_LABELS = 0.99  # equal ones; with the stream at the reference's scale: 0.88
TFLITE, COREML = TARGETS["tflite"], TARGETS["coreml"]


def pixels(image: NDArray[np.uint8]) -> torch.Tensor:
    """(1, 3, H, W) float RGB in [0, 255]."""
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float()


def portrait(side: int) -> torch.Tensor:
    """(1, 3, side, side) float RGB in [0, 255], of somebody."""
    return pixels(stretch(astronaut().image, side))


# -- the folder -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_folder_holds_a_parser_of_eighteen_classes(shipped: Checkpoint) -> None:
    assert shipped.class_names == ATR_CLASSES
    groups = {name: {shipped.class_names[i] for i in members} for name, members in shipped.groups.items()}
    assert groups == {name: set(members) for name, members in ATR_GROUPS.items()}
    assert shipped.bgr
    assert shipped.size_default == 512
    assert 12e6 < size_bytes_of(shipped.folder / WEIGHTS_FILE) < 27e6  # 6.4 M parameters, in 16 or 32 bits


def test_the_figures_beside_the_weights_are_of_these_weights(shipped: Checkpoint) -> None:
    figures = json.loads((shipped.folder / "metrics.json").read_text(encoding="utf-8"))
    assert [model["weights_sha256"] for model in figures["models"]] == [shipped.sha256]


def test_their_card_says_what_they_may_be_used_for(shipped: Checkpoint) -> None:
    assert license_of(shipped.folder) == "research-only"


# -- what they see ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_they_see_the_face_the_hair_and_the_suit_of_the_portrait(shipped: Checkpoint) -> None:
    weights = Segmenter(shipped, size=256).groups(astronaut().image)  # (64, 64, 3) skin, hair, clothes
    places = {"face": (14, 28), "hair": (6, 28), "suit": (40, 20), "wall": (10, 55)}  # rows and columns
    found = {name: weights[row, column].round().tolist() for name, (row, column) in places.items()}
    assert found == {"face": [1, 0, 0], "hair": [0, 1, 0], "suit": [0, 0, 1], "wall": [0, 0, 0]}


@pytest.mark.slow
def test_styling_the_portrait_spares_the_face(shipped: Checkpoint, tmp_path: Path) -> None:
    whole = astronaut().image
    Image.fromarray(whole).save(tmp_path / "astronaut.png")
    controls = edgekit.Controls(skin_protection=1.0)
    edgekit.style([tmp_path / "astronaut.png"], "cozy", source=shipped, controls=controls, out=tmp_path / "o")
    change = np.abs(np.asarray(Image.open(tmp_path / "o" / "astronaut.png")).astype(int) - whole)
    face, wall = np.s_[90:150, 190:250], np.s_[20:120, 60:120]
    assert change[face].mean() < 0.35 * change[wall].mean()


# -- the prepared graph -----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("norm", "size"), [("layer", 256), ("rms", 256), ("rms", 512)])
def test_the_prepared_graph_keeps_their_logits(shipped: Checkpoint, norm: NormForm, size: int) -> None:
    x = pixels(picture(size, size))
    with torch.inference_mode():
        expected = ReferenceSegmenter(shipped)(x)
        got = PreparedSegmenter(shipped, norm)(x)
    assert (got - expected).abs().max() <= RELATIVE_TOLERANCE * expected.abs().max()


@pytest.mark.slow
def test_in_half_precision_nothing_overflows_and_the_labels_stay(shipped: Checkpoint, tmp_path: Path) -> None:
    """As phones' GPUs compute TFLite, with room: other photos must not overflow either."""
    artifact = converted(shipped, "tflite", "fp32", tmp_path, size=256)
    half = half_precision(artifact, shipped, [astronaut()])
    assert half.faults == ()
    assert half.label_agreement >= HALF_PRECISION_LABELS
    found = magnitudes(artifact.path, {"image": astronaut().at(256)[None]})
    assert max(each.largest for each in found.values()) < 65504 / 4
    model = parsed(read_tflite(artifact.path), artifact.path)
    assert {each.severity for each in reported_faults(model)} <= {"NOTE"}


# -- the recipe and the ranges kept with them -------------------------------------------------------------------


def kept_ranges(checkpoint: Checkpoint, target: str, recipe: Recipe) -> Ranges:
    """The kept ranges, after `convert` has found them for the recipe."""
    job = with_ranges(Job(TARGETS[target], conversion_of(checkpoint, recipe), Path("never written")), None)
    ranges = read_ranges(ranges_path(checkpoint.folder, TARGETS[target]))
    assert job.conversion.ranges == ranges.tensors
    assert job.conversion.calibration_sha256 == ranges.calibration_sha256
    return ranges


def test_a_recipe_was_planned_for_tflite(shipped: Checkpoint) -> None:
    planned = recipe_for(TFLITE, shipped.folder)
    assert planned.name == "planned" and planned.needs_calibration and planned.evidence
    assert recipe_for(COREML, shipped.folder).name == "w8"
    assert recipe_for(TFLITE, shipped.folder, "fp16").name == "fp16"


@pytest.mark.parametrize("target", ("coreml", "tflite"))
def test_the_kept_ranges_are_of_these_weights(shipped: Checkpoint, target: str) -> None:
    ranges = kept_ranges(shipped, target, recipe_for(TFLITE, shipped.folder))
    assert (ranges.weights_sha256, ranges.target) == (shipped.sha256, target)


def test_the_kept_ranges_serve_the_built_in_int8_recipe(shipped: Checkpoint) -> None:
    everything = recipe_for(TFLITE, shipped.folder, "w8a8")
    assert everything.observer == recipe_for(TFLITE, shipped.folder).observer and not everything.blocks
    assert kept_ranges(shipped, "tflite", everything).observer == everything.observer


def test_the_kept_ranges_serve_no_other_weights(shipped: Checkpoint, atr_folder: Path) -> None:
    shutil.copytree(shipped.folder / PLANNED_FOLDER, atr_folder / PLANNED_FOLDER)
    with pytest.raises(
        CalibrationError, match="pass `calibration`, a folder of photos like those the app will get"
    ):
        kept_ranges(load_checkpoint(atr_folder), "tflite", recipe_named("w8a8"))


# -- int8 on the portrait ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_one_int8_recipe_converts_to_both_targets(shipped: Checkpoint, tmp_path: Path) -> None:
    photos = tmp_path / "photos"  # what the check judges, cut and mirrored: ranges of noise would not fit it
    photos.mkdir()
    whole = astronaut().image
    for i, cut in enumerate((whole, whole[:, ::-1], whole[:400, 60:], whole[:300, 90:390], whole[40:])):
        Image.fromarray(np.ascontiguousarray(cut)).save(photos / f"{i}.png")
    made = [
        converted(shipped, target, "w8a8", tmp_path, calibration=photos) for target in ("coreml", "tflite")
    ]
    first, second = (artifact.manifest for artifact in made)
    assert first.calibration_sha256 == second.calibration_sha256 is not None
    assert replace(first.recipe, compute=second.recipe.compute) == second.recipe  # each target has its own
    assert {artifact.manifest.minimum_os for artifact in made} >= {"iOS 17"}
    assert all(artifact.manifest.size_bytes < 7.5e6 for artifact in made)
    for artifact in parity_check(made, shipped).artifacts:
        assert artifact.metrics.psnr_db > 22  # at 128² the labels hang on less than int8's step
        assert artifact.metrics.output_error_levels <= 2
        assert {c.name for c in artifact.checks} >= {"label agreement", "mIoU drop", "skin ΔE2000 p95"}


@pytest.fixture(scope="module")
def program(shipped: Checkpoint) -> ct.models.MLModel:
    """The parser at 256² in fp16 for iOS 17; at 128² it is undecided about most of the picture."""
    return coreml._ml_program(conversion_of(shipped, Recipe("w8a8", mode="w8a8"), size=256))


def weighted(program: ct.models.MLModel) -> list[str]:
    """Names of the operations with weights in one of the recipes' blocks."""
    kinds = {op.name: op.op_type for op in program_of(program).operations}
    return [name for name in blocks_of(program) if kinds[name] in ("conv", "linear")]


@pytest.mark.slow
def test_w8_halves_the_package_and_keeps_the_labels(program: ct.models.MLModel, tmp_path: Path) -> None:
    blocks = blocks_of(program)
    chosen = [n for n in weighted(program) if blocks[n] not in {"classifier", *FIRST_BLOCKS}]
    paths = [tmp_path / "float.mlpackage", tmp_path / "w8.mlpackage"]
    for model, path in zip((program, quantize_weights(program, chosen)), paths, strict=True):
        model.save(str(path))
    whole, half = (size_bytes_of(path) for path in paths)
    assert half < 0.55 * whole
    image = {"image": astronaut().at(256)[None]}
    wide, narrow = (MilReference(path).run(image)["groups"] for path in paths)
    difference = np.abs(wide.astype(int) - narrow)
    assert difference.max() > 0
    assert difference.mean() < 2.0  # levels of 255


@pytest.mark.slow
def test_w8a8_stays_close_with_the_kept_ranges(shipped: Checkpoint, program: ct.models.MLModel) -> None:
    x = {"image": portrait(256)}
    ranges: dict[str, tuple[float, float]] = {}

    def watch(name: str, value: torch.Tensor) -> None:
        ranges[name] = (float(value.min()), float(value.max()))

    MilFunction(program_of(program)).run(x, watch)
    ranges |= read_ranges(ranges_path(shipped.folder, COREML)).tensors
    kinds = {op.name: op.op_type for op in program_of(program).operations}
    chosen = [name for name in blocks_of(program) if kinds[name] != "add"]
    rounded = quantize_weights(quantize_activations(program, ranges, chosen), weighted(program))
    tap = [op.outputs[0].name for op in program_of(program).operations if op.op_type == "conv"][-2]
    logits, got = (MilFunction(program_of(m), (tap,)).run(x)[tap] for m in (program, rounded))
    assert 10 * torch.log10(logits.square().sum() / (got - logits).square().sum()) > 20  # dB


# -- true labels ------------------------------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.slow
def test_real_photos_keep_the_contract(shipped: Checkpoint, shared: Path, tmp_path: Path) -> None:
    made = [converted(shipped, "tflite", "fp32", tmp_path), converted(shipped, "coreml", "fp16", tmp_path)]
    people = shared / "data" / "people" / "eval"
    folder = Folder(people / "images", people / "labels", 18)
    few = [p for _, p in zip(range(6), folder, strict=False)]
    report = check_parity(made, shipped, few, Gates(max_miou_drop=0.002))
    assert report.passed
    assert all(a.metrics.n_labelled == 6 for a in report.artifacts)
