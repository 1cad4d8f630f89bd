"""Whatever a command is told to write to, nothing of the user's disappears: `.`, folders, inputs, files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.cli import edgekit

MINE = {"thesis.txt": "years of work", "photos/holiday.txt": "a picture", "x.cube/a": "b"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with the user's files in it and photos beside it."""
    folder = tmp_path / "work"
    for name, content in MINE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    for name in ("before.png", "after.png"):
        Image.fromarray(pixels).save(tmp_path / name)
    (folder / "styled" / "before.png").mkdir(parents=True)
    (folder / "styled" / "before.png" / "mine.txt").write_text("mine")
    (tmp_path / "a.tflite").write_bytes(b"not a model")
    monkeypatch.chdir(folder)
    return folder


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


STYLE = ("--style", "vibrant")
FIT = ("lut", "fit", "../before.png", "../after.png", "--out")


@pytest.mark.parametrize("place", [".", "..", "photos", "styled"])
@pytest.mark.parametrize("force", [(), ("--force",)])
@pytest.mark.parametrize(
    "command",
    [
        ("parity-check", "../a.tflite", "--report"),
        ("preview", "--no-browser", "--litert-js"),
        ("shader", *STYLE, "--out"),
        ("bench", "../a.tflite", "--out"),
        ("bundle", "--artifact", "../a.tflite", "--out"),
        ("plan", "--calibration", "..", "--out"),
        FIT,
    ],
    ids=lambda command: f"{command[0]} {command[-1]}",
)
def test_a_folder_that_edgekit_did_not_write_is_refused_in_one_sentence(
    home: Path, command: Sequence[str], force: Sequence[str], place: str
) -> None:
    before = everything(home.parent)
    allowed = () if command[0] == "preview" else force
    ran = edgekit(*command, place, *allowed)
    assert ran.code == 3, ran
    assert len(ran.err.strip().splitlines()) == 1 and "Traceback" not in ran.err
    assert everything(home.parent) == before


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ((*FIT, "x.cube", "--force"), "x.cube is a folder, and a file is to be written"),
        ((*FIT, "../before.png", "--force"), "written as .cube"),
        (("style", "../before.png", *STYLE, "--force"), "styled/before.png is a folder"),
        (
            ("style", "../before.png", *STYLE, "--out", "..", "--force"),
            "would be replaced by its styled copy",
        ),
        (("styles", "vibrant", "--save", "thesis.txt"), "could not be written: "),
        (
            ("parity-check", "../a.tflite", "--report", "thesis.txt"),
            "thesis.txt exists already; pass --force",
        ),
        (("parity-check", "../a.tflite", "--report", "../a.tflite", "--force"), "is one of the inputs"),
        (
            ("evaluate", "--images", "..", "--labels", "..", "--rows", "thesis.txt"),
            "thesis.txt exists already; pass --force",
        ),
        (("demo", "--out", "thesis.txt"), "thesis.txt"),
        (("bench", "../a.tflite", "--out", "r", "--out", "./r"), "same file"),
    ],
)
def test_other_places_that_would_lose_something(home: Path, command: Sequence[str], words: str) -> None:
    before = everything(home.parent)
    ran = edgekit(*command)
    assert ran.code in (2, 3), ran
    assert words in ran.sentence
    assert everything(home.parent) == before


def test_a_shader_folder_is_replaced_only_as_edgekit_left_it(home: Path) -> None:
    assert edgekit("shader", *STYLE, "--out", "made").code == 0
    assert "exists already; pass --force" in edgekit("shader", *STYLE, "--out", "made").err
    assert edgekit("shader", *STYLE, "--out", "made", "--force").code == 0
    (home / "made" / "notes.txt").write_text("mine")
    ran = edgekit("shader", *STYLE, "--out", "made", "--force")
    assert "made holds notes.txt, which edgekit did not write" in ran.sentence
    assert (home / "made" / "notes.txt").read_text() == "mine"


def test_a_bundle_that_holds_its_own_inputs_is_refused(home: Path) -> None:
    (home / "bundle").mkdir()
    (home / "bundle" / "a.tflite").write_bytes(b"x")
    ran = edgekit("bundle", "--artifact", "bundle/a.tflite", "--out", "bundle", "--force")
    assert (ran.code, "bundle holds the input bundle/a.tflite" in ran.sentence) == (3, True)
