"""Write files whole, hash them, and serialise JSON the same way every time, without deleting anything of the user's.

New content is made in a hidden folder beside its place and takes its name only when it is complete. A file may
replace a file, never a folder. A folder may replace a folder only if that one carries edgekit's own index and holds
nothing that the index does not list (`FolderKind`). The current directory, the home folder and their parents are
never replaced.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]
else:
    JsonValue = object  # msgspec, which reads declarations with such fields, knows no recursive aliases

STAGING_PREFIX = ".edgekit-"
STAGING_NAME = re.compile(r"\.edgekit-[a-z0-9_]{8}")
UNLOCKED_FILE = "lock.new"  # the lock before it is held
LOCK_FILE = "lock"  # in a staging folder, locked by the process that writes there for as long as it lives
NEW, ASIDE = "new", "aside"  # in a staging folder: the new content, and the content that it replaces
STARTING_S = 60.0  # an older staging folder without its lock was left by a killed process
ATTEMPTS = 8  # to put a folder in place while another process does the same
LITTER = frozenset({".DS_Store"})  # the macOS Finder leaves one in every folder that it shows


@dataclass(frozen=True)
class FolderKind:
    """A kind of folder that edgekit writes whole, and the test that recognises one.

    `contents` returns the relative paths of the files that edgekit wrote into the folder, by the folder's own index,
    or None for a folder without that index.
    """

    name: str  # with its article, for sentences: "a bundle"
    contents: Callable[[Path], Collection[str] | None]


def sha256_of_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sha256_of(path: Path) -> str:
    """The hex digest of a file, or of a folder: over every relative name and file digest in sorted order."""
    if path.is_dir():
        whole = hashlib.sha256()
        for file in files_in(path):
            whole.update(f"{file.relative_to(path).as_posix()}\0{sha256_of(file)}\n".encode())
        return whole.hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def files_in(folder: Path) -> list[Path]:
    """Every regular file below `folder`, in one fixed order."""
    return sorted(
        (p for p in folder.rglob("*") if p.is_file()), key=lambda p: p.relative_to(folder).as_posix()
    )


def first_that_is_no_file(folder: Path) -> Path | None:
    """The first link, pipe, socket or device below `folder`: what a copy would follow, wait for or never end."""
    below = sorted(folder.rglob("*"))
    return next((p for p in below if p.is_symlink() or not (p.is_file() or p.is_dir())), None)


def size_bytes_of(path: Path) -> int:
    """The size in bytes of a file, or of all files in a folder."""
    return sum(p.stat().st_size for p in files_in(path)) if path.is_dir() else path.stat().st_size


def json_text(value: object) -> str:
    """Indented JSON with a final newline; the same value gives the same text. NaN is refused."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def check_file_place(path: Path, *, replace: bool, inputs: Iterable[Path] = ()) -> None:
    """EdgekitError unless a file may be written at `path`.

    Refused: a folder, always; an existing file unless `replace`; one of the `inputs`, always. Long work calls this
    first; writing checks again.
    """
    with write_errors(path):
        place = _resolved(path)
        if place.is_dir():
            raise EdgekitError(f"{path} is a folder, and a file is to be written; give the name of a file.")
        for given in inputs:
            if _resolved(given) == place:
                raise EdgekitError(f"{path} is one of the inputs and would be replaced; choose another name.")
        if place.exists() and not replace:
            raise _exists(path)


