"""`edgekit merge`: the report of a parity check that ran in shards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.commands.options import Force, Json
from edgekit.commands.parity_check import Baseline, Outputs, Reports


def merge(
    shards: Annotated[
        list[Path], typer.Argument(help="Files that parity-check --shard wrote, in any order.")
    ],
    report: Reports = None,
    baseline: Baseline = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Merge the shards of a parity check: the report of the whole, bit for bit. Exits 1 when a gate fails."""
    import edgekit

    outputs = Outputs(report, baseline, force, json, shards)
    outputs.finish(edgekit.merge(shards))
