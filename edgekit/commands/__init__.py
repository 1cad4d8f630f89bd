"""The literal table of commands: name to function, in the order `edgekit --help` shows them."""

from __future__ import annotations

from collections.abc import Callable

from edgekit.commands.convert import convert
from edgekit.commands.demo import demo
from edgekit.commands.finetune import finetune
from edgekit.commands.parity_check import parity_check

COMMANDS: dict[str, Callable[..., None]] = {
    "demo": demo,
    "convert": convert,
    "parity-check": parity_check,
    "finetune": finetune,
}