def check_folder_place(path: Path, kind: FolderKind, *, replace: bool, inputs: Iterable[Path] = ()) -> None:
    """EdgekitError unless a folder of `kind` may be written at `path`.

    Refused: a file; the current directory, the home folder, or a folder that holds one of them or one of the
    `inputs`; any other existing folder, unless it is empty or `replace` is given and all of it is of `kind`.
    """
    with write_errors(path):
        place = _resolved(path)
        if place.exists() and not place.is_dir():
            raise EdgekitError(f"{path} is a file, and a folder is to be written; choose another name.")
        for special, name in (
            (Path.cwd(), "the current directory"),
            (Path.home(), "your home folder"),
            (Path(place.anchor), "the root folder"),
        ):
            if _is_within(special.resolve(), place):
                raise EdgekitError(
                    f"{path} is or holds {name}, which is never replaced; choose another folder."
                )
        for given in inputs:
            if place.exists() and _is_within(_resolved(given), place):
                raise EdgekitError(f"{path} holds the input {given}; choose another folder.")
        if place.exists() and any(place.iterdir()):
            if not replace:
                raise _exists(path)
            _require_kind(path, place, kind)


def write_whole(path: Path, data: bytes | str, *, replace: bool = False) -> None:
    """Write a file so that a reader sees the old content or the new, never a part."""
    with staged_file(path, replace=replace) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)


def write_json(path: Path, value: object, *, replace: bool = False) -> None:
    write_whole(path, json_text(value), replace=replace)


@contextmanager
def staged_file(path: Path, *, replace: bool) -> Iterator[Path]:
    """A temporary place for a file that takes `path`'s name only when the block ends well.

    Without `replace` a file that appears at `path` meanwhile is kept: of two writers one wins. An OSError (a full
    disk, a forbidden folder) becomes an EdgekitError; nothing is left behind.
    """
    check_file_place(path, replace=replace)
    with write_errors(path), _staging(_resolved(path)) as holder:
        place = _resolved(path)
        temporary = holder / NEW / place.name
        yield temporary
        if replace:
            try:
                temporary.replace(place)
            except IsADirectoryError:
                check_file_place(path, replace=True)
                raise
        else:
            _put_new_file(temporary, place, path)


@contextmanager
def staged_folder(path: Path, kind: FolderKind, *, replace: bool) -> Iterator[Path]:
    """A temporary folder that takes `path`'s name when the block ends well, if `check_folder_place` allows it.

    The folder that it replaces is set aside first and removed last, so that a killed run loses neither.
    """
    check_folder_place(path, kind, replace=replace)
    with write_errors(path), _staging(_resolved(path)) as holder:
        place = _resolved(path)
        temporary = holder / NEW / place.name
        temporary.mkdir()
        yield temporary
        for _ in range(ATTEMPTS):
            try:
                temporary.rename(place)  # onto nothing, or onto an empty folder
                return
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    raise
            check_folder_place(path, kind, replace=replace)
            with suppress(FileNotFoundError):  # another process took it away in the same moment
                place.rename(holder / ASIDE / place.name)
        raise EdgekitError(f"{path} is being written by another process; try again when that is done.")


def remove_folder(path: Path, kind: FolderKind) -> None:
    """Remove a folder that edgekit wrote, if it is there. EdgekitError when it holds anything else."""
    with write_errors(path):
        if path.exists():
            _require_kind(path, _resolved(path), kind)
            shutil.rmtree(_resolved(path))


def _exists(path: Path) -> EdgekitError:
    return EdgekitError(f"{path} exists already; pass `force` to replace it, or choose another `out`.")


def _require_kind(path: Path, place: Path, kind: FolderKind) -> None:
    """EdgekitError unless the folder has an index of `kind` and holds nothing that the index does not list."""
    listed = kind.contents(place)
    if listed is None:
        raise EdgekitError(
            f"{path} is not {kind.name} that edgekit wrote and is not replaced; choose another name or move it away."
        )
    known = set(listed) | {str(parent) for name in listed for parent in Path(name).parents}
    for found in sorted(place.rglob("*")):
        relative = found.relative_to(place).as_posix()
        if found.is_symlink() or (relative not in known and found.name not in LITTER):
            raise EdgekitError(
                f"{path} holds {relative}, which edgekit did not write; move it away or choose another name."
            )


