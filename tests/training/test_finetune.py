"""Fine-tuning a small checkpoint on toy photos: it learns, resumes to the same bytes, loses nothing of the user's."""

from __future__ import annotations

import importlib
import inspect
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import edgekit
import edgekit.training
from edgekit.cli import Terminated
from edgekit.commands import COMMANDS
from edgekit.errors import EdgekitError, MissingDependency
from edgekit.files import sha256_of, write_json
from edgekit.images import astronaut, read_labels
from edgekit.model.reference import ReferenceSegmenter
from edgekit.recipes import BLOCKS, QAT_OBSERVER, Recipe, recipe_for
from edgekit.targets import TARGETS
from edgekit.training import finetuning, loop
from edgekit.training.data import split
from edgekit.training.loop import Trained
from edgekit.training.save import with_classes
from edgekit.weights import Checkpoint, load_checkpoint
from tests.support.cli import Ran
from tests.support.cli import edgekit as run_edgekit
from tests.training.toy import checked, write_set

EPOCHS, PHOTOS = 3, 14
TOY = ("--size", "128", "--batch", "6", "--lr", "1e-3", "--seed", "1")

Run = Callable[..., Ran]  # run(out, *options): `edgekit finetune` on the toy photos


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("toy") / "set", PHOTOS)


@pytest.fixture(scope="module")
def run(data: Path, checkpoint: Checkpoint) -> Run:
    def run(out: Path, *options: str) -> Ran:
        weights = () if "--weights" in options else ("--weights", str(checkpoint.folder))
        return run_edgekit("finetune", "--data", data, "--out", out, *weights, *TOY, *options)

    return run


@pytest.fixture(scope="module")
def trained(run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ran]:
    out = tmp_path_factory.mktemp("trained") / "checkpoint"
    ran = run(out, "--epochs", str(EPOCHS), "--json")
    assert ran.code == 0, ran.err
    return out, ran


# -- before training --------------------------------------------------------------------------------------------


def test_missing_packages_are_named_on_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"albumentations.*edgekit\[train\]"):
        importlib.reload(edgekit.training)


def test_the_options_have_the_librarys_defaults() -> None:
    options = inspect.signature(COMMANDS["finetune"]).parameters
    assert len(inspect.signature(inspect.unwrap(COMMANDS["finetune"])).parameters) <= 12
    for name, parameter in inspect.signature(finetuning.finetune).parameters.items():
        if name not in ("checkpoint", "data", "out", "unlabelled"):
            assert options[name].default == parameter.default, name


