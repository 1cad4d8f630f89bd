"""`edgekit segment`: masks, labels, overlays and cut-outs of photos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit import console
from edgekit.commands.options import (
    Force,
    Json,
    Photos,
    Refinement,
    ResumePhotos,
    SegmentingArtifact,
    Weights,
)
from edgekit.shader.modes import DEFAULT_REFINEMENT


def segment(
    photos: Photos,
    kinds: Annotated[
        str,
        typer.Option(
            help="What to write, separated by commas, each into a folder of its name: masks (red skin, green hair, "
            "blue clothes), labels (class indices), overlays (the photo, tinted), cutouts (the person with alpha)."
        ),
    ] = "masks,overlays",
    artifact: SegmentingArtifact = None,
    weights: Weights = None,
    refinement: Refinement = DEFAULT_REFINEMENT,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("segmented"),
    resume: ResumePhotos = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Segment photos: who is skin, hair, clothes and background, as pictures at the photo's size."""
    from dataclasses import asdict
    from typing import cast

    if artifact is not None and weights is not None:
        raise typer.BadParameter("give either --artifact or --weights.")
    with console.quiet_libraries():  # what they print when they are imported
        from edgekit.segmenting import Kind, segment
    names = [name.strip() for name in kinds.split(",") if name.strip()]
    found = segment(
        photos,
        [cast(Kind, name) for name in names],  # an unknown one is refused by name
        source=artifact or weights,
        refinement=refinement,
        out=out,
        resume=resume,
        force=force,
    )
    for photo in found.done:
        shares = photo.shares or {}
        shown = ", ".join(f"{group} {share:.1%}" for group, share in shares.items())
        for place in photo.outputs.values():
            console.show(str(place))
        if shown:
            console.show(f"  {shown}")
    if found.skipped:
        console.say(f"{len(found.skipped)} photos were segmented before and are unchanged")
    for _, reason in found.failed:
        console.say(f"not segmented: {reason}")
    if json:
        console.print_json(
            {
                "kinds": names,
                "photos": [
                    {
                        **asdict(photo),
                        "path": str(photo.path),
                        "outputs": {kind: str(place) for kind, place in photo.outputs.items()},
                    }
                    for photo in found.done
                ],
                "skipped": [str(path) for path in found.skipped],
                "failed": [{"path": str(path), "reason": reason} for path, reason in found.failed],
            }
        )
    if found.failed:
        raise typer.Exit(1)
