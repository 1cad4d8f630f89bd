"""A valid file of every kind that edgekit reads, small, and the reader that takes it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from calibration.planner import Journal, Point
from calibration.ranges import Ranges, read_ranges
from edgekit import weights
from edgekit.artifact import Manifest, TensorSpec, manifest_path_of, read_artifact
from edgekit.benchmark.app_report import read_app_report
from edgekit.benchmark.report import read_baseline
from edgekit.bundles.format import (
    Bundle,
    Control,
    FileEntry,
    Golden,
    GoldenPicture,
    Segmenter,
    StyleEntry,
    json_of,
)
from edgekit.bundles.reading import read_bundle
from edgekit.color.formats import write_lut
from edgekit.color.layers import Layer, Look
from edgekit.color.look_file import read_look
from edgekit.errors import EdgekitError
from edgekit.files import sha256_of_bytes, write_json
from edgekit.images import InputSize, Picture
from edgekit.parity import baseline as parity_baseline
from edgekit.parity import shards as parity_shards
from edgekit.parity.gates import Gates
from edgekit.parity.tally import Subject, Tally
from edgekit.reading import read_json
from edgekit.recipes import recipe as recipes
from edgekit.scores import evaluation_shards, shards
from edgekit.scores.model_counts import Judged, Truth
from edgekit.scores.runners import Outputs, Prediction
from edgekit.scores.scheme import scheme_of
from edgekit.scores.strata import Traits
from edgekit.shader.backends.cases import swirl_lut, warm_lut
from edgekit.shader.compose import describe
from edgekit.shader.description import read_description, write_description
from edgekit.training import state
from edgekit.training.data import read_class_names
from edgekit.training.history import Epoch, Scores, Start
from edgekit.training.settings import Settings

NO_NETWORK = b"not a network"
DIGEST = hashlib.sha256(NO_NETWORK).hexdigest()


@dataclass(frozen=True)
class Case:
    """One valid file, and the reader that takes it."""

    file: Path
    read: Callable[[], object]

    @property
    def value(self) -> Any:
        return json.loads(self.file.read_bytes())


def manifest(target: str = "tflite") -> Manifest:
    image = TensorSpec("image", (1, 128, 128, 3), "uint8", "NHWC", (0.0, 255.0), ("red", "green", "blue"))
    mask = TensorSpec(
        "groups", (1, 32, 32, 4), "uint8", "NHWC", (0.0, 255.0), ("skin", "hair", "clothes", "rest")
    )
    return Manifest(
        target, "parser", 128, "groups", "w8a8", recipes.RECIPES["w8a8"].to_json(), (image,), (mask,),
        {"logits": "x;1"}, ("Background", "Face"), {"skin": (1,), "hair": (), "clothes": ()}, "stretch/1",
        DIGEST, None, "Android 8", {"edgekit": "0.1"}, DIGEST, len(NO_NETWORK),
    )  # fmt: skip


def artifact_case(folder: Path) -> Case:
    path = folder / "parser.tflite"
    path.write_bytes(NO_NETWORK)
    write_json(manifest_path_of(path), asdict(manifest()))
    return Case(manifest_path_of(path), lambda: read_artifact(path))


def recipe_case(folder: Path) -> Case:
    recipe = recipes.Recipe("mine", "fp16", "w8a8", {"stem": "float"}, "mse", {"points": [1, None]})
    write_json(folder / "r.json", recipe.to_json())
    return Case(folder / "r.json", lambda: recipes.read_recipe(folder / "r.json"))


def ranges_case(folder: Path) -> Case:
    Ranges("tflite", "mse", 3, DIGEST, DIGEST, {"x;1": (-1.0, 2.5)}).save(folder / "x.json")
    return Case(folder / "x.json", lambda: read_ranges(folder / "x.json"))


def journal_case(folder: Path) -> Case:
    path = folder / "j.json"
    Journal(path, "this").measured(recipes.RECIPES["w8"], lambda recipe: Point(3, 0.5, 0.99, 30.0, 1))
    return Case(path, lambda: Journal(path, "this"))


def baseline_case(folder: Path) -> Case:
    row = {"path": "a.tflite", "status": "MEASURED", "samples_are": "inference", "samples": [1.5, 2]}
    report = {
        "schema": "edgekit-bench/1", "device": "host", "simulated": False, "device_info": {"model": "Host"},
        "plan": {"threads": 2, "accelerator": "cpu"}, "artifacts": [row], "warnings": [],
    }  # fmt: skip
    write_json(folder / "b.json", report)
    return Case(folder / "b.json", lambda: read_baseline(folder / "b.json"))


def parity_report_case(folder: Path) -> Case:
    row = {"name": "1.jpg", "label_agreement": 0.99, "boundary_agreement": 0.9, "skin_delta_e00_p95": None}
    report = {"passed": True, "artifacts": [{"path": "a.tflite", "status": "PASSED", "photos": [row]}]}
    write_json(folder / "p.json", report)
    return Case(folder / "p.json", lambda: parity_baseline.read_baseline(folder / "p.json"))


def shard_case(folder: Path) -> Case:
    subject = Subject("a.tflite", DIGEST, "tflite", "w8a8", "litert", Gates(min_agreement=0.5))
    inputs = parity_shards.Inputs(
        DIGEST, ("Background", "Face"), (1,), (subject,), ("1.jpg", "2.jpg"), False, False
    )
    journal = shards.Journal(parity_shards.SHARD, folder, inputs, 1, 1)
    journal.done = {"1.jpg": DIGEST}
    journal.write(counted_tally("1.jpg"), [("2.jpg", "is damaged")], ["1.jpg: a note"], complete=True)
    return Case(journal.path, lambda: parity_shards.merge_parity([journal.path]))


def evaluation_shard_case(folder: Path) -> Case:
    judged = Judged(("Background", "Face"), {"skin": (1,), "person": (1,)})
    parsers = [evaluation_shards.Model("PyTorch parser", DIGEST)]
    inputs = evaluation_shards.Inputs.of(judged, parsers, ["YCbCr thresholds"], ["1.jpg", "2.jpg"])
    tally = evaluation_shards.empty_tally(inputs)
    labels = np.array([[0, 1, 1], [1, 0, 255]], np.uint8)
    truth = replace(Truth.of("1.jpg", labels, judged), strata={"labels": "a person"})
    tally.parsers["PyTorch parser"].add("PyTorch parser", truth, np.eye(2, 3, dtype=np.uint8))
    tally.detectors["YCbCr thresholds"].add_mask("YCbCr thresholds", truth, labels > 0)
    tally.photos = 1
    journal = shards.Journal(evaluation_shards.SHARD, folder, inputs, 1, 1)
    journal.done = {"1.jpg": DIGEST}
    journal.write(tally, [("2.jpg", "is damaged")], ["1.jpg: a note"], complete=True)
    return Case(journal.path, lambda: evaluation_shards.merge_evaluation([journal.path]))


def counted_tally(name: str) -> Tally:
    """One artifact on one picture of two classes."""
    tally = Tally.empty(1, 2, (1,))
    image, logits = np.zeros((32, 32, 3), np.uint8), np.eye(2, dtype=np.float32)[:, :, None].repeat(2, axis=2)
    found = Prediction(image, logits, Outputs(logits, logits.astype(np.float64)))
    colours = {region: np.ones(8) for region in ("skin", "edge", "elsewhere")}
    tally.counts[0].add(Picture(name, image), Traits(30.0, 50.0, 0.5), found, found, found, 0.5, colours)
    tally.prepared.add(logits, logits)
    tally.pictures = 1
    return tally


def app_report_case(folder: Path) -> Case:
    report = {
        "schema": "edgekit-app-bench/1", "simulated": False, "threads": 4, "accelerator_asked": "gpu",
        "device": {"model": "Pixel 6", "os": "Android 14", "abi": "arm64-v8a", "cores": 8},
        "artifact": {"name": "p.tflite", "sha256": DIGEST, "size_bytes": 6}, "accelerator": "gpu",
        "warmup_runs": 5, "load_ms": 210, "first_inference_ms": 55.5, "peak_rss_mb": None,
        "samples_ms": [20.0, 21], "stages_ms": {"shader": [3.0, 3.0]},
        "before": {"battery_percent": 80, "thermal_status": 0},
        "after": {"battery_percent": None, "thermal_status": None},
    }  # fmt: skip
    write_json(folder / "a.json", report)
    return Case(folder / "a.json", lambda: read_app_report(folder / "a.json"))


def bundle() -> tuple[Bundle, dict[str, bytes]]:
    """A whole bundle of files with nothing in them, and the files."""
    paths = ("golden/image.png", "golden/mask.png", "golden/styled.png", "golden/vectors.json",
             "segmenter/p.tflite", "segmenter/p.tflite.json", "styles/warm/shader.json")  # fmt: skip
    files = {path: path.encode() for path in paths}
    image, mask, styled = (GoldenPicture(path, 4, 3, DIGEST) for path in paths[:3])
    return Bundle(
        "parser", "0.1", (Segmenter("tflite", paths[4], paths[5], 128, 32, "w8", "Android 8"),),
        ("Background", "Face"), {"skin": (1,)}, (StyleEntry("warm", "Warm", paths[6]),), "warm",
        (Control("tone", -1, 1, 0.0),), Golden("warm", {"tone": 0.5}, image, mask, styled, 2, 1.0, paths[3]),
        tuple(FileEntry(path, len(data), sha256_of_bytes(data)) for path, data in files.items()),
    ), files  # fmt: skip


def bundle_case(folder: Path) -> Case:
    index, files = bundle()
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    (folder / "bundle.json").write_text(json_of(index))
    return Case(folder / "bundle.json", lambda: read_bundle(folder))


def description_case(folder: Path) -> Case:
    layers = (Layer(("background", "hair"), warm_lut(3)), Layer(("skin",), swirl_lut(2), 0.5))
    path = write_description(describe(Look(layers), dialects=("essl300",)), folder / "shader")
    return Case(path, lambda: read_description(path))


def look_case(folder: Path) -> Case:
    write_lut(folder / "film.cube", warm_lut(2))
    layers = [
        {"regions": ["skin", "hair"], "style": "natural"},
        {"regions": ["background"], "lut": "film.cube", "strength": 0.6, "source": "blurred"},
    ]
    write_json(
        folder / "look.json", {"schema": "edgekit/look", "schema_version": 1, "layers": layers, "blur": 0.02}
    )
    return Case(folder / "look.json", lambda: read_look(folder / "look.json"))


def classes_case(folder: Path) -> Case:
    write_json(folder / "classes.json", ["Background", "Face", "Hair"])
    return Case(folder / "classes.json", lambda: read_class_names(folder))


def scheme_case(folder: Path) -> Case:
    names = ("Background", "Face", "Hair")
    write_json(folder / "labels.json", {"0": ["Background"], "7": ["Face", "Hair"], "9": None})
    return Case(folder / "labels.json", lambda: scheme_of(folder, names))


def state_case(folder: Path) -> Case:
    scores = Scores(0.5, 0.5, 0.9, None)
    run = state.RunIdentity(
        Settings(4, (InputSize(256, 256),), InputSize(512, 512), 8, 1e-3, qat={"stem": "float"}),
        DIGEST,
        DIGEST,
    )
    epoch = Epoch(1, 10, 1.5, 1e-3, 3.0, scores, scores)
    start = Start(2.0, scores, scores).to_json()
    write_json(folder / "state.json", {"run": asdict(run), "start": start, "history": [epoch.to_json()]})
    return Case(folder / "state.json", lambda: read_json(folder / "state.json", state.WRITTEN, EdgekitError))


def checkpoint_folder(folder: Path) -> Path:
    """The bundled checkpoint, its weights a link."""
    for name in ("config.json", "groups.json", "preprocessor_config.json"):
        shutil.copy(weights.BUNDLED_FOLDER / name, folder)
    (folder / weights.WEIGHTS_FILE).symlink_to(weights.BUNDLED_FOLDER / weights.WEIGHTS_FILE)
    return folder


def config_case(folder: Path) -> Case:
    checkpoint_folder(folder)
    return Case(folder / "config.json", lambda: weights._config(folder))


def groups_case(folder: Path) -> Case:
    checkpoint_folder(folder)
    names = weights._class_names(weights._config(folder))
    return Case(folder / "groups.json", lambda: weights._groups(folder, names))


def preprocessor_case(folder: Path) -> Case:
    checkpoint_folder(folder)
    return Case(folder / "preprocessor_config.json", lambda: weights._flips_channels(folder))


CASES: dict[str, Callable[[Path], Case]] = {
    "artifact": artifact_case,
    "recipe": recipe_case,
    "ranges": ranges_case,
    "journal": journal_case,
    "baseline": baseline_case,
    "parity report": parity_report_case,
    "shard": shard_case,
    "evaluation shard": evaluation_shard_case,
    "app report": app_report_case,
    "bundle": bundle_case,
    "description": description_case,
    "look": look_case,
    "classes": classes_case,
    "scheme": scheme_case,
    "state": state_case,
    "config": config_case,
    "groups": groups_case,
    "preprocessor": preprocessor_case,
}


def sentence(case: Case) -> str | None:
    """The refusal, checked to be one short printable line; None where the file is read."""
    try:
        case.read()
    except EdgekitError as error:
        assert str(error).isprintable() and len(str(error)) < 400, str(error)
        return str(error)
    return None
