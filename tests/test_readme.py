"""The README's five commands, run in order as a reader would, in an empty folder with one photo."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from edgekit.images import astronaut
from tests.support.cli import edgekit

README = Path(__file__).parent.parent / "README.md"
MADE = (
    "demo-out/report.html", "artifacts", "artifacts", "styled/photo.jpg", "shader",
)  # fmt: skip


def commands() -> list[list[str]]:
    """The arguments of the commands in the block under "Five commands"."""
    section = README.read_text(encoding="utf-8").split("## Five commands")[1]
    block = re.search(r"```sh\n(.*?)```", section, re.S)
    assert block is not None
    return [shlex.split(line, comments=True)[1:] for line in block[1].splitlines()]


def test_there_are_five_and_all_are_edgekit() -> None:
    assert [arguments[0] for arguments in commands()] == [
        "demo",
        "convert",
        "parity-check",
        "style",
        "shader",
    ]


@pytest.mark.slow
def test_the_five_commands_work(
    float_graphs: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(astronaut().image).save(tmp_path / "photo.jpg")
    for arguments, made in zip(commands(), MADE, strict=True):
        ran = edgekit(*arguments)
        assert ran.code == 0, f"edgekit {' '.join(arguments)}\n{ran.err}"
        assert "site-packages" not in ran.err  # no library's own warnings
        assert (tmp_path / made).exists()
    assert "PASSED" in (tmp_path / "demo-out/report.html").read_text(encoding="utf-8")
