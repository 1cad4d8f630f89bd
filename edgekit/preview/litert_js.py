"""LiteRT.js, the page's runtime: fetched once with npm, checked, and kept in the user's cache.

Its WebAssembly is 38 MB in four builds, so it is neither committed nor shipped in edgekit's wheel. It is
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
from edgekit.files import FolderKind, check_folder_place, sha256_of_bytes, staged_folder
from edgekit.reading import read_bytes

VERSION = "2.5.3"
FETCH_TIMEOUT_S = 600
MOST_FILE_BYTES = 32 << 20  # per file; the largest has 9.4 MB
# Browsers do not resolve bare package names in workers, so the import becomes a relative path.
BARE_IMPORT, RELATIVE_IMPORT = b'from "@litertjs/wasm-utils"', b'from "./wasm-utils.mjs"'
# The plain build, one for browsers without relaxed SIMD, one for cross-origin isolated pages, and one for WebGPU: it
# waits for the GPU (JSPI), without which no network with bytes as output can be read back.
WASM_BUILDS = ("", "_compat", "_threaded", "_jspi")


@dataclass(frozen=True)
class Package:
    """An npm package: its archive's sha512 as npm writes it, and the served path of each member that is used."""

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
# sha256 of every served file, unpacked from these archives.
FILES: Mapping[str, str] = {
    "core.mjs": "ad4f4ef53e573136481c6dbb13f27bf0e9a826a623738fc15d7fc1e6f59a8ea7",
    "wasm-utils.mjs": "e0e20bc28ab001ac732cf40d15b6eebd24fb0deaeb95eeba5100f51eebf015f2",
    "wasm/litert_wasm_internal.js": "68efb69f770e3f76aff36a377de629ca496c131b86ac0f0f4b592a1543a898eb",
    "wasm/litert_wasm_internal.wasm": "7280cf4471774867e385e6c3cd53e2b45e2975b80fea338fff4ef359b0865614",
    "wasm/litert_wasm_compat_internal.js": "4d8f894b7883654fd6e8439730aa41e79ceaab7d19184fc4f1f0b0f1a2a2c8a5",
    "wasm/litert_wasm_compat_internal.wasm": "5255c8ad06eabdbd2522cdebf6b22fc10faf74625c23a49b9e072570cd1fa41c",
    "wasm/litert_wasm_jspi_internal.js": "e685a3ed86f447c1feb8f5414319539c5e94d1cfc0eb49c3c5e6a788a6f5541b",
    "wasm/litert_wasm_jspi_internal.wasm": "a103e14db26cdbda9ba1a93633e59f3bf604d082fa7ab0c30ca730838e3faa69",
    "wasm/litert_wasm_threaded_internal.js": "92fe7a720c6deedaa1194c011c79a005ea4f6fc98f533b661cf7900760ab4849",
    "wasm/litert_wasm_threaded_internal.wasm": "b5e54eca10f043497edf9a02186332707cae260c550d7ea22b2cae55669596cf",
}


# Nothing counts as our own folder, so none is ever replaced: one that lacks a file was changed or is the user's.
LITERT_JS = FolderKind("a LiteRT.js folder", lambda folder: None)


def litert_js(folder: Path | None = None) -> Path:
    """Return the folder with LiteRT.js (the user's cache), fetching it if it is absent.

    Raises EdgekitError if npm is missing or fails, the folder belongs to something else, or a file was changed.
    """
    is_cache = folder is None
    folder = folder or cache(f"litert-js-{VERSION}-{len(WASM_BUILDS)}")  # one with fewer builds stays alone
    if all((folder / file).is_file() for file in FILES):
        if is_cache:  # a folder that the user named is trusted
            _verify(folder)
        return folder
    check_folder_place(
        folder, LITERT_JS, replace=True
    )  # nothing is replaced; the error then offers no `force`
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


def _verify(folder: Path) -> None:
    """Raise EdgekitError for a file that is not as it was fetched: the page would run it."""
    for name, expected in FILES.items():
        path = folder / name
        data = read_bytes(path, MOST_FILE_BYTES, EdgekitError)
        if path.is_symlink() or sha256_of_bytes(data) != expected:
            raise EdgekitError(
                f"{path} is not the original file of LiteRT.js {VERSION}; remove {folder} to fetch it again, or pass "
                "another `litert_js`."
            )


def _packed(npm: str, package: Package, folder: Path) -> Path:
    """Fetch the package's archive from the registry that npm is configured for, and check its sha512."""
    command = [npm, "pack", f"{package.name}@{VERSION}", "--pack-destination", str(folder)]
    try:
        ran = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise EdgekitError(f"npm did not fetch {package.name} in {FETCH_TIMEOUT_S} s; try again.") from error
    archive = folder / f"{package.name.removeprefix('@').replace('/', '-')}-{VERSION}.tgz"
    if ran.returncode != 0 or not archive.is_file():
        errors = (line for line in ran.stderr.splitlines() if "error" in line.lower())
        reason = next(errors, "no reason given")
        raise EdgekitError(
            f"npm could not fetch {package.name} {VERSION} ({reason}); it needs the network once."
        )
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != package.integrity:
        raise EdgekitError(
            f"npm fetched a {package.name} {VERSION} with another sha512 than edgekit expects; it is not used."
        )
    return archive


def _unpack(package: Package, archive: Path, place: Path) -> None:
    with tarfile.open(archive, "r:gz") as pack:
        for member, served in package.members.items():
            stream = pack.extractfile(member)
            assert stream is not None, member  # its sha512 was checked
            target = place / served
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(stream.read().replace(BARE_IMPORT, RELATIVE_IMPORT))
