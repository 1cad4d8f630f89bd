"""Does LiteRT's arm64 build give the same labels as the x86-64 build? Under qemu, so nothing about time.

    python -m benchmarks.arm64_agreement --images DIR [--size 256] [--pictures 4] [--write] [ARTIFACT …]

Without artifacts: the bundled weights as fp32, the same with stock dynamic int8, and with the recipe planned for them.
Needs tools/install-arm64-sysroot.sh. Publishes the figure `arm64`.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import harness
from benchmarks.plan import PLANNED
from edgekit.artifact import read_artifact
from edgekit.devices.arm64 import CPU, Arm64
from edgekit.devices.host import Host
from edgekit.images import InputSize, images_in, read_input
from edgekit.pipeline import convert
from edgekit.weights import load_checkpoint


@dataclass(frozen=True)
class Agreement:
    """One artifact on both machines. label_agreement: share of equal argmax over the last axis."""

    artifact: str
    pictures: int
    max_abs: float
    mean_abs: float
    largest_output: float
    label_agreement: float
    identical_pictures: int


def agreement(artifact: Path, inputs: list[NDArray[np.uint8]]) -> Agreement:
    """The artifact's outputs on this machine and on the emulated one."""
    here, there = (device.infer(artifact, inputs, harness.THREADS) for device in (Host(), Arm64()))
    pairs = [(a[0].astype(np.float64), b[0].astype(np.float64)) for a, b in zip(here, there, strict=True)]
    differences = np.stack([np.abs(a - b) for a, b in pairs])
    equal = [np.mean(a.argmax(axis=-1) == b.argmax(axis=-1)) for a, b in pairs]
    return Agreement(
        artifact=artifact.name,
        pictures=len(inputs),
        max_abs=float(differences.max()),
        mean_abs=float(differences.mean()),
        largest_output=max(float(np.abs(a).max()) for a, _ in pairs),
        label_agreement=float(np.mean(equal)),
        identical_pictures=sum(np.array_equal(a, b) for a, b in pairs),
    )


def default_artifacts(size: int, folder: Path) -> list[Path]:
    """fp32, stock dynamic int8 and the planned recipe of the bundled weights."""
    from ai_edge_quantizer import quantizer, recipe

    checkpoint = load_checkpoint()
    made = [
        convert(checkpoint, "tflite", size=size, recipe=name, output="logits", out=folder)[0].path
        for name in ("fp32", PLANNED)
    ]
    dynamic = folder / made[0].name.replace("fp32", "dynamic-int8")
    stock = quantizer.Quantizer(str(made[0]), recipe.dynamic_wi8_afp32())
    stock.quantize().export_model(str(dynamic))
    return [made[0], dynamic, made[1]]


def main() -> None:
    """Run every artifact on both, and publish the figure."""
    parser = harness.parser(__doc__)
    parser.add_argument("artifacts", nargs="*", type=Path)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--pictures", type=int, default=4)
    options = parser.parse_args()
    photos = images_in(options.images)[: options.pictures]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        if options.artifacts:
            sized = [(path, read_artifact(path).manifest.input_size) for path in options.artifacts]
        else:
            sized = [
                (path, InputSize.of(options.size)) for path in default_artifacts(options.size, Path(folder))
            ]
        for path, size in sized:
            found = agreement(path, [read_input(photo, size)[None] for photo in photos])
            rows.append(
                (
                    found.artifact, f"{found.max_abs:.3g} ({found.largest_output:.3g})",
                    f"{found.mean_abs:.2g}", f"{found.label_agreement:.4%}",
                    f"{found.identical_pictures} of {found.pictures}",
                )
            )  # fmt: skip
    columns = ("artifact", "max abs Δ logit (largest logit)", "mean abs Δ", "equal labels", "bit-identical")
    made_with = f"{harness.machine('ai-edge-litert', 'numpy', threads=harness.THREADS)}; qemu -cpu {CPU}"
    harness.publish(options, "arm64", f"{len(photos)} photos", made_with, harness.table(columns, rows))


if __name__ == "__main__":
    main()
