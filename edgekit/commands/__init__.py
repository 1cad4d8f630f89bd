"""The literal table of commands: name to function, in the order `edgekit --help` shows them."""

from __future__ import annotations

from collections.abc import Callable

COMMANDS: dict[str, Callable[..., None]] = {}