def _put_new_file(temporary: Path, place: Path, path: Path) -> None:
    """Give the file its name unless that is taken: a hard link then fails, while a rename would replace."""
    try:
        place.hardlink_to(temporary)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV):
            raise
        try:  # a file system without hard links
            os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            raise _exists(path) from None
        temporary.replace(place)


@contextmanager
def _staging(place: Path) -> Iterator[Path]:
    """A hidden folder beside `place`, removed at the end. Those that killed runs left there are removed first."""
    missing = [parent for parent in place.parents if not parent.exists()]
    holder = place.parent / f"{STAGING_PREFIX}{secrets.token_hex(4)}"
    with _removed(holder, missing):
        place.parent.mkdir(parents=True, exist_ok=True)
        _sweep(place.parent)
        holder.mkdir(mode=0o700)
        with (holder / UNLOCKED_FILE).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (holder / UNLOCKED_FILE).rename(holder / LOCK_FILE)
            for name in (NEW, ASIDE):
                (holder / name).mkdir()
            yield holder


@contextmanager
def _removed(holder: Path, parents: list[Path]) -> Iterator[None]:
    """Remove a staging folder after the block, and those of `parents` (innermost first) that are empty.

    Ctrl-C arrives once and anywhere, also while the folder is made or removed: the removal is then begun again.
    """
    try:
        try:
            yield
        finally:
            _remove(holder, parents)
    except KeyboardInterrupt:
        _remove(holder, parents)
        raise


@cache
def _sweep(folder: Path) -> None:
    """Remove the staging folders that killed processes left, and put back the content that they had set aside.

    Once for each folder in the life of a process: a folder of ten thousand photos is not listed for each of them.
    """
    for holder in folder.glob(f"{STAGING_PREFIX}*"):
        if not STAGING_NAME.fullmatch(holder.name) or holder.is_symlink():
            continue
        with suppress(OSError):
            if not (holder / LOCK_FILE).is_file():
                if time.time() - holder.stat().st_mtime > STARTING_S:
                    if [found.name for found in holder.iterdir()] == [UNLOCKED_FILE]:
                        (holder / UNLOCKED_FILE).unlink()
                    holder.rmdir()  # refused when it holds anything
                continue
            with (holder / LOCK_FILE).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(holder)


def _remove(holder: Path, parents: Iterable[Path] = ()) -> None:
    """Remove a staging folder, its lock last: whatever remains if this process is killed is known by it."""
    _put_back(holder)
    for folder in (holder / NEW, holder / ASIDE, holder):
        _remove_tree(folder)
    for parent in parents:
        with suppress(OSError):  # it holds something now
            parent.rmdir()


def _remove_tree(folder: Path) -> None:
    """As shutil.rmtree, which can make `bad file descriptor` of a Ctrl-C: it then closes a descriptor twice."""
    for path, folders, names in os.walk(folder, topdown=False):
        for name in (*names, *folders):
            with suppress(OSError):
                inner = Path(path, name)
                inner.rmdir() if inner.is_dir() and not inner.is_symlink() else inner.unlink()
    with suppress(OSError):
        folder.rmdir()


def _put_back(holder: Path) -> None:
    """Give the content that was set aside its name again, unless that is taken."""
    if not (holder / ASIDE).is_dir():
        return
    for kept in (holder / ASIDE).iterdir():
        place = holder.parent / kept.name
        if not place.exists():
            with suppress(OSError):
                kept.rename(place)


def _resolved(path: Path) -> Path:
    """`path` with links followed, so that writing through a link replaces its target, not the link."""
    try:
        return path.resolve()
    except RuntimeError as error:  # raised by Python 3.11 for links in a circle
        raise EdgekitError(f"{path} is a link that leads in a circle.") from error


def _is_within(inner: Path, folder: Path) -> bool:
    return inner == folder or folder in inner.parents


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turn an OSError in the block into an EdgekitError about `path`."""
    try:
        yield
    except OSError as error:
        raise EdgekitError(f"{path} could not be written: {error.strerror or error}.") from error
