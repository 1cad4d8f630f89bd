"""`edgekit style`: apply a style or a LUT to photos here, at full resolution."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit import console
from edgekit.commands.options import (
    PHOTOS_HELP,
    REFINEMENT_HELP,
    Force,
    Json,
    LookOptions,
    ResumePhotos,
    SegmentingArtifact,
    ShardPhotos,
    Weights,
    shard_number,
    unpacked,
)
from edgekit.shader.modes import DEFAULT_REFINEMENT

if TYPE_CHECKING:
    from edgekit.color.controls import Controls
    from edgekit.color.edits import Edit
    from edgekit.color.stylist import Sheet, StyledPhoto


@dataclass(frozen=True)
class Looks(LookOptions):
    """What to draw: presets or LUT files, and layers over them."""

    style: Annotated[
        str | None,
        typer.Option(
            help="Presets (`edgekit styles` lists them) or looks of your own (.json), separated by commas."
        ),
    ] = None
    map: Annotated[
        Path | None,
        typer.Option(
            help="A picture of what you drew: red, green and blue are the regions drawn_1, 2 and 3."
        ),
    ] = None


@dataclass(frozen=True)
class MaskOptions:
    """Where the mask comes from."""

    artifact: SegmentingArtifact = None
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

    intensity: Annotated[
        float | None, typer.Option(min=0, max=1, help="How much of the style.", show_default="1")
    ] = None
    tone: Annotated[
        float | None, typer.Option(min=-1, max=1, help="Darker … brighter.", show_default="0")
    ] = None
    color: Annotated[float | None, typer.Option(min=-1, max=1, help="Muted … vivid.", show_default="0")] = (
        None
    )
    warmth: Annotated[
        float | None, typer.Option(min=-1, max=1, help="Cooler … warmer.", show_default="0")
    ] = None
    skin_protection: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="How much of the style skin is spared.", show_default="0"),
    ] = None

    grain: Annotated[
        float | None, typer.Option(min=0, max=1, help="How much film grain.", show_default="0")
    ] = None

    def over(self, before: Controls) -> Controls:
        """The controls, with those of `before` that were not given."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        return replace(before, **given)


@dataclass(frozen=True)
class SheetOptions:
    """Pictures for people."""

    show_mask: Annotated[
        bool, typer.Option("--show-mask", help="Also write PHOTO-mask: the mask over the photo.")
    ] = False
    compare: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="Also write PHOTO-compare: before, after, and the table everywhere, with the ΔE2000 of skin.",
        ),
    ] = False
    contact_sheet: Annotated[
        bool,
        typer.Option(
            "--contact-sheet",
            help="Also write PHOTO-styles: the photo in each style; in all presets without --style.",
        ),
    ] = False


@unpacked
def style(
    photos: Annotated[
        list[Path] | None,
        typer.Argument(help=PHOTOS_HELP, show_default="the original of --from"),
    ] = None,
    *,
    look: Looks,
    mask: MaskOptions,
    controls: ControlOptions,
    sheets: SheetOptions,
    refinement: Annotated[
        str | None,
        typer.Option(help=REFINEMENT_HELP, show_default=DEFAULT_REFINEMENT),
    ] = None,
    edited: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="A photo that edgekit styled: take its style, controls and refinement, where no other is given.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the styled photos.")] = Path("styled"),
    shard: ShardPhotos = None,
    resume: ResumePhotos = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Style photos at full resolution: each region its own colours, skin kept, profile and EXIF kept."""
    from dataclasses import asdict

    import edgekit
    from edgekit.color.controls import NO_CONTROLS
    from edgekit.color.edits import read_edit
    from edgekit.color.jobs import Sheets

    edit = None if edited is None else read_edit(edited)
    without_look = (sheets.show_mask or sheets.contact_sheet) and not sheets.compare
    if not look.given and edit is None and not without_look:
        raise typer.BadParameter("give --style, --lut, --layer or --background, or --from.")
    if edited is None and not photos:
        raise typer.BadParameter("give a photo.")
    with console.quiet_libraries():  # what they print when they are imported
        style_photos = edgekit.style
    settings = controls.over(NO_CONTROLS if edit is None else edit.controls)
    styled = style_photos(
        photos or _originals(edited, edit),
        look.looks() or ([] if edit is None else [edit.look()]),
        drawn=look.map,
        source=mask.artifact or mask.weights,
        mask=mask.mask,
        controls=settings,
        refinement=refinement or (DEFAULT_REFINEMENT if edit is None else edit.masks.refinement),
        sheets=Sheets(sheets.show_mask, sheets.compare, sheets.contact_sheet),
        out=out,
        shard=shard_number(shard),
        resume=resume,
        force=force,
    )
    if edit is not None:
        for note in _not_taken(edit, mask.mask, look.map):
            console.say(note)
    for photo in styled.done:
        space = f"{photo.converted_from} converted to sRGB" if photo.converted_from else photo.space
        console.show(f"{photo.output}  {photo.width}×{photo.height}, {photo.bits} bits, {space}")
        if sheets.compare:
            console.show(f"  {_skin_line(photo)}")
    for sheet in styled.sheets:
        console.show(str(sheet.output))
    for path, note in {photo.path: photo.note for photo in styled.done if photo.note}.items():
        console.say(f"{path}: {note}")
    if shard is not None:
        console.say(f"these are the photos of shard {shard}")
    if styled.skipped:
        console.say(f"{len(styled.skipped)} photos were styled before and are unchanged")
    for _, reason in styled.failed:
        console.say(f"not styled: {reason}")
    if json:
        console.print_json(
            {
                "style": look.style or (look.lut and str(look.lut)),
                "styles": [] if look.style is None else [name.strip() for name in look.style.split(",")],
                "layers": look.layer or [],
                "background": look.background and str(look.background),
                "controls": asdict(settings),
                "photos": [_row(photo) for photo in styled.done],
                "sheets": [_row(sheet) for sheet in styled.sheets],
                "skipped": [str(path) for path in styled.skipped],
                "failed": [{"path": str(path), "reason": reason} for path, reason in styled.failed],
            }
        )
    if styled.failed:
        raise typer.Exit(1)


def _originals(edited: Path | None, edit: Edit | None) -> list[Path]:
    """The original of a styled photo: in its folder, in the folder around that, or here."""
    if edited is None or edit is None:
        return []
    folder = edited.resolve().parent
    return [edit.original_in((folder, folder.parent, Path()))]


def _not_taken(edit: Edit, mask: Path | None, drawn: Path | None) -> list[str]:
    """What was used in the edit and cannot be taken from it, for people."""
    notes = []
    if edit.masks.mask_sha256 and mask is None:
        notes.append("a mask picture was used before; without --mask, the mask is the segmenter's")
    if edit.masks.drawn_sha256 and drawn is None:
        notes.append("a drawn map was used before; without --map, nothing is drawn")
    return notes


def _skin_line(photo: StyledPhoto) -> str:
    skin = photo.skin_delta_e00
    if skin is None:
        return "no skin found"
    return (
        f"skin ΔE2000: mean {skin.mean:.2f}, p95 {skin.p95:.2f}; with the same table everywhere: "
        f"mean {skin.everywhere_mean:.2f}, p95 {skin.everywhere_p95:.2f}  ({skin.pixels:,} pixels)"
    )


def _row(made: StyledPhoto | Sheet) -> dict[str, object]:
    from dataclasses import asdict

    return {**asdict(made), "path": str(made.path), "output": str(made.output)}
