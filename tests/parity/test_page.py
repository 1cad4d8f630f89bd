"""The report's page: the verdict in words, nothing from elsewhere, everything escaped, and what the pictures show."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as pillow

from edgekit.artifact import Artifact
from edgekit.images import InputSize, astronaut
from edgekit.parity.blame import (
    PREPARED,
    RUNTIME,
    SECOND_RUNTIME,
    W8,
    Explanation,
    Loss,
    PhotoStages,
    Stage,
    Waterfall,
)
from edgekit.parity.check import parity_check
from edgekit.parity.gates import GATES, judge
from edgekit.parity.page import html, meaning, verdict
from edgekit.parity.picture import PixelGate
from edgekit.parity.pictures import HEAT, drawn_photo, worst_compared
from edgekit.parity.report import ArtifactReport, Check, Metrics, ParityReport, Status
from edgekit.scores.runners import Image, Outputs
from edgekit.weights import Checkpoint
from tests.support.checkpoints import SIDE
from tests.support.pictures import picture

METRICS = Metrics(
    n=12,
    max_abs_logit=0.5,
    psnr_db=40.0,
    label_agreement=0.99,
    previous_label_agreement=0.99,
    mean_iou_agreement=0.97,
    skin_iou_agreement=None,
    boundary_agreement=0.95,
    output_error_levels=1.0,
    per_class_iou_agreement={"Face": 0.9, "Hair": 0.8, "Bag": None},
)


def artifact(name: str, status: Status, **changed: object) -> ArtifactReport:
    reason = "failed: label agreement" if status is Status.FAILED else ""
    made = ArtifactReport(f"out/{name}", "tflite", "w8a8", "litert", status, reason, METRICS, ())
    return replace(made, **changed)  # type: ignore[arg-type]


def report(*artifacts: ArtifactReport, pictures: int = 12) -> ParityReport:
    return ParityReport(False, artifacts, 1e-5, pictures, (), ())


@pytest.mark.parametrize(
    ("statuses", "sentence"),
    [
        ("P", "The artifact draws the same picture as PyTorch on 12 photos."),
        ("PP", "All 2 artifacts draw the same picture as PyTorch on 12 photos."),
        (
            "PF",
            "1 of 2 artifacts draws the same picture on 12 photos; b.tflite does not (failed: label agreement).",
        ),
        (
            "U",
            "0 of 1 artifacts draw the same picture on 12 photos; more photos have to decide about a.tflite.",
        ),
        (
            "FPFU",
            "1 of 4 artifacts draws the same picture on 12 photos; 2 do not: a.tflite, c.tflite; more photos have "
            "to decide about d.tflite.",
        ),
        ("N", "0 of 1 artifacts draw the same picture on 12 photos; nothing could be judged of a.tflite."),
    ],
)
def test_the_verdict_is_a_sentence(statuses: str, sentence: str) -> None:
    of = {"P": Status.PASSED, "F": Status.FAILED, "U": Status.UNDECIDED, "N": Status.NOT_RUN}
    made = [artifact(f"{letter}.tflite", of[s]) for letter, s in zip("abcd", statuses, strict=False)]
    assert verdict(report(*made)) == sentence


def test_the_page_is_whole_in_itself_and_runs_no_script_but_its_own() -> None:
    page = html(report(artifact("a.tflite", Status.PASSED)), {})
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)|url\(|@import", page)
    (allowed,) = re.findall(r"script-src 'sha256-([^']+)'", page)
    (script,) = re.findall(r"<script>(.*)</script>", page, re.DOTALL)
    assert base64.b64decode(allowed) == hashlib.sha256(script.encode()).digest()


def test_names_and_reasons_are_escaped() -> None:
    check = Check("<i>gate</i>", Status.FAILED, 1.0, 0.5, "<u>because</u>", where="<s>photo</s>")
    hostile = artifact("<b>a.tflite", Status.FAILED, checks=(check,), target="<em>", recipe="<q>")
    page = html(replace(report(hostile), skipped=(("<a>.jpg", "<p>"),), notes=("<h1>note",)), {})
    assert not re.findall(r"<(?:i>gate|u>|s>|b>a|em>|q>|a>\.jpg|h1>note)", page)
    assert page.count("&lt;b&gt;a.tflite") == 3


def test_failed_and_undecided_gates_stand_beside_the_verdict() -> None:
    checks = (
        Check("mIoU drop", Status.UNDECIDED, 0.003, 0.005, "undecided with 12 photos", (0.001, 0.006)),
        Check("label agreement", Status.PASSED, 0.99, 0.98),
    )
    page = html(report(artifact("a.tflite", Status.UNDECIDED, checks=checks)), {})
    first = page.partition("<section")[0]
    assert "mIoU drop: 0.30 points (0.10 to 0.60 points) against the bound 0.50 points" in first
    assert "label agreement" not in first


def test_every_gate_is_explained() -> None:
    bounds = GATES["int8"].overridden(GATES["fp32"])
    names = [check.name for check in judge(METRICS, bounds)]
    assert len(names) >= 6
    assert [name for name in names if not meaning(name)] == []


def test_stages_and_the_cure_stand_on_the_page() -> None:
    lost, back = Loss(labels=0.004, skin_delta_e00_p95=0.9), Loss(labels=-0.001, skin_delta_e00_p95=-0.3)
    stages = (
        Stage(PREPARED, Status.PASSED, share=Loss(labels=0.0, skin_delta_e00_p95=0.0), step=Loss(labels=0.0)),
        Stage(W8, Status.FAILED, share=lost, step=lost, blamed=("labels",)),
        Stage(RUNTIME, Status.PASSED, share=back, step=lost),
        Stage(SECOND_RUNTIME, Status.NOT_RUN, "<no such package>"),
    )
    other = Stage(SECOND_RUNTIME, Status.PASSED, step=Loss(labels=0.0123, skin_delta_e00_p95=0.5))
    total, photos = Loss(labels=0.003, skin_delta_e00_p95=0.6), (PhotoStages("a.jpg", {}, {}),)
    found = Waterfall(stages, total, photos, (other,))
    explanation = Explanation(
        ("a.jpg",), (), (), None, (), "it cannot be timed", "int8 weights lose it", "plan again", None, None
    )
    page = html(report(artifact("a.tflite", Status.FAILED, stages=found, explanation=explanation)), {})
    assert "Cause: int8 weights lose it." in page and "Cure: plan again." in page
    assert "+0.40%" in page and "-0.10%" in page and "+0.30%" in page
    assert re.findall(r'class="share (more|less)" style="--part: ([\d.]+)%', page) == [
        ("more", "100.0"), ("more", "100.0"), ("less", "25.0"), ("less", "33.3"),
    ]  # fmt: skip
    assert page.count("beyond its bound") == 1
    assert "not run: &lt;no such package&gt;" in page
    assert "from the first runtime it differs in 1.23% of the labels and by skin ΔE2000 p95 0.5" in page


@dataclass(frozen=True)
class Fixed:
    """A runner that gives the same logits for every picture."""

    logits: NDArray[np.float32]
    size: InputSize = InputSize.of(SIDE)  # noqa: RUF009

    def run(self, image: Image) -> Outputs:
        return Outputs(self.logits, self.logits.astype(np.float64))


@pytest.mark.slow
def test_pictures_show_where_the_masks_differ(checkpoint: Checkpoint) -> None:
    background = np.zeros((len(checkpoint.class_names), 8, 8), np.float32)
    background[0] = 20.0
    half = background.copy()
    half[checkpoint.groups.skin[0], :, :4] = 40.0  # the left half is skin
    gate = PixelGate(checkpoint)
    drawn = drawn_photo(astronaut(), gate, Fixed(background), Fixed(half))
    assert (drawn.photo, drawn.width, drawn.height) == (astronaut().name, 480, 480)
    pixels = _pixels(drawn.difference)
    left, right = (pixels[:, columns].reshape(-1, 3) for columns in (slice(40, 200), slice(280, 440)))
    assert np.ptp(right, axis=-1).max() < 12  # grey
    assert (np.abs(left - HEAT).max(axis=-1) < 40).mean() > 0.3  # red
    equal = drawn_photo(astronaut(), gate, Fixed(half), Fixed(half))
    assert equal.mask == equal.mask_reference and equal.styled == equal.styled_reference


@pytest.mark.slow
def test_the_worst_photos_are_drawn_for_every_artifact(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint, tmp_path: Path
) -> None:
    for i in range(4):
        pillow.fromarray(picture(96, 128, i)).save(tmp_path / f"{i}.png")
    chosen = artifacts["tflite"]
    (row,) = parity_check([chosen], checkpoint, images=tmp_path).artifacts
    made = report(replace(row, worst_photos=("3.png", "0.png", "gone.png", "1.png")))
    drawn = worst_compared(made, checkpoint, tmp_path)
    assert [each.photo for each in drawn[str(chosen.path)]] == ["3.png", "0.png"]  # of the first three
    assert html(made, drawn).count("data:image/jpeg;base64,") == 5 * 2


def _pixels(uri: str) -> NDArray[np.float64]:
    data = base64.b64decode(uri.partition(",")[2])
    return np.asarray(pillow.open(BytesIO(data)), np.float64)
