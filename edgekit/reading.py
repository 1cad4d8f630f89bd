"""Read untrusted files: only regular ones of bounded size, and JSON that matches its declaration.

A kind of JSON file is declared once, as a `JsonKind`: its frozen dataclass, with bounds as `msgspec.Meta`, the
version that this edgekit reads, and the words for error messages. Types are not converted: 12.0 is not a whole number
and 1 is not true; only a float may be given as a whole number. Always refused: NaN, Infinity and numbers that
overflow, a repeated key (readers disagree on which one counts), and deeper nesting than any such file needs.

A refusal is one sentence in the caller's own class of error, which the `error` argument constructs.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Generic, TypeVar, get_origin

import msgspec
from msgspec import Meta

from edgekit.errors import EdgekitError, printable

T = TypeVar("T")
Refusal = Callable[[str], EdgekitError]

MOST_JSON_BYTES = 4 << 20
MOST_LEVELS = 64  # of nested lists and objects; edgekit's own files have 7
MOST_INTEGER = 2**64  # exclusive; larger ones would not fit the apps' integers
SHOWN_CHARS = 120  # of a path or of msgspec's message in a sentence

Text = Annotated[str, Meta(min_length=1, max_length=1000)]
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


@dataclass(frozen=True)
class JsonKind(Generic[T]):
    """A kind of JSON file.

    name: with its article, for sentences: "an edgekit recipe". advice: what to do when a file is refused.
    schema: the value of the key `schema`, and version: the version's key and value, for kinds that have one; both are
    checked first. open: undeclared fields are allowed and ignored. complete: no field may be missing, even one with a
    default, but those `added` since the first files of the version.
    """

    type: type[T]
    name: str
    schema: str | None = None
    version: tuple[str, int] | None = None
    open: bool = False
    complete: bool = False
    added: tuple[str, ...] = ()
    limit_bytes: int = MOST_JSON_BYTES
    advice: str = ""


def read_bytes(path: Path, limit_bytes: int, error: Refusal) -> bytes:
    """Read a regular file of at most `limit_bytes`, without ever waiting for a pipe or reading a device."""
    with _regular_file(path, limit_bytes, error) as stream:
        data = stream.read(limit_bytes + 1)
        if len(data) > limit_bytes:
            raise error(f"{shown(path)} grew while it was read.")
        return data


def check_regular_file(path: Path, limit_bytes: int, error: Refusal) -> None:
    """Refuse anything but a readable regular file of at most `limit_bytes`, before another library opens it."""
    with _regular_file(path, limit_bytes, error):
        pass


def read_json(path: Path, kind: JsonKind[T], error: Refusal) -> T:
    """Read the JSON file at `path`, checked against its declaration."""
    data = read_bytes(path, kind.limit_bytes, lambda sentence: error(_advised(sentence, kind)))
    return parsed_json(data, shown(path), kind, error)


def parsed_json(data: bytes, where: str, kind: JsonKind[T], error: Refusal) -> T:
    """Parse JSON text, checked against its declaration. where: the file's name in error messages."""
    try:
        value = msgspec.json.decode(data)
        json.loads(data, object_pairs_hook=_unique)
    except UnicodeDecodeError as cause:
        raise error(_advised(f"{where} is not UTF-8 text.", kind)) from cause
    except (ValueError, RecursionError) as cause:  # msgspec's errors are ValueErrors
        raise error(_advised(f"{where} is not JSON ({_words(cause)}).", kind)) from cause
    return declared(value, where, kind, error)


class _Head(msgspec.Struct):
    schema: str = ""


def schema_of(path: Path, limit_bytes: int, error: Refusal) -> str:
    """The value of the key `schema` in a JSON file; empty if it states none, or is none."""
    data = read_bytes(path, limit_bytes, error)
    try:
        return msgspec.json.decode(data, type=_Head).schema
    except ValueError:  # msgspec's errors are ValueErrors
        return ""


def declared(value: object, where: str, kind: JsonKind[T], error: Refusal) -> T:
    """Convert a parsed JSON value to its declaration's type. where: as in `parsed_json`."""

    def refused(problem: str) -> EdgekitError:
        return error(_advised(f"{where} is not {kind.name} ({problem}).", kind))

    if problem := _excess(value) or _head_problem(value, kind):
        raise refused(problem)
    if kind.version is not None and value[kind.version[0]] != kind.version[1]:  # type: ignore[index]
        key, known = kind.version
        found = printable(str(value[key]), 40)  # type: ignore[index]
        raise error(
            _advised(f"{where} has {key.replace('_', ' ')} {found}; this edgekit reads {known}.", kind)
        )
    try:
        body = _without_head(value, kind)
        read: T = msgspec.convert(body, kind.type, str_keys=True)
        problem = None if kind.open else _field_problem(body, read, kind.added if kind.complete else None)
    except (ValueError, EdgekitError) as cause:  # EdgekitError: from the type's own checks
        raise refused(_words(cause)) from cause
    if problem is not None:
        raise refused(problem)
    return read


def shown(path: object) -> str:
    """A path as printable text for a sentence; only the end of a long one."""
    text = printable(str(path), 5000)
    return text if len(text) <= SHOWN_CHARS else "…" + text[1 - SHOWN_CHARS :]