def test_the_options_reach_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[object, ...]] = []

    def called(*positional: object, **named: object) -> Trained:
        calls.append((*positional, named))
        raise EdgekitError("That is all.")

    monkeypatch.setattr(edgekit, "load_checkpoint", lambda source: f"the checkpoint in {source}")
    monkeypatch.setattr(finetuning, "finetune", called)
    line = (
        "finetune --data d --out o --weights mine --qat w8 --unlabelled a --unlabelled b --epochs 2 --size 192 "
        "--val-size 256 --batch 3 --lr 0.01 --decay exponential --skin-jaccard 0.1 --class-jaccard 0.2 --seed 5 "
        "--workers 1 --resume --force"
    )
    assert run_edgekit(*line.split()).code == 3
    named = {
        "qat": "w8", "unlabelled": [Path("a"), Path("b")], "epochs": 2, "size": 192, "val_size": 256, "batch": 3,
        "lr": 0.01, "decay": "exponential", "skin_jaccard": 0.1, "class_jaccard": 0.2, "seed": 5, "workers": 1,
        "resume": True, "force": True,
    }  # fmt: skip
    assert calls == [("the checkpoint in mine", Path("d"), Path("o"), named)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--unlabelled", "mine"), "--unlabelled needs --qat"),
        (("--qat", "fp16"), "--qat fp16: this recipe quantises nothing"),
        (("--qat", "w4"), "fp32, fp16, w8, w8a8, a .json file"),
        (("--epochs", "0"), "--epochs is 0; it must be at least 1"),
        (("--val-size", "100"), "--val-size is 100; it must be at least 128"),
        (("--lr", "1e999"), "--lr is inf; it must be at least 1e-09 and at most 1.0"),
        (("--seed", "9" * 400), "it must be at least 0 and at most 4,294,967,295"),
        (("--workers", "-1"), "--workers is -1; it must be at least 0"),
        (("--workers", "100000"), f"at most {os.cpu_count()} (this machine has"),
        (("--decay", "linear"), "There is no decay 'linear'; known: cosine, exponential."),
    ],
)
def test_what_cannot_be_trained_is_refused_before_the_data_are_read(
    checkpoint: Checkpoint, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    place = ("--data", tmp_path / "nothing", "--out", tmp_path / "out", "--weights", checkpoint.folder)
    ran = run_edgekit("finetune", *place, *options)
    assert (ran.code, ran.out, words in ran.sentence) == (3, "", True), ran.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("smaller", ["size", "val_size"])
def test_pooling_must_fit_the_sizes_of_training_and_of_validation(
    checkpoint: Checkpoint, tmp_path: Path, smaller: str
) -> None:
    recipe = tmp_path / "pooled.json"
    write_json(recipe, Recipe("pooled", pool={"stage4": 4}).to_json())
    sizes = {"size": 256, "val_size": 256, smaller: 192}
    with pytest.raises(EdgekitError, match="`pool` 4 of stage4 does not divide its 6×6 tokens"):
        finetuning.finetune(checkpoint, tmp_path / "nothing", tmp_path / "out", qat=str(recipe), **sizes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("size", "warned"), [(320, True), (384, False)])
def test_a_small_training_size_is_warned_about(
    data: Path,
    checkpoint: Checkpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    size: int,
    warned: bool,
) -> None:
    monkeypatch.setattr(finetuning, "train", lambda *_, **__: None)
    finetuning.finetune(checkpoint, data, tmp_path / "out", size=size)
    printed = capsys.readouterr().err
    assert ("dilated convolutions see mostly padding" in printed) is warned
    assert f"{PHOTOS} photos with labels, 18 classes" in printed


# -- nothing of the user's is lost ------------------------------------------------------------------------------


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("mine", "options", "words"),
    [
        ("thesis.txt", (), "exists already; pass --force to write into it"),
        ("config.json", (), "exists already; pass --force to write into it"),
        ("state/thesis.txt", (), "exists already; pass --force to write into it"),
        ("state/thesis.txt", ("--force",), "is not the state of a training run that edgekit wrote"),
        ("state/thesis.txt", ("--resume",), "is not the state of a training run that edgekit wrote"),
        ("log.jsonl/thesis.txt", ("--force",), "log.jsonl is a folder, and a file is to be written"),
        ("planned/recipe.json/x", ("--force",), "recipe.json is a folder, and a file is to be written"),
        ("thesis.txt", ("--resume",), "there is no interrupted run to resume"),
    ],
)
def test_a_folder_of_the_users_is_refused_before_training(
    run: Run, tmp_path: Path, mine: str, options: tuple[str, ...], words: str
) -> None:
    file = tmp_path / "out" / mine
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    ran = run(tmp_path / "out", *options)
    assert (ran.code, words in ran.sentence) == (3, True), ran.err
    assert everything(tmp_path) == {f"out/{mine}": b"mine"}


def test_other_places_of_the_users_are_refused(run: Run, atr_folder: Path) -> None:
    before = everything(atr_folder)
    ran = run(atr_folder, "--weights", str(atr_folder), "--force")
    assert (ran.code, "is one of the inputs and would be replaced" in ran.sentence) == (3, True), ran.err
    ran = run(atr_folder / "config.json", "--force")
    assert (ran.code, "is a file, and a folder is to be written" in ran.sentence) == (3, True), ran.err
    assert everything(atr_folder) == before


# -- training ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("able", [True, False])
def test_bfloat16_only_where_the_cpu_computes_in_it(able: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "cpu_computes_bfloat16", lambda: able)
    with loop.mixed_precision(torch.device("cpu")):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (torch.bfloat16 if able else torch.float32)


@pytest.mark.slow
def test_the_loss_falls(trained: tuple[Path, Ran]) -> None:
    result = json.loads(trained[1].out)
    epochs = result["epochs"]
    assert [epoch["epoch"] for epoch in epochs] == [1, 2, 3]
    assert epochs[2]["loss"] < 0.9 * epochs[0]["loss"]
    assert [epoch["step"] for epoch in epochs] == [2, 4, 6]
    assert (result["training_photos"], result["validation_photos"]) == (PHOTOS - 1, 1)


