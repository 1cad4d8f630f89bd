"""One checkpoint in every runtime that this machine has, on the same photos, against Hugging Face's graph in PyTorch.

    python -m benchmarks.runtimes --images DIR [--size 256] [--photos 8] [--write]

A runtime that is not here has a row with the reason. Nothing is timed: SwiftShader and qemu compute what a GPU and a
phone's processor would, hundreds of times slower. Publishes the figure `runtimes`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from itertools import islice
from pathlib import Path

from benchmarks import harness
from benchmarks.browser import LiteRTJs
from edgekit.artifact import Artifact
from edgekit.console import quiet_libraries
from edgekit.devices.arm64 import Arm64
from edgekit.devices.runtime import opener_on
from edgekit.errors import EdgekitError
from edgekit.images import Folder, Picture
from edgekit.parity.compare import check_parity
from edgekit.parity.gates import Gates
from edgekit.parity.report import ArtifactReport, Status
from edgekit.pipeline import convert
from edgekit.runtimes import Opener, Runtime, opener_of
from edgekit.targets import TARGETS
from edgekit.weights import Checkpoint, load_checkpoint

COLUMNS = ("artifact", "runtime", "max abs Δ logit", "equal labels", "worst photo", "verdict")
PACKAGES = ("torch", "ai-edge-litert", "coremltools", "coreai-core")


@dataclass(frozen=True)
class Row:
    """One runtime: the artifact that it opens, and how. `opened`: a context that gives the opener."""

    target: str
    recipe: str
    runtime: str
    opened: Callable[[], AbstractContextManager[Opener]]


class InBrowser(AbstractContextManager[Opener]):
    """Opens artifacts in LiteRT.js, and closes the browser at the end."""

    def __init__(self, accelerator: str) -> None:
        self._accelerator = accelerator
        self._open: list[LiteRTJs] = []

    def __enter__(self) -> Opener:
        def opener(path: Path, taps: Sequence[str]) -> Runtime:
            self._open.append(LiteRTJs(path, self._accelerator))
            return self._open[-1]

        return opener

    def __exit__(self, *_: object) -> None:
        for each in self._open:
            each.__exit__(None, None, None)


def named(name: str | None) -> Callable[[], AbstractContextManager[Opener]]:
    return lambda: nullcontext(opener_of(name))


def on_arm64() -> AbstractContextManager[Opener]:
    return nullcontext(opener_on(Arm64()))


ROWS = (
    Row("tflite", "fp32", "LiteRT on the CPU", named(None)),
    Row("tflite", "fp32", "LiteRT on a GPU", named("litert-gpu")),
    Row("tflite", "fp32", "LiteRT in half precision", named("litert-fp16")),
    Row("tflite", "fp32", "LiteRT.js wasm", partial(InBrowser, "wasm")),
    Row("tflite", "fp32", "LiteRT.js WebGPU", partial(InBrowser, "webgpu")),
    Row("tflite", "fp32", "LiteRT on arm64", on_arm64),
    Row("coreml", "fp16", "Core ML's reference executor", named(None)),
    Row("coreai", "fp32", "Core AI on the CPU", named(None)),
    Row("coreai", "w8", "Core AI on the CPU", named(None)),
)


def main() -> None:
    """Convert once for each target, compare in every runtime, and publish the figure `runtimes`."""
    parser = harness.parser(__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--photos", type=int, default=8)
    options = parser.parse_args()
    with quiet_libraries():
        checkpoint = load_checkpoint()
    pictures = list(islice(Folder(options.images, None, len(checkpoint.class_names)), options.photos))
    made: dict[tuple[str, str], Artifact | str] = {}
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for row in ROWS:
            key = (row.target, row.recipe)
            if key not in made:
                made[key] = artifact_or_reason(checkpoint, *key, options.size, Path(name))
            rows.append(cells(row, made[key], checkpoint, pictures))
    installed = [each for each in PACKAGES if any(d.name == each for d in metadata.distributions())]
    n = f"{len(pictures)} pictures at {options.size}²"
    harness.publish(options, "runtimes", n, harness.machine(*installed), harness.table(COLUMNS, rows))


def artifact_or_reason(
    checkpoint: Checkpoint, target: str, recipe: str, size: int, folder: Path
) -> Artifact | str:
    """An artifact that delivers logits, or the reason why there is none."""
    try:
        (made,) = convert(checkpoint, target, size=size, recipe=recipe, output="logits", out=folder)
    except EdgekitError as error:
        return str(error)
    return made


def cells(
    row: Row, artifact: Artifact | str, checkpoint: Checkpoint, pictures: Sequence[Picture]
) -> tuple[str, ...]:
    """One runtime's row of the table."""
    label = f"{TARGETS[row.target].title} {row.recipe}"
    if isinstance(artifact, str):
        return not_run(label, row.runtime, artifact)
    try:
        with quiet_libraries(), row.opened() as opener:
            report = check_parity([artifact], checkpoint, pictures, Gates(), opener=opener)
    except (EdgekitError, RuntimeError) as error:
        return not_run(label, row.runtime, str(error))
    return measured(label, report.artifacts[0])


def measured(label: str, report: ArtifactReport) -> tuple[str, ...]:
    """The cells of a runtime that ran; the verdict names the gates that decided it."""
    m = report.metrics
    decided = [c.name for c in report.checks if c.status in (Status.FAILED, Status.UNDECIDED)]
    return (
        label,
        report.runtime,
        f"{m.max_abs_logit:.2g}",
        f"{m.label_agreement:.3%}",
        f"{min(photo.label_agreement for photo in report.photos):.3%}",
        f"{report.status}: {', '.join(decided)}" if decided else str(report.status),
    )


def not_run(label: str, runtime: str, reason: str) -> tuple[str, ...]:
    shown = reason.replace(str(Path.home()), "~").rstrip(".")
    return (label, runtime, "–", "–", "–", f"NOT RUN: {shown}")


if __name__ == "__main__":
    main()
