"""Hugging Face image datasets in Parquet: a row holds the bytes of a photo and of its label.

Parquet is read by groups of rows. The last group that was read is kept, so that reading in order reads each once, and
a random row costs its group: `datasets` writes groups of 100 rows of images.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from edgekit.errors import CalibrationError, ImageError, MissingDependency
from edgekit.images import MAX_BYTES, Source
from edgekit.reading import check_regular_file, shown
from edgekit.training.shards import MOST_BYTES, Found

SUFFIX = ".parquet"
PHOTO_COLUMN = "image"
LABEL_COLUMNS = ("mask", "label", "labels", "annotation", "segmentation")
MOST_GROUP_BYTES = 2 << 30  # of pictures in a group of rows, which is read as a whole


@dataclass(frozen=True, slots=True)
class Cell:
    """A picture in a row of a table."""

    table: Path
    row: int
    column: str

    @property
    def name(self) -> str:
        return f"{self.table.name}:{self.row}"

    @property
    def stem(self) -> str:
        return f"{self.table.stem}:{self.row}"

    @property
    def path(self) -> Path:
        return self.table.with_name(self.name)

    def read(self) -> bytes:
        try:
            first, rows = _group(self.table, self.row)
            data = rows.column(self.column)[self.row - first].as_py()["bytes"]
        except (OSError, ValueError, KeyError, TypeError) as error:  # pyarrow's errors are among them
            raise ImageError(self.path, f"has no readable {self.column} ({error}).") from error
        if not isinstance(data, bytes):
            raise ImageError(self.path, f"holds no bytes in the column {self.column}.")
        if len(data) > MAX_BYTES:
            raise ImageError(self.path, f"has {len(data):,} bytes; a picture may have at most {MAX_BYTES:,}.")
        return data


def samples_of(tables: Sequence[Path]) -> Found:
    """The rows of Parquet files. Raises CalibrationError for another file, without both columns, or with too large
    groups of rows; MissingDependency without pyarrow.
    """
    pairs: list[tuple[Source, Source]] = []
    for table in tables:
        check_regular_file(table, MOST_BYTES, CalibrationError)
        try:
            file = _opened(table)
        except (OSError, ValueError) as error:
            raise CalibrationError(f"{shown(table)} is no Parquet file ({error}).") from error
        label = _label_column(table, file.schema_arrow.names)
        _check_groups(table, file.metadata)
        pairs += [
            (Cell(table, row, PHOTO_COLUMN), Cell(table, row, label)) for row in range(file.metadata.num_rows)
        ]
    return Found(pairs, {})


def _label_column(table: Path, columns: Sequence[str]) -> str:
    label = next((column for column in LABEL_COLUMNS if column in columns), None)
    if PHOTO_COLUMN not in columns or label is None:
        raise CalibrationError(
            f"{shown(table)} has the columns {', '.join(columns)}; needed are {PHOTO_COLUMN} and one of "
            f"{', '.join(LABEL_COLUMNS)}."
        )
    return label


def _check_groups(table: Path, metadata: Any) -> None:
    largest = max((metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)), default=0)
    if largest > MOST_GROUP_BYTES:
        raise CalibrationError(
            f"{shown(table)} has a group of rows of {largest:,} bytes, more than {MOST_GROUP_BYTES:,}; write it anew "
            "with 100 rows in each."
        )


@lru_cache(maxsize=8)
def _opened(table: Path) -> Any:
    """The open Parquet file. Reads give their place, so that worker processes may share it."""
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise MissingDependency("pyarrow", "reading Parquet files", extra="parquet") from error
    return parquet.ParquetFile(table)


def _group(table: Path, row: int) -> tuple[int, Any]:
    """The group of rows with this row, and its first row."""
    starts = _starts(table)
    number = bisect_right(starts, row) - 1
    return starts[number], _rows(table, number)


@lru_cache(maxsize=8)
def _starts(table: Path) -> list[int]:
    """The first row of every group."""
    metadata, starts = _opened(table).metadata, [0]
    for group in range(metadata.num_row_groups):
        starts.append(starts[-1] + metadata.row_group(group).num_rows)
    return starts


@lru_cache(maxsize=1)
def _rows(table: Path, group: int) -> Any:
    file = _opened(table)
    columns = [PHOTO_COLUMN, _label_column(table, file.schema_arrow.names)]
    return file.read_row_group(group, columns=columns, use_threads=False)
