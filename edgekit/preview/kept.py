"""The preview's default bundle, kept in the user's cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import converters
import edgekit
from edgekit import console
from edgekit.bundles.reading import OpenBundle, read_bundle
from edgekit.caches import cache
from edgekit.errors import BundleError
from edgekit.files import files_in, sha256_of


def kept_bundle(make: Callable[[Path], OpenBundle], folder: Path | None = None) -> OpenBundle:
    """Return the bundle kept in `folder` (the user's cache) for this edgekit; `make` makes it if it is not there.

    Its name holds a digest of every file of edgekit, weights included, so that a changed style or shader gives another
    bundle.
    """
    place = (folder or cache("preview")) / _digest()[:16]
    try:
        return read_bundle(place)
    except BundleError:
        console.say("making a bundle of the bundled parser for the preview, once …")
    return make(place)


def _digest() -> str:
    """sha256 over all files of the packages that bundles are made by, without Python's compiled files."""
    whole = hashlib.sha256()
    for package in (edgekit, converters):
        root = Path(str(package.__file__)).parent
        for file in files_in(root):
            if "__pycache__" not in file.parts:
                whole.update(f"{file.relative_to(root).as_posix()} {sha256_of(file)}\n".encode())
    return whole.hexdigest()
