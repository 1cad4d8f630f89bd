"""`edgekit convert`: a checkpoint to Core ML, TFLite and Core AI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit import console
from edgekit.commands.options import Force, Json, Size, Weights


def convert(
    target: Annotated[str, typer.Option(help="coreml, tflite, coreai, or all: the first two.")] = "all",
    weights: Weights = None,
    size: Size = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="fp32, fp16, w8, w8a8, a planned .json, or auto to plan now.",
            show_default="the recipe planned for the weights",
        ),
    ] = None,
    output: Annotated[str, typer.Option(help="groups (skin, hair, clothes), labels or logits.")] = "groups",
    mask_size: Annotated[
        str,
        typer.Option(
            help="Size of the groups or labels output in pixels, as --size.", show_default="size / 4"
        ),
    ] = "0",
    calibration: Annotated[
        Path | None,
        typer.Option(
            help="Folder of photos for int8 activation ranges.", show_default="the checkpoint's own ranges"
        ),
    ] = None,
    minimum_ios: Annotated[
        int | None,
        typer.Option(help="Oldest iOS to support; int8 activations need 17.", show_default="the recipe's"),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the artifacts.")] = Path("artifacts"),
    force: Force = False,
    json: Json = False,
) -> None:
    """Convert a checkpoint to Core ML and TFLite, or to Core AI, with a manifest beside each artifact."""
    import edgekit

    with console.quiet_libraries():
        checkpoint = edgekit.load_checkpoint(weights)
    artifacts = edgekit.convert(
        checkpoint,
        target,
        size=size,
        recipe=recipe,
        output=output,  # type: ignore[arg-type]  # checked by the library
        mask_size=mask_size,
        calibration=calibration,
        minimum_ios=minimum_ios,
        out=out,
        force=force,
    )
    for artifact in artifacts:
        console.show(
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
