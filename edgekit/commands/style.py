"""`edgekit style`: apply a style or a LUT to photos here, at full resolution."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit import console
from edgekit.shader.description import DEFAULT_REFINEMENT

if TYPE_CHECKING:
    from edgekit.color.engine import Layer
    from edgekit.color.stylist import Segment


def style(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.", show_default=False)],
    style: Annotated[str | None, typer.Option(help="A preset; `edgekit styles` lists them.")] = None,
    lut: Annotated[
        Path | None, typer.Option(help="A LUT for everything but skin: .cube, .3dl, .csp, .clf, Hald …")
    ] = None,
    skin_lut: Annotated[
        Path | None, typer.Option(help="A LUT for skin.", show_default="skin stays as it is")
    ] = None,
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
    refinement: Annotated[
        str, typer.Option(help="How the mask follows edges: bilinear, joint-bilateral or guided.")
    ] = DEFAULT_REFINEMENT,
    out: Annotated[Path, typer.Option(help="Folder for the styled photos.")] = Path("styled"),
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Style photos at full resolution: each region its own colours, skin kept, profile and EXIF kept."""
    from dataclasses import asdict

    from edgekit.color.controls import Controls
    from edgekit.color.stylist import Stylist, jobs_for
    from edgekit.errors import EdgekitError
    from edgekit.shader.refine import refine_named

    if (style is None) == (lut is None):
        raise typer.BadParameter("give either --style or --lut.")
    if skin_lut is not None and lut is None:
        raise typer.BadParameter("--skin-lut goes with --lut.")
    if artifact is not None and mask is not None:
        raise typer.BadParameter("give either --artifact or --mask.")
    refine = refine_named(refinement)
    controls = Controls(intensity, tone, warmth, skin_protection)
    jobs = jobs_for(photos, out, force)
    stylist = Stylist(_layers(style, lut, skin_lut), controls, _segment(artifact, mask), refine)
    done, failed = [], []
    for job in console.track(jobs, len(jobs), "styling"):
        try:
            done.append(stylist.style(job))
        except EdgekitError as error:
            if len(jobs) == 1:
                raise
            failed.append((job.source, str(error)))
    for photo in done:
        space = f"{photo.converted_from} converted to sRGB" if photo.converted_from else photo.space
        console.say(f"{photo.output}  {photo.width}×{photo.height}, {photo.bits} bits, {space}")
    for _, reason in failed:
        console.say(f"not styled: {reason}")
    if json:
        rows = [{**asdict(p), "path": str(p.path), "output": str(p.output)} for p in done]
        console.print_json(
            {
                "style": style or str(lut),
                "controls": asdict(controls),
                "photos": rows,
                "failed": [{"path": str(path), "reason": reason} for path, reason in failed],
            }
        )
    if failed:
        raise typer.Exit(1)


def _layers(style: str | None, lut: Path | None, skin_lut: Path | None) -> dict[str, Layer]:
    from edgekit.color.engine import layers_from_luts, layers_from_style
    from edgekit.color.formats import read_lut
    from edgekit.color.styles import style_named

    if style is not None:
        return layers_from_style(style_named(style))
    assert lut is not None
    return layers_from_luts(read_lut(lut), None if skin_lut is None else read_lut(skin_lut))


def _segment(artifact: Path | None, mask: Path | None) -> Segment:
    from edgekit.images import mask_from_picture

    if mask is not None:
        drawn = mask_from_picture(mask)
        return lambda image: drawn
    from edgekit.pipeline import group_segmenter

    with console.quiet_libraries():
        return group_segmenter(artifact)
