"""Files written whole, hashed, and serialised the same way every time."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edgekit.errors import EdgekitError

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]


def sha256_of_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sha256_of(path: Path) -> str:
    """Hex digest of a file, or of a folder: of every relative name and file digest in sorted order."""
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


def size_bytes_of(path: Path) -> int:
    """Bytes of a file, or of all the files in a folder."""
    return sum(p.stat().st_size for p in files_in(path)) if path.is_dir() else path.stat().st_size


def json_text(value: object) -> str:
    """Indented JSON with a final newline; the same value gives the same text. NaN is refused."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def refuse_existing(path: Path, force: bool) -> None:
    """EdgekitError when `path` is there and may not be replaced."""
    if path.exists() and not force:
        raise EdgekitError(f"{path} exists already; pass --force to replace it, or choose another --out.")


def write_whole(path: Path, data: bytes | str) -> None:
    """Write a file so that a reader sees the old content or the new, never a part."""
    with staged(path) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)


def write_json(path: Path, value: object) -> None:
    write_whole(path, json_text(value))


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """A temporary place for a file or folder that takes `path`'s name only when the block ends well.

    An OSError (a full disk, a forbidden folder) becomes an EdgekitError; nothing is left behind.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        holder = Path(tempfile.mkdtemp(prefix=".edgekit-", dir=path.parent))
        temporary = holder / path.name
        yield temporary
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        temporary.replace(path)
    except OSError as error:
        raise EdgekitError(f"{path} could not be written: {error.strerror or error}.") from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                shutil.rmtree(temporary.parent)
