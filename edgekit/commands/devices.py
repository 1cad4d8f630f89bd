"""`edgekit devices`: where an artifact can run, and what known phones can do."""

from __future__ import annotations

from typing import Annotated

import typer

from edgekit import console


def devices(
    profiles: Annotated[
        bool, typer.Option("--profiles", help="Show known phones instead: chip, GPU, NPU, OS, with sources.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """List what bench can run on (this machine, adb phones, emulated arm64, Apple devices), and why not."""
    from dataclasses import asdict

    from rich.table import Table

    from edgekit.devices import list_devices
    from edgekit.devices.process import printable

    if profiles:
        _show_profiles(json)
        return
    rows = list_devices()
    if json:
        console.print_json({"devices": [asdict(row) for row in rows]})
        return
    table = Table("device", "kind", "model", "state", "what to do")
    for row in rows:
        cells = (row.name, row.kind, row.model, row.state, row.reason)
        table.add_row(*(printable(cell) for cell in cells))
    console.print_table(table)


def _show_profiles(json: bool) -> None:
    from rich.table import Table

    from edgekit.devices.profiles import PROFILES, profile_json

    if json:
        console.print_json({"profiles": [profile_json(p) for p in PROFILES]})
        return
    table = Table("phone", "chip", "cores", "GPU", "NPU", "NPU int8", "NPU int16", "newest OS")
    for p in PROFILES:
        cells = (p.name, p.soc, p.cores, p.gpu, p.npu, p.npu_int8, p.npu_int16, p.newest_os)
        table.add_row(*("unknown" if cell.value is None else str(cell.value) for cell in cells[1:]))
    console.print_table(table)
