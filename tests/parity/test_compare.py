"""Each comparison passes for the right model and fails for a wrong one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgekit.artifact import Artifact, artifacts_at
from edgekit.errors import CalibrationError, ConversionError, EdgekitError
from edgekit.files import json_text
from edgekit.images import Picture
from edgekit.parity import present
from edgekit.parity.check import parity_check
from edgekit.parity.compare import check_parity
from edgekit.parity.gates import Gates
from edgekit.parity.page import html
from edgekit.parity.picture import PixelGate
from edgekit.parity.report import ParityReport, Status
from edgekit.recipes import RECIPES
from edgekit.runtimes import Runtime, Tensors, open_runtime
from edgekit.weights import Checkpoint
from tests.support.pictures import picture


def test_both_targets_pass_on_the_bundled_picture(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    stated = Gates(min_agreement=0.99)  # at 128² many labels hang on the last bits of fp16
    report = parity_check(list(artifacts.values()), checkpoint, gates=stated)
    assert report.passed
    assert [a.runtime for a in report.artifacts] == ["litert", "mil-reference"]
    assert report.prepared_max_abs_logit < 1e-3
    assert report.artifacts[0].metrics.max_abs_logit < 1e-3
    assert 0 < report.artifacts[1].metrics.max_abs_logit < 0.5
    assert report.artifacts[0].metrics.label_agreement >= 0.9999
    assert report.artifacts[1].metrics.psnr_db > 55  # 11 bits through a hundred layers; int8 has 20 to 30
    assert present.as_json(report)["passed"] is True


class Altered:
    """A runtime whose answers are changed on their way out."""

    def __init__(self, inner: Runtime, alter: Any) -> None:
        self.inner, self.alter, self.name = inner, alter, inner.name

    def run(self, inputs: Tensors) -> dict[str, np.ndarray[Any, Any]]:
        return {name: self.alter(name, value) for name, value in self.inner.run(inputs).items()}


def altered_report(artifact: Artifact, checkpoint: Checkpoint, alter: Any) -> Any:
    def wrong(path: Path, taps: Sequence[str]) -> Runtime:
        return Altered(open_runtime(path, taps), alter)

    pictures = [Picture("made", picture(150, 210))]
    return check_parity([artifact], checkpoint, pictures, Gates(), opener=wrong).artifacts[0]


@pytest.mark.parametrize(
    ("failing", "alter"),
    [
        ("max |Δlogit|", lambda name, v: v if name == "groups" else v + 0.01),
        ("label agreement", lambda name, v: v if name == "groups" else np.roll(v, 1, axis=-1)),
        ("output against its definition", lambda name, v: v[..., [1, 0, 2, 3]] if name == "groups" else v),
        ("output against its definition", lambda name, v: v.transpose(0, 2, 1, 3) if name == "groups" else v),
    ],
    ids=["shifted logits", "rotated classes", "swapped groups", "transposed mask"],
)
def test_a_wrong_artifact_fails(
    artifacts: dict[str, Artifact],
    checkpoint: Checkpoint,
    failing: str,
    alter: Any,
) -> None:
    report = altered_report(artifacts["tflite"], checkpoint, alter)
    assert report.status == Status.FAILED
    assert failing in report.reason


def test_a_renamed_int8_recipe_keeps_the_skin_gates(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    """A w8a8 recipe saved under the name fp16 used to be judged by fp16's gates, which have none for skin."""
    recipe = replace(RECIPES["w8a8"], name="fp16")
    manifest = replace(artifacts["tflite"].manifest, recipe=recipe, recipe_name=recipe.name)
    renamed = replace(artifacts["tflite"], manifest=manifest)
    (report,) = check_parity(
        [renamed], checkpoint, [Picture("made", picture(150, 210))], Gates(), PixelGate(checkpoint)
    ).artifacts
    assert report.recipe == "fp16"
    assert {"skin IoU drop", "skin ΔE2000 p95"} <= {check.name for check in report.checks}


