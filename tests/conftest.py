"""What several test modules need: the bundled checkpoint, small random ones, pictures and artifacts."""

from __future__ import annotations

import json
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from converters.conversion import Conversion, Job, write_artifact
from edgekit.artifact import Artifact
from edgekit.recipes import recipe_named
from edgekit.targets import TARGETS
from edgekit.weights import BUNDLED_FOLDER, Checkpoint, load_checkpoint

SHARED = Path(__file__).parent.parent.parent / "shared"
VOC_CLASSES = [
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
]  # fmt: skip


# A shell that starts pytest in the background makes every child ignore Ctrl-C, which some tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `shared` say why they are skipped when the photos are not there."""
    if (SHARED / "data").is_dir():
        return
    for item in items:
        if item.get_closest_marker("shared"):
            item.add_marker(pytest.mark.skip(reason=f"needs the shared photos in {SHARED}, which is absent"))


@pytest.fixture(scope="session")
def shared() -> Path:
    return SHARED


@pytest.fixture(scope="session")
def checkpoint() -> Checkpoint:
    return load_checkpoint()


def random_checkpoint(folder: Path, class_names: list[str], seed: int, output_stride: int = 16) -> Path:
    """A checkpoint folder with random weights and BatchNorm statistics, in Hugging Face form."""
    from safetensors.torch import save_file
    from transformers import MobileViTConfig, MobileViTForSemanticSegmentation

    values = json.loads((BUNDLED_FOLDER / "config.json").read_text())
    values["id2label"] = {str(i): name for i, name in enumerate(class_names)}
    values["label2id"] = {name: i for i, name in enumerate(class_names)}
    values["output_stride"] = output_stride
    torch.manual_seed(seed)
    model = MobileViTForSemanticSegmentation(MobileViTConfig.from_dict(values))
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.1)
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
        elif isinstance(module, torch.nn.LayerNorm):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.1)
        elif isinstance(module, torch.nn.Linear):
            torch.nn.init.normal_(module.weight, std=0.1)
            torch.nn.init.normal_(module.bias, std=0.3)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(values))
    shutil.copy(BUNDLED_FOLDER / "preprocessor_config.json", folder)
    save_file(model.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture
def atr_folder(tmp_path: Path) -> Path:
    """An 18-class checkpoint folder with random weights and the bundled groups."""
    names = json.loads((BUNDLED_FOLDER / "config.json").read_text())["id2label"]
    folder = random_checkpoint(tmp_path / "atr", list(names.values()), seed=3)
    shutil.copy(BUNDLED_FOLDER / "groups.json", folder)
    return folder


@pytest.fixture
def voc_folder(tmp_path: Path) -> Path:
    """A 21-class VOC checkpoint folder with random weights and no groups."""
    return random_checkpoint(tmp_path / "voc", VOC_CLASSES, seed=4)


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """(height, width, 3) uint8: different ramps per channel with noise; no axis or channel is like another."""
    y, x = np.mgrid[0:height, 0:width]
    channels = np.stack([x * 255 / width, y * 200 / height, (x + 2 * y) % 90], -1)
    noise = np.random.default_rng(seed).normal(0, 12, (height, width, 3))
    return np.clip(channels + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def artifacts(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artifact]:
    """The bundled parser at 128²: TFLite fp32 and Core ML fp16, converted once for the whole session."""
    folder = tmp_path_factory.mktemp("artifacts")
    made = {}
    for target, recipe in (("tflite", "fp32"), ("coreml", "fp16")):
        conversion = Conversion(checkpoint, 128, recipe_named(recipe))
        path = folder / f"{conversion.file_stem}{TARGETS[target].suffix}"
        made[target] = write_artifact(Job(TARGETS[target], conversion, path))
    return made


@pytest.fixture
def copied(artifacts: dict[str, Artifact], tmp_path: Path) -> dict[str, Artifact]:
    """The session's artifacts in a folder of the test's own, to be damaged."""
    made = {}
    for target, artifact in artifacts.items():
        path = tmp_path / artifact.path.name
        (shutil.copytree if artifact.path.is_dir() else shutil.copy)(artifact.path, path)
        shutil.copy(artifact.manifest_path, path.with_name(path.name + ".json"))
        made[target] = replace(artifact, path=path)
    return made
