"""Good files of every kind that a command takes, made once: what hostile inputs are made from and stand beside."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.artifact import Artifact, read_artifact
from edgekit.bundles.writing import BundleContents, write_bundle, zip_bundle
from edgekit.color.layers import Layer, Look
from edgekit.files import write_json
from edgekit.shader.backends.cases import warm_lut
from edgekit.shader.compose import describe
from edgekit.shader.description import write_description
from edgekit.weights import Checkpoint, load_checkpoint
from tests.color.fuzzing import SEEDS
from tests.support.checkpoints import ATR_CLASSES, seeded_checkpoint
from tests.support.conversions import float_artifacts
from tests.support.pictures import picture
from tests.support.valid_files import CASES


def made_checkpoint(folder: Path) -> tuple[Checkpoint, list[Artifact]]:
    """The small checkpoint and an artifact for each target; those that an earlier run left in `folder` are taken."""
    if not (folder / "checkpoint").exists():
        seeded_checkpoint(folder / "checkpoint")
    checkpoint = load_checkpoint(folder / "checkpoint")
    return checkpoint, list(float_artifacts(checkpoint, folder / "artifacts").values())


def fill(kit: Path, checkpoint: Checkpoint, artifacts: Sequence[Artifact]) -> None:
    """Write every good file into the new folder `kit`."""
    kit.mkdir(parents=True)
    shutil.copytree(checkpoint.folder, kit / "checkpoint")
    for artifact in artifacts:
        path = kit / f"a{artifact.path.suffix}"
        (shutil.copytree if artifact.path.is_dir() else shutil.copy)(artifact.path, path)
        shutil.copy(artifact.manifest_path, f"{path}.json")
    _photos(kit)
    for suffix, content in SEEDS.items():
        (kit / f"lut{suffix}").write_bytes(content())
    description = describe(Look((Layer(("background",), warm_lut(3)),)), dialects=("essl300", "msl", "wgsl"))
    write_description(description, kit / "shader")
    for kind in ("recipe", "baseline", "app report", "parity report", "shard", "evaluation shard", "ranges"):
        (kit / kind).mkdir()
        CASES[kind](kit / kind).file.rename(kit / f"{kind.replace(' ', '-')}.json")
    mask = np.zeros((32, 32, 3), np.float32)
    mask[8:24, 8:24, 0] = 1
    contents = BundleContents([read_artifact(kit / "a.tflite")], ("warm",), "warm", picture(96, 128), mask)
    zip_bundle(write_bundle(contents, kit / "bundle"), kit / "bundle.zip")


def _photos(kit: Path) -> None:
    for folder in ("photos", "labels", "data/images", "data/labels"):
        (kit / folder).mkdir(parents=True)
    for seed, name in enumerate(("one", "two")):
        labels = (picture(96, 128, seed)[..., 0] % len(ATR_CLASSES)).astype(np.uint8)
        for place in ("photos", "data/images"):
            Image.fromarray(picture(96, 128, seed)).save(kit / place / f"{name}.png")
        for place in ("labels", "data/labels"):
            Image.fromarray(labels).save(kit / place / f"{name}.png")
    write_json(kit / "data" / "classes.json", list(ATR_CLASSES))
    shutil.copy(kit / "photos" / "one.png", kit / "photo.png")
    Image.fromarray(picture(96, 128)).save(kit / "photo.jpg")
    Image.fromarray(255 - picture(96, 128) // 2).save(kit / "edited.png")
    Image.fromarray(np.where(picture(96, 128) > 99, 255, 0).astype(np.uint8)).save(kit / "mask.png")
