"""A target that writes and runs nothing: the name of its recipe in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.conversion import Conversion, Converted
from edgekit.artifact import TensorSpec
from edgekit.targets import Target

TOY = Target(
    name="toy",
    title="Toy",
    suffix=".toy",
    is_folder=False,
    layout="NHWC",
    default_recipe="fp16",
    minimum_os="ToyOS 3",
    minimum_os_int8="ToyOS 4",
    logits_names=("logits",),
    plans=False,
    apple=False,
    convert="tests.support.toy_target:convert_toy",
    observe="tests.support.toy_target:observe_toy",
    runtime="tests.support.toy_target:ToyRuntime",
    unproved="tests.support.toy_target:why_unproved",
)


def convert_toy(conversion: Conversion, path: Path) -> Converted:
    path.write_text(conversion.recipe.name)
    image = TensorSpec(
        "image", (1, *conversion.size.shape, 3), "uint8", "NHWC", (0.0, 255.0), ("r", "g", "b")
    )
    output = conversion.output_spec("NHWC", "uint8", rgba=True)
    return Converted((image,), (output,), {"logits": "groups"}, {"toy": "1"}, conversion.recipe)


class ToyRuntime:
    name = "toy"

    def __init__(self, path: Path, taps: tuple[str, ...], threads: int) -> None:
        self.recipe = path.read_text()

    def run(self, inputs: object) -> dict[str, NDArray[Any]]:
        return {"groups": np.zeros((1, 2, 2, 4), np.uint8)}


def why_unproved() -> str:
    return "a toy proves nothing"
