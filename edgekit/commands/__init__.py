"""The table of commands, in the order of `edgekit --help`: a name and its function or group of subcommands."""

from __future__ import annotations

from collections.abc import Callable

from typer import Typer

from edgekit.commands.bench import bench
from edgekit.commands.bundle import bundle
from edgekit.commands.convert import convert
from edgekit.commands.demo import demo
from edgekit.commands.devices import devices
from edgekit.commands.doctor import doctor
from edgekit.commands.evaluate import evaluate
from edgekit.commands.finetune import finetune
from edgekit.commands.lut import lut
from edgekit.commands.merge import merge
from edgekit.commands.parity_check import parity_check
from edgekit.commands.plan import plan
from edgekit.commands.preview import preview
from edgekit.commands.segment import segment
from edgekit.commands.shader import shader
from edgekit.commands.style import style
from edgekit.commands.styles import styles

COMMANDS: dict[str, Callable[..., None] | Typer] = {
    "demo": demo,
    "convert": convert,
    "plan": plan,
    "parity-check": parity_check,
    "merge": merge,
    "evaluate": evaluate,
    "segment": segment,
    "shader": shader,
    "style": style,
    "lut": lut,
    "styles": styles,
    "bundle": bundle,
    "preview": preview,
    "finetune": finetune,
    "bench": bench,
    "devices": devices,
    "doctor": doctor,
}
