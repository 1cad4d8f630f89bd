"""`edgekit doctor`: the installed and missing packages and programs, and the commands that need them."""

from __future__ import annotations

import platform
import shutil
from dataclasses import asdict, dataclass

import typer

from edgekit import console
from edgekit.commands.options import Json

# Package, the commands that need it, and whether edgekit requires it.
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
    ("google-api-python-client", "edgekit bench farm --farm firebase (extra: firebase)", False),
    ("ray", "edgekit evaluate and parity-check --ray (extra: ray)", False),
    ("coreai-torch", "Core AI artifacts (extra: coreai)", False),
    ("coreai-core", "running Core AI artifacts here (extra: coreai)", False),
    ("tensorflow", "TensorFlow's interpreter, a second runtime for .tflite (extra: tensorflow)", False),
)
PROGRAMS: tuple[tuple[str, str], ...] = (
    ("adb", "phones: edgekit devices, edgekit bench --device pixel"),
    ("qemu-aarch64-static", "edgekit bench --device arm64"),
    ("npm", "edgekit preview: fetches LiteRT.js, once"),
    ("chromium", "edgekit parity-check --runtime litert-gpu without a GPU"),
    ("xcrun", "Apple devices (macOS only)"),
)


@dataclass(frozen=True)
class Requirement:
    """A package or program; `version` (a program's path) is None if it is not installed."""

    name: str
    version: str | None
    needed_for: str
    required: bool


def doctor(
    json: Json = False,
) -> None:
    """Check the packages and programs that commands need. Exits 1 when a required package is missing."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from edgekit._version import __version__
    from edgekit.weights import BUNDLED_FOLDER, license_of

    findings = [*_packages(), *_programs()]
    table = Table(
        title=f"Python {platform.python_version()} on {platform.platform()}", box=SIMPLE_HEAD, pad_edge=False
    )
    for column in ("package or program", "version", "needed for"):
        table.add_column(column)
    for found in findings:
        missing = "[bold red]missing[/]" if found.required else "[yellow]not installed[/]"
        table.add_row(found.name, found.version or missing, found.needed_for)
    console.print_table(table)
    license = license_of(BUNDLED_FOLDER)
    console.show(f"bundled weights: {BUNDLED_FOLDER.name}, licence: {license}")
    healthy = all(found.version or not found.required for found in findings)
    if json:
        weights = {"name": BUNDLED_FOLDER.name, "license": license}
        about = {"edgekit": __version__, "python": platform.python_version(), "platform": platform.platform()}
        console.print_json(
            {
                "healthy": healthy,
                **about,
                "weights": weights,
                "findings": [asdict(found) for found in findings],
            }
        )
    raise typer.Exit(0 if healthy else 1)


def _packages() -> list[Requirement]:
    from importlib import metadata

    found = []
    for name, needed_for, required in PACKAGES:
        try:
            version: str | None = metadata.version(name)
        except metadata.PackageNotFoundError:
            version = None
        found.append(Requirement(name, version, needed_for, required))
    return found


def _programs() -> list[Requirement]:
    return [Requirement(name, shutil.which(name), needed_for, False) for name, needed_for in PROGRAMS]