def test_an_output_that_is_not_a_number_fails_and_still_has_its_json(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    report = altered_report(
        artifacts["tflite"], checkpoint, lambda name, v: v * np.float32("nan") if name == "groups" else v
    )
    assert report.status == Status.FAILED and report.reason == "failed: output against its definition"
    found = present.as_json(ParityReport(False, (report,), 0.0, 1, (), ()))
    assert json.loads(json_text(found))["artifacts"][0]["metrics"]["output_error_levels"] is None


def test_true_labels_give_miou_and_an_interval(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    labels = np.zeros((90, 70), np.uint8)
    labels[20:60, 30:50] = 11
    pictures = [Picture(str(i), picture(90, 70, i), labels) for i in range(3)]
    metrics = check_parity([artifacts["tflite"]], checkpoint, pictures, Gates()).artifacts[0].metrics
    assert metrics.n_labelled == 3
    assert metrics.miou == pytest.approx(metrics.miou_reference, abs=1e-3)
    assert metrics.skin_iou_ci95 is not None


def test_artifacts_of_other_weights_are_refused(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    with pytest.raises(ConversionError, match="made from other weights"):
        check_parity([artifacts["coreml"]], replace(checkpoint, sha256="0" * 64), [], Gates())


def test_no_usable_picture_is_an_error(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"junk")
    with pytest.raises(CalibrationError, match="No picture could be used"):
        parity_check([artifacts["tflite"]], checkpoint, images=tmp_path)


def test_skipped_files_reach_the_report(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"junk")
    Image.fromarray(picture(60, 80)).save(tmp_path / "b.png")
    report = parity_check([artifacts["tflite"]], checkpoint, images=tmp_path)
    assert report.pictures == 1
    assert report.skipped[0][0] == "a.jpg"
    assert "a.jpg" in html(report, {})


def test_options_needing_labels_say_so(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint, tmp_path: Path
) -> None:
    with pytest.raises(EdgekitError, match="`max_miou_drop` needs `labels`"):
        parity_check([artifacts["tflite"]], checkpoint, images=tmp_path, gates=Gates(max_miou_drop=0.1))
    with pytest.raises(EdgekitError, match="`labels` needs `images`"):
        parity_check([artifacts["tflite"]], checkpoint, labels=tmp_path)


def test_no_artifact_at_all_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match="run edgekit convert first"):
        artifacts_at([], default=tmp_path)


def test_every_photo_has_a_row_and_the_worst_are_named(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of seven photos is upside down for the artifact: its own gate fails, and it is named."""
    pictures = [Picture(f"{i}.png", picture(150, 210, i)) for i in range(7)]
    turned = pictures[3].at(128)

    def wrong(path: Path, taps: Sequence[str]) -> Runtime:
        return Turned(open_runtime(path, taps), turned)

    stated = Gates(min_agreement=0.95)
    report = check_parity(
        [artifacts["tflite"]], checkpoint, pictures, stated, opener=wrong, stability=["1.png", "3.png"]
    )
    (found,) = report.artifacts
    assert [row.name for row in found.photos] == [f"{i}.png" for i in range(7)]
    assert found.worst_photos[0] == "3.png"
    failed = {check.name: check.where for check in found.checks if check.status is Status.FAILED}
    assert failed["label agreement, worst photo"] == "3.png"
    assert found.stability is not None and found.stability.photos == 2
    present.print_report(report)
    assert "the photos that lose most: 3.png (labels " in capsys.readouterr().out
    assert len(present.as_json(report)["artifacts"][0]["photos"]) == 7


class Turned:
    """A runtime that turns one image upside down before it runs."""

    def __init__(self, inner: Runtime, image: Any) -> None:
        self.inner, self.image, self.name = inner, image, inner.name

    def run(self, inputs: Tensors) -> dict[str, np.ndarray[Any, Any]]:
        given = inputs["image"]
        return self.inner.run(
            {"image": given[:, ::-1].copy()} if np.array_equal(given[0], self.image) else inputs
        )
