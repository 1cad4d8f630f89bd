"""Which photos a folder of styled photos holds, so that an interrupted run goes on where it stopped.

`styled.jsonl` in the output folder: a first line that says how the photos were styled, then two lines a photo, one
before it is written and one after. A line that was cut off by a killed process is ignored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from edgekit.artifact import Artifact
from edgekit.errors import EdgekitError
from edgekit.files import JsonValue, json_text, sha256_of, sha256_of_bytes, write_whole
from edgekit.reading import read_bytes
from edgekit.weights import Checkpoint

LOG_FILE = "styled.jsonl"
SCHEMA, VERSION = "edgekit/styled", 1
MOST_BYTES = 256 << 20  # a million photos
T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """One photo and where its styled copy goes; `replace`: an existing file there may be replaced."""

    source: Path
    destination: Path
    replace: bool = False


@dataclass
class StyledLog:
    """The log in one output folder. `settings`: everything that changes a styled picture."""

    folder: Path
    settings: JsonValue
    _finished: dict[str, tuple[str, str]] = field(
        default_factory=dict
    )  # output to digests of photo and output
    _started: set[str] = field(default_factory=set)

    @property
    def path(self) -> Path:
        return self.folder / LOG_FILE

    @property
    def _digest(self) -> str:
        return sha256_of_bytes(json_text(self.settings).encode())

    def resume(self) -> None:
        """Read what an earlier run finished. EdgekitError: no log, or one of other settings."""
        head, *rows = self._rows()
        if head.get("settings_sha256") != self._digest:
            raise EdgekitError(
                f"{self.path} is of another style or other options; leave out `resume`, or choose another `out`."
            )
        for row in rows:
            output = str(row.get("output"))
            self._started.add(output)
            if "output_sha256" in row:
                self._finished[output] = (str(row.get("source_sha256")), str(row["output_sha256"]))

    def _rows(self) -> list[dict[str, JsonValue]]:
        lines = read_bytes(self.path, MOST_BYTES, EdgekitError).decode("utf-8", "replace").splitlines()
        rows = [row for row in map(_parsed, lines) if row is not None]
        if not rows or (rows[0].get("schema"), rows[0].get("version")) != (SCHEMA, VERSION):
            raise EdgekitError(f"{self.path} is not a log of styled photos; choose another `out`.")
        return rows

    def has(self, source: Path, output: Path) -> bool:
        """Whether this very photo was styled before and its output is still as it was written."""
        found = self._finished.get(self._name(output))
        return found is not None and output.is_file() and found == (sha256_of(source), sha256_of(output))

    def may_replace(self, output: Path) -> bool:
        """Whether the earlier run wrote there, finished or not."""
        return self._name(output) in self._started

    def check(self) -> None:
        """EdgekitError for a file of the log's name that is no such log."""
        self._rows()

    def begin(self) -> None:
        """Write the first line, unless an earlier run goes on."""
        if self._started:
            return
        head = {
            "schema": SCHEMA,
            "version": VERSION,
            "settings_sha256": self._digest,
            "settings": self.settings,
        }
        write_whole(self.path, json.dumps(head, ensure_ascii=False) + "\n", replace=True)

    def recorded(self, job: Job, style: Callable[[Job], T]) -> T:
        """Style a photo, with a line in the log before and after."""
        self._append({"output": self._name(job.destination)})
        styled = style(job)
        digests = {"source_sha256": sha256_of(job.source), "output_sha256": sha256_of(job.destination)}
        self._append({"output": self._name(job.destination), "source": str(job.source), **digests})
        return styled

    def _name(self, output: Path) -> str:
        return output.relative_to(self.folder).as_posix()

    def _append(self, row: dict[str, str]) -> None:
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def opened_log(photos: Sequence[Path], out: Path, resume: bool, settings: JsonValue) -> StyledLog | None:
    """The log for styling these photos into `out`, gone on with for `resume`; None for a single photo.

    EdgekitError: nothing to resume, or a file of the log's name that is none.
    """
    if len(photos) == 1 and not photos[0].is_dir() and not resume:
        return None
    log = StyledLog(out, settings)
    if resume:
        log.resume()
    elif log.path.exists():
        log.check()
    return log


def identity(source: Checkpoint | Artifact | Path | str | None) -> str:
    """What tells a source of masks from another: the digest of its weights or file, or its name."""
    if isinstance(source, Checkpoint):
        return source.sha256
    if isinstance(source, Artifact):
        return source.manifest.sha256
    path = None if source is None else Path(source)
    return sha256_of(path) if path is not None and path.is_file() else str(source)


def _parsed(line: str) -> dict[str, JsonValue] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