@contextmanager
def _regular_file(path: Path, limit_bytes: int, error: Refusal) -> Iterator[BinaryIO]:
    try:
        # Checked before opening, because opening some devices has effects; O_NONBLOCK, because opening a pipe waits.
        if not stat.S_ISREG(path.stat().st_mode):
            raise error(f"{shown(path)} is not a regular file.")
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as cause:
        raise error(f"{shown(path)} does not exist.") from cause
    except OSError as cause:
        raise error(f"{shown(path)} cannot be read: {cause.strerror}.") from cause
    except ValueError as cause:  # a zero byte, or characters that the file system cannot encode
        raise error(f"{shown(path)} is not the name of a file.") from cause
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise error(f"{shown(path)} is not a regular file.")
        if status.st_size > limit_bytes:
            raise error(
                f"{shown(path)} has {status.st_size} bytes, more than the {limit_bytes} that are allowed."
            )
        try:
            yield stream
        except OSError as cause:  # of the disk, while it is read
            raise error(f"{shown(path)} cannot be read: {cause.strerror}.") from cause


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object's pairs as a dict. ValueError for a repeated key."""
    value = dict(pairs)
    if len(value) < len(pairs):
        repeated = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key {printable(repeated, 40)!r} is there twice")
    return value


def _excess(value: object) -> str | None:
    """The limit that a value exceeds: its levels, or an integer beyond 64 bits. Checked first, without recursion."""
    level = [value]
    for _ in range(MOST_LEVELS):
        if any(isinstance(item, int) and abs(item) >= MOST_INTEGER for item in level):
            return "it holds a whole number of more than 64 bits"
        level = [
            inner
            for item in level
            if isinstance(item, (list, dict))
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return None
    return f"its lists and objects are nested more than {MOST_LEVELS} deep"


def _head_problem(value: object, kind: JsonKind[Any]) -> str | None:
    """The problem with a file's schema or with the form of its version, if any."""
    if kind.schema is None and kind.version is None:
        return None
    if not isinstance(value, dict):
        return "it holds no JSON object"
    if kind.schema is not None and value.get("schema") != kind.schema:
        found = value.get("schema")
        return (
            f"its schema is {printable(repr(found), 40)}, not {kind.schema!r}"
            if found
            else "it states no schema"
        )
    if kind.version is not None and type(value.get(kind.version[0])) is not int:
        return "it states no version"
    return None


def _without_head(value: object, kind: JsonKind[Any]) -> object:
    """The value without schema and version, which are checked already, unless the declaration has such fields."""
    declared_type = get_origin(kind.type) or kind.type  # of Kept[Inputs, Tally]: Kept
    if not isinstance(value, dict) or not is_dataclass(declared_type):
        return value
    head = {"schema" if kind.schema else None, kind.version[0] if kind.version else None}
    head -= {field.name for field in fields(declared_type)}
    return {key: inner for key, inner in value.items() if key not in head}


def _field_problem(given: Any, kept: object, optional: Sequence[str] | None, place: str = "") -> str | None:
    """The first undeclared or missing key, if any. kept: the value that msgspec made from `given`.

    optional: the keys that may be missing; None if all that have a default may.
    """
    pairs: Iterable[tuple[object, object, object]] = ()
    if given is kept:
        return None
    if is_dataclass(kept):
        known = [field.name for field in fields(kept)]
        if unknown := [key for key in given if key not in known]:
            return f"at {place}{printable(unknown[0], 40)}: unknown field; known: {printable(', '.join(known), 160)}"
        if optional is not None:
            missing = [name for name in known if name not in given and name not in optional]
            if missing:
                return f"at {place}{missing[0]}: missing field"
        pairs = ((key, value, getattr(kept, key)) for key, value in given.items())
    elif isinstance(kept, dict):
        pairs = ((key, value, kept[key]) for key, value in given.items() if key in kept)
    elif isinstance(kept, (list, tuple)):
        pairs = ((at, *both) for at, both in enumerate(zip(given, kept, strict=True)))
    problems = (_field_problem(value, one, optional, f"{place}{key}/") for key, value, one in pairs)
    return next(filter(None, problems), None)


def _words(cause: Exception) -> str:
    """A library's message as part of a sentence: `at inputs/0/shape: expected int, got float`."""
    text, place = str(cause).rstrip("."), ""
    if isinstance(cause, msgspec.DecodeError):  # "Expected `int`, got `float` - at `$.inputs[0].shape`"
        if found := re.fullmatch(r"(.*) - at (?:`key` in )?`\$\.?([^`]*)`", text, re.DOTALL):
            text = found[1]
            place = re.sub(r"[.\[]+", "/", found[2].replace("[...]", "[…]").replace("]", "")).lstrip("/")
        text = text.removeprefix("JSON is malformed: ").replace("`", "")
        text = text[:1].lower() + text[1:]
    where = f"at {printable(place, SHOWN_CHARS)}: " if place else ""
    return where + printable(text, SHOWN_CHARS)


def _advised(sentence: str, kind: JsonKind[Any]) -> str:
    return f"{sentence.rstrip('.')}; {kind.advice}." if kind.advice else sentence
