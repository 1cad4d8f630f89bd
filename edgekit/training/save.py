"""Trained weights back into an ordinary checkpoint folder."""

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
from edgekit.weights import WEIGHTS_FILE, Checkpoint, Groups, groups_from_known_names

HEAD_KEYS = "segmentation_head.classifier."
PREPROCESSOR_FILE = "preprocessor_config.json"


def with_classes(checkpoint: Checkpoint, class_names: Sequence[str], seed: int) -> Checkpoint:
    """The checkpoint for another class list: the classifier starts afresh, everything before it is kept."""
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
    """config.json, model.safetensors (float32), preprocessor_config.json and groups.json.

    `network` is the Hugging Face module; what quantisation-aware training added to it is left out.
    """
    tensors = {k: v for k, v in network.state_dict().items() if not k.endswith(RANGE_KEY)}
    write_json(folder / "config.json", checkpoint.config.to_dict(), replace=True)
    source = checkpoint.folder / PREPROCESSOR_FILE
    if source.is_file():
        with staged_file(folder / PREPROCESSOR_FILE, replace=True) as file:
            shutil.copyfile(source, file)
    write_json(folder / "groups.json", _named(checkpoint.groups, checkpoint.class_names), replace=True)
    with staged_file(folder / WEIGHTS_FILE, replace=True) as file:
        save_file(
            {k: v.detach().cpu().contiguous() for k, v in tensors.items()}, file, metadata={"format": "pt"}
        )


def _named(groups: Groups, class_names: Sequence[str]) -> dict[str, list[str]]:
    return {group: [class_names[i] for i in members] for group, members in groups.items()}
