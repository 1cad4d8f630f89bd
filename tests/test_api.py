"""The public API: what it offers, how lightly it is imported, and the page made of it."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import edgekit
from tools import api_docs

HEAVY = ("torch", "transformers", "coremltools", "litert_torch", "ai_edge_litert", "numpy", "PIL", "typer")


def test_the_import_loads_nothing_heavy() -> None:
    program = f"import sys, edgekit; print([m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("name", edgekit.__all__)
def test_every_name_is_there_and_documented(name: str) -> None:
    member = getattr(edgekit, name)
    assert len((inspect.getdoc(member) or "").split()) >= 5


def test_functions_and_rooms_do_not_share_a_name() -> None:
    """Importing a room would put the module in the function's place."""
    rooms = {path.stem for path in Path(str(edgekit.__file__)).parent.iterdir()}
    assert not rooms & set(edgekit.__all__)


def test_the_page_is_what_the_docstrings_say() -> None:
    assert api_docs.PAGE.read_text(encoding="utf-8") == api_docs.page(), "run: python -m tools.api_docs"
