"""`edgekit style`: apply a style or a LUT to photos here, at full resolution."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from edgekit import console
from edgekit.commands.options import Force, Json, LookOptions, Refinement, Weights, unpacked
from edgekit.shader.description import DEFAULT_REFINEMENT


@dataclass(frozen=True)
class MaskOptions:
    """Where the mask comes from."""

    artifact: Annotated[
        Path | None,
        typer.Option(help="Segment with this artifact.", show_default="the weights, in PyTorch"),
    ] = None
    weights: Weights = None
    mask: Annotated[
        Path | None, typer.Option(help="A mask picture instead: red skin, green hair, blue clothes.")
    ] = None

    def __post_init__(self) -> None:
        if sum(given is not None for given in (self.artifact, self.weights, self.mask)) > 1:
            raise typer.BadParameter("give one of --artifact, --weights and --mask.")


@dataclass(frozen=True)
class ControlOptions:
    """The sliders."""

    intensity: Annotated[float, typer.Option(min=0, max=1, help="How much of the style.")] = 1.0
    tone: Annotated[float, typer.Option(min=-1, max=1, help="Darker … brighter.")] = 0.0
    warmth: Annotated[float, typer.Option(min=-1, max=1, help="Cooler … warmer.")] = 0.0
    skin_protection: Annotated[
        float, typer.Option(min=0, max=1, help="How much of the style skin is spared.")
    ] = 0.0


@unpacked
def style(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.", show_default=False)],
    look: LookOptions,
    mask: MaskOptions,
    controls: ControlOptions,
    refinement: Refinement = DEFAULT_REFINEMENT,
    out: Annotated[Path, typer.Option(help="Folder for the styled photos.")] = Path("styled"),
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run: skip the photos it finished.")
    ] = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Style photos at full resolution: each region its own colours, skin kept, profile and EXIF kept."""
    from dataclasses import asdict

    import edgekit
    from edgekit.color.controls import Controls

    if look.style is None and look.lut is None:
        raise typer.BadParameter("give either --style or --lut.")
    with console.quiet_libraries():  # what they print when they are imported
        style_photos = edgekit.style
    settings = Controls(**asdict(controls))
    styled = style_photos(
        photos,
        look.style,
        lut=look.lut,
        skin_lut=look.skin_lut,
        source=mask.artifact or mask.weights,
        mask=mask.mask,
        controls=settings,
        refinement=refinement,
        out=out,
        resume=resume,
        force=force,
    )
    for photo in styled.done:
        space = f"{photo.converted_from} converted to sRGB" if photo.converted_from else photo.space
        console.show(f"{photo.output}  {photo.width}×{photo.height}, {photo.bits} bits, {space}")
    if styled.skipped:
        console.say(f"{len(styled.skipped)} photos were styled before and are unchanged")
    for _, reason in styled.failed:
        console.say(f"not styled: {reason}")
    if json:
        rows = [{**asdict(p), "path": str(p.path), "output": str(p.output)} for p in styled.done]
        console.print_json(
            {
                "style": look.style or str(look.lut),
                "controls": asdict(settings),
                "photos": rows,
                "skipped": [str(path) for path in styled.skipped],
                "failed": [{"path": str(path), "reason": reason} for path, reason in styled.failed],
            }
        )
    if styled.failed:
        raise typer.Exit(1)
