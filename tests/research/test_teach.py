"""research/teach.py with a teacher of three blocks: what a pupil is shown, and that it learns from it."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgekit.images import InputSize, images_in
from edgekit.model.reference import ReferenceSegmenter
from edgekit.training.data import split
from edgekit.training.loop import FromLabels, parameter_groups, pseudo_labels, trainable
from edgekit.training.losses import class_weights
from edgekit.training.settings import Settings
from edgekit.weights import Checkpoint, load_checkpoint
from research import teach
from tests.training import toy

SIZE = InputSize(128, 128)
WIDTHS = (16, 24, 24, 24, 48)  # of EfficientNet-Lite2's first five blocks
TAPS = {3: 24, 4: 48, 5: 60, 6: 70}
CLASSES = 18


class Block(nn.Module):
    """An inverted residual under the names that the package's blocks have."""

    def __init__(self, inputs: int, outputs: int, hidden: int, kernel: int, stride: int) -> None:
        super().__init__()
        self._expand_conv = nn.Conv2d(inputs, hidden, 1, bias=False) if hidden != inputs else None
        self._bn0 = nn.BatchNorm2d(hidden)
        self._depthwise_conv = nn.Conv2d(
            hidden, hidden, kernel, stride, kernel // 2, groups=hidden, bias=False
        )
        self._bn1 = nn.BatchNorm2d(hidden)
        self._project_conv = nn.Conv2d(hidden, outputs, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(outputs)
        self._swish = teach.SharpSiLU()
        self.residual = inputs == outputs and stride == 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x if self._expand_conv is None else self._swish(self._bn0(self._expand_conv(x)))
        y = self._bn2(self._project_conv(self._swish(self._bn1(self._depthwise_conv(y)))))
        return x + y if self.residual else y


class Backbone(nn.Module):
    """The pretrained one's stem and first blocks, then two plain ones; it pads as MobileViT does."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False)
        filters = torch.randn(32, 12) @ torch.randn(12, 27) / 10  # as natural filters: of few directions
        self._conv_stem.weight.data = filters.reshape(32, 3, 3, 3)
        self._bn0 = nn.BatchNorm2d(32)
        self._swish = teach.SharpSiLU()
        shapes = ((32, 16, 32, 3, 1), (16, 24, 96, 3, 2), (24, 24, 144, 3, 1), (24, 24, 144, 3, 1))
        later = [nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise((48, 60, 70))]
        self._blocks = nn.ModuleList([*(Block(*shape) for shape in shapes), Block(24, 48, 144, 5, 2), *later])


def pictures(count: int) -> torch.Tensor:
    """(count, 3, 128, 128) in [0, 255], smooth like photos."""
    noise = torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 255
    return nn.functional.interpolate(noise, (128, 128), mode="bicubic").clamp(0, 255)


@pytest.fixture
def teacher() -> teach.Teacher:
    torch.manual_seed(0)
    made = teach.Teacher(Backbone(), TAPS, CLASSES).train()
    for norm in made.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = None  # plain mean of the batches below
    with torch.no_grad():
        made(pictures(4))
    return made.eval().requires_grad_(False)


def test_the_teacher_gives_a_quarter_of_the_side_and_its_features(teacher: teach.Teacher) -> None:
    logits = teacher(torch.zeros(2, 3, 128, 96))
    assert logits.shape == (2, CLASSES, 32, 24)
    assert [f.shape[1] for f in teacher.features] == list(teacher.widths)
    assert [f.shape[2] for f in teacher.features] == [32, 16, 8, 4, 32]


@pytest.mark.slow
def test_transplanted_stages_are_the_teachers(teacher: teach.Teacher) -> None:
    network = trainable(load_checkpoint(), torch.device("cpu")).eval()
    teach.transplant(network.model, teacher.backbone, pictures(4))
    fresh = pictures(6)[4:]
    with torch.no_grad():
        teacher(fresh)
        x = network.model.mobilevit.conv_stem((fresh / 255).flip(1))
        for stage in network.model.mobilevit.encoder.layer[: teach.KEPT_STAGES]:
            x = stage(x)
    inner = (..., slice(3, -3), slice(3, -3))  # the two pad with different greys
    wanted, got = teacher.features[0][inner], x[:, :24][inner]
    off = (got - wanted).square().sum() / (wanted - wanted.mean((0, 2, 3), keepdim=True)).square().sum()
    assert float(off) < 0.02
    assert not x[:, 24:].any()


@pytest.mark.slow
def test_transplanted_stages_can_be_trained_further(teacher: teach.Teacher) -> None:
    network = trainable(load_checkpoint(), torch.device("cpu")).eval()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):  # the bundled weights are transplanted ones
            nn.init.kaiming_normal_(module.weight)
    teach.transplant(network.model, teacher.backbone, pictures(4))
    early = nn.Sequential(
        network.model.mobilevit.conv_stem, *network.model.mobilevit.encoder.layer[: teach.KEPT_STAGES]
    )
    pixels = (pictures(4) / 255).flip(1)
    with torch.no_grad():
        still = early.eval()(pixels)
    moving = early.train()(pixels)  # batch statistics instead of the stored ones
    off = (moving - still).square().sum() / (still - still.mean((0, 2, 3), keepdim=True)).square().sum()
    assert float(off.detach()) < 1e-3
    moving.sum().backward()
    last = network.model.mobilevit.encoder.layer[1].layer[-1].reduce_1x1
    assert last.normalization.weight.grad[24:].abs().min() > 0  # the silent channels can wake up
    assert last.convolution.weight.grad[:24, 144:].abs().max() > 0  # and so can the spare hidden ones


@pytest.mark.slow
def test_the_kept_stages_neither_learn_nor_drift(teacher: teach.Teacher) -> None:
    pupil = teach.Pupil(trainable(load_checkpoint(), torch.device("cpu")), teacher, shared=True)
    kept = pupil.network.model.mobilevit.encoder.layer[: teach.KEPT_STAGES]
    before = {k: v.clone() for k, v in kept.state_dict().items()}
    optimizer = torch.optim.AdamW(parameter_groups(pupil), lr=1e-2)
    pupil.train()
    for pupil.side in (teach.TEACHER_SIZE, 128):
        pupil(pictures(2)).square().mean().backward()
        optimizer.step()
    assert all(torch.equal(v, before[k]) for k, v in kept.state_dict().items())
    assert pupil.goal.shape == (2, CLASSES, 64, 64)


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False])
def test_only_this_teachers_first_stages_are_skipped(teacher: teach.Teacher, shared: bool) -> None:
    pupil = teach.Pupil(trainable(load_checkpoint(), torch.device("cpu")), teacher, shared=shared).train()
    run: list[object] = []
    pupil.network.model.mobilevit.conv_stem.register_forward_hook(lambda *_: run.append(1))
    pupil(pictures(2))
    assert bool(run) is not shared


@pytest.mark.slow
def test_imitation_is_one_for_a_student_that_says_nothing_and_then_falls(teacher: teach.Teacher) -> None:
    pupil = teach.Pupil(trainable(load_checkpoint(), torch.device("cpu")), teacher, shared=True).train()
    pupil.side = 128
    images = pictures(2)
    for project in pupil.imitation.project:
        nn.init.zeros_(project.weight)
        nn.init.zeros_(project.bias)
    optimizer = torch.optim.Adam(pupil.parameters(), lr=1e-3)
    losses = []
    for _ in range(8):
        pupil(images)
        loss = pupil.imitation(teacher.features[1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[0] == pytest.approx(1, abs=0.05)  # the variance of standardised features
    assert losses[-1] < 0.98


@pytest.mark.slow
def test_a_course_writes_a_checkpoint_and_both_objectives_fall(
    teacher: teach.Teacher, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = toy.checked(toy.write_set(tmp_path / "toy", 12))
    training, validation = split(data.pairs)
    settings = Settings(4, (SIZE,), SIZE, 4, 1e-3)
    checkpoint = load_checkpoint()
    photos = images_in(tmp_path / "toy" / "images")
    pairs, problems = pseudo_labels(teacher, photos, 128, tmp_path / "labels")
    assert len(pairs) == 12 and not problems
    course = teach.Course(checkpoint, data, training + pairs, validation, settings, (128, 128, 192, 192))
    pupil = teach.Pupil(trainable(checkpoint, torch.device("cpu")), teacher, shared=True)
    objective = teach.FromTeacher(
        pupil, FromLabels(class_weights(data.pixels), checkpoint.groups.skin, 0.5, 1.0)
    )
    out = tmp_path / "out"
    course.run(
        pupil,
        parameter_groups(pupil),
        objective,
        lambda average: teach.write_checkpoint(out, checkpoint, average.network.model),
        out,
        workers=0,
    )
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("epoch")]
    losses = [float(line.split("loss ")[1].split()[0]) for line in said]
    assert len(losses) == 4 and losses[-1] < losses[0]
    changed = load_checkpoint(out).state_dict
    key = "segmentation_head.classifier.convolution.weight"
    assert changed.keys() == checkpoint.state_dict.keys()
    assert not torch.equal(changed[key], checkpoint.state_dict[key])
    (logged,) = (out / "log.jsonl").read_text().splitlines()  # the fourth epoch alone was validated
    assert json.loads(logged)["epoch"] == 4


def test_a_folder_named_twice_is_shown_twice_in_every_pass(teacher: teach.Teacher, tmp_path: Path) -> None:
    data = toy.checked(toy.write_set(tmp_path / "toy", 4))
    training, validation = split(data.pairs)
    photos = toy.write_set(tmp_path / "more", 2) / "images"
    settings = Settings(1, (SIZE,), SIZE, 2, 1e-3)
    course = teach.Course(load_checkpoint(), data, training, validation, settings, (128,))
    shown = course.shown(teacher, [photos, photos], 128, 3, tmp_path / "out")
    count = Counter(pair.image for pair in shown.training)
    assert count == {**{pair.image: 3 for pair in training}, **{photo: 6 for photo in photos.iterdir()}}
    assert shown.validation == validation


def test_all_of_the_tilt_taken_back_gives_the_true_probabilities() -> None:
    network = trainable(load_checkpoint(), torch.device("cpu")).model
    generator = torch.Generator().manual_seed(2)
    true = torch.rand(CLASSES, generator=generator).softmax(0)
    weights = torch.rand(CLASSES, generator=generator) + 0.5
    bias = network.segmentation_head.classifier.convolution.bias
    bias.data = (true * weights).log()  # where the weighted cross-entropy is least
    teach.rebalanced(network, weights, 1.0)
    assert torch.allclose(bias.softmax(0), true, atol=1e-6)


def best_share(said: str, shares: tuple[float, ...], done: str) -> float:
    """The share with the best mean of the mIoU said, which the last line must name as written."""
    mean = {
        share: np.mean([float(m) for m in re.findall(rf"^{share:.2f} {done}.*mIoU (\S+)", said, re.M)])
        for share in shares
    }
    best = max(mean, key=lambda share: mean[share])
    assert f"{best:.2f} {done}" in said.splitlines()[-1]
    return best


@pytest.mark.slow
def test_rebalancing_writes_the_share_that_validates_best(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = toy.write_set(tmp_path / "toy", 12)
    checkpoint = load_checkpoint()
    teach.rebalance(folder, str(checkpoint.folder), tmp_path / "out", val_size=128)
    best = best_share(capsys.readouterr().err, teach.REBALANCING_SHARES, "taken back")
    weights = class_weights(toy.checked(folder).pixels)
    changed = load_checkpoint(tmp_path / "out").state_dict
    for key, value in checkpoint.state_dict.items():
        moved = best * weights.log() if key == "segmentation_head.classifier.convolution.bias" else 0.0
        assert torch.allclose(changed[key].float(), value.float() - moved, atol=1e-5), key


@pytest.mark.slow
def test_one_share_named_is_taken(tmp_path: Path) -> None:
    folder = toy.write_set(tmp_path / "toy", 12)
    checkpoint = load_checkpoint()
    teach.rebalance(folder, str(checkpoint.folder), tmp_path / "out", share=[0.3], val_size=128)
    key = "segmentation_head.classifier.convolution.bias"
    moved = checkpoint.state_dict[key].float() - load_checkpoint(tmp_path / "out").state_dict[key].float()
    weights = class_weights(toy.checked(folder).pixels)
    assert torch.allclose(moved, 0.3 * weights.log(), atol=1e-5)


def test_halfway_between_two_networks_every_parameter_is_their_mean() -> None:
    checkpoint = load_checkpoint()
    start, end = (ReferenceSegmenter(checkpoint).model for _ in range(2))
    with torch.no_grad():
        for value in end.parameters():
            value.add_(1.0)
    teach.between(start, end, 0.5)
    for (name, first), moved in zip(start.named_parameters(), end.parameters(), strict=True):
        torch.testing.assert_close(moved, first + 0.5, msg=name)


def further(start: Checkpoint, folder: Path) -> Checkpoint:
    """A checkpoint with another bias, written to the folder."""
    network = ReferenceSegmenter(start).model
    with torch.no_grad():
        network.segmentation_head.classifier.convolution.bias.add_(torch.linspace(-1, 1, CLASSES))
    teach.write_checkpoint(folder, start, network)
    return load_checkpoint(folder)


@pytest.mark.slow
def test_one_share_of_the_way_named_is_taken(tmp_path: Path) -> None:
    folder = toy.write_set(tmp_path / "toy", 12)
    start = load_checkpoint()
    end = further(start, tmp_path / "end")
    out = tmp_path / "out"
    teach.interpolate(folder, str(end.folder), str(start.folder), out, share=[0.9], val_size=128)
    key = "segmentation_head.classifier.convolution.bias"
    moved = load_checkpoint(out).state_dict[key].float() - start.state_dict[key].float()
    assert torch.allclose(moved, 0.9 * torch.linspace(-1, 1, CLASSES), atol=1e-5)


@pytest.mark.slow
def test_interpolating_writes_the_share_that_validates_best(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = toy.write_set(tmp_path / "toy", 12)
    start = load_checkpoint()
    end = further(start, tmp_path / "end")
    teach.interpolate(folder, str(end.folder), str(start.folder), tmp_path / "out", val_size=128)
    best = best_share(capsys.readouterr().err, teach.INTERPOLATION_SHARES, "of the way")
    changed = load_checkpoint(tmp_path / "out").state_dict
    for key, value in start.state_dict.items():
        wanted = torch.lerp(value.float(), end.state_dict[key].float(), best)
        assert torch.allclose(changed[key].float(), wanted, atol=1e-5), key


def with_scores_times(checkpoint: Checkpoint, factor: float, folder: Path) -> Checkpoint:
    network = ReferenceSegmenter(checkpoint).model
    with torch.no_grad():
        for layer in range(2, 5):
            for block in network.mobilevit.encoder.layer[layer].transformer.layer:
                block.attention.attention.query.weight.mul_(factor)
                block.attention.attention.query.bias.mul_(factor)
    teach.write_checkpoint(folder, checkpoint, network)
    return load_checkpoint(folder)


@pytest.mark.slow
def test_softening_takes_back_grown_scores(tmp_path: Path) -> None:
    folder = toy.write_set(tmp_path / "toy", 12)
    checkpoint = load_checkpoint()
    grown = with_scores_times(checkpoint, 64.0, tmp_path / "grown")
    teach.soften(folder, str(grown.folder), tmp_path / "out", share=[1 / 64], val_size=128)
    softened = load_checkpoint(tmp_path / "out")
    for key, value in checkpoint.state_dict.items():
        assert torch.equal(softened.state_dict[key].float(), value.float()), key


@pytest.mark.slow
def test_softening_says_what_float32_leaves_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = toy.write_set(tmp_path / "toy", 12)
    checkpoint = load_checkpoint()
    network = ReferenceSegmenter(checkpoint).model
    with torch.no_grad():
        network.segmentation_head.classifier.convolution.bias.add_(1e5)  # float32's numbers there: 2^-7 apart
    teach.write_checkpoint(tmp_path / "large", checkpoint, network)
    teach.soften(folder, str(tmp_path / "large"), tmp_path / "out", val_size=128)
    said = re.findall(r"float32 are at most (\S+) from float64", capsys.readouterr().err)
    assert len(said) == 2  # as it was, and softened
    for error in said:
        assert 2**-9 < float(error) < 2**-7  # half a step


def test_stages_are_sizes_of_epochs() -> None:
    assert teach.sizes_of("2@192,1@256") == (192, 192, 256)
    with pytest.raises(SystemExit, match="EPOCHS@SIZE"):
        teach.sizes_of("192")
