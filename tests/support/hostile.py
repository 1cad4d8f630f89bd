"""Files that are none, texts that are no JSON, and JSON values edited in every place."""

from __future__ import annotations

import copy
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any


def made_pipe(path: Path) -> None:
    os.mkfifo(path)


def made_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's own path may have 107 characters at most
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


def made_huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 5 << 30)  # without a byte on disk


UNREADABLE: Mapping[str, Callable[[Path], None]] = {
    "pipe": made_pipe,
    "socket": made_socket,
    "folder": Path.mkdir,
    "endless": lambda path: path.symlink_to("/dev/zero"),
    "dangling": lambda path: path.symlink_to("nowhere"),
    "loop": lambda path: path.symlink_to(path.name),
    "huge": made_huge,
    "absent": lambda path: None,
}


def within(seconds: float, action: Callable[[], object]) -> BaseException | None:
    """What the action raised, or None; a failure where it is still running after `seconds`."""
    raised: list[BaseException | None] = [None]

    def run() -> None:
        try:
            action()
        except BaseException as error:
            raised[0] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it hangs"
    return raised[0]


TEXTS: Mapping[str, bytes] = {
    "nothing": b"",
    "half": b'{"schema_version": 1,',
    "null": b"null",
    "a list": b"[]",
    "an object": b"{}",
    "no text": b"\xff\xfe\x00",
    "no UTF-8": b'{"name": "\xff"}',
    "with a byte order mark": b"\xef\xbb\xbf{}",
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"version": 1, "schema_version": 1, "a":' * 900 + b"1" + b"}" * 900,
    "a long number": b'{"version": ' + b"1" * 5000 + b"}",
    "a number that overflows": b'{"version": 1e999}',
    "no number": b'{"version": NaN}',
    "a key twice": b'{"version": 1, "version": 1}',
    "too large": b" " * (65 << 20),
}

# What replaces each part of a valid value. `1 << 62` fits 64 bits, and nothing real comes near.
WRONG: tuple[Any, ...] = (
    None, True, -1, 0, 1.5, 12.0, 1e308, 1 << 62, 10**30, "", "x" * 100_000, "\x1b[31mred\n", "../x", [], {},
    [[[]]], {"a": {"b": 1}}, [1, "a"],
)  # fmt: skip


def mutants(value: Any, wrong: tuple[Any, ...] = WRONG) -> Iterator[tuple[str, Any]]:
    """(what was done, the edited value): each part replaced, removed, or given a companion that nobody knows.

    Of a list's items only the first is edited.
    """
    for place in _places(value):
        for replacement in wrong:
            yield f"{place} is {replacement!r:.40}", _with(value, place, partial(_replaced, by=replacement))
        if place and isinstance(place[-1], str):
            yield f"no {place}", _without(value, place)
        yield f"{place} with more", _with(value, place, _with_more)


def _places(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if above:
        yield above
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    )
    for key, part in inner:
        yield from _places(part, (*above, key))


def _with(value: Any, place: tuple[str | int, ...], change: Callable[[Any], Any]) -> Any:
    whole = copy.copy(value)
    whole[place[0]] = (
        change(value[place[0]]) if len(place) == 1 else _with(value[place[0]], place[1:], change)
    )
    return whole


def _without(value: Any, place: tuple[str | int, ...]) -> Any:
    *above, last = place

    def removed(part: dict[str, Any]) -> dict[str, Any]:
        return {key: inner for key, inner in part.items() if key != last}

    return _with(value, tuple(above), removed) if above else removed(value)


def _replaced(part: Any, by: Any) -> Any:
    return by


def _with_more(part: Any) -> Any:
    if isinstance(part, dict):
        return {**part, "\x1b[31mmore": 1}
    return [*part, *part] if isinstance(part, list) else [part]
