"""How a photo was styled, kept in the styled photo's XMP: enough to change the style again, from the original.

XMP packets (ISO 16684-1) hold `rdf:Description` elements; edgekit adds one of its own with the edit as JSON, and leaves
all others as they are.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from edgekit._version import __version__
from edgekit.color.controls import Controls
from edgekit.color.layers import Look
from edgekit.color.look import SCENES, look_of
from edgekit.color.photo_log import digest_of
from edgekit.color.styles import STYLES
from edgekit.errors import EdgekitError
from edgekit.images import read_photo
from edgekit.reading import JsonKind, Sha256, Text, parsed_json, shown

SCHEMA, VERSION = "edgekit/edit", 1
NAMESPACE = "urn:edgekit:edit"
MOST_PACKET_BYTES = 65_000  # of a JPEG's segment for XMP
_OWN = re.compile(rb'<rdf:Description rdf:about="" xmlns:edgekit="[^"]*" edgekit:edit="([^"]*)"/>')
_END = b"</rdf:RDF>"
_EMPTY_PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b"</rdf:RDF></x:xmpmeta>"
)


@dataclass(frozen=True)
class Masks:
    """Where the masks of an edit are from.

    segmented_by: the digest of the weights or artifact, or its name. mask_sha256, drawn_sha256: of pictures that the
    user gave, of a mask in place of a segmenter's and of drawn regions.
    """

    refinement: Text
    segmented_by: Text | None = None
    mask_sha256: Sha256 | None = None
    drawn_sha256: Sha256 | None = None


@dataclass(frozen=True)
class Edit:
    """What was done to a photo.

    style: the look's title. original: the photo's file name, without its folder. edgekit: the version that styled it.
    """

    style: Text
    look_sha256: Sha256
    controls: Controls
    masks: Masks
    original: Text
    original_sha256: Sha256
    edgekit: Text = __version__

    def look(self) -> Look:
        """The look, if it is a preset or scene. EdgekitError if not: the edit holds the names of other looks only."""
        look = look_of(self.style) if self.style in (*STYLES, *SCENES) else None
        if look is None or look.digest() != self.look_sha256:
            raise EdgekitError(
                f"The look {shown(self.style)} is not a preset of this edgekit, and a styled photo keeps the name "
                "only; give the look again, with `style`, `lut` or `layer`."
            )
        return look

    def original_in(self, folders: Iterable[Path]) -> Path:
        """The original photo, which lies in one of the folders unchanged. EdgekitError if it does not."""
        name = Path(self.original).name
        for place in (folder / name for folder in folders):
            if digest_of(place) == self.original_sha256:
                return place
        raise EdgekitError(
            f"The original {shown(name)} was not found unchanged beside the styled photo; name it too."
        )


EDIT = JsonKind(Edit, "an edit of edgekit's", schema=SCHEMA, version=("schema_version", VERSION))


def with_edit(xmp: bytes | None, edit: Edit) -> bytes:
    """An XMP packet with the edit in place of any former one.

    A packet that is not in the usual form, or would become too long for a JPEG, stays as it is.
    """
    packet = _OWN.sub(b"", xmp or _EMPTY_PACKET)
    before, end, after = packet.rpartition(_END)
    text = json.dumps({"schema": SCHEMA, "schema_version": VERSION, **asdict(edit)}, sort_keys=True)
    own = f'<rdf:Description rdf:about="" xmlns:edgekit="{NAMESPACE}" edgekit:edit="{html.escape(text)}"/>'
    made = before + own.encode("ascii") + end + after
    return made if end and len(made) <= MOST_PACKET_BYTES else packet


def read_edit(path: Path) -> Edit:
    """The edit in a styled photo. EdgekitError if it holds none; ImageError if it cannot be read."""
    found = _OWN.search(read_photo(path).xmp or b"")
    if found is None:
        raise EdgekitError(f"{shown(path)} does not say how it was styled; give a photo that edgekit styled.")
    text = html.unescape(found[1].decode("utf-8", "replace"))
    return parsed_json(text.encode(), shown(path), EDIT, EdgekitError)
