"""`edgekit devices`: the devices that `edgekit bench` can use, and the figures of known phones."""

from __future__ import annotations

from typing import Annotated

import typer

from edgekit import console
from edgekit.commands.options import Json

WORDS = {None: "?", True: "yes", False: "no gain"}


def devices(
    show_profiles: Annotated[
        bool,
        typer.Option(
            "--profiles", help="List known phones instead: chip, GPU, NPU, OS; --json adds sources."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """List the devices for bench (this machine, adb phones, emulated arm64, Apple devices) and what each lacks."""
    from dataclasses import asdict

    from rich.table import Table

    from edgekit.devices.registry import list_devices
    from edgekit.errors import printable

    if show_profiles:
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

    from edgekit.devices.profiles import profile_json, profiles

    if json:
        console.print_json({"profiles": [profile_json(p) for p in profiles()]})
        return
    columns = ("soc", "gpu", "npu", "npu_int8", "npu_int16", "newest_os")
    table = Table("phone", "chip", "GPU", "NPU", "int8", "int16", "OS")
    for phone in profiles():
        figures = [getattr(phone, column).value for column in columns]
        table.add_row(phone.name, *(WORDS.get(figure, str(figure)) for figure in figures))
    console.print_table(table)
    console.say("int8, int16: whether the NPU runs faster with that type. --json adds cores and sources.")
