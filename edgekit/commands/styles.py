"""`edgekit styles`: the presets, their numbers and their skin certificates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit import console
from edgekit.commands.options import Force, Json


def styles(
    names: Annotated[
        list[str] | None, typer.Argument(help="Presets to list or save.", show_default="all of them")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="Write NAME.json, NAME.cube and NAME-skin.cube into this folder.")
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """List the style presets, or save them as LUT files with their skin certificates."""
    from edgekit.color.style_file import save_style, style_json
    from edgekit.color.styles import STYLES, style_named

    chosen = [style_named(name) for name in names] if names else list(STYLES.values())
    if save is not None:
        for each in chosen:
            for path in save_style(each, save, force):
                console.show(str(path))
    elif not json:
        from rich.table import Table

        table = Table("style", "family", "what it does")
        for each in chosen:
            table.add_row(each.name, each.family, each.description)
        console.print_table(table)
    if json:
        console.print_json({"styles": [style_json(each) for each in chosen]})
