"""The history of a run: one JSON line per epoch, a plot, and a printed line per epoch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from edgekit.files import JsonValue, staged_file, write_whole

LOG_FILE = "log.jsonl"
PLOT_FILE = "training.png"


@dataclass(frozen=True)
class Scores:
    """Accuracy on the validation photos in one frame, in [0, 1]; None for a score of classes that do not occur."""

    miou: float | None = None
    mean_accuracy: float | None = None
    overall_accuracy: float | None = None
    skin_iou: float | None = None


Folders = Mapping[str, Mapping[str, float | None]]  # IoU of each group that a folder's labels tell, by folder


def mean_group_iou(folders: Folders) -> float | None:
    """The mean over the folders of the mean IoU of the groups that each can tell; None if there is none."""
    known = [[iou for iou in groups.values() if iou is not None] for groups in folders.values()]
    means = [sum(ious) / len(ious) for ious in known if ious]
    return sum(means) / len(means) if means else None


@dataclass(frozen=True)
class Epoch:
    """One epoch: mean training loss, the rate it ended on, and validation of the averaged weights.

    folders, score: of a run on several folders or on labels of sets of classes, the IoUs of each folder's validation
    photos and their `mean_group_iou`.
    """

    epoch: int
    step: int
    loss: float
    lr: float
    seconds: float
    whole: Scores
    head_and_shoulders: Scores
    folders: Folders = field(default_factory=dict)
    score: float | None = None

    def to_json(self) -> dict[str, JsonValue]:
        return asdict(self)

    def sentence(self, epochs: int) -> str:
        """The epoch on one line, out of `epochs`."""
        return _line(f"epoch {self.epoch}/{epochs}  loss {self.loss:.3f}", self)


@dataclass(frozen=True)
class Start:
    """The starting weights, validated like every epoch's: epoch 0 in the printed lines. The log begins at epoch 1."""

    seconds: float
    whole: Scores
    head_and_shoulders: Scores
    folders: Folders = field(default_factory=dict)
    score: float | None = None

    def to_json(self) -> dict[str, JsonValue]:
        return asdict(self)

    def sentence(self, epochs: int) -> str:
        """The starting weights on one line, before `epochs` epochs."""
        return _line(f"epoch 0/{epochs}  starting weights", self)


def folder_lines(scored: Epoch | Start) -> list[str]:
    """The IoUs of each folder on a line, and the score on one more; none for a run without them."""
    lines = [
        f"  {name}: " + "  ".join(f"{group} IoU {_shown(iou)}" for group, iou in groups.items())
        for name, groups in scored.folders.items()
    ]
    return lines if scored.score is None else [*lines, f"  mean group IoU {scored.score:.4f}"]


def _line(head: str, scored: Epoch | Start) -> str:
    whole, close = scored.whole, scored.head_and_shoulders
    return (
        f"{head}  mIoU {_shown(whole.miou)}  mean accuracy {_shown(whole.mean_accuracy)}  "
        f"overall {_shown(whole.overall_accuracy)}  skin IoU {_shown(whole.skin_iou)}  "
        f"head shots: mIoU {_shown(close.miou)}  ({scored.seconds:.0f} s)"
    )


def write_log(history: Sequence[Epoch], folder: Path) -> None:
    """Write every epoch so far, one JSON object per line."""
    lines = (json.dumps(epoch.to_json(), allow_nan=False) + "\n" for epoch in history)
    write_whole(folder / LOG_FILE, "".join(lines), replace=True)


def write_plot(history: Sequence[Epoch], folder: Path) -> None:
    """Plot the training loss and the validation accuracies over the epochs."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = [epoch.epoch for epoch in history]
    left.plot(epochs, [epoch.loss for epoch in history], marker=".")
    left.set(xlabel="epoch", ylabel="training loss")
    curves = {
        "mIoU": [epoch.whole.miou for epoch in history],
        "mean accuracy": [epoch.whole.mean_accuracy for epoch in history],
        "overall accuracy": [epoch.whole.overall_accuracy for epoch in history],
        "skin-union IoU": [epoch.whole.skin_iou for epoch in history],
        "mIoU, head and shoulders": [epoch.head_and_shoulders.miou for epoch in history],
    }
    if any(epoch.score is not None for epoch in history):
        curves["mean group IoU of the folders"] = [epoch.score for epoch in history]
    for name, values in curves.items():
        known = [float("nan") if value is None else value for value in values]
        right.plot(epochs, known, marker=".", label=name)
    right.set(xlabel="epoch", ylabel="validation, averaged weights", ylim=(0, 1))
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.legend(fontsize="small")
    with staged_file(folder / PLOT_FILE, replace=True) as file:
        FigureCanvasAgg(figure).print_png(str(file))  # type: ignore[no-untyped-call]


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
