"""Scores per photo as CSV, written while the photos are counted: a row for each photo and model.

Beside a shard's file, the rows go on where an interrupted run stopped, and the rows of all shards join in the order of
the photos' names.
"""

from __future__ import annotations

import csv
import heapq
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from edgekit.errors import EdgekitError
from edgekit.files import staged_file, write_errors
from edgekit.reading import check_regular_file, shown
from edgekit.scores.masks import METRICS
from edgekit.scores.model_counts import MASKED, PhotoScores

MOST_BYTES = 8 << 30  # a hundred million rows
MOST_LINE_CHARS = 1 << 16  # a file name has at most 255 bytes
FIRST_COLUMNS = ("photo", "model", "overall_accuracy", "miou")
MASK_COLUMNS = tuple(metric for metric in METRICS if metric != "iou")  # every group has that one
Row = list[str]


class RowFile:
    """An open CSV file of scores per photo. groups: those that have a column."""

    def __init__(self, path: Path, file: TextIO, groups: Sequence[str]) -> None:
        self._path, self._file, self._groups = path, file, tuple(groups)
        self._writer = csv.writer(file, lineterminator="\n")
        if file.tell() == 0:
            self._writer.writerow(_header(groups))

    def add(self, scores: Iterable[PhotoScores]) -> None:
        """Write one photo's rows; they are in the file before its count can be."""
        with write_errors(self._path):
            for one in scores:
                ious = [one.group_ious.get(group) for group in self._groups]
                masks = [
                    getattr(one.masks.get(group), metric, None)
                    for group in _masked(self._groups)
                    for metric in MASK_COLUMNS
                ]
                values = (one.overall_accuracy, one.miou, *ious, *masks, one.seconds)
                self._writer.writerow([one.photo, one.model, *map(_text, values)])
            self._file.flush()

    def copy(self, rows: Iterable[Row]) -> int:
        """Write rows of other files, and return their number."""
        number = 0
        for row in rows:
            self._writer.writerow(row)
            number += 1
        return number


@contextmanager
def row_file(path: Path, groups: Sequence[str]) -> Iterator[RowFile]:
    """The CSV file at `path`, new or with the rows that it has, to add rows to."""
    with write_errors(path):
        file = path.open("a", encoding="utf-8", newline="")
    with file:
        yield RowFile(path, file, groups)


def begin_rows(path: Path, groups: Sequence[str], done: Collection[str], models: int) -> None:
    """Leave in the file at `path` the header, and an interrupted run's rows of the photos that are `done`.

    EdgekitError if it lacks one of them.
    """
    with staged_file(path, replace=True) as temporary, row_file(temporary, groups) as rows:
        kept = rows.copy(row for row in _rows_in(path, groups) if row[0] in done) if done else 0
        counted = models * len(done)
        if kept != counted:
            raise EdgekitError(
                f"{shown(path)} lacks rows of photos that its shard counted ({kept} of {counted} are there); "
                "remove both to start anew."
            )


def join_rows(paths: Sequence[Path], groups: Sequence[str], number: int, out: Path, *, replace: bool) -> None:
    """Write the rows of all shards into the file `out`, in the order of the photos' names.

    EdgekitError if they are not as many as `number`.
    """
    with staged_file(out, replace=replace) as temporary, row_file(temporary, groups) as rows:
        shards = (_rows_in(path, groups) for path in paths)
        joined = rows.copy(heapq.merge(*shards, key=lambda row: row[0]))
        if joined != number:
            raise EdgekitError(
                f"The rows beside the {len(paths)} shards are {joined}, and the shards counted {number}; "
                "remove the incomplete file with its shard, and run that again."
            )


def _rows_in(path: Path, groups: Sequence[str]) -> Iterator[Row]:
    """The whole rows of a file; one that a killed run cut off is left out. EdgekitError if it is no such file."""
    check_regular_file(path, MOST_BYTES, EdgekitError)
    header = _header(groups)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(iter(lambda: file.readline(MOST_LINE_CHARS), ""))
            if next(rows, None) != header:
                raise EdgekitError(f"{shown(path)} does not begin with the columns {','.join(header)}.")
            yield from (row for row in rows if len(row) == len(header))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EdgekitError(f"{shown(path)} cannot be read as CSV: {error}.") from error


def _header(groups: Sequence[str]) -> Row:
    masks = (f"{group}_{metric}" for group in _masked(groups) for metric in MASK_COLUMNS)
    return [*FIRST_COLUMNS, *(f"{group}_iou" for group in groups), *masks, "seconds"]


def _masked(groups: Sequence[str]) -> list[str]:
    return [group for group in MASKED if group in groups]


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"
