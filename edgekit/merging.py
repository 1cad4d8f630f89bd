"""Shards of a command, joined to what the undivided command gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgekit.errors import EdgekitError
from edgekit.parity.report import ParityReport
from edgekit.parity.shards import merge_parity
from edgekit.reading import schema_of
from edgekit.scores import evaluation_shards
from edgekit.scores.evaluation_shards import Evaluated
from edgekit.scores.shards import MOST_BYTES


def merge(
    shards: Sequence[Path], *, rows: Path | None = None, force: bool = False
) -> ParityReport | Evaluated:
    """What the shards of a command make together, from their files: bit for bit what the undivided command gives.

    The shards are those of one `parity_check` or one `evaluate`, in any order. `rows`: a CSV file for the scores per
    photo of an evaluation, replaced only with `force`.

    Raises EdgekitError for shards of different inputs, a shard that is missing, given twice or incomplete.
    """
    if shards and schema_of(shards[0], MOST_BYTES, EdgekitError) == evaluation_shards.SHARD.schema:
        return evaluation_shards.merge_evaluation(shards, rows, replace=force)
    if rows is not None:
        raise EdgekitError(
            "`rows` is for shards of evaluate; the report of a parity check has a row per photo."
        )
    return merge_parity(shards)
