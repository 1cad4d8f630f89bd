"""Options that several commands share, each defined once, and groups of options as one parameter."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from edgekit import console

if TYPE_CHECKING:
    from edgekit.color.layers import Look

Weights = Annotated[
    str | None, typer.Option(help="Checkpoint folder or hub id.", show_default="the bundled parser")
]
Size = Annotated[
    str | None,
    typer.Option(
        help="Input in pixels, the side of a square or rows x columns (512x384): multiples of 64 from 128 to 1024.",
        show_default="the checkpoint's",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace existing output.")]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object on standard output.", callback=console.expect_json),
]
Rows = Annotated[
    Path | None,
    typer.Option(help="Write every model's scores on every photo here (.csv), while they are counted."),
]
Style = Annotated[
    str | None,
    typer.Option(help="A preset (`edgekit styles` lists them), or a look of your own: a .json file."),
]
Lut = Annotated[
    Path | None, typer.Option(help="A LUT for everything but skin: .cube, .3dl, .csp, .clf, Hald …")
]
SkinLut = Annotated[Path | None, typer.Option(help="A LUT for skin.", show_default="skin stays as it is")]
PHOTOS_HELP = "Photos, or folders of photos."
Photos = Annotated[list[Path], typer.Argument(help=PHOTOS_HELP, show_default=False)]
SegmentingArtifact = Annotated[
    Path | None,
    typer.Option(help="Segment with this artifact.", show_default="the weights, in PyTorch"),
]
ResumePhotos = Annotated[
    bool, typer.Option("--resume", help="Go on with an interrupted run: skip the photos it finished.")
]
ShardPhotos = Annotated[
    str | None,
    typer.Option(
        "--shard",
        help="Style one of n parts of the photos, as 2/7, beside other processes; --resume begins too.",
    ),
]
REFINEMENT_HELP = "How the mask follows edges: bilinear, joint-bilateral or guided."
Refinement = Annotated[str, typer.Option(help=REFINEMENT_HELP)]


@dataclass(frozen=True)
class LookOptions:
    """The look to draw: a preset or LUT files, and layers over it."""

    style: Style = None
    lut: Lut = None
    skin_lut: SkinLut = None
    layer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REGIONS=WHAT",
            help="Other treatment of skin, hair, clothes or background: a preset, a LUT file, blur, blur:12px, "
            "picture:FILE or none, with :STRENGTH from 0 to 1 behind it. Repeatable: hair,clothes=film.cube:0.6.",
        ),
    ] = None
    background: Annotated[Path | None, typer.Option(help="A picture to show behind the person.")] = None

    def __post_init__(self) -> None:
        if self.style is not None and self.lut is not None:
            raise typer.BadParameter("give either --style or --lut.")
        if self.skin_lut is not None and self.lut is None:
            raise typer.BadParameter("--skin-lut goes with --lut.")

    @property
    def given(self) -> bool:
        return bool(self.style or self.lut or self.layer or self.background)

    def looks(self) -> list[Look]:
        """The look of every style with the layers over it; none if none is given."""
        from edgekit.color.look import look_of
        from edgekit.commands.layers import layered

        if not self.given:
            return []
        names = [] if self.style is None else [name.strip() for name in self.style.split(",")]
        bases = [look_of(name) for name in names]
        if self.lut is not None:
            bases = [look_of(lut=self.lut, skin_lut=self.skin_lut)]
        return [layered(base, self.layer or (), self.background) for base in bases or (None,)]


@dataclass(frozen=True)
class LargeSetOptions:
    """What is kept of work on many photos while it runs, and its division."""

    resume: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps what was counted; the same command goes on from there."),
    ] = None
    shard: Annotated[
        str | None,
        typer.Option(
            help="Count one of n parts of the photos, as 2/7; edgekit merge joins them. Needs --resume."
        ),
    ] = None
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Count on a Ray cluster (extra: ray): local starts one here, auto or HOST:PORT is one that runs.",
        ),
    ] = None

    @property
    def part(self) -> tuple[int, int]:
        """The shard's number and the number of shards."""
        return shard_number(self.shard)


def shard_number(shard: str | None) -> tuple[int, int]:
    """The number of a shard and the number of shards; without one, the whole is one."""
    from edgekit.scores.shards import WHOLE, parsed_shard

    return WHOLE if shard is None else parsed_shard(shard)


def unpacked(command: Callable[..., None]) -> Callable[..., None]:
    """Replace each dataclass parameter of a command by that dataclass's fields, as separate options.

    The command itself takes each group of options as one value.
    """
    hints = get_type_hints(command, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name in groups:
            parameters += _parameters_of(groups[parameter.name])
        else:
            kind = inspect.Parameter.KEYWORD_ONLY
            parameters.append(parameter.replace(annotation=hints[parameter.name], kind=kind))

    @wraps(command)
    def flat(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        command(**values)

    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
    flat.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return flat


def _parameters_of(group: type) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]
