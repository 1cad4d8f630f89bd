"""Make a trained checkpoint the bundled one: float16 weights, the class names and groups as trained.

python research/ship_weights.py runs/first

Afterwards: `edgekit plan` and `research/ship_plan.py`, the benchmarks with --write (`benchmarks.checkpoint --json` also
makes `metrics.json`), and the contact sheet.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save

from edgekit.console import say
from edgekit.files import write_whole
from edgekit.weights import BUNDLED_FOLDER, load_checkpoint

COPIED = ("groups.json", "preprocessor_config.json")


def main() -> None:
    run = Path(sys.argv[1])
    if load_checkpoint(str(run)).class_names != load_checkpoint().class_names:
        raise SystemExit(f"{run} has other classes than the bundled config.json; nothing was written.")
    tensors = load_file(run / "model.safetensors")
    half = {name: t.half() if t.dtype == torch.float32 else t for name, t in tensors.items()}
    if not all(t.isfinite().all() for t in half.values() if t.is_floating_point()):
        raise SystemExit("A weight does not fit into float16; nothing was written.")
    write_whole(BUNDLED_FOLDER / "model.safetensors", save(half, {"format": "pt"}), replace=True)
    for name in COPIED:
        shutil.copyfile(run / name, BUNDLED_FOLDER / name)
    say(f"{BUNDLED_FOLDER}: {load_checkpoint().sha256}")


if __name__ == "__main__":
    main()