@pytest.mark.slow
def test_the_starting_weights_are_scored_first_and_stay_out_of_the_log(
    trained: tuple[Path, Ran], data: Path, checkpoint: Checkpoint
) -> None:
    out, ran = trained
    rows = [line for line in ran.err.splitlines() if line.startswith("epoch ")]
    assert [row.split()[1] for row in rows] == ["0/3", "1/3", "2/3", "3/3"]
    start = json.loads(ran.out)["starting_weights"]
    assert f"epoch 0/3  starting weights  mIoU {start['whole']['miou']:.3f}" in rows[0]
    _, validation = split(checked(data).pairs)
    scores = loop.validate(ReferenceSegmenter(checkpoint).eval(), checkpoint, validation, 128, "whole")
    assert start["whole"]["miou"] == pytest.approx(scores.miou, abs=1e-3)
    assert len((out / "log.jsonl").read_text().splitlines()) == EPOCHS


@pytest.mark.slow
def test_the_folder_is_a_checkpoint_with_log_and_plot(
    trained: tuple[Path, Ran], checkpoint: Checkpoint
) -> None:
    out, ran = trained
    written = "config.json groups.json log.jsonl model.safetensors preprocessor_config.json training.png"
    assert {path.name for path in out.iterdir()} == set(written.split())
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert lines == json.loads(ran.out)["epochs"]
    made = load_checkpoint(out)
    assert made.class_names == checkpoint.class_names and made.groups == checkpoint.groups
    assert made.state_dict.keys() == checkpoint.state_dict.keys()
    assert made.bgr == checkpoint.bgr and made.size_default == checkpoint.size_default
    pixels = torch.full((1, 3, 128, 128), 99.0)
    logits = ReferenceSegmenter(made)(pixels)
    assert logits.shape == (1, 18, 8, 8)
    assert not torch.equal(logits, ReferenceSegmenter(checkpoint)(pixels))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stopped_by", "code", "word"), [(KeyboardInterrupt, 130, "interrupted"), (Terminated, 143, "terminated")]
)
def test_an_interrupted_run_resumes_to_the_same_bytes(
    run: Run,
    trained: tuple[Path, Ran],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stopped_by: type[BaseException],
    code: int,
    word: str,
) -> None:
    out, calls = tmp_path / "checkpoint", []
    validate = loop.validate

    def stopped(*arguments: object) -> object:
        calls.append(arguments)
        if (
            len(calls) == 2 * len(loop.VALIDATION_FRAMES) + 1
        ):  # in the second epoch, after the start and the first
            raise stopped_by
        return validate(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "validate", stopped)
    ran = run(out, "--epochs", "3")
    monkeypatch.undo()
    assert ran.code == code
    assert f"edgekit: {word}; epoch 1 of 3 kept in {out}; run the same command with --resume" in ran.sentence
    assert len((out / "log.jsonl").read_text().splitlines()) == 1
    assert "--resume to go on" in run(out, "--epochs", "3").sentence
    assert "epochs was 3, is 4" in run(out, "--epochs", "4", "--resume").sentence
    resumed = run(out, "--epochs", "3", "--resume", "--json")
    assert resumed.code == 0, resumed.err
    first, again = (json.loads(ran.out)["starting_weights"] for ran in (trained[1], resumed))
    assert (first["whole"], first["head_and_shoulders"]) == (again["whole"], again["head_and_shoulders"])
    assert sha256_of(out / "model.safetensors") == sha256_of(trained[0] / "model.safetensors")
    assert scores(out) == scores(trained[0])


def scores(out: Path) -> list[tuple[object, ...]]:
    """Everything in the log but the seconds."""
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [tuple((k, str(v)) for k, v in line.items() if k != "seconds") for line in lines]


