"""Reading a bundle that nobody vouches for: every refusal is one BundleError sentence."""

from __future__ import annotations

import hashlib
import lzma
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgekit.bundles.format import (
    BUNDLE_FILE,
    MOST_BUNDLE_BYTES,
    MOST_FILE_BYTES,
    MOST_JSON_BYTES,
    STEERING,
    Bundle,
    FileEntry,
    parsed,
)
from edgekit.errors import BundleError, printable
from edgekit.files import FolderKind, staged_folder
from edgekit.reading import check_regular_file, read_bytes, shown

CHUNK_BYTES = 1 << 20
MOST_ARCHIVE_BYTES = MOST_BUNDLE_BYTES + (16 << 20)  # with the index and the zip's own headers
# What zipfile and the decompressors raise for bytes that are not theirs; ValueError: names that are not UTF-8.
DAMAGED = (
    OSError, zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, ValueError, OverflowError,
    zlib.error, lzma.LZMAError, struct.error,
)  # fmt: skip


def _listed_by_index(folder: Path) -> tuple[str, ...] | None:
    try:
        return (BUNDLE_FILE, *(entry.path for entry in _index(folder / BUNDLE_FILE).files))
    except BundleError:
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
    if not _is_there(index):
        hint = "; unpack a zip first, or give its path to unpack_bundle" if folder.suffix == ".zip" else ""
        raise BundleError(f"{shown(folder)} holds no {BUNDLE_FILE}{hint}.")
    bundle = _index(index)
    check_entries(bundle.files)
    present = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            kind = "symbolic link" if path.is_symlink() else "pipe, socket or device"
            raise BundleError(f"{shown(path)} is a {kind}; a bundle holds files only.")
        if path.is_file() and path != index:
            present.append(path.relative_to(folder).as_posix())
    _same_files(bundle, present, folder)
    for entry in bundle.files:
        path = folder / entry.path
        _check_size(entry, path.stat().st_size, path)
        with path.open("rb") as stream:
            _check_bytes(entry, stream.read, path, lambda data: None)
    return OpenBundle(folder, bundle)


def unpack_bundle(archive: Path, folder: Path) -> OpenBundle:
    """Unpack a zipped bundle into a new `folder`, checked while it is read; nothing is left when it is refused."""
    check_regular_file(archive, MOST_ARCHIVE_BYTES, BundleError)
    with _zip_sentences(archive), zipfile.ZipFile(archive) as pack:
        members = [info for info in pack.infolist() if not info.is_dir()]
        for member in members:
            if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
                raise BundleError(
                    f"{shown(archive)} holds {printable(member.filename)!r}, a link or special file; a bundle "
                    "holds files only."
                )
        names = [member.filename for member in members]
        if len(set(names)) != len(names):
            raise BundleError(f"{shown(archive)} holds a name twice.")
        index = _index_of(pack, archive)
        bundle = parsed(index, f"{shown(archive)}/{BUNDLE_FILE}")
        check_entries(bundle.files)
        _same_files(bundle, [name for name in names if name != BUNDLE_FILE], archive)
        with staged_folder(folder, BUNDLE, replace=False) as temporary:
            (temporary / BUNDLE_FILE).write_bytes(index)
            for entry in bundle.files:
                _unpack(pack, entry, temporary / entry.path, archive)
    return OpenBundle(folder, bundle)


@contextmanager
def _zip_sentences(archive: Path) -> Iterator[None]:
    try:
        yield
    except DAMAGED as error:
        raise BundleError(f"{shown(archive)} is not a readable zip ({printable(str(error))}).") from error


