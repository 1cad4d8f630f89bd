"""The flow: weights → artifacts → parity → picture. Each stage is a function from one named type to the next.

This is the one module of `edgekit/` (with the commands) that knows `converters` and `calibration`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit import console
from edgekit.artifact import SUFFIXES, Artifact, Manifest, manifest_path_of, read_artifact, write_manifest
from edgekit.errors import EdgekitError, UnknownName
from edgekit.files import refuse_existing, sha256_of, size_bytes_of, staged
from edgekit.weights import Checkpoint, load_checkpoint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from converters.conversion import Conversion
    from edgekit.model.outputs import OutputMode
    from edgekit.parity.gates import Gates
    from edgekit.parity.report import ParityReport

# What each target stores best without calibration: Core ML computes in fp16 anyway, XNNPACK in fp32.
DEFAULT_RECIPES = {"coreml": "fp16", "tflite": "fp32"}
TARGETS = tuple(SUFFIXES)


@dataclass(frozen=True)
class ConvertOptions:
    """What to convert to. `recipe` None: the target's default. `size` None: the checkpoint's own."""

    target: str = "all"
    size: int | None = None
    recipe: str | None = None
    output: OutputMode = "groups"
    mask_size: int = 0
    out: Path = Path("artifacts")
    force: bool = False


def targets_of(target: str) -> tuple[str, ...]:
    """`all` or one target as a tuple; UnknownName otherwise."""
    if target != "all" and target not in TARGETS:
        raise UnknownName("target", target, (*TARGETS, "all"))
    return TARGETS if target == "all" else (target,)


def convert(checkpoint: Checkpoint, options: ConvertOptions) -> list[Artifact]:
    """Checkpoint to one artifact per target. Everything is checked before anything is written."""
    from converters.conversion import Conversion
    from converters.recipes import recipe_named

    size = checkpoint.size_default if options.size is None else options.size
    planned: list[tuple[str, Conversion, Path]] = []
    for target in targets_of(options.target):
        recipe = recipe_named(options.recipe or DEFAULT_RECIPES[target])
        conversion = Conversion(checkpoint, size, recipe, options.output, options.mask_size)
        path = options.out / f"{conversion.file_stem}{SUFFIXES[target]}"
        refuse_existing(path, options.force)
        planned.append((target, conversion, path))
    return [convert_one(target, conversion, path) for target, conversion, path in planned]


def convert_one(target: str, conversion: Conversion, path: Path) -> Artifact:
    """Write one artifact and its manifest, whole or not at all."""
    from calibration.preprocess import PREPROCESSING_ID
    from converters import CONVERTERS

    console.say(f"converting to {path.name} …")
    with staged(path) as temporary, console.quiet_libraries():
        converted = CONVERTERS[target]()(conversion, temporary)
        sha256, size_bytes = sha256_of(temporary), size_bytes_of(temporary)
        manifest_path_of(path).unlink(missing_ok=True)  # never a manifest of other bytes
    checkpoint = conversion.checkpoint
    manifest = Manifest(
        target=target,
        name=checkpoint.name,
        size=conversion.size,
        output=conversion.output,
        recipe_name=conversion.recipe.name,
        recipe=conversion.recipe.to_json(),
        inputs=converted.inputs,
        outputs=converted.outputs,
        taps=converted.taps,
        class_names=checkpoint.class_names,
        groups=dict(checkpoint.groups.items()),
        preprocessing=PREPROCESSING_ID,
        weights_sha256=checkpoint.sha256,
        calibration_sha256=None,
        minimum_os=converted.minimum_os,
        tools=converted.tools,
        sha256=sha256,
        size_bytes=size_bytes,
    )
    return write_manifest(path, manifest)


def artifacts_at(paths: Sequence[Path], default: Path = Path("artifacts")) -> list[Artifact]:
    """The artifacts named, or all of the default folder; EdgekitError when there is none."""
    if not paths:
        paths = sorted(p for p in default.glob("*") if p.suffix in SUFFIXES.values())
        if not paths:
            raise EdgekitError(f"No artifact was named and {default}/ holds none; run edgekit convert first.")
    return [read_artifact(path) for path in paths]


def check(
    artifacts: Sequence[Artifact],
    checkpoint: Checkpoint,
    images: Path | None = None,
    labels: Path | None = None,
    stated: Gates | None = None,
) -> ParityReport:
    """Parity of the artifacts with PyTorch on a folder, or on the picture every install has."""
    from calibration.pictures import Folder, astronaut
    from edgekit.parity.compare import check_parity
    from edgekit.parity.gates import Gates

    stated = stated or Gates()
    if labels is not None and images is None:
        raise EdgekitError("--labels needs --images: the folder of the pictures they belong to.")
    if stated.max_miou_drop is not None and labels is None:
        raise EdgekitError("--max-miou-drop needs --labels: true labels to measure mIoU with.")
    if images is None:
        with console.quiet_libraries():
            return check_parity(artifacts, checkpoint, [astronaut()], stated)
    folder = Folder(images, labels, len(checkpoint.class_names))
    with console.quiet_libraries():
        pictures = console.track(folder, len(folder), "comparing pictures")
        report = check_parity(artifacts, checkpoint, pictures, stated)
    skipped = tuple((item.name, item.reason) for item in folder.skipped)
    return replace(report, skipped=skipped, notes=tuple(folder.notes))


@dataclass(frozen=True)
class Demo:
    """What the demo made."""

    artifacts: tuple[Artifact, ...]
    report: ParityReport
    overlay: Path
    page: Path


def demo(out: Path) -> Demo:
    """The whole flow on the bundled weights and picture: convert, check parity, draw, write a page."""
    from calibration.pictures import astronaut
    from edgekit.files import write_whole
    from edgekit.overlay import data_uri, overlay, png_bytes
    from edgekit.parity.compare import Reference
    from edgekit.parity.present import write_html

    with console.quiet_libraries():
        checkpoint = load_checkpoint()
    artifacts = convert(checkpoint, ConvertOptions(out=out, force=True))
    report = check(artifacts, checkpoint)
    picture = astronaut()
    expected = Reference(checkpoint).expect(picture, checkpoint.size_default)
    drawn = overlay(expected.image, expected.labels, checkpoint.class_names)
    write_whole(out / "overlay.png", png_bytes(drawn))
    write_html(report, out / "report.html", ((picture.name, data_uri(drawn)),))
    return Demo(tuple(artifacts), report, out / "overlay.png", out / "report.html")


def group_segmenter(
    artifact: Path | None = None, checkpoint: Checkpoint | None = None
) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """Photo (H, W, 3) uint8 sRGB → weights of skin, hair, clothes (h, w, 3) float32 in [0, 1].

    Runs the artifact, which must deliver groups; without one, the prepared model in PyTorch.
    """
    from calibration.preprocess import stretch

    if artifact is not None:
        return _segmenter_from_artifact(read_artifact(artifact))
    import torch

    from edgekit.model.outputs import MASK_STRIDE, GroupWeights
    from edgekit.model.prepared import PreparedSegmenter

    checkpoint = checkpoint or load_checkpoint()
    size = checkpoint.size_default
    model = PreparedSegmenter(checkpoint)
    head = GroupWeights(checkpoint.groups, len(checkpoint.class_names), size // MASK_STRIDE, rgba=False)

    def segment(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
        x = torch.from_numpy(stretch(photo, size).copy()).permute(2, 0, 1)[None].float()  # (1, 3, size, size)
        with torch.inference_mode():
            weights = head(model(x))[0] / 255.0  # (3, mask, mask)
        mask: NDArray[np.float32] = weights.clamp(0.0, 1.0).permute(1, 2, 0).contiguous().numpy()
        return mask

    return segment


def _segmenter_from_artifact(artifact: Artifact) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    import numpy as np

    from calibration.preprocess import stretch
    from edgekit.parity.compare import Candidate

    if artifact.manifest.output != "groups":
        raise EdgekitError(
            f"{artifact.path} delivers {artifact.manifest.output}; convert with --output groups to style."
        )
    candidate = Candidate(artifact)

    def segment(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
        _, delivered = candidate.run(stretch(photo, artifact.manifest.size))  # (3 or 4, mask, mask)
        weights = delivered[:3].transpose(1, 2, 0) / 255.0
        return np.clip(weights, 0.0, 1.0).astype(np.float32)

    return segment
