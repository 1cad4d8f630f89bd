"""Styling photos at full resolution: looks, a source of masks and photos in, styled photos out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from edgekit._version import __version__
from edgekit.artifact import Artifact
from edgekit.color.controls import Controls
from edgekit.color.edits import Masks
from edgekit.color.jobs import Sheets, check_apart, jobs_for, photos_in
from edgekit.color.layers import Look, look_of_style
from edgekit.color.look import look_of
from edgekit.color.photo_log import PhotoLog, digest_of, identity
from edgekit.color.styles import STYLES
from edgekit.color.stylist import StyledPhotos, Stylist, mask_as_segment
from edgekit.errors import EdgekitError
from edgekit.files import JsonValue, sha256_of_bytes
from edgekit.images import mask_from_picture
from edgekit.scores.shards import WHOLE, part_of
from edgekit.segmenter import Segmenter
from edgekit.shader.modes import DEFAULT_REFINEMENT
from edgekit.shader.refine import refine_named
from edgekit.weights import Checkpoint

NO_SHEETS = Sheets()


def style(
    photos: Sequence[Path],
    style: str | Look | Sequence[str | Look] | None = None,
    *,
    lut: Path | None = None,
    skin_lut: Path | None = None,
    drawn: Path | None = None,
    source: Checkpoint | Artifact | Path | str | None = None,
    mask: Path | None = None,
    controls: Controls | None = None,
    refinement: str = DEFAULT_REFINEMENT,
    sheets: Sheets = NO_SHEETS,
    out: Path = Path("styled"),
    shard: tuple[int, int] = WHOLE,
    resume: bool = False,
    force: bool = False,
) -> StyledPhotos:
    """Style photos (files, or folders of them) at full resolution into the folder `out`; profile and EXIF are kept.

    A styled photo says in its XMP how it was styled, which `edgekit.color.edits` reads.

    `style`: a preset, a look's .json file or a `Look`, or several, each of which gets a folder in `out`; or `lut` (and
    `skin_lut`) files. Sheets of masks and contact sheets can be had without either. `drawn`: a picture whose red, green
    and blue are the weights of the regions drawn_1, drawn_2 and drawn_3. `source`: what segments, as `Segmenter` takes
    it; `mask`: a picture of the mask instead (red skin, green hair, blue clothes). A photo is segmented once for all
    styles. `sheets`: pictures for people, beside the styled photos.

    Several photos leave a log in `out`, by which `resume` skips what an interrupted run finished. A photo that
    cannot be styled is listed with its reason. `shard`: (2, 7) for the second of seven parts of the photos, in the
    order of their names; processes may style all parts into one `out` at the same time. Each part has a log of its own,
    and with `resume` a part that was not begun is begun. Raises EdgekitError: nothing found, a file is in the way,
    parts of different photos or settings.
    """
    refine, controls = refine_named(refinement), controls or Controls()
    looks = _looks(style, lut, skin_lut, sheets)
    found = photos_in(photos, out)
    segment = None if mask is None else mask_as_segment(mask)
    painted = None if drawn is None else mask_from_picture(drawn)
    part = None if shard == WHOLE else shard
    mine, others = _divided(found, part)
    log = None
    if resume or part is not None or [photo for photo, _ in found] != list(photos) or len(found) > 1:
        settings: dict[str, JsonValue] = {
            "edgekit": __version__,
            "style": {name: look.digest() for name, look in looks.items()},
            "controls": asdict(controls),
            "refinement": refinement,
            "drawn": None if drawn is None else identity(drawn),
            "source": identity(source) if mask is None else identity(mask),
            "sheets": asdict(sheets),
        }
        if part is not None:
            check_apart(photos, out)
            settings["photos"] = _digest_of_names(found)
        log = PhotoLog.opened(out, settings, resume, part=part)
    inputs = [path for path in (mask, drawn) if path is not None]
    inputs += [path for look in looks.values() for path in look.files]
    jobs = jobs_for(
        mine, tuple(looks), out, sheets=sheets, force=force, log=log, inputs=inputs, others=others
    )
    if segment is None:
        segment = Segmenter(source).groups
    presets = {name: look_of_style(preset) for name, preset in STYLES.items()} if sheets.contact else {}
    masks = Masks(
        refinement,
        segmented_by=None if mask is not None else identity(source),
        mask_sha256=None if mask is None else digest_of(mask),
        drawn_sha256=None if drawn is None else digest_of(drawn),
    )
    stylist = Stylist(looks, controls, segment, refine, contact=looks or presets, drawn=painted, masks=masks)
    return stylist.style_all(jobs, log)


def _divided(
    found: Sequence[tuple[Path, str]], part: tuple[int, int] | None
) -> tuple[Sequence[tuple[Path, str]], Sequence[tuple[Path, str]]]:
    """(the photos of a part, those of all other parts), as `evaluate` divides a folder; everything without a part."""
    if part is None:
        return found, ()
    ordered = sorted(found, key=lambda photo: (photo[1], photo[0]))
    mine = part_of(ordered, *part)
    return mine, sorted({*ordered} - {*mine})


def _digest_of_names(found: Sequence[tuple[Path, str]]) -> str:
    """The same for all parts of the same photos, wherever these lie."""
    names = "\0".join(sorted(name for _, name in found))
    return sha256_of_bytes(names.encode(errors="surrogateescape"))


def _looks(
    style: str | Look | Sequence[str | Look] | None, lut: Path | None, skin_lut: Path | None, sheets: Sheets
) -> dict[str, Look]:
    """Name to look, in the order given; none when only sheets are asked for that need none."""
    named = (style,) if isinstance(style, (str, Look)) else tuple(style or ())
    if not named and lut is None and (sheets.mask or sheets.contact) and not sheets.compare:
        return {}
    looks = [each if isinstance(each, Look) else look_of(each, lut, skin_lut) for each in named or (None,)]
    found: dict[str, Look] = {}
    for look in looks:
        if found.setdefault(look.title, look).digest() != look.digest():
            raise EdgekitError(f"Two looks are called {look.title}; each needs a name of its own.")
    return found
