"""Building a bundle: the golden picture from the checkpoint, the folder, and each artifact checked against it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgekit import console
from edgekit.artifact import Artifact, require_weights
from edgekit.bundles.golden import styled_levels
from edgekit.bundles.reading import OpenBundle
from edgekit.bundles.writing import BundleContents, write_bundle
from edgekit.color.difference import delta_e00
from edgekit.errors import BundleError
from edgekit.images import astronaut
from edgekit.segmenter import Segmenter
from edgekit.shader.compose import refinement_named
from edgekit.shader.description import read_description
from edgekit.weights import Checkpoint, license_of


@dataclass(frozen=True)
class GoldenCheck:
    """ΔE2000 (95th percentile) of one artifact's own mask on the golden picture, drawn, against the golden result."""

    target: str
    recipe: str
    delta_e00_p95: float
    bound: float

    @property
    def passed(self) -> bool:
        return self.delta_e00_p95 <= self.bound


@dataclass(frozen=True)
class BuiltBundle:
    """A written bundle, and how each of its artifacts did on the golden picture on this machine's runtimes."""

    opened: OpenBundle
    checks: tuple[GoldenCheck, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


def check_refinement(name: str) -> None:
    """BundleError for a mask refinement that the apps and the page do not draw, UnknownName for one that is none."""
    if refinement_named(name).coefficients_by is not None:
        raise BundleError(
            f"`refinement` {name} needs textures of coefficients, which no app of a bundle makes; take bilinear or "
            "joint-bilateral here, or write the shader alone for an app of your own."
        )


def build_bundle(
    checkpoint: Checkpoint,
    artifacts: Sequence[Artifact],
    styles: Sequence[str],
    default_style: str,
    refinement: str,
    out: Path,
    *,
    replace: bool,
) -> BuiltBundle:
    """Write the bundle of these artifacts into the folder `out` and check each of them.

    Raises ConversionError for an artifact of other weights, BundleError for artifacts or styles that do not go
    together.
    """
    for artifact in artifacts:
        require_weights(artifact, checkpoint)
    image = astronaut().image
    with console.quiet_libraries():
        weights = Segmenter(checkpoint, size=artifacts[0].manifest.input_size, exact=True).groups(image)
        # Run first: an artifact that cannot be run is refused before a bundle is written.
        masks = [Segmenter(artifact).groups(image) for artifact in artifacts]
    license = license_of(checkpoint.folder)
    contents = BundleContents(artifacts, styles, default_style, image, weights, refinement, license)
    opened = write_bundle(contents, out, replace)
    return BuiltBundle(opened, tuple(_golden_checks(opened, artifacts, masks)))


def _golden_checks(
    opened: OpenBundle, artifacts: Sequence[Artifact], masks: Sequence[NDArray[np.float32]]
) -> Iterator[GoldenCheck]:
    """The check of each artifact's mask. What is compared with is read from the written bundle, once."""
    bundle, golden = opened.bundle, opened.bundle.golden
    image, styled = (
        np.asarray(Image.open(opened.path(picture.path)), np.uint8)
        for picture in (golden.image, golden.styled)
    )
    description = read_description(opened.path(bundle.style(golden.style).description))
    for artifact, mask in zip(artifacts, masks, strict=True):
        drawn = np.round(styled_levels(description, image, mask)).astype(np.uint8)
        difference = delta_e00(drawn[..., :3], styled[..., :3])
        p95, manifest = float(np.percentile(difference, 95)), artifact.manifest
        yield GoldenCheck(manifest.target, manifest.recipe_name, p95, golden.end_to_end_delta_e00_p95)
