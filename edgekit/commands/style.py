"""`edgekit style`: apply a style or a LUT to photos here, at full resolution."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit import console
from edgekit.commands.options import Force, Json, Lut, Refinement, SkinLut, Style
from edgekit.shader.description import DEFAULT_REFINEMENT


def style(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.", show_default=False)],
    style: Style = None,
    lut: Lut = None,
    skin_lut: SkinLut = None,
    artifact: Annotated[
        Path | None,
        typer.Option(help="Segment with this artifact.", show_default="the bundled weights, in PyTorch"),
    ] = None,
    mask: Annotated[
        Path | None, typer.Option(help="A mask picture instead: red skin, green hair, blue clothes.")
    ] = None,
    intensity: Annotated[float, typer.Option(min=0, max=1, help="How much of the style.")] = 1.0,
    tone: Annotated[float, typer.Option(min=-1, max=1, help="Darker … brighter.")] = 0.0,
    warmth: Annotated[float, typer.Option(min=-1, max=1, help="Cooler … warmer.")] = 0.0,
    skin_protection: Annotated[
        float, typer.Option(min=0, max=1, help="How much of the style skin is spared.")
    ] = 0.0,
    refinement: Refinement = DEFAULT_REFINEMENT,
    out: Annotated[Path, typer.Option(help="Folder for the styled photos.")] = Path("styled"),
    force: Force = False,
    json: Json = False,
) -> None:
    """Style photos at full resolution: each region its own colours, skin kept, profile and EXIF kept."""
    from dataclasses import asdict

    import edgekit
    from edgekit.color.controls import Controls

    if (style is None) == (lut is None):
        raise typer.BadParameter("give either --style or --lut.")
    if skin_lut is not None and lut is None:
        raise typer.BadParameter("--skin-lut goes with --lut.")
    if artifact is not None and mask is not None:
        raise typer.BadParameter("give either --artifact or --mask.")
    controls = Controls(intensity, tone, warmth, skin_protection)
    with console.quiet_libraries():  # what they print when they are imported
        style_photos = edgekit.style
    styled = style_photos(
        photos,
        style,
        lut=lut,
        skin_lut=skin_lut,
        source=artifact,
        mask=mask,
        controls=controls,
        refinement=refinement,
        out=out,
        force=force,
    )
    for photo in styled.done:
        space = f"{photo.converted_from} converted to sRGB" if photo.converted_from else photo.space
        console.show(f"{photo.output}  {photo.width}×{photo.height}, {photo.bits} bits, {space}")
    for _, reason in styled.failed:
        console.say(f"not styled: {reason}")
    if json:
        rows = [{**asdict(p), "path": str(p.path), "output": str(p.output)} for p in styled.done]
        console.print_json(
            {
                "style": style or str(lut),
                "controls": asdict(controls),
                "photos": rows,
                "failed": [{"path": str(path), "reason": reason} for path, reason in styled.failed],
            }
        )
    if styled.failed:
        raise typer.Exit(1)
