"""`edgekit convert`: a checkpoint to Core ML and TFLite."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit import console


def convert(
    target: Annotated[str, typer.Option(help="coreml, tflite or all.")] = "all",
    weights: Annotated[
        str | None, typer.Option(help="Checkpoint folder or hub id.", show_default="the bundled parser")
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(help="Input side in pixels, a multiple of 64.", show_default="the checkpoint's"),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="fp32, fp16, w8, w8a8, a planned .json, or auto to plan now.",
            show_default="the recipe planned for the weights",
        ),
    ] = None,
    output: Annotated[str, typer.Option(help="groups (skin, hair, clothes), labels or logits.")] = "groups",
    mask_size: Annotated[
        int, typer.Option(help="Side of the groups or labels output.", show_default="size / 4")
    ] = 0,
    calibration: Annotated[
        Path | None,
        typer.Option(
            help="Folder of photos for int8 activation ranges.", show_default="the checkpoint's own"
        ),
    ] = None,
    minimum_ios: Annotated[
        int | None,
        typer.Option(help="Oldest iOS to serve: int8 activations need 17.", show_default="the recipe's"),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the artifacts.")] = Path("artifacts"),
    force: Annotated[bool, typer.Option("--force", help="Replace existing artifacts.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Convert a checkpoint to Core ML and TFLite, with a manifest beside each artifact."""
    from edgekit import pipeline
    from edgekit.weights import load_checkpoint

    with console.quiet_libraries():
        checkpoint = load_checkpoint(weights)
    options = pipeline.ConvertOptions(
        target,
        size,
        recipe,
        output,  # type: ignore[arg-type]  # Conversion checks it
        mask_size,
        calibration,
        out,
        force,
        minimum_ios,
    )
    artifacts = pipeline.convert(checkpoint, options)
    for artifact in artifacts:
        console.say(
            f"{artifact.path}  {artifact.manifest.size_bytes / 1e6:.1f} MB  {artifact.manifest.minimum_os}"
        )
    if json:
        rows = [
            {
                "path": str(artifact.path),
                "manifest": str(artifact.manifest_path),
                "target": artifact.manifest.target,
                "recipe": artifact.manifest.recipe_name,
                "size_bytes": artifact.manifest.size_bytes,
                "sha256": artifact.manifest.sha256,
            }
            for artifact in artifacts
        ]
        console.print_json({"artifacts": rows})
