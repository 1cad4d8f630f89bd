"""One real bundle of small artifacts, made once, and copies of it to damage."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgekit.artifact import Artifact
from edgekit.bundles.reading import OpenBundle
from edgekit.bundles.writing import BundleContents, write_bundle
from edgekit.files import json_text
from tests.support.pictures import picture

STYLES = ("dramatic", "warm")


def soft_mask(height: int, width: int) -> NDArray[np.float32]:
    """(h, w, 3): skin in a disc off the centre, hair above it, clothes below; soft edges."""
    y, x = np.mgrid[0:height, 0:width] / height
    skin = np.clip(4 - 16 * np.hypot(x - 0.4, y - 0.45), 0, 1)
    hair = np.clip(1 - 8 * np.abs(y - 0.15), 0, 1) * (1 - skin)
    clothes = np.clip(8 * (y - 0.75), 0, 1) * (1 - skin)
    return np.stack([skin, hair, clothes], -1).astype(np.float32)


def contents(made: dict[str, Artifact], **changes: Any) -> BundleContents:
    values: dict[str, Any] = {
        "artifacts": list(made.values()),
        "styles": STYLES,
        "default_style": "dramatic",
        "image": picture(96, 128),
        "weights": soft_mask(32, 32),
    }
    return BundleContents(**{**values, **changes})


def written_look(path: Path) -> Path:
    """A look that blurs the background, shows hair in black and white, and clothes in a picture beside it."""
    # Twice as wide as the golden picture, and cut to the same texels: sampled or resized, its colours are the same.
    Image.fromarray(picture(96, 256)).save(path.with_name("pattern.png"))
    layers = [
        {"regions": ["background"], "style": "cool", "source": "blurred"},
        {"regions": ["hair"], "style": "stark-bw", "strength": 0.8},
        {"regions": ["clothes"], "source": "picture"},
    ]
    head = {"schema": "edgekit/look", "schema_version": 1}
    path.write_text(json.dumps({**head, "layers": layers, "blur": 0.03, "picture": "pattern.png"}))
    return path


@pytest.fixture(scope="session")
def made(artifacts: dict[str, Artifact], tmp_path_factory: pytest.TempPathFactory) -> OpenBundle:
    return write_bundle(contents(artifacts), tmp_path_factory.mktemp("bundles") / "bundle")


@pytest.fixture
def damaged(made: OpenBundle, tmp_path: Path) -> Path:
    """A copy of the bundle's folder."""
    return Path(shutil.copytree(made.folder, tmp_path / "bundle"))


@pytest.fixture
def edit(damaged: Path) -> Callable[[Callable[[dict[str, Any]], None]], Path]:
    """Change the copy's bundle.json; returns the folder."""

    def change(by: Callable[[dict[str, Any]], None]) -> Path:
        index = damaged / "bundle.json"
        value = json.loads(index.read_text())
        by(value)
        index.write_text(json_text(value))
        return damaged

    return change
