"""Does LiteRT's arm64 build give the same masks as the x86-64 build? Under qemu, so nothing about time.

    python -m benchmarks.arm64_agreement [ARTIFACT...] [--size 256] [--pictures 4] [--images DIR]
        [--out FILE.json]

Without artifacts: the bundled weights as fp32, the same with stock dynamic int8 (ai-edge-quantizer's
dynamic_wi8_afp32), and with the recipe planned for them (the default of edgekit convert), all with logits
as output. Needs tools/install-arm64-sysroot.sh.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit import pipeline
from edgekit.artifact import read_artifact
from edgekit.devices.arm64 import CPU, Arm64
from edgekit.devices.host import Host
from edgekit.files import write_json
from edgekit.images import images_in, read_input
from edgekit.weights import load_checkpoint

SHARED_PHOTOS = Path(__file__).parents[2] / "shared/data/people/eval/images"
THREADS = 2


@dataclass(frozen=True)
class Agreement:
    """One artifact on both machines. label_agreement: share of equal argmax over the last axis."""

    artifact: str
    size: int
    pictures: int
    max_abs: float
    mean_abs: float
    largest_output: float
    label_agreement: float
    identical_pictures: int


def agreement(artifact: Path, size: int, inputs: list[NDArray[np.uint8]]) -> Agreement:
    here, there = Host().infer(artifact, inputs, THREADS), Arm64().infer(artifact, inputs, THREADS)
    pairs = [(a[0].astype(np.float64), b[0].astype(np.float64)) for a, b in zip(here, there, strict=True)]
    differences = np.stack([np.abs(a - b) for a, b in pairs])
    equal = [np.mean(a.argmax(axis=-1) == b.argmax(axis=-1)) for a, b in pairs]
    return Agreement(
        artifact=artifact.name,
        size=size,
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

    planned = pipeline.ConvertOptions(target="tflite", size=size, output="logits", out=folder)
    checkpoint = load_checkpoint(None)
    (fp32,) = pipeline.convert(checkpoint, replace(planned, recipe="fp32"))
    dynamic = folder / fp32.path.name.replace("fp32", "dynamic-int8")
    stock = quantizer.Quantizer(str(fp32.path), recipe.dynamic_wi8_afp32())
    stock.quantize().export_model(str(dynamic))
    (default,) = pipeline.convert(checkpoint, planned)
    return [fp32.path, dynamic, default.path]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("artifacts", nargs="*", type=Path)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--pictures", type=int, default=4)
    parser.add_argument("--images", type=Path, default=SHARED_PHOTOS)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    photos = images_in(arguments.images)[: arguments.pictures]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        if arguments.artifacts:
            sized = [(path, read_artifact(path).manifest.size) for path in arguments.artifacts]
        else:
            sized = [(path, arguments.size) for path in default_artifacts(arguments.size, Path(folder))]
        for path, size in sized:
            row = agreement(path, size, [read_input(photo, size)[None] for photo in photos])
            print(
                f"{row.artifact}: {row.pictures} photos at {row.size}², max |Δ| {row.max_abs:.3g} of "
                f"{row.largest_output:.3g}, mean |Δ| {row.mean_abs:.2g}, labels {row.label_agreement:.4%}, "
                f"bit-identical {row.identical_pictures}",
                flush=True,
            )
            rows.append(asdict(row))
    machine = {
        "x86": platform.machine(), "cores": os.cpu_count(), "arm64": f"qemu -cpu {CPU}", "threads": THREADS,
        "ai-edge-litert": metadata.version("ai-edge-litert"), "numpy": metadata.version("numpy"),
    }  # fmt: skip
    print(machine)
    if arguments.out:
        write_json(arguments.out, {"machine": machine, "artifacts": rows}, replace=True)


if __name__ == "__main__":
    main()
