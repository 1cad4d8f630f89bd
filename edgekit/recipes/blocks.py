"""The named blocks of recipes, in the reference: which of them a module of Hugging Face's graph belongs to."""

from __future__ import annotations

import re

# The encoder's layers 0 and 1 are stages 1 and 2 without tokens; layers 2, 3 and 4 are the MobileViT stages 3 to 5.
_STAGE = r"mobilevit\.encoder\.layer\.(\d)"
_PARTS = {
    "downsampling_layer": "down",
    "conv_kxk": "local",
    "conv_1x1": "to_tokens",
    "conv_projection": "from_tokens",
    "fusion": "fusion",
}
_TOKENS = {"attention": "attention", "intermediate": "ffn", "output": "ffn"}


def block_of_module(name: str) -> str | None:
    """The block of a module of `ReferenceSegmenter`: `model.mobilevit.encoder.layer.2.fusion.activation` →
    stage3.fusion. None outside the blocks: LayerNorms, dropout, the modules that hold others."""
    name = name.removeprefix("model.")
    if name.startswith("mobilevit.conv_stem."):
        return "stem"
    if found := re.match(r"segmentation_head\.(aspp|classifier)\.", name):
        return found[1]
    if found := re.match(rf"{_STAGE}\.layer\.(\d)\.", name):
        return f"stage{int(found[1]) + 1}.{found[2]}"
    if found := re.match(rf"{_STAGE}\.transformer\.layer\.(\d)\.(\w+)\.", name):
        part = _TOKENS.get(found[3])
        return part and f"stage{int(found[1]) + 1}.{found[2]}.{part}"
    if found := re.match(rf"{_STAGE}\.(\w+)\.", name):
        part = _PARTS.get(found[2])
        return part and f"stage{int(found[1]) + 1}.{part}"
    return None
