from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgekit.artifact import Artifact
from edgekit.errors import CalibrationError
from edgekit.images import InputSize, Picture
from edgekit.scores.baselines import BASELINES, FACE_RANGE, Baseline, SkinByColour
from edgekit.scores.evaluation import Evaluation, Evaluator
from edgekit.scores.folder import evaluate as evaluate_folder
from edgekit.scores.model_counts import Judged
from edgekit.scores.runners import Outputs
from edgekit.weights import Checkpoint
from tests.support.cli import edgekit
from tests.support.pictures import picture

NAMES = ("Background", "Face", "Hat")


def labelled(truth: list[list[int]]) -> Picture:
    labels = np.array(truth, np.uint8)
    return Picture("made", np.zeros((*labels.shape, 3), np.uint8), labels)


PICTURES = [labelled([[0, 1, 1, 255], [0, 2, 1, 0]]), labelled([[1, 1, 0, 0], [0, 0, 0, 0]])]
GUESS = np.array([[0, 1, 0, 1], [1, 2, 1, 0]], np.uint8)


class Guesses:
    """A runner whose logits say the given labels, one label map after the other."""

    size = InputSize(128, 128)

    def __init__(self, *labels: NDArray[np.uint8]) -> None:
        self._labels = list(labels)

    def run(self, image: NDArray[np.uint8]) -> Outputs:
        assert image.shape == (128, 128, 3)
        logits = np.moveaxis(np.eye(len(NAMES), dtype=np.float32)[self._labels.pop(0)], -1, 0)
        return Outputs(logits, logits)


def evaluate(
    runners: Mapping[str, Guesses], baselines: Mapping[str, Baseline], pictures: Sequence[Picture]
) -> tuple[Evaluation, ...]:
    """The scores of runners and baselines; class 1 is skin."""
    detectors = {name: SkinByColour(baseline) for name, baseline in baselines.items()}
    evaluator = Evaluator.of(runners, detectors, Judged(NAMES, {"skin": (1,)}))
    for one in pictures:
        evaluator.add(one)
    return evaluator.tally.evaluations()


def test_scores_by_hand() -> None:
    found = evaluate({"guess": Guesses(GUESS, GUESS)}, {}, PICTURES)[0]
    # Face: hits 2 + 1, missed 1 + 1, false 1 + 3 (the first picture's false one at 255 counts for nothing)
    assert found.n == 2
    assert found.per_class["Face"].iou == pytest.approx(3 / 9)
    assert found.per_class["Face"].recall == pytest.approx(3 / 5)
    assert found.per_class["Face"].precision == pytest.approx(3 / 7)
    assert found.skin_iou == found.per_class["Face"].iou
    assert found.skin_f1 == pytest.approx(2 * 3 / (2 * 3 + 2 + 4))
    assert found.overall_accuracy == pytest.approx(8 / 15)
    assert found.per_class["Hat"].iou == pytest.approx(1 / 2)
    assert found.miou == pytest.approx((4 / 11 + 3 / 9 + 1 / 2) / 3)
    assert found.skin_iou_ci95 is not None


def test_scores_of_each_photo() -> None:
    evaluator = Evaluator.of(
        {"guess": Guesses(GUESS)}, {"all": SkinByColour(lambda image: np.ones(image.shape[:2], bool))},
        Judged(NAMES, {"skin": (1,)}),
    )  # fmt: skip
    parser, baseline = evaluator.add(PICTURES[0])
    assert parser.overall_accuracy == pytest.approx(5 / 7)
    assert parser.miou == pytest.approx((2 / 4 + 2 / 4 + 1) / 3)
    assert parser.group_ious == {"skin": pytest.approx(2 / 4)}
    assert (baseline.photo, baseline.model, baseline.overall_accuracy, baseline.miou) == (
        "made",
        "all",
        None,
        None,
    )
    assert baseline.group_ious == {"skin": pytest.approx(3 / 7)}
    assert parser.seconds is not None and parser.seconds > 0
    assert baseline.masks["skin"].recall == 1 and baseline.masks["skin"].precision == pytest.approx(3 / 7)
    assert parser.masks["skin"].f1 == pytest.approx(2 * 2 / (3 + 3))


def test_perfect_prediction_scores_one() -> None:
    right = Guesses(*(np.where(p.labels == 255, 0, p.labels) for p in PICTURES))
    found = evaluate({"right": right}, {}, PICTURES)
    assert found[0].miou == found[0].skin_iou == found[0].overall_accuracy == 1


def test_photos_without_labels_are_not_run() -> None:
    unlabelled = Picture("unlabelled", np.zeros((2, 4, 3), np.uint8))
    found = evaluate({"guess": Guesses(GUESS, GUESS)}, {}, [unlabelled, *PICTURES])[0]
    assert found.n == 2


