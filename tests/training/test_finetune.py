"""Fine-tuning a small checkpoint on toy photos: it learns, resumes to the same bytes, loses nothing of the user's."""

from __future__ import annotations

import importlib
import inspect
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from PIL import Image

import edgekit
import edgekit.training
from edgekit.cli import Terminated
from edgekit.commands import COMMANDS
from edgekit.commands.finetune import weighted
from edgekit.errors import EdgekitError, MissingDependency
from edgekit.files import sha256_of, write_json
from edgekit.images import astronaut, read_labels
from edgekit.model.outputs import resized
from edgekit.model.reference import ReferenceSegmenter
from edgekit.recipes import BLOCKS, QAT_OBSERVER, Recipe, recipe_for
from edgekit.targets import TARGETS
from edgekit.training import finetuning, history, loop, state
from edgekit.training.data import checked_folder, split
from edgekit.training.label_sets import LabelSets
from edgekit.training.loop import Trained
from edgekit.training.losses import class_weights, mean_jaccard, union_jaccard
from edgekit.training.samples import Drawn, TrainingSet, batches
from edgekit.training.save import with_classes
from edgekit.training.settings import Settings
from edgekit.weights import Checkpoint, load_checkpoint
from tests.support.cli import Ran
from tests.support.cli import edgekit as run_edgekit
from tests.training.toy import SIZE, checked, write_partial_set, write_set

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
        if name not in ("checkpoint", "data", "out", "unlabelled", "size"):
            assert options[name].default == parameter.default, name
    (size,) = (option.show_default for option in get_args(options["size"].annotation)[1:])
    assert size == str(finetuning.SIZE_DEFAULT)


