"""`edgekit styles`: the presets, their numbers and their skin certificates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit import console
from edgekit.commands.options import Force, Json


def styles(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Presets and scenes to list or save.", show_default="all of them"),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(help="Write NAME.json, of presets NAME.cube and NAME-skin.cube too, into this folder."),
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """List the style presets, or save them as LUT files with their skin certificates.

    Scenes treat the background in a way of its own; each is saved as a look's file, to begin your own from.
    """
    from edgekit.color.look import SCENES
    from edgekit.color.style_file import save_scene, save_style, style_json
    from edgekit.color.styles import STYLES, style_named

    wanted = names or [*STYLES, *SCENES]
    scenes = [name for name in wanted if name in SCENES]
    chosen = [style_named(name) for name in wanted if name not in SCENES]
    if save is not None:
        for each in chosen:
            for path in save_style(each, save, force):
                console.show(str(path))
        for name in scenes:
            console.show(str(save_scene(name, save, force)))
    elif not json:
        from rich.table import Table

        table = Table("style", "family", "what it does")
        for each in chosen:
            table.add_row(each.name, each.family, each.description)
        for name in scenes:
            table.add_row(name, "scene", SCENES[name])
        console.print_table(table)
    if json:
        listed = [{"name": name, "description": SCENES[name]} for name in scenes]
        console.print_json({"styles": [style_json(each) for each in chosen], "scenes": listed})
