"""Which photos a folder of results holds, so that an interrupted run goes on where it stopped.

A file in the output folder: a first line that says how the photos were treated, then two lines a photo, one before its
files are written and one after. A line that was cut off by a killed process is ignored. Processes that share a folder
have a file each, for one of n parts of the photos.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from edgekit._version import __version__
from edgekit.artifact import Artifact
from edgekit.errors import EdgekitError
from edgekit.files import JsonValue, sha256_of, write_errors, write_whole
from edgekit.reading import read_bytes
from edgekit.weights import Checkpoint

VERSION = 1
MOST_BYTES = 256 << 20  # a million photos
T = TypeVar("T")


@dataclass(frozen=True)
class LogKind:
    """What a run does to photos. `done`: the word for it, as in "styled"; the log's file and schema are named by it."""

    done: str

    @property
    def file(self) -> str:
        return f"{self.done}.jsonl"

    @property
    def schema(self) -> str:
        return f"edgekit/{self.done}"


STYLED, SEGMENTED = LogKind("styled"), LogKind("segmented")


@dataclass(frozen=True)
class _Finished:
    """Digests of a photo and of the files made of it, by their names below the output folder."""

    source: str
    outputs: dict[str, str]


@dataclass
class PhotoLog:
    """The log in one output folder.

    settings: everything that changes what is written, by names that people know. resumed: an earlier run goes on;
    otherwise nothing is skipped and nothing replaced for what the log says. part: (number, of how many) of the photos.
    """

    folder: Path
    settings: dict[str, JsonValue]
    resumed: bool = False
    kind: LogKind = STYLED
    part: tuple[int, int] | None = None
    _continued: bool = False  # the file there has these settings: lines are added to it
    _made_folder: bool = False  # by `begin`
    _made_file: bool = False
    _finished: dict[str, _Finished] = field(default_factory=dict)
    _started: set[str] = field(default_factory=set)

    @classmethod
    def opened(
        cls,
        folder: Path,
        settings: dict[str, JsonValue],
        resume: bool,
        kind: LogKind = STYLED,
        part: tuple[int, int] | None = None,
    ) -> PhotoLog:
        """The log of a run with these settings, with what earlier ones finished.

        EdgekitError: a file of the log's name that is none; for `resume`, one of other settings, or none, unless it is
        for a part, which a scheduler begins and goes on with by one command; another part with other settings.
        """
        # As it will be read: a tuple comes back from JSON as a list.
        log = cls(folder, json.loads(json.dumps(settings)), resume, kind, part)
        log._check_other_part()
        if not log.path.exists():
            if resume and part is None:
                raise EdgekitError(f"{folder} holds no interrupted run; leave out `resume`, or check `out`.")
            return log
        head, *rows = log._rows(log.path)
        changed = log._changed(head)
        if resume and changed:
            raise EdgekitError(
                f"{folder} was {kind.done} with other settings ({', '.join(changed)}); "
                "give the same again, or choose another `out`."
            )
        if not changed:
            log._continued = True
            for row in rows:
                log._read(row)
        return log

    @property
    def path(self) -> Path:
        if self.part is None:
            return self.folder / self.kind.file
        number, parts = self.part
        return self.folder / f"{self.kind.done}-{number}-of-{parts}.jsonl"

    def _check_other_part(self) -> None:
        """EdgekitError if a part of other settings, or of other photos, is in the folder already."""
        if self.part is None:
            return
        pattern = f"{self.kind.done}-*-of-{self.part[1]}.jsonl"
        other = next((path for path in self.folder.glob(pattern) if path != self.path), None)
        if other is not None and (changed := self._changed(self._rows(other)[0])):
            raise EdgekitError(
                f"{other} is a part of a run with other settings ({', '.join(changed)}); give the same in every part, "
                "or choose another `out`."
            )

    def _changed(self, head: dict[str, JsonValue]) -> list[str]:
        """The names of settings that are not those of a log's first line."""
        found = head.get("settings")
        before = found if isinstance(found, dict) else {}
        names = dict.fromkeys((*self.settings, *before))
        return [name for name in names if self.settings.get(name) != before.get(name)]

    def _rows(self, path: Path) -> list[dict[str, JsonValue]]:
        lines = read_bytes(path, MOST_BYTES, EdgekitError).split(b"\n")
        rows = [row for row in map(_parsed, lines) if row is not None]
        if not rows or (rows[0].get("schema"), rows[0].get("version")) != (self.kind.schema, VERSION):
            raise EdgekitError(f"{path} is not a log of {self.kind.done} photos; choose another `out`.")
        return rows

    def _read(self, row: dict[str, JsonValue]) -> None:
        name, source, outputs = (row.get(key) for key in ("photo", "source_sha256", "outputs"))
        if not isinstance(name, str):
            return
        self._started.add(name)
        if isinstance(source, str) and isinstance(outputs, dict):
            self._finished[name] = _Finished(source, {key: str(value) for key, value in outputs.items()})

    def has(self, name: str, source: Path, outputs: Sequence[Path]) -> bool:
        """Whether this very photo was done before and all its files are still as they were written."""
        found = self._finished.get(name)
        return (
            self.resumed
            and found is not None
            and found.outputs == self._digests(outputs)
            and found.source == digest_of(source)
        )

    def knows(self, name: str) -> bool:
        """Whether a run with these settings began to write the files of that photo, finished or not."""
        return name in self._started

    def may_replace(self, name: str) -> bool:
        """Whether the files of that photo are the interrupted run's own."""
        return self.resumed and self.knows(name)

    def begin(self) -> None:
        """Write the first line, unless there is one of these settings."""
        if not self._continued:
            head = {"schema": self.kind.schema, "version": VERSION, "settings": self.settings}
            self._made_folder, self._made_file = not self.folder.exists(), not self.path.exists()
            write_whole(self.path, json.dumps(head), replace=True)
            self._continued = True

    def withdraw(self) -> None:
        """Remove what `begin` made, for a run that did nothing."""
        if self._made_file:
            self.path.unlink(missing_ok=True)
        if self._made_folder:
            with suppress(OSError):  # it holds something
                self.folder.rmdir()

    def recorded(self, name: str, source: Path, outputs: Sequence[Path], work: Callable[[], T]) -> T:
        """Do the work on a photo, with a line in the log before and after."""
        self._append({"photo": name})
        # Before the photo is read: if it changes meanwhile, it is done again.
        digest = digest_of(source)
        result = work()
        self._append({"photo": name, "source_sha256": digest, "outputs": self._digests(outputs)})
        return result

    def _digests(self, outputs: Sequence[Path]) -> dict[str, JsonValue]:
        return {path.relative_to(self.folder).as_posix(): digest_of(path) for path in outputs}

    def _append(self, row: dict[str, JsonValue]) -> None:
        """Add a line. Its line break comes first, so that one that was cut off before spoils no other.

        Names are escaped to ASCII: they may hold line separators, or bytes that are not UTF-8.
        """
        with write_errors(self.path), self.path.open("a", encoding="ascii") as stream:
            stream.write("\n" + json.dumps(row))


def digest_of(path: Path) -> str | None:
    """sha256 of a regular file or a folder; None for anything that cannot be read or is neither."""
    try:
        mode = path.stat().st_mode
        return sha256_of(path) if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else None
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None


def identity(source: Checkpoint | Artifact | Path | str | None) -> str:
    """What tells a source of masks from another: the digest of its weights or file, or its name."""
    if isinstance(source, Checkpoint):
        return source.sha256
    if isinstance(source, Artifact):
        return source.manifest.sha256
    if source is None:
        return f"the weights of edgekit {__version__}"
    return digest_of(Path(source)) or str(source)


def _parsed(line: bytes) -> dict[str, JsonValue] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
