"""Fetch what the Android checks need and Debian does not have: the Kotlin compiler, dx and API types.

    python tools/fetch_android_tools.py [--into FOLDER]

Versions and hashes are pinned here; npm and pip, as they are set up on this machine, do the fetching. About
250 MB travel, 80 MB stay in `.cache/android-tools` (ignored by git). What is there already is kept. The
tests of `tests/android` skip, and say so, without it.

Licences: the Kotlin compiler, dx (the Android Open Source Project's, inside NativeScript's metadata
generator) and NativeScript are Apache-2.0; the type stubs are MIT over Apache-2.0 API signatures. Nothing
of them is put into an app but the Kotlin standard library.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

DEFAULT_FOLDER = Path(__file__).parent.parent / ".cache" / "android-tools"


@dataclass(frozen=True)
class NpmPackage:
    """`integrity`: npm's own, SHA-512 in base64. `keep`: what is unpacked, by the start of its path."""

    name: str
    version: str
    integrity: str
    folder: str
    keep: tuple[str, ...]


@dataclass(frozen=True)
class PythonStubs:
    name: str
    version: str
    sha256: str


NPM_PACKAGES = (
    NpmPackage(
        "kotlin-compiler",
        "2.4.20",
        "IF5IVM7LpPhA/ntHQQpaVt1yxpaaQovtEVYLyqWMuaLr0XelLPPm7/sM6HLhtcRjjjoSsK7I7lP2kzYJkMy73w==",
        "kotlin",
        (
            "package/lib/kotlin-compiler.jar",
            "package/lib/kotlin-stdlib.jar",
            "package/lib/kotlin-script-runtime.jar",
            "package/lib/kotlin-reflect.jar",
            "package/lib/kotlinx-coroutines-core-jvm.jar",
            "package/lib/annotations-13.0.jar",
            "package/lib/kotlin-daemon-client.jar",
            "package/license/",
            "package/build.txt",
        ),
    ),
    NpmPackage(
        "@nativescript/android",
        "9.1.1",
        "oDWfVnQtgQ0ctbfFWSugqGEZnYVjls82FqlO5UbA9HNwTNqdP4gqWwqHR80WKQngrbxlRHYDIuYv5S9kQfKhcw==",
        "dx",
        ("package/framework/build-tools/android-metadata-generator.jar", "package/package.json"),
    ),
)
PYTHON_STUBS = (
    PythonStubs(
        "chaquopy-stubs-android",
        "36.20260406",
        "5e18511ccb7ae519d8c4643408cf16262fa5f20eb1d1a7e97cfe28de16e12008",
    ),
    PythonStubs(
        "chaquopy-stubs-androidx-activity-activity",
        "1.13.0.20260401",
        "4d8158d1969d7bcd2f5aeb95b69dc32a517d173a481d40e31d5d1a941e0c3882",
    ),
    PythonStubs(
        "chaquopy-stubs-androidx-lifecycle-lifecycle-common",
        "2.7.0.20260401",
        "46ec3c66eb00642fa4b94d2bbdcf694089af5e3a2c9adfd22576ea817476c455",
    ),
    PythonStubs(
        "chaquopy-stubs-androidx-lifecycle-lifecycle-livedata-core",
        "2.10.0.20260401",
        "806abf9aac4c7585beacd2a86feb8b67a226e709301cd3db1de7966884f8806d",
    ),
    PythonStubs(
        "chaquopy-stubs-androidx-lifecycle-lifecycle-viewmodel",
        "2.7.0.20260401",
        "08947fef0438d017112905380d40c5abbc65d9b304dad8eef2ed66cda8a05e0e",
    ),
    PythonStubs(
        "chaquopy-stubs-com-google-guava-listenablefuture",
        "1.0.20260401",
        "b2b2148b5240766e0c7809c32af1795db06f70b02c6af884334ccf6970fb1b68",
    ),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--into", type=Path, default=DEFAULT_FOLDER)
    folder: Path = parser.parse_args().into
    require_npm()
    folder.mkdir(parents=True, exist_ok=True)
    for package in NPM_PACKAGES:
        _once(folder / package.folder, partial(fetch_npm, package))
    for stubs in PYTHON_STUBS:
        _once(folder / "types" / stubs.name, partial(_fetch_stubs, stubs))
    return 0


def _once(place: Path, fetch: Callable[[Path], None]) -> None:
    """Whole or not at all: an interrupted run leaves nothing that looks finished."""
    if place.exists():
        return
    print(f"fetching {place.name}", file=sys.stderr)
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as temporary:
        unpacked = Path(temporary) / "unpacked"
        unpacked.mkdir()
        fetch(unpacked)
        shutil.move(unpacked, place)


def require_npm() -> None:
    if shutil.which("npm") is None:
        raise SystemExit("npm is missing; it comes with Node.js. Install it and run this again.")


def fetch_npm(package: NpmPackage, into: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        spec = f"{package.name}@{package.version}"
        subprocess.run(
            ["npm", "pack", "--silent", spec], cwd=temporary, check=True, stdout=subprocess.DEVNULL
        )
        (archive,) = Path(temporary).glob("*.tgz")
        found = base64.b64encode(_digest(archive, "sha512")).decode()
        if found != package.integrity:
            raise SystemExit(f"{spec} is not the package that was pinned: its sha512 is {found}.")
        with tarfile.open(archive) as tar:
            members = [m for m in tar.getmembers() if m.name.startswith(package.keep)]
            tar.extractall(into, members, filter="data")


def _fetch_stubs(stubs: PythonStubs, into: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        requirement = Path(temporary) / "requirement.txt"
        requirement.write_text(f"{stubs.name}=={stubs.version} --hash=sha256:{stubs.sha256}\n")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--require-hashes", "--dest", temporary, "-r", str(requirement)], check=True)
        (wheel,) = Path(temporary).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(into)


def _digest(path: Path, algorithm: str) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).digest()


if __name__ == "__main__":
    sys.exit(main())
