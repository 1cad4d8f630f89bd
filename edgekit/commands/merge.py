"""`edgekit merge`: the result of a command that ran in shards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.commands.options import Force, Json, Rows
from edgekit.commands.parity_check import Baseline, Outputs, Reports


def merge(
    shards: Annotated[
        list[Path],
        typer.Argument(help="Files that parity-check or evaluate wrote with --shard, in any order."),
    ],
    report: Reports = None,
    baseline: Baseline = None,
    rows: Rows = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Merge the shards of a parity check or an evaluation: the result of the whole, bit for bit.

    --report and --baseline are for a parity check, which exits 1 when a gate fails; --rows is for an evaluation.
    """
    import edgekit
    from edgekit.commands.evaluate import print_evaluated

    outputs = Outputs(report, baseline, force, json, shards)
    result = edgekit.merge(shards, rows=rows, force=force)
    if isinstance(result, edgekit.ParityReport):
        outputs.finish(result)
    if report or baseline:
        raise typer.BadParameter(
            "these are shards of evaluate; --report and --baseline are for parity-check's."
        )
    print_evaluated(result, json)
