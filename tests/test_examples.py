"""The scripts under examples/ do what they say (they are type-checked with the rest)."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
from PIL import Image

from edgekit.bundles.reading import read_bundle
from tests.support.pictures import picture

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.slow
def test_convert_check_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, atr_folder: Path) -> None:
    Image.fromarray(picture(60, 80)).save(tmp_path / "photo.png")
    options = {"--out": "made", "--weights": str(atr_folder), "--size": "128", "--photo": "photo.png"}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["example", *(word for pair in options.items() for word in pair)])
    runpy.run_path(str(EXAMPLES / "convert_check_bundle.py"), run_name="__main__")
    bundle = read_bundle(tmp_path / "made" / "bundle").bundle
    assert [style.name for style in bundle.styles] == ["vibrant", "natural"]
    assert (tmp_path / "made" / "styled" / "photo.png").is_file()