def test_photos_of_nobody_are_scored_apart() -> None:
    nobody = labelled([[0, 0, 0, 0], [0, 0, 0, 0]])
    evaluator = Evaluator.of({"guess": Guesses(GUESS, GUESS)}, {}, Judged(NAMES, {"person": (1, 2)}))
    evaluator.add(PICTURES[0])
    assert evaluator.tally.evaluations()[0].strata == ()  # every label shows a person
    evaluator.add(nobody)
    (found,) = evaluator.tally.evaluations()
    with_a_person, without = found.strata
    assert (with_a_person.stratum, with_a_person.n) == ("a person", 1)
    assert (without.dimension, without.stratum, without.n) == ("labels", "nobody", 1)
    assert without.photo_means["person"]["false_share"].value == pytest.approx(5 / 8)
    assert without.photo_means["person"]["recall"].value is None
    recall = found.photo_means["person"]["recall"]  # of the one photo that has it
    assert (recall.value, recall.n) == (with_a_person.photo_means["person"]["recall"].value, 1)
    assert found.groups["person"].iou != with_a_person.groups["person"].iou


def test_a_baseline_is_judged_on_skin_alone() -> None:
    found = evaluate({}, {"everything": lambda image: np.ones(image.shape[:2], bool)}, PICTURES)[0]
    assert found.miou is None and not found.per_class
    assert found.skin_iou == pytest.approx(5 / 15)
    assert found.skin_recall == 1


def folder_of(tmp_path: Path, n: int) -> tuple[Path, Path]:
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.mkdir()
    labels.mkdir()
    for i in range(n):
        Image.fromarray(picture(90, 60, i)).save(images / f"{i}.png")
        mask = np.zeros((90, 60), np.uint8)
        mask[10:30, 20:40] = 11
        Image.fromarray(mask).save(labels / f"{i}.png")
    return images, labels


def test_artifacts_and_checkpoint_agree(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint, tmp_path: Path
) -> None:
    images, labels = folder_of(tmp_path, 2)
    (images / "broken.jpg").write_bytes(b"junk")
    (labels / "broken.png").write_bytes((labels / "0.png").read_bytes())
    found = evaluate_folder(checkpoint, [artifacts["tflite"].path], images=images, labels=labels)
    assert [m.name for m in found.models][1:] == ["tflite fp32", *BASELINES, FACE_RANGE]
    assert found.n == 2
    assert found.skipped[0][0] == "broken.jpg"


def test_nothing_usable_is_an_error(checkpoint: Checkpoint, tmp_path: Path) -> None:
    images, labels = folder_of(tmp_path, 1)
    (images / "0.png").write_bytes(b"junk")
    with pytest.raises(CalibrationError, match="nothing was evaluated"):
        evaluate_folder(checkpoint, [], images=images, labels=labels)


def test_command_prints_the_published_keys(checkpoint: Checkpoint, tmp_path: Path) -> None:
    images, labels = folder_of(tmp_path, 1)
    ran = edgekit(
        "evaluate", "--weights", checkpoint.folder, "--images", images, "--labels", labels, "--json"
    )
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    keys = {"name", "miou", "mean_accuracy", "overall_accuracy", "skin_iou", "skin_iou_ci95", "per_class"}
    assert report["n"] == 1
    assert keys <= set(report["models"][0])
    groups = report["models"][0]["groups"]
    assert set(groups) == {"skin", "hair", "clothes", "person"}
    assert groups["skin"]["iou"] == report["models"][0]["skin_iou"]


@pytest.mark.slow
@pytest.mark.parametrize("place", [".", "..", "../.."])
def test_labels_of_another_scheme_are_judged_by_group(
    checkpoint: Checkpoint, tmp_path: Path, place: str
) -> None:
    """The same truth as class indices and in a scheme of its own: skin or not."""
    inner = tmp_path / "set" / "eval"
    inner.mkdir(parents=True)
    images, labels = folder_of(inner, 3)
    for file in labels.iterdir():
        Image.fromarray(np.where(np.asarray(Image.open(file)) == 11, 7, 9).astype(np.uint8)).save(file)
    Image.fromarray(np.full((90, 60), 8, np.uint8)).save(labels / "2.png")
    skin = [checkpoint.class_names[i] for i in checkpoint.groups.skin]
    rest = [name for name in checkpoint.class_names if name not in skin]
    (labels / place / "labels.json").write_text(json.dumps({"7": skin, "9": rest}))
    ran = edgekit(
        "evaluate", "--weights", checkpoint.folder, "--images", images, "--labels", labels, "--json"
    )
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert report["skipped"] == [["2.png", "holds label 8, which the label scheme does not list."]]
    assert (report["n"], list(report["models"][0]["groups"])) == (2, ["skin"])
    (labels / place / "labels.json").unlink()
    (images / "2.png").unlink()
    (labels / "2.png").unlink()
    for file in labels.iterdir():
        Image.fromarray(np.where(np.asarray(Image.open(file)) == 7, 11, 0).astype(np.uint8)).save(file)
    plain = evaluate_folder(checkpoint, images=images, labels=labels)
    for told, model in zip(report["models"], plain.models, strict=True):
        assert told["skin_iou"] == pytest.approx(model.skin_iou)
        assert told["skin_f1"] == pytest.approx(model.skin_f1)
        assert told["miou"] is None and told["per_class"] == {}


def test_labels_that_tell_no_group_are_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    images, labels = folder_of(tmp_path, 1)
    (labels / "labels.json").write_text('{"0": ["Background"], "11": null}')
    with pytest.raises(CalibrationError, match=r"tells none of skin, hair, clothes, person apart"):
        evaluate_folder(checkpoint, images=images, labels=labels)
