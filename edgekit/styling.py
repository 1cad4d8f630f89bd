"""Styling photos at full resolution: a look, a source of masks and photos in, styled photos out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from edgekit.artifact import Artifact
from edgekit.color.controls import Controls
from edgekit.color.look import look_of
from edgekit.color.styled_log import identity, opened_log
from edgekit.color.stylist import StyledPhotos, Stylist, jobs_for, mask_as_segment
from edgekit.segmenter import Segmenter
from edgekit.shader.description import DEFAULT_REFINEMENT
from edgekit.shader.refine import refine_named
from edgekit.weights import Checkpoint


def style(
    photos: Sequence[Path],
    style: str | None = None,
    *,
    lut: Path | None = None,
    skin_lut: Path | None = None,
    source: Checkpoint | Artifact | Path | str | None = None,
    mask: Path | None = None,
    controls: Controls | None = None,
    refinement: str = DEFAULT_REFINEMENT,
    out: Path = Path("styled"),
    resume: bool = False,
    force: bool = False,
) -> StyledPhotos:
    """Style photos (files, or folders of them) at full resolution into the folder `out`; profile and EXIF are kept.

    `style`: a preset, or `lut` (and `skin_lut`) files. `source`: what segments, as `Segmenter` takes it; `mask`: a
    picture of the mask instead (red skin, green hair, blue clothes).

    Several photos leave a log in `out`, by which `resume` skips what an interrupted run finished. A photo that
    cannot be styled is listed with its reason. Raises EdgekitError: nothing found, a file is in the way.
    """
    look, refine, controls = look_of(style, lut, skin_lut), refine_named(refinement), controls or Controls()
    log = opened_log(
        photos, out, resume, [look.digest(), asdict(controls), refinement, identity(source), identity(mask)]
    )
    jobs = jobs_for(photos, out, force, log)
    segment = mask_as_segment(mask) if mask is not None else Segmenter(source).groups
    return Stylist(look.layers(), controls, segment, refine).style_all(jobs, log)
