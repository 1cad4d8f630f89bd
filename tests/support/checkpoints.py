"""Small checkpoints with random weights: every block of the parser, a fraction of its channels."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import MobileViTConfig, MobileViTForSemanticSegmentation

from edgekit.images import astronaut
from edgekit.weights import WEIGHTS_FILE
from tests.support.pictures import picture

# The maps that write the residual stream: of them all, LayerNorm undoes a common factor.
STREAM_WRITERS = re.compile(r"encoder\.layer\.\d\.conv_1x1\.|\.output\.dense\.")
SIDE = 128  # px: the smallest input that a conversion takes
# The recipes' blocks fix the stages and their depths; the channels are free.
CHANNELS = {
    "hidden_sizes": [48, 64, 80],
    "neck_hidden_sizes": [16, 24, 32, 48, 64, 80, 160],
    "aspp_out_channels": 64,
}
LOGITS_DEVIATION = 4.0  # about that of a trained network: it is certain of some pixels and not of others
ATR_CLASSES = (
    "Background", "Hat", "Hair", "Sunglasses", "Upper-clothes", "Skirt", "Pants", "Dress", "Belt", "Left-shoe",
    "Right-shoe", "Face", "Left-leg", "Right-leg", "Left-arm", "Right-arm", "Bag", "Scarf",
)  # fmt: skip
VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
ATR_GROUPS = {
    "skin": ["Face", "Left-leg", "Right-leg", "Left-arm", "Right-arm"],
    "hair": ["Hair"],
    "clothes": [
        "Hat", "Sunglasses", "Upper-clothes", "Skirt", "Pants", "Dress", "Belt", "Left-shoe", "Right-shoe", "Bag",
        "Scarf",
    ],
}  # fmt: skip


def seeded_checkpoint(
    folder: Path, class_names: Sequence[str] = ATR_CLASSES, seed: int = 0, output_stride: int = 16
) -> Path:
    """A checkpoint folder in Hugging Face form, with groups where the classes are ATR's.

    The weights are random; BatchNorm's statistics are those of four pictures, so that activations stay in the
    range that a trained network's have, in float16 too, on made-up pictures and on the portrait.
    """
    config = MobileViTConfig(
        **CHANNELS,
        image_size=SIDE,
        output_stride=output_stride,
        id2label=dict(enumerate(class_names)),
        label2id={name: i for i, name in enumerate(class_names)},
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = random_network(config)
    folder.mkdir(parents=True, exist_ok=True)
    config.to_json_file(folder / "config.json", use_diff=False)
    (folder / "preprocessor_config.json").write_text(json.dumps({"do_flip_channel_order": True}))
    if tuple(class_names) == ATR_CLASSES:
        (folder / "groups.json").write_text(json.dumps(ATR_GROUPS))
    save_file(model.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def with_stream_times(source: Path, folder: Path, factor: float) -> Path:
    """A copy of a checkpoint whose transformers' residual streams are `factor` times as large.

    The LayerNorms that read the stream ignore its scale, so the network computes the same up to their ε.
    """
    shutil.copytree(source, folder)
    state = load_file(folder / WEIGHTS_FILE)
    for name, value in state.items():
        if STREAM_WRITERS.search(name):
            state[name] = value * factor
    save_file(state, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    return folder


def random_network(config: MobileViTConfig) -> MobileViTForSemanticSegmentation:
    """A network with random weights and norms, whose logits deviate by LOGITS_DEVIATION on what the tests show it."""
    model = MobileViTForSemanticSegmentation(config)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | nn.LayerNorm):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.1)
            nn.init.normal_(module.bias, std=0.3)
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the plain mean of what it sees
    portrait = astronaut().at(SIDE)
    shown = (portrait, portrait[:, ::-1], picture(SIDE, SIDE), picture(SIDE, SIDE, seed=1))
    pixels = torch.from_numpy(np.stack(shown))
    x = pixels.permute(0, 3, 1, 2).flip(1) / 255  # (4, 3, SIDE, SIDE) BGR in [0, 1]
    classifier = model.segmentation_head.classifier.convolution
    with torch.no_grad():
        model.train()(pixel_values=x)
        logits = model.eval()(pixel_values=x).logits
        classifier.weight *= LOGITS_DEVIATION / logits.std()
    return model
