"""LiteRT.js, the runtime the page uses: fetched once with npm, checked, kept in the user's cache.

Its WebAssembly is 28 MB in three builds, so it is neither committed nor shipped in edgekit's wheel. It is
Apache-2.0; npm's archives are pinned by version and sha512.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgekit.caches import cache
from edgekit.console import say
from edgekit.errors import EdgekitError
from edgekit.files import FolderKind, check_folder_place, staged_folder

VERSION = "2.5.3"
FETCH_TIMEOUT_S = 600
# Browsers resolve no bare package names in workers; the page serves the two modules side by side.
BARE_IMPORT, RELATIVE_IMPORT = b'from "@litertjs/wasm-utils"', b'from "./wasm-utils.mjs"'
WASM_BUILDS = (
    "",
    "_compat",
    "_threaded",
)  # plain, browsers without relaxed SIMD, cross-origin isolated pages


@dataclass(frozen=True)
class Package:
    """An npm package: the sha512 of its archive as npm writes it, and which members are served as what."""

    name: str
    integrity: str
    members: Mapping[str, str]


PACKAGES = (
    Package(
        "@litertjs/core",
        "PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kCnN4nzWoyJQ==",
        {
            "package/dist/index.js": "core.mjs",
            **{
                f"package/wasm/litert_wasm{build}_internal.{kind}": f"wasm/litert_wasm{build}_internal.{kind}"
                for build in WASM_BUILDS
                for kind in ("js", "wasm")
            },
        },
    ),
    Package(
        "@litertjs/wasm-utils",
        "4fJiw6tBQnIs+0jH/OQ16nYOiSl8/+zZnn5h2ul8aTKHi05sVqZW580Tmk78pC2kT39A9OYBVdFawteZ/sI1kQ==",
        {"package/dist/index.js": "wasm-utils.mjs"},
    ),
)
FILES = tuple(served for package in PACKAGES for served in package.members.values())


# Written once and never replaced: a folder that lacks a file is somebody else's, or was changed.
LITERT_JS = FolderKind("a LiteRT.js folder", lambda folder: None)


def litert_js(folder: Path | None = None) -> Path:
    """The folder with LiteRT.js (the user's cache), fetched when it is not there. EdgekitError says what is missing."""
    folder = folder or cache(f"litert-js-{VERSION}")
    if all((folder / file).is_file() for file in FILES):
        return folder
    check_folder_place(folder, LITERT_JS, replace=True)  # never replaced; the sentence does not offer to
    npm = shutil.which("npm")
    if npm is None:
        raise EdgekitError(
            f"The preview needs LiteRT.js {VERSION}, which edgekit fetches once with npm: install Node.js, "
            "or pass `litert_js` with the folder from a machine that has it."
        )
    say(f"fetching LiteRT.js {VERSION} with npm into {folder} (12 MB, once) …")
    with (
        tempfile.TemporaryDirectory(prefix="edgekit-npm-") as temporary,
        staged_folder(folder, LITERT_JS, replace=True) as place,
    ):
        for package in PACKAGES:
            _unpack(package, _packed(npm, package, Path(temporary)), place)
    return folder


def _packed(npm: str, package: Package, folder: Path) -> Path:
    """The package's archive, as the registry npm is set up for gives it; its sha512 is checked."""
    command = [npm, "pack", f"{package.name}@{VERSION}", "--pack-destination", str(folder)]
    try:
        ran = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise EdgekitError(f"npm did not fetch {package.name} in {FETCH_TIMEOUT_S} s; try again.") from error
    archive = folder / f"{package.name.removeprefix('@').replace('/', '-')}-{VERSION}.tgz"
    if ran.returncode != 0 or not archive.is_file():
        said = next((line for line in ran.stderr.splitlines() if "error" in line.lower()), "no reason given")
        raise EdgekitError(
            f"npm could not fetch {package.name} {VERSION} ({said}); it needs the network once."
        )
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != package.integrity:
        raise EdgekitError(f"npm gave another {package.name} {VERSION} than edgekit was made for; not used.")
    return archive


def _unpack(package: Package, archive: Path, place: Path) -> None:
    with tarfile.open(archive, "r:gz") as pack:
        for member, served in package.members.items():
            stream = pack.extractfile(member)
            assert stream is not None, member  # its sha512 was checked
            target = place / served
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(stream.read().replace(BARE_IMPORT, RELATIVE_IMPORT))