def test_the_options_reach_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[object, ...]] = []

    def called(*positional: object, **named: object) -> Trained:
        calls.append((*positional, named))
        raise EdgekitError("That is all.")

    monkeypatch.setattr(edgekit, "load_checkpoint", lambda source: f"the checkpoint in {source}")
    monkeypatch.setattr(finetuning, "finetune", called)
    line = (
        "finetune --data d --out o --weights mine --qat w8 --unlabelled a --unlabelled b --epochs 2 --size 192 "
        "--size 256x192 --val-size 256 --batch 6 --accumulate 3 --lr 0.01 --decay exponential --skin-jaccard 0.1 "
        "--class-jaccard 0.2 --seed 5 --workers 1 --keep best --freeze stage2 --resume --force"
    )
    assert run_edgekit(*line.split()).code == 3
    named = {
        "qat": "w8", "unlabelled": [Path("a"), Path("b")], "epochs": 2, "size": ["192", "256x192"],
        "val_size": "256", "batch": 6, "accumulate": 3, "lr": 0.01, "decay": "exponential", "skin_jaccard": 0.1,
        "class_jaccard": 0.2, "seed": 5, "workers": 1, "resume": True, "force": True, "keep": "best",
        "freeze": "stage2",
    }  # fmt: skip
    assert calls == [("the checkpoint in mine", {Path("d"): 1.0}, Path("o"), named)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--unlabelled", "mine"), "--unlabelled needs --qat"),
        (("--qat", "fp16"), "--qat fp16: this recipe quantises nothing"),
        (("--qat", "w4"), "fp32, fp16, w8, w8a8, a .json file"),
        (("--epochs", "0"), "--epochs is 0; it must be at least 1"),
        (("--size", "64"), "--size is 64; each side must be a multiple of 64 from 128 to 1024."),
        (("--size", "256", "--size", "256x256"), "--size needs one size or several different ones."),
        (
            ("--val-size", "256x100"),
            "--val-size is 256x100; each side must be a multiple of 64 from 128 to 1024.",
        ),
        (
            ("--val-size", "big"),
            "--val-size 'big' is neither a side like 512 nor rows x columns like 512x384.",
        ),
        (
            ("--batch", "8", "--accumulate", "3"),
            "--batch 8 cannot be divided into --accumulate 3 equal parts",
        ),
        (("--lr", "1e999"), "--lr is inf; it must be at least 1e-09 and at most 1.0"),
        (("--seed", "9" * 400), "it must be at least 0 and at most 4,294,967,295"),
        (("--workers", "-1"), "--workers is -1; it must be at least 0"),
        (("--workers", "100000"), f"at most {os.cpu_count()} (this machine has"),
        (("--keep", "first"), "There is no epoch to keep 'first'; known: last, best."),
        (("--data", "b:0"), "--data: the weight of b is 0.0; it must be at least 0.01 and at most 100."),
        (("--data", "b:nan"), "--data: the weight of b is nan; it must be at least 0.01"),
        (("--data", "b:1e999"), "--data: the weight of b is inf; it must be"),
        (("--freeze", "stage9"), "There is no stage to freeze 'stage9'; known: stem, stage1,"),
        (("--freeze", "stem", "--qat", "w8"), "--freeze and --qat do not go together"),
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


def test_a_weight_follows_the_last_colon_unless_the_whole_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("set:2").mkdir()
    texts = ["a", "b:2", "c:0.5", "d:e", "set:2", "f:g:3", ":4", "h:"]
    assert weighted(texts) == {
        Path("a"): 1, Path("b"): 2, Path("c"): 0.5, Path("d:e"): 1, Path("set:2"): 1, Path("f:g"): 3,
        Path(":4"): 1, Path("h:"): 1,
    }  # fmt: skip
    assert weighted(["set:2:1"]) == {Path("set:2"): 1}


@pytest.mark.parametrize("second", ["set", "set:2", "./set", "other/../set"])
def test_a_folder_given_twice_is_refused(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("other").mkdir()
    ran = run_edgekit(
        "finetune", "--data", "set", "--data", second, "--out", "out", "--weights", checkpoint.folder
    )
    assert ran.code in (2, 3) and "give it a weight" in ran.err.replace("\n", " "), ran.err


def test_a_label_scheme_that_does_not_fit_is_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    partial = write_partial_set(tmp_path / "partial", 2)
    (partial / "labels.json").write_text('{"10": ["Hair", "Beard"]}')
    ran = run_edgekit(
        "finetune", "--data", partial, "--out", tmp_path / "out", "--weights", checkpoint.folder
    )
    assert (ran.code, "labels.json: label value 10 stands for 'Beard'" in ran.sentence) == (3, True), ran.err
    assert not (tmp_path / "out").exists()


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
def test_frozen_stages_keep_every_bit_over_an_interruption_too(
    run: Run, checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, epoch = tmp_path / "checkpoint", loop._epoch

    def stopped(number: int, *rest: Any) -> object:
        if number == 2:
            raise KeyboardInterrupt
        return epoch(number, *rest)

    monkeypatch.setattr(loop, "_epoch", stopped)
    assert run(out, "--epochs", "2", "--freeze", "stage2").code == 130
    monkeypatch.undo()
    assert "freeze was stage2, is None" in run(out, "--epochs", "2", "--resume").sentence
    assert run(out, "--epochs", "2", "--freeze", "stage2", "--resume").code == 0
    made = load_checkpoint(out).state_dict
    changed = {name for name, tensor in checkpoint.state_dict.items() if not torch.equal(made[name], tensor)}
    frozen = ("mobilevit.conv_stem.", "mobilevit.encoder.layer.0.", "mobilevit.encoder.layer.1.")
    assert changed and not [name for name in changed if name.startswith(frozen)]
    assert [name for name in changed if name.startswith("mobilevit.encoder.layer.2.")]


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


# -- several folders, labels of sets of classes -----------------------------------------------------------------


def test_one_folder_of_complete_labels_is_trained_as_ever(data: Path, checkpoint: Checkpoint) -> None:
    """The objective that the loop makes gives the plain loss, bit for bit, and the run its old identity."""
    folder = checked_folder(data, checkpoint.class_names)
    settings = Settings(1, (SIZE,), SIZE, 6, 1e-3, class_jaccard=0.5)
    sets = LabelSets.of(checkpoint.class_names, [folder.told])
    samples = TrainingSet([Drawn(split(folder.pairs)[0])], sets, [SIZE], seed=1)
    pixels, labels = next(iter(batches(samples, 1, 6, 0)))
    learner = loop._learner(checkpoint, [folder], sets, settings, [], len(samples))
    with torch.no_grad():
        logits = learner.model.eval()(pixels.float())
    weights = class_weights(folder.pixels)
    wide = resized(logits.float(), labels.shape[-2:])
    expected = (
        torch.nn.functional.cross_entropy(wide, labels, weights, ignore_index=255, reduction="sum")
        / weights[labels[labels != 255]].sum()
    )
    expected = expected + 0.5 * union_jaccard(wide, labels, checkpoint.groups.skin)
    expected = expected + 0.5 * mean_jaccard(wide, labels)
    assert torch.equal(learner.objective(pixels, logits, labels), expected)
    assert state.folder_identities([folder]) == ()


@pytest.fixture(scope="module")
def mixed(
    data: Path, checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Callable[..., Ran], Path, Ran]:
    """A run on the toy photos and on others with labels of another scheme: how to run it, its folder, its output."""
    place = tmp_path_factory.mktemp("mixed")
    partial = write_partial_set(place / "partial", 8)

    def run(out: Path, *options: str, weight: str = "1.5") -> Ran:
        folders = ("--data", data, "--data", f"{partial}:{weight}", "--out", out)
        return run_edgekit("finetune", *folders, "--weights", checkpoint.folder, *TOY, *options)

    ran = run(place / "out", "--epochs", str(EPOCHS), "--json")
    assert ran.code == 0, ran.err
    return run, place / "out", ran


@pytest.mark.slow
def test_two_label_schemes_are_learned_and_validated(
    mixed: tuple[Callable[..., Ran], Path, Ran], data: Path
) -> None:
    _, out, ran = mixed
    result = json.loads(ran.out)
    epochs = result["epochs"]
    assert epochs[-1]["loss"] < 0.9 * epochs[0]["loss"]
    assert (result["training_photos"], result["validation_photos"]) == (PHOTOS - 1 + 7, 2)
    assert [epoch["step"] for epoch in epochs] == [3, 6, 9]  # (13 + 10) // 6 batches
    partial = str(out.parent / "partial")
    for scored in (result["starting_weights"], *epochs):
        assert set(scored["folders"]) == {str(data), partial}
        assert set(scored["folders"][str(data)]) == {"skin", "hair", "clothes", "person"}
        assert set(scored["folders"][partial]) == {"skin", "hair"}
        assert scored["whole"]["skin_iou"] == pytest.approx(scored["folders"][str(data)]["skin"], abs=1e-5)
        means = [np.mean(list(groups.values())) for groups in scored["folders"].values()]
        assert scored["score"] == pytest.approx(np.mean(means))
    best = max(epochs, key=lambda epoch: epoch["score"])
    assert result["kept_epoch"] == best["epoch"]
    assert f"kept: epoch {best['epoch']}, with the best mean group IoU" in ran.err
    assert f"  {partial}: hair IoU" in ran.err.replace("skin IoU", "hair IoU")
    made = loop.validate(
        ReferenceSegmenter(load_checkpoint(out)).eval(), load_checkpoint(out), split(checked(data).pairs)[1], 128,
        "whole",
    )  # fmt: skip
    assert made.skin_iou == pytest.approx(best["whole"]["skin_iou"], abs=1e-3)


@pytest.mark.slow
def test_a_run_on_two_folders_resumes_with_the_same_weights_and_schemes_only(
    mixed: tuple[Callable[..., Ran], Path, Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, whole_run, _ = mixed
    out, epoch = tmp_path / "out", loop._epoch

    def stopped(number: int, *arguments: object) -> object:
        if number == 2:
            raise KeyboardInterrupt
        return epoch(number, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "_epoch", stopped)
    assert run(out, "--epochs", str(EPOCHS)).code == 130
    monkeypatch.undo()
    ran = run(out, "--epochs", str(EPOCHS), "--resume", weight="2.5")
    assert (ran.code, "weight of folder 2 was 1.5, is 2.5" in ran.sentence) == (3, True), ran.err
    scheme = whole_run.parent / "partial" / "labels.json"
    written = scheme.read_text()
    scheme.write_text(written.replace('"40": null', '"40": ["Pants"]'))
    ran = run(out, "--epochs", str(EPOCHS), "--resume")
    scheme.write_text(written)
    assert (ran.code, "labels.json of folder 2 was" in ran.sentence) == (3, True), ran.err
    ran = run(out, "--epochs", str(EPOCHS), "--resume")
    assert ran.code == 0, ran.err
    assert sha256_of(out / "model.safetensors") == sha256_of(whole_run / "model.safetensors")
    assert scores(out) == scores(whole_run)


@pytest.mark.slow
def test_the_trained_checkpoint_converts_and_passes_parity(
    mixed: tuple[Callable[..., Ran], Path, Ran], data: Path, tmp_path: Path
) -> None:
    checkpoint = load_checkpoint(mixed[1])
    artifacts = edgekit.convert(checkpoint, "tflite", size=128, out=tmp_path)
    report = edgekit.parity_check(artifacts, checkpoint, images=data / "images", labels=data / "labels")
    assert report.passed and report.artifacts[0].metrics.n == PHOTOS


def test_the_best_epoch_is_the_first_with_the_highest_score() -> None:
    none = history.Scores()
    epochs = [
        history.Epoch(i, i, 1.0, 1e-3, 1.0, none, none, {}, score)
        for i, score in enumerate((0.2, 0.5, None, 0.5), 1)
    ]
    assert loop._kept_epoch(epochs, "best") == 2 and loop._kept_epoch(epochs, "last") == 4
    assert (
        history.mean_group_iou({"a": {"skin": 0.5, "hair": None}, "b": {"hair": 0.1, "person": 0.3}}) == 0.35
    )
    assert history.mean_group_iou({"a": {"skin": None}}) is None


def test_pseudo_labels_leave_out_photos_without_people(tmp_path: Path) -> None:
    photos = [tmp_path / folder / "same.png" for folder in ("a", "b", "c")]
    for photo, lit in zip(photos, (True, True, False), strict=True):
        photo.parent.mkdir()
        image = np.zeros((50, 40, 3), np.uint8)
        image[:30] = 255 * lit
        Image.fromarray(image).save(photo)
    pairs, problems = loop.pseudo_labels(SeesBrightness(), photos, SIZE, tmp_path / "labels")
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