def check_entries(entries: Iterable[FileEntry]) -> None:
    """BundleError for an unsafe or repeated path, or sizes above the limits."""
    seen: dict[str, str] = {}  # as file systems compare that ignore case and the form of accents
    total = 0
    for entry in entries:
        name = printable(entry.path)
        parts = entry.path.split("/")
        unsafe = "\\" in entry.path or ":" in entry.path or STEERING.search(entry.path)
        if unsafe or any(part in ("", ".", "..") for part in parts) or entry.path == BUNDLE_FILE:
            raise BundleError(f"The bundle lists an unsafe path: {name!r}.")
        folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", entry.path).casefold())
        if folded == BUNDLE_FILE or folded in seen:
            other = printable(seen.get(folded, BUNDLE_FILE))
            twice = "twice" if other == name else f"and {other!r}, which many file systems hold for one file"
            raise BundleError(f"The bundle lists {name!r} {twice}.")
        if entry.size_bytes > MOST_FILE_BYTES:
            raise BundleError(f"{name} has {entry.size_bytes} bytes; {MOST_FILE_BYTES} are allowed.")
        seen[folded] = entry.path
        total += entry.size_bytes
    if total > MOST_BUNDLE_BYTES:
        raise BundleError(f"The bundle has {total} bytes; {MOST_BUNDLE_BYTES} are allowed.")
    if clash := next((p for path in seen for p in _parents(path) if p in seen), None):
        raise BundleError(f"The bundle lists {printable(seen[clash])!r} as a file and as a folder.")


def _is_there(index: Path) -> bool:
    try:
        return index.is_file() or index.is_symlink()
    except OSError:  # a name that is too long
        return False


def _index(path: Path) -> Bundle:
    return parsed(read_bytes(path, MOST_JSON_BYTES, BundleError), shown(path))


def _index_of(pack: zipfile.ZipFile, archive: Path) -> bytes:
    try:
        with pack.open(BUNDLE_FILE) as stream:
            data = stream.read(MOST_JSON_BYTES + 1)
    except KeyError as error:
        raise BundleError(f"{shown(archive)} holds no {BUNDLE_FILE}.") from error
    if len(data) > MOST_JSON_BYTES:
        raise BundleError(f"{shown(archive)}/{BUNDLE_FILE} is larger than any bundle's index.")
    return data


def _unpack(pack: zipfile.ZipFile, entry: FileEntry, path: Path, archive: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _zip_sentences(archive):
        source = pack.open(entry.path)

    def read(most: int) -> bytes:
        with _zip_sentences(archive):  # and not the sentence of a folder that cannot be written
            return source.read(most)

    with source, path.open("wb") as out:
        _check_bytes(entry, read, archive / entry.path, out.write)


def _check_size(entry: FileEntry, size_bytes: int, path: Path) -> None:
    if size_bytes != entry.size_bytes:
        raise BundleError(
            f"{shown(path)} has {size_bytes} bytes, not {entry.size_bytes}: changed or incomplete."
        )


def _check_bytes(
    entry: FileEntry, read: Callable[[int], bytes], path: Path, sink: Callable[[bytes], object]
) -> None:
    """Read no more than was declared, and hash it."""
    digest, size = hashlib.sha256(), 0
    while data := read(min(CHUNK_BYTES, entry.size_bytes - size + 1)):
        size += len(data)
        if size > entry.size_bytes:
            raise BundleError(f"{shown(path)} has more than its {entry.size_bytes} bytes: changed.")
        digest.update(data)
        sink(data)
    _check_size(entry, size, path)
    if digest.hexdigest() != entry.sha256:
        raise BundleError(f"{shown(path)} is not the file that was bundled: its sha256 differs.")


def _same_files(bundle: Bundle, present: Iterable[str], where: Path) -> None:
    listed, there = {entry.path for entry in bundle.files}, set(present)
    if missing := sorted(listed - there):
        raise BundleError(f"{shown(where)} lacks {printable(missing[0])!r}, which its {BUNDLE_FILE} lists.")
    if unknown := sorted(there - listed):
        raise BundleError(
            f"{shown(where)} holds {printable(unknown[0])!r}, which its {BUNDLE_FILE} does not list."
        )
    golden = bundle.golden
    files = [style.description for style in bundle.styles]
    artifacts = [artifact for segmenter in bundle.segmenters for artifact in segmenter.artifacts]
    files += [artifact.manifest for artifact in artifacts]
    files += [golden.image.path, golden.mask.path, golden.styled.path, golden.vectors]
    packages = [artifact.path for artifact in artifacts]  # a file, or a folder of files
    known = listed | {parent for path in listed for parent in _parents(path)}
    for path in files + packages:
        if path not in (known if path in packages else listed):
            raise BundleError(
                f"{shown(where)}: {BUNDLE_FILE} refers to {printable(path)!r}, which it does not list."
            )


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:i]) for i in range(1, len(parts))]
