"""Where the encoded bytes of a picture are, when they are no file of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Source(Protocol):
    """A picture inside a larger file, such as a member of a tar archive.

    name, stem: as of a file of its own; name is shown, and stem says which photo and label belong together. path: the
    larger file with the name below it, for sentences.
    """

    @property
    def name(self) -> str: ...
    @property
    def stem(self) -> str: ...
    @property
    def path(self) -> Path: ...

    def read(self) -> bytes:
        """The encoded bytes. Raises ImageError if they are missing or too many."""
        ...


def path_of(picture: Path | Source) -> Path:
    """The picture's place, for sentences."""
    return picture if isinstance(picture, Path) else picture.path
