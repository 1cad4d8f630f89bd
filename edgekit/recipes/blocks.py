"""The named blocks of the model, and their names in every graph.

A recipe names blocks (`stem`, `stage3.0.attention`, `aspp`). Three graphs hold the same blocks under names of their
own, and only this file translates between them: Hugging Face's modules, the tensors of an exported .tflite, and the
parameters of a Core ML program. The last two follow the modules of `edgekit/model/prepared.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# Transformer layers of the MobileViT stages (arXiv 2110.02178, table 4; the same in all sizes of the network).
STAGE_DEPTHS: Mapping[str, int] = {"stage3": 2, "stage4": 4, "stage5": 3}
STAGE2_DEPTH = 3  # inverted residuals

# The blocks down to 1/8 of the input's side. They hold 132,000 of the 6.3 million weights but cause most of the mask
# error of weight-only int8.
FIRST_BLOCKS = (
    "stem", "stage1.0", *(f"stage2.{i}" for i in range(STAGE2_DEPTH)), "stage3.down",
)  # fmt: skip


def _layers(depth: int) -> tuple[str, ...]:
    """The blocks of a stage's transformer. `i` alone is layer i's residual additions."""
    return tuple(f"{i}{part}" for i in range(depth) for part in (".attention", ".ffn", ""))


# All blocks, in the order in which data passes them.
BLOCKS: tuple[str, ...] = (
    *FIRST_BLOCKS,
    *(
        block
        for stage, depth in STAGE_DEPTHS.items()
        for part in ("down", "local", "to_tokens", *_layers(depth), "from_tokens", "fusion")
        if (block := f"{stage}.{part}") not in FIRST_BLOCKS
    ),
    "aspp",
    "classifier",
)
RESIDUAL_ADDITIONS = frozenset(f"{stage}.{i}" for stage, depth in STAGE_DEPTHS.items() for i in range(depth))


# --- the exported .tflite, whose tensors are named by their place in the prepared model


def block_of_tensor(name: str) -> str | None:
    """The block that a .tflite's tensor lies in: `segmenter/stage3/0/attention/query:2` → `stage3.0.attention`.

    None outside the blocks: norms, the reshapes around the tokens, the output head.
    """
    parts = re.split(r"[:;]", name, maxsplit=1)[0].split("/")[1:]
    if any(part.startswith("norm") for part in parts):
        return None
    paths = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((path for path in paths if path in BLOCKS), None)


def tensor_pattern(block: str) -> str:
    """The regular expression that matches the output tensors of a block's operators, and of no other block's."""
    place = re.escape("/".join(("segmenter", *block.split("."))))
    # A residual addition excludes what is inside its layer: attention and ffn are blocks of their own.
    within = "" if block in RESIDUAL_ADDITIONS else "/|"
    return f"^{place}({within}:|;|$)"


# --- the Core ML program, whose weights are named by their module in the prepared model


def _parameter_prefix(block: str) -> str:
    stage, *inner = block.split(".")
    if stage in STAGE_DEPTHS and inner[0].isdecimal():
        inner = ["layers", *inner]
    return "_".join(("p_segmenter", stage, *inner, ""))


_PARAMETER_PREFIXES = {_parameter_prefix(block): block for block in BLOCKS if block not in RESIDUAL_ADDITIONS}


def block_of_parameter(name: str) -> str | None:
    """The block of a Core ML weight: `p_segmenter_stage3_layers_0_attention_query_weight` → `stage3.0.attention`."""
    return next((block for prefix, block in _PARAMETER_PREFIXES.items() if name.startswith(prefix)), None)


def layer_of(block: str) -> str:
    """The block of the residual addition that adds this block's output: `stage3.0.ffn` → `stage3.0`; else itself."""
    layer = block.rpartition(".")[0]
    return layer if layer in RESIDUAL_ADDITIONS else block


# --- Hugging Face's modules

_ENCODER_LAYER = r"mobilevit\.encoder\.layer\.(\d)"  # layer i is stage i + 1
_SEAMS = {
    "downsampling_layer": "down",
    "conv_kxk": "local",
    "conv_1x1": "to_tokens",
    "conv_projection": "from_tokens",
    "fusion": "fusion",
}
_TRANSFORMER = {"attention": "attention", "intermediate": "ffn", "output": "ffn"}


def block_of_module(name: str) -> str | None:
    """The block of a module of `ReferenceSegmenter`; None outside the blocks: LayerNorms, dropout, containers.

    `model.mobilevit.encoder.layer.2.fusion.activation` → `stage3.fusion`.
    """
    name = name.removeprefix("model.")
    if name.startswith("mobilevit.conv_stem."):
        return "stem"
    if found := re.match(r"segmentation_head\.(aspp|classifier)\.", name):
        return found[1]
    if found := re.match(rf"{_ENCODER_LAYER}\.layer\.(\d)\.", name):
        return f"stage{int(found[1]) + 1}.{found[2]}"
    if found := re.match(rf"{_ENCODER_LAYER}\.transformer\.layer\.(\d)\.(\w+)\.", name):
        part = _TRANSFORMER.get(found[3])
        return part and f"stage{int(found[1]) + 1}.{found[2]}.{part}"
    if found := re.match(rf"{_ENCODER_LAYER}\.(\w+)\.", name):
        part = _SEAMS.get(found[2])
        return part and f"stage{int(found[1]) + 1}.{part}"
    return None
