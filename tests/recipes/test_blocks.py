"""Every layer of Hugging Face's graph that can be rounded lies in one of the recipes' blocks."""

import pytest
from torch import nn
from transformers.activations import SiLUActivation

from edgekit.model.reference import ReferenceSegmenter
from edgekit.recipes import BLOCKS, block_of_module
from edgekit.weights import Checkpoint

LAYER = "model.mobilevit.encoder.layer"


@pytest.mark.parametrize(
    ("module", "block"),
    [
        ("model.mobilevit.conv_stem.activation", "stem"),
        (f"{LAYER}.0.layer.0.conv_3x3.convolution", "stage1.0"),
        (f"{LAYER}.1.layer.2.expand_1x1.activation", "stage2.2"),
        (f"{LAYER}.2.downsampling_layer.reduce_1x1.convolution", "stage3.down"),
        (f"{LAYER}.2.conv_kxk.convolution", "stage3.local"),
        (f"{LAYER}.3.conv_1x1.convolution", "stage4.to_tokens"),
        (f"{LAYER}.3.transformer.layer.3.attention.output.dense", "stage4.3.attention"),
        (f"{LAYER}.3.transformer.layer.1.intermediate.intermediate_act_fn", "stage4.1.ffn"),
        (f"{LAYER}.4.transformer.layer.2.output.dense", "stage5.2.ffn"),
        (f"{LAYER}.4.conv_projection.convolution", "stage5.from_tokens"),
        (f"{LAYER}.4.fusion.convolution", "stage5.fusion"),
        ("model.segmentation_head.aspp.convs.4.conv_1x1.convolution", "aspp"),
        ("model.segmentation_head.classifier.convolution", "classifier"),
        (f"{LAYER}.4.transformer.layer.2.layernorm_before", None),
        (f"{LAYER}.4.layernorm", None),
        ("model.mobilevit.encoder", None),
        ("", None),
    ],
)
def test_block_of_a_module(module: str, block: str | None) -> None:
    assert block_of_module(module) == block


def test_every_layer_that_can_be_rounded_lies_in_a_block(checkpoint: Checkpoint) -> None:
    found = {
        block_of_module(name)
        for name, module in ReferenceSegmenter(checkpoint).named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear | SiLUActivation)
    }
    additions = {f"stage{stage}.{i}" for stage, depth in ((3, 2), (4, 4), (5, 3)) for i in range(depth)}
    assert found == set(BLOCKS) - additions
