"""Which photos a folder of styled photos holds, so that an interrupted run goes on where it stopped.

`styled.jsonl` in the output folder: a first line that says how the photos were styled, then two lines a photo, one
before it is written and one after. A line that was cut off by a killed process is ignored.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from edgekit.errors import EdgekitError
from edgekit.files import JsonValue, json_text, sha256_of, sha256_of_bytes
from edgekit.reading import read_bytes

LOG_FILE = "styled.jsonl"
SCHEMA, VERSION = "edgekit/styled", 1
MOST_BYTES = 256 << 20  # a million photos


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
        lines = read_bytes(self.path, MOST_BYTES, EdgekitError).decode("utf-8", "replace").splitlines()
        head, *rows = [row for row in map(_parsed, lines) if row is not None] or [{}]
        if (head.get("schema"), head.get("version")) != (SCHEMA, VERSION):
            raise EdgekitError(f"{self.path} is not a log of styled photos; choose another `out`.")
        if head.get("settings_sha256") != self._digest:
            raise EdgekitError(
                f"{self.path} is of another style or other options; leave out `resume`, or choose another `out`."
            )
        for row in rows:
            output = str(row.get("output"))
            self._started.add(output)
            if "output_sha256" in row:
                self._finished[output] = (str(row.get("source_sha256")), str(row["output_sha256"]))

    def has(self, source: Path, output: Path) -> bool:
        """Whether this very photo was styled before and its output is still as it was written."""
        found = self._finished.get(self._name(output))
        return found is not None and output.is_file() and found == (sha256_of(source), sha256_of(output))

    def may_replace(self, output: Path) -> bool:
        """Whether the earlier run wrote there, finished or not."""
        return self._name(output) in self._started

    def begin(self) -> None:
        """Write the first line, unless the log goes on."""
        if not self._started:
            self.folder.mkdir(parents=True, exist_ok=True)
            head = {
                "schema": SCHEMA,
                "version": VERSION,
                "settings_sha256": self._digest,
                "settings": self.settings,
            }
            self.path.write_text(json.dumps(head, ensure_ascii=False) + "\n", encoding="utf-8")

    def starts(self, output: Path) -> None:
        self._append({"output": self._name(output)})

    def finished(self, source: Path, output: Path) -> None:
        digests = {"source_sha256": sha256_of(source), "output_sha256": sha256_of(output)}
        self._append({"output": self._name(output), "source": str(source), **digests})

    def _name(self, output: Path) -> str:
        return output.relative_to(self.folder).as_posix()

    def _append(self, row: dict[str, str]) -> None:
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def _parsed(line: str) -> dict[str, JsonValue] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
