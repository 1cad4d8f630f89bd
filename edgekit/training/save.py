"""Checkpoint folders for trained weights and other classes."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from transformers import MobileViTConfig

from edgekit.files import staged_file, write_json
from edgekit.training.qat import RANGE_KEY
from edgekit.weights import WEIGHTS_FILE, Checkpoint, groups_from_known_names

HEAD_KEYS = "segmentation_head.classifier."
CONFIG_FILE = "config.json"
PREPROCESSOR_FILE = "preprocessor_config.json"
GROUPS_FILE = "groups.json"
CHECKPOINT_FILES = (CONFIG_FILE, PREPROCESSOR_FILE, GROUPS_FILE, WEIGHTS_FILE)


def with_classes(checkpoint: Checkpoint, class_names: Sequence[str], seed: int) -> Checkpoint:
    """The checkpoint with another class list: a classifier of random weights, everything before it unchanged.

    The groups skin, hair and clothes follow from the class names.
    """
    config = MobileViTConfig.from_dict(checkpoint.config.to_dict())
    config.id2label = dict(enumerate(class_names))
    config.label2id = {name: i for i, name in enumerate(class_names)}
    torch.manual_seed(seed)
    state = {
        key: _fresh(key, value, len(class_names), config.initializer_range)
        for key, value in checkpoint.state_dict.items()
    }
    return dataclasses.replace(
        checkpoint,
        config=config,
        state_dict=state,
        class_names=tuple(class_names),
        groups=groups_from_known_names(class_names),
    )


def _fresh(key: str, value: torch.Tensor, classes: int, spread: float) -> torch.Tensor:
    if not key.startswith(HEAD_KEYS):
        return value
    if value.ndim == 1:
        return torch.zeros(classes)
    return torch.randn(classes, *value.shape[1:]) * spread  # as MobileViT's own initialisation


def write_checkpoint(folder: Path, checkpoint: Checkpoint, network: nn.Module) -> None:
    """Write the checkpoint with the weights of `network`, the Hugging Face module, into a folder (float32).

    The input ranges that quantisation-aware training added are left out. Files of the same names are replaced, the
    weights last.
    """
    tensors = {k: v for k, v in network.state_dict().items() if not k.endswith(RANGE_KEY)}
    write_json(folder / CONFIG_FILE, checkpoint.config.to_dict(), replace=True)
    source = checkpoint.folder / PREPROCESSOR_FILE
    if source.is_file():
        with staged_file(folder / PREPROCESSOR_FILE, replace=True) as file:
            shutil.copyfile(source, file)
    names = checkpoint.class_names
    groups = {group: [names[i] for i in members] for group, members in checkpoint.groups.items()}
    write_json(folder / GROUPS_FILE, groups, replace=True)
    with staged_file(folder / WEIGHTS_FILE, replace=True) as file:
        save_file(
            {k: v.detach().cpu().contiguous() for k, v in tensors.items()}, file, metadata={"format": "pt"}
        )