@pytest.mark.slow
def test_a_run_stopped_in_its_first_epoch_leaves_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(loop.Learner, "epoch", stopped)
    ran = run(tmp_path / "out")
    assert ran.code == 130 and "no epoch was finished" in ran.sentence
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_with_force_other_files_in_the_folder_stay(run: Run, tmp_path: Path) -> None:
    for name in (
        "thesis.txt",
        "told/00000-toy00.png",
        "planned/notes.txt",
        "log.jsonl",
        "planned/recipe.json",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    ran = run(tmp_path, "--epochs", "1", "--force")
    assert ran.code == 0, ran.err
    after = everything(tmp_path)
    kept = {name for name, content in after.items() if content == b"mine"}
    assert kept == {"thesis.txt", "told/00000-toy00.png", "planned/notes.txt"}
    assert "planned/recipe.json" not in after  # it was of other weights
    assert json.loads(after["log.jsonl"])["epoch"] == 1


@pytest.mark.slow
def test_qat_gives_an_ordinary_checkpoint(run: Run, trained: tuple[Path, Ran], tmp_path: Path) -> None:
    out = tmp_path / "w8a8"
    options = ("--weights", str(trained[0]), "--qat", "w8a8", "--epochs", "1", "--lr", "1e-4", "--json")
    ran = run(out, *options)
    assert ran.code == 0, ran.err
    before, after = load_checkpoint(trained[0]), load_checkpoint(out)
    assert after.state_dict.keys() == before.state_dict.keys()
    changed = [k for k, v in after.state_dict.items() if not torch.equal(v, before.state_dict[k])]
    assert not any("running_" in key for key in changed)  # BatchNorm's statistics are frozen
    assert any(key.endswith("convolution.weight") for key in changed)
    assert 0.0 < json.loads(ran.out)["epochs"][0]["loss"] < 100.0
    recipe = recipe_for(TARGETS["tflite"], after.folder)
    assert recipe.needs_calibration and recipe.observer == QAT_OBSERVER


@pytest.mark.slow
def test_qat_follows_a_recipe_and_takes_photos_without_labels(run: Run, tmp_path: Path) -> None:
    photos = tmp_path / "mine"
    photos.mkdir()
    # Under a name that the set has too; a real photo, in which any weights see somebody.
    Image.fromarray(astronaut().image).save(photos / "toy03.png")
    (photos / "broken.png").write_bytes(b"not a picture")
    blocks = dict.fromkeys(set(BLOCKS) - {"stage3.fusion", "classifier"}, "float") | {"classifier": "w8"}
    partly = Recipe(
        "partly",
        mode="w8a8",
        blocks=blocks,
        observer="percentile",
        evidence={"of": "others"},
        pool={"stage3": 2},
    )
    write_json(tmp_path / "partly.json", partly.to_json())
    out = tmp_path / "out"
    options = ("--qat", str(tmp_path / "partly.json"), "--epochs", "1", "--unlabelled", str(photos))
    ran = run(out, *options)
    assert ran.code == 0, ran.err
    assert "1 photos without labels" in ran.err and "1 left out, unreadable: broken.png" in ran.err
    assert {path.name for path in out.iterdir() if path.is_dir()} == {
        "planned"
    }  # no labels of the checkpoint's
    recipe = recipe_for(TARGETS["tflite"], out)
    assert recipe == replace(partly, observer=QAT_OBSERVER, evidence=None)


class SeesBrightness(torch.nn.Module):
    """(B, 3, H, W) pixels to (B, 2, H, W) logits: a person where it is bright."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.full_like(image[:, 0], 128), image[:, 0]], 1)


def test_pseudo_labels_leave_out_photos_without_people(tmp_path: Path) -> None:
    photos = [tmp_path / folder / "same.png" for folder in ("a", "b", "c")]
    for photo, lit in zip(photos, (True, True, False), strict=True):
        photo.parent.mkdir()
        image = np.zeros((50, 40, 3), np.uint8)
        image[:30] = 255 * lit
        Image.fromarray(image).save(photo)
    pairs, problems = loop.pseudo_labels(SeesBrightness(), photos, 64, tmp_path / "labels")
    assert [pair.image for pair in pairs] == photos[:2] and pairs[0].label != pairs[1].label
    labels = read_labels(pairs[0].label)
    assert labels.shape == (50, 40) and labels[:29].all() and not labels[31:].any()
    assert [(problem.reason, problem.files) for problem in problems] == [
        ("nobody found in it", ("same.png",))
    ]


def test_another_class_list_starts_a_new_classifier(checkpoint: Checkpoint) -> None:
    other = with_classes(checkpoint, ("Background", "Hair", "Face"), seed=0)
    logits = ReferenceSegmenter(other)(torch.full((1, 3, 128, 128), 99.0))
    assert logits.shape == (1, 3, 8, 8)
    assert other.groups.skin == (2,) and other.groups.hair == (1,)
    assert other.config.num_labels == 3


@pytest.mark.slow
def test_the_trained_checkpoint_converts_and_passes_parity(
    data: Path, trained: tuple[Path, Ran], tmp_path: Path
) -> None:
    checkpoint = load_checkpoint(trained[0])
    artifacts = edgekit.convert(checkpoint, "tflite", size=128, out=tmp_path)
    report = edgekit.parity_check(artifacts, checkpoint, images=data / "images", labels=data / "labels")
    assert report.passed and report.artifacts[0].metrics.n == PHOTOS
