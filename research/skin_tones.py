"""A training folder as one folder of links for each band of skin tone, so that every band can be drawn as often."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgekit import console
from edgekit.images import SCHEME_FILE, images_in, read_image, read_labels
from edgekit.scores.scheme import Scheme, scheme_of
from edgekit.scores.strata import SKIN_TONE, traits_of

# The strata of skin tone, two in a band: six of a set would leave a handful of photos in the darkest.
BANDS = {
    "very light": "light", "light": "light",
    "intermediate": "middle", "tan": "middle",
    "brown": "dark", "dark": "dark",
}  # fmt: skip
NO_SKIN = "no-skin"  # the band of photos that show none
FEWEST = 15  # photos of a band: a fifteenth validates


def linked_by_skin_tone(
    folder: Path, class_names: Sequence[str], skin: Sequence[int], out: Path, fewest: int = FEWEST
) -> list[Path]:
    """Folders `out`-dark, -light, -middle and -no-skin with links to the photos and labels of `folder`.

    A photo without a label is in none of them. A band of fewer than `fewest` photos is added to the largest.
    """
    photos = [path for path in images_in(folder / "images") if _label(path).is_file()]
    scheme = scheme_of(folder / "labels", class_names) or Scheme.of_classes(class_names)
    bands: dict[str, list[Path]] = {}
    for photo in console.track(photos, len(photos), f"sorting {folder.parent.name} by skin tone"):
        shown = scheme.inside(skin)[read_labels(_label(photo))].astype(np.uint8)
        stratum = traits_of(read_image(photo), shown, (1,)).strata().get(SKIN_TONE)
        bands.setdefault(NO_SKIN if stratum is None else BANDS[stratum], []).append(photo)
    largest = max(bands, key=lambda band: len(bands[band]))
    found = set()
    for band, members in bands.items():
        place = out.with_name(f"{out.name}-{band if len(members) >= fewest else largest}")
        found.add(place)
        for file in (file for photo in members for file in (photo, _label(photo))):
            link = place / file.parent.name / file.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file.resolve())
    for name in ("classes.json", SCHEME_FILE):
        if (folder.parent / name).is_file():
            for place in found:
                (place / name).symlink_to((folder.parent / name).resolve())
    return sorted(found)


def _label(photo: Path) -> Path:
    return photo.parent.parent / "labels" / f"{photo.stem}.png"
