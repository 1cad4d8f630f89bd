"""Known phones without Photographic Styles, with those of their figures that have a source."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path

from edgekit.errors import EdgekitError, UnknownName
from edgekit.files import JsonValue

FILE = Path(__file__).parent / "profiles.json"


@dataclass(frozen=True)
class Sourced:
    """A figure and its source's address; both None if no source was found."""

    value: str | bool | int | None
    source: str | None


@dataclass(frozen=True)
class Profile:
    """One phone. npu_int8 and npu_int16: whether its NPU gains from that integer type."""

    name: str
    runtime: str
    soc: Sourced
    cores: Sourced
    gpu: Sourced
    npu: Sourced
    npu_int8: Sourced
    npu_int16: Sourced
    newest_os: Sourced


@cache
def profiles() -> tuple[Profile, ...]:
    """All known phones, in the file's order."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))["phones"]
    return tuple(_profile(row) for row in rows)


def profile_named(name: str) -> Profile:
    """The profile of that name, ignoring case. UnknownName lists the known ones."""
    by_name = {p.name.lower(): p for p in profiles()}
    if name.lower() not in by_name:
        raise UnknownName("phone profile", name, [p.name for p in profiles()])
    return by_name[name.lower()]


def profile_json(profile: Profile) -> dict[str, JsonValue]:
    return asdict(profile)


def _profile(row: dict[str, object]) -> Profile:
    figures = [f.name for f in fields(Profile) if f.name not in ("name", "runtime")]
    if set(row) - {"name", "runtime"} != set(figures):
        raise EdgekitError(f"{FILE}: {row.get('name')!r} must have exactly {', '.join(figures)}.")
    return Profile(str(row["name"]), str(row["runtime"]), *(_sourced(row[name]) for name in figures))


def _sourced(cell: object) -> Sourced:
    if cell is None:
        return Sourced(None, None)
    if not isinstance(cell, list) or len(cell) != 2 or not str(cell[1]).startswith("http"):
        raise EdgekitError(f"{FILE}: {cell!r} is not a [value, source address] pair.")
    return Sourced(cell[0], str(cell[1]))
