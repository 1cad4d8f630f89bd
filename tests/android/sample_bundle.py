"""A bundle written by edgekit in a second: bytes stand in the network's place, everything else is real. What
Kotlin computes is compared with what Python wrote into it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgekit.artifact import Artifact, Manifest, TensorSpec, write_manifest
from edgekit.bundles.reading import OpenBundle
from edgekit.bundles.writing import BundleContents, write_bundle
from edgekit.recipes import recipe_named
from tests.support.looks import four_region_look
from tests.support.pictures import picture

STYLES = ("vibrant", "cozy")
LOOK = "evening"  # the third style: four regions, a blur and a second picture
INPUT_SIDE, MASK_SIDE = 96, 24
NOT_A_NETWORK = bytes(range(256)) * 40
GROUPS = ("skin", "hair", "clothes", "background")


def write_sample_bundle(
    folder: Path,
    refinement: str = "bilinear",
    seed: int = 7,
    golden: str = "cozy",
    shape: tuple[int, int] = (INPUT_SIDE, INPUT_SIDE),
    look: Callable[[Path], Path] = four_region_look,
) -> OpenBundle:
    """The bundle in `folder / "bundle"`.

    refinement: of the styles' shaders. seed: of the mask. golden: the style of the golden picture, one of STYLES or
    LOOK. shape: its height and width; the network takes squares. look: writes LOOK.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = np.random.default_rng(seed).dirichlet((1.0, 0.6, 0.8, 0.7), (MASK_SIDE, MASK_SIDE))[..., :3]
    spelt = {**{name: name for name in STYLES}, LOOK: str(look(folder / f"{LOOK}.json"))}
    image = picture(*shape, seed=3)
    styles = tuple(spelt.values())
    contents = BundleContents([_artifact(folder)], styles, spelt[golden], image, weights, refinement)
    return write_bundle(contents, folder / "bundle")


def _artifact(folder: Path) -> Artifact:
    path = folder / "parser.tflite"
    path.write_bytes(NOT_A_NETWORK)
    manifest = Manifest(
        target="tflite",
        name="sample",
        size=INPUT_SIDE,
        output="groups",
        recipe_name="none",
        recipe=recipe_named("fp32"),
        inputs=(_tensor("image", INPUT_SIDE, ("red", "green", "blue")),),
        outputs=(_tensor("groups", MASK_SIDE, GROUPS),),
        taps={},
        class_names=("Background", "Face", "Hair", "Dress"),
        groups={"skin": (1,), "hair": (2,), "clothes": (3,)},
        preprocessing="none",
        weights_sha256="0" * 64,
        calibration_sha256=None,
        minimum_os="Android 8",
        tools={},
        sha256=hashlib.sha256(NOT_A_NETWORK).hexdigest(),
        size_bytes=len(NOT_A_NETWORK),
    )
    return write_manifest(path, manifest)


def _tensor(name: str, side: int, channels: tuple[str, ...]) -> TensorSpec:
    return TensorSpec(name, (1, side, side, len(channels)), "uint8", "NHWC", (0.0, 255.0), channels)
