"""Reading a bundle that nobody vouches for: every refusal is one BundleError sentence."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from edgekit.bundles.format import (
    BUNDLE_FILE,
    MOST_BUNDLE_BYTES,
    MOST_FILE_BYTES,
    MOST_JSON_BYTES,
    Bundle,
    FileEntry,
    parsed,
)
from edgekit.errors import BundleError
from edgekit.files import FolderKind, staged_folder

CHUNK_BYTES = 1 << 20


def _listed_by_index(folder: Path) -> tuple[str, ...] | None:
    index = folder / BUNDLE_FILE
    try:
        return (BUNDLE_FILE, *(entry.path for entry in parsed(_index_text(index), str(index)).files))
    except (BundleError, OSError):
        return None


BUNDLE = FolderKind("a bundle", _listed_by_index)


@dataclass(frozen=True)
class OpenBundle:
    """A bundle whose every file was checked; `folder` is where its paths start."""

    folder: Path
    bundle: Bundle

    def path(self, relative: str) -> Path:
        """A listed file or package. BundleError for any other path."""
        listed = (entry.path for entry in self.bundle.files)
        if not any(path == relative or path.startswith(f"{relative}/") for path in listed):
            raise BundleError(f"{relative!r} is not a file of the bundle {self.bundle.name}.")
        return self.folder / relative


def read_bundle(folder: Path) -> OpenBundle:
    """The bundle in a folder, every file's size and sha256 checked.

    BundleError: no such bundle, not of its schema, an unsafe path, a missing, changed, unlisted or oversize file,
    a symbolic link.
    """
    index = folder / BUNDLE_FILE
    if not index.is_file():
        hint = "; unpack a zip first, or give its path to unpack_bundle" if folder.suffix == ".zip" else ""
        raise BundleError(f"{folder} holds no {BUNDLE_FILE}{hint}.")
    bundle = parsed(_index_text(index), str(index))
    check_entries(bundle.files)
    present = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise BundleError(f"{path} is a symbolic link; a bundle holds files only.")
        if path.is_file() and path != index:
            present.append(path.relative_to(folder).as_posix())
    _same_files(bundle, present, folder)
    for entry in bundle.files:
        path = folder / entry.path
        _check_size(entry, path.stat().st_size, path)
        with path.open("rb") as stream:
            _check_bytes(entry, stream, path, lambda data: None)
    return OpenBundle(folder, bundle)


def unpack_bundle(archive: Path, folder: Path) -> OpenBundle:
    """Unpack a zipped bundle into a new `folder`, checked while it is read; nothing is left when it is refused."""
    try:
        with zipfile.ZipFile(archive) as pack, staged_folder(folder, BUNDLE, replace=False) as temporary:
            names = [info.filename for info in pack.infolist() if not info.is_dir()]
            if len(set(names)) != len(names):
                raise BundleError(f"{archive} holds a name twice.")
            bundle = parsed(_text(_index_of(pack, archive), archive), f"{archive}/{BUNDLE_FILE}")
            check_entries(bundle.files)
            _same_files(bundle, [name for name in names if name != BUNDLE_FILE], archive)
            (temporary / BUNDLE_FILE).write_bytes(_index_of(pack, archive))
            for entry in bundle.files:
                _unpack(pack, entry, temporary / entry.path, archive)
    except (OSError, zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError) as error:
        raise BundleError(f"{archive} is not a readable zip ({error}).") from error
    return OpenBundle(folder, bundle)


def check_entries(entries: Iterable[FileEntry]) -> None:
    """BundleError for an unsafe or repeated path, or sizes above the limits."""
    seen: set[str] = set()
    total = 0
    for entry in entries:
        parts = entry.path.split("/")
        unsafe = "\\" in entry.path or ":" in entry.path or "\0" in entry.path
        if unsafe or any(part in ("", ".", "..") for part in parts) or entry.path == BUNDLE_FILE:
            raise BundleError(f"The bundle lists an unsafe path: {entry.path!r}.")
        if entry.path in seen:
            raise BundleError(f"The bundle lists {entry.path!r} twice.")
        if entry.size_bytes > MOST_FILE_BYTES:
            raise BundleError(f"{entry.path} has {entry.size_bytes} bytes; {MOST_FILE_BYTES} are allowed.")
        seen.add(entry.path)
        total += entry.size_bytes
    if total > MOST_BUNDLE_BYTES:
        raise BundleError(f"The bundle has {total} bytes; {MOST_BUNDLE_BYTES} are allowed.")


def _index_text(index: Path) -> str:
    if index.stat().st_size > MOST_JSON_BYTES:
        raise BundleError(f"{index} is larger than any bundle's index ({MOST_JSON_BYTES >> 20} MiB).")
    return _text(index.read_bytes(), index)


def _index_of(pack: zipfile.ZipFile, archive: Path) -> bytes:
    try:
        with pack.open(BUNDLE_FILE) as stream:
            data = stream.read(MOST_JSON_BYTES + 1)
    except KeyError as error:
        raise BundleError(f"{archive} holds no {BUNDLE_FILE}.") from error
    if len(data) > MOST_JSON_BYTES:
        raise BundleError(f"{archive}/{BUNDLE_FILE} is larger than any bundle's index.")
    return data


def _unpack(pack: zipfile.ZipFile, entry: FileEntry, path: Path, archive: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with pack.open(entry.path) as source, path.open("wb") as out:
        _check_bytes(entry, source, archive / entry.path, lambda data: out.write(data))


def _check_size(entry: FileEntry, size_bytes: int, path: Path) -> None:
    if size_bytes != entry.size_bytes:
        raise BundleError(f"{path} has {size_bytes} bytes, not {entry.size_bytes}: changed or incomplete.")


def _check_bytes(entry: FileEntry, stream: IO[bytes], path: Path, sink: Callable[[bytes], object]) -> None:
    """Read no more than was declared, and hash it."""
    digest, size = hashlib.sha256(), 0
    while data := stream.read(min(CHUNK_BYTES, entry.size_bytes - size + 1)):
        size += len(data)
        if size > entry.size_bytes:
            raise BundleError(f"{path} has more than its {entry.size_bytes} bytes: changed.")
        digest.update(data)
        sink(data)
    _check_size(entry, size, path)
    if digest.hexdigest() != entry.sha256:
        raise BundleError(f"{path} is not the file that was bundled: its sha256 differs.")


def _same_files(bundle: Bundle, present: Iterable[str], where: Path) -> None:
    listed, there = {entry.path for entry in bundle.files}, set(present)
    if missing := sorted(listed - there):
        raise BundleError(f"{where} lacks {missing[0]!r}, which its {BUNDLE_FILE} lists.")
    if unknown := sorted(there - listed):
        raise BundleError(f"{where} holds {unknown[0]!r}, which its {BUNDLE_FILE} does not list.")
    golden = bundle.golden
    files = [style.description for style in bundle.styles]
    files += [segmenter.manifest for segmenter in bundle.segmenters]
    files += [golden.image.path, golden.mask.path, golden.styled.path, golden.vectors]
    packages = [segmenter.path for segmenter in bundle.segmenters]  # a file, or a folder of files
    known = listed | {parent for path in listed for parent in _parents(path)}
    for path in files + packages:
        if path not in (known if path in packages else listed):
            raise BundleError(f"{where}: {BUNDLE_FILE} refers to {path!r}, which it does not list.")


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:i]) for i in range(1, len(parts))]


def _text(data: bytes, where: Path) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BundleError(f"{where} is not UTF-8 text.") from error
