"""`edgekit doctor`: what is installed here, and what each missing thing would be needed for."""

from __future__ import annotations

import platform
import shutil
from dataclasses import asdict, dataclass
from importlib import metadata

import typer

from edgekit import console
from edgekit.commands.options import Json

# Package to what needs it, and whether edgekit works at all without it.
PACKAGES: tuple[tuple[str, str, bool], ...] = (
    ("torch", "every command that runs the network", True),
    ("transformers", "the reference graph", True),
    ("coremltools", "Core ML artifacts and their reference executor", True),
    ("litert-torch", "TFLite artifacts", True),
    ("ai-edge-quantizer", "int8 TFLite", True),
    ("ai-edge-litert", "running TFLite here", True),
    ("opencolorio", "LUT formats, the CPU engine", True),
    ("albumentations", "edgekit finetune (extra: train)", False),
    ("pillow-heif", "HEIF photos (extra: heif)", False),
    ("boto3", "edgekit bench farm (extra: farm)", False),
    ("tensorflow", "the stock TensorFlow converter (extra: tensorflow)", False),
)
PROGRAMS: tuple[tuple[str, str], ...] = (
    ("adb", "phones: edgekit devices, edgekit bench --device pixel"),
    ("qemu-aarch64-static", "edgekit bench --device arm64"),
    ("npm", "edgekit preview: fetches LiteRT.js, once"),
    ("xcrun", "Apple devices (macOS only)"),
)


@dataclass(frozen=True)
class Finding:
    """One package or program; `version` None when it is not there."""

    name: str
    version: str | None
    needed_for: str
    required: bool


def doctor(
    json: Json = False,
) -> None:
    """Say what is installed and what is missing for which command. Exits 1 when a required package is missing."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from edgekit._version import __version__

    findings = [*_packages(), *_programs()]
    table = Table(
        title=f"Python {platform.python_version()} on {platform.platform()}", box=SIMPLE_HEAD, pad_edge=False
    )
    for column in ("what", "version", "needed for"):
        table.add_column(column)
    for found in findings:
        missing = "[bold red]missing[/]" if found.required else "[yellow]not here[/]"
        table.add_row(found.name, found.version or missing, found.needed_for)
    console.print_table(table)
    healthy = all(found.version or not found.required for found in findings)
    if json:
        about = {"edgekit": __version__, "python": platform.python_version(), "platform": platform.platform()}
        console.print_json({"healthy": healthy, **about, "findings": [asdict(found) for found in findings]})
    raise typer.Exit(0 if healthy else 1)


def _packages() -> list[Finding]:
    found = []
    for name, needed_for, required in PACKAGES:
        try:
            version: str | None = metadata.version(name)
        except metadata.PackageNotFoundError:
            version = None
        found.append(Finding(name, version, needed_for, required))
    return found


def _programs() -> list[Finding]:
    return [Finding(name, shutil.which(name), needed_for, False) for name, needed_for in PROGRAMS]
