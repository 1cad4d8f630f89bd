"""Fetching LiteRT.js: with a small stand-in for npm, so that every refusal is seen without the network."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from edgekit.errors import EdgekitError
from edgekit.preview import litert_js
from edgekit.preview.litert_js import FILES, PACKAGES, Package

# Writes what lies beside it under the name npm gives, or fails as npm does.
NPM = """#!{python}
import pathlib, shutil, sys
kind, package, _, folder = sys.argv[1:]
assert kind == "pack", kind
if (pathlib.Path(__file__).parent / "offline").exists():
    sys.exit("npm error code ENOTFOUND")
name = package.rpartition("@")[0].strip("@").replace("/", "-")
shutil.copy(pathlib.Path(__file__).parent / name, f"{{folder}}/{{name}}-{version}.tgz")
"""


def archive(members: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as pack:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            pack.addfile(info, io.BytesIO(data))
    return whole.getvalue()


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an npm that gives small packages of the right names, and edgekit told their sha512."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "npm"
    program.write_text(NPM.format(python=sys.executable, version=litert_js.VERSION))
    program.chmod(0o755)
    packages = []
    for package in PACKAGES:
        text = b'import {f} from "@litertjs/wasm-utils";'
        data = archive({name: text for name in (*package.members, "package/README.md")})
        (folder / package.name.removeprefix("@").replace("/", "-")).write_bytes(data)
        digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
        packages.append(Package(package.name, digest, package.members))
    monkeypatch.setattr(litert_js, "PACKAGES", tuple(packages))
    monkeypatch.setattr(shutil, "which", lambda name: str(program) if name == "npm" else None)
    return folder


def test_fetches_what_is_served_and_nothing_else(npm: Path, tmp_path: Path) -> None:
    folder = litert_js.litert_js(tmp_path / "kept" / "litert")
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert found == set(FILES)
    assert (folder / "core.mjs").read_text() == 'import {f} from "./wasm-utils.mjs";'


def test_fetches_once(npm: Path, tmp_path: Path) -> None:
    folder = litert_js.litert_js(tmp_path / "litert")
    (npm / "offline").touch()
    assert litert_js.litert_js(folder) == folder


def test_another_archive_is_not_used(npm: Path, tmp_path: Path) -> None:
    (npm / "litertjs-wasm-utils").write_bytes(archive({"package/dist/index.js": b"evil()"}))
    with pytest.raises(EdgekitError, match=r"npm fetched a @litertjs/wasm-utils .* not used"):
        litert_js.litert_js(tmp_path / "litert")
    assert not (tmp_path / "litert").exists()


def test_says_when_npm_fails_and_leaves_nothing(npm: Path, tmp_path: Path) -> None:
    (npm / "offline").touch()
    with pytest.raises(
        EdgekitError, match=r"could not fetch @litertjs/core .*ENOTFOUND.*needs the network once"
    ):
        litert_js.litert_js(tmp_path / "litert")
    assert not (tmp_path / "litert").exists()


def test_says_what_to_do_without_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(EdgekitError, match=r"install Node.js, or pass `litert_js`"):
        litert_js.litert_js(tmp_path / "litert")
