"""A real bundle for the iOS tests, and the Swift toolchain where it was unpacked."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import edgekit
from edgekit.artifact import Artifact
from edgekit.bundles.reading import OpenBundle
from edgekit.shader.description import ShaderDescription, read_description
from edgekit.weights import Checkpoint
from tests.support.looks import four_region_look

REPOSITORY = Path(__file__).parents[2]
IOS_DEMO = REPOSITORY / "ios_demo"
DEFAULT_SYSROOT = Path("~/.cache/edgekit/swift-sysroot").expanduser()
# The repository's place inside the toolchain's root (tools/swift.sh).
INSIDE = Path("/checkout")
SWIFT_TIMEOUT_S = 300.0


@pytest.fixture(scope="session")
def bundle(
    checkpoint: Checkpoint, artifacts: dict[str, Artifact], tmp_path_factory: pytest.TempPathFactory
) -> OpenBundle:
    """Core ML at 128², the bundled golden picture with the reference's mask, in a look of four regions with a blur and
    a second picture; and two presets."""
    folder = tmp_path_factory.mktemp("ios")
    look = str(four_region_look(folder / "evening.json"))
    built = edgekit.bundle(
        checkpoint,
        [artifacts["coreml"].path],
        styles=("vibrant", "warm", look),
        default_style=look,
        out=folder / "bundle",
    )
    assert built.passed, built.checks
    return built.opened


def pixels(bundle: OpenBundle, name: str) -> NDArray[np.uint8]:
    """(H, W, 4) of the golden picture `image`, `mask` or `styled`."""
    picture = getattr(bundle.bundle.golden, name)
    return np.asarray(Image.open(bundle.path(picture.path)).convert("RGBA"), np.uint8)


def description(bundle: OpenBundle, style: str) -> ShaderDescription:
    return read_description(bundle.path(bundle.bundle.style(style).description))


@dataclass(frozen=True)
class Swift:
    """Runs the toolchain's tools. Inside, the repository is /checkout and `folder` is /tmp."""

    folder: Path

    def run(
        self, tool: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(REPOSITORY / "tools" / "swift.sh"), str(self.folder), tool, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=SWIFT_TIMEOUT_S,
            env={**os.environ, **(environment or {})},
        )


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Swift:
    sysroot = Path(os.environ.get("EDGEKIT_SWIFT_SYSROOT", DEFAULT_SYSROOT))
    if not (sysroot / "usr/libexec/swift/bin/swiftc").exists():
        pytest.skip("NOTHING OF SWIFT WAS COMPILED: no toolchain; run tools/install-swift-toolchain.sh.")
    made = Swift(tmp_path_factory.mktemp("swift"))
    version = made.run("swiftc", ["--version"])
    if version.returncode != 0:
        pytest.skip(f"NOTHING OF SWIFT WAS COMPILED: the toolchain does not start: {version.stderr[-300:]}")
    return made
