from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgekit.color.formats import write_lut
from edgekit.color.look import look_of
from edgekit.color.look_file import read_look
from edgekit.color.styles import STYLES
from edgekit.errors import EdgekitError
from tests.color.samples import bent_lut, picture

HEAD: dict[str, Any] = {"schema": "edgekit/look", "schema_version": 1}
BEACH = {
    "layers": [
        {"regions": ["skin", "hair"], "style": "natural"},
        {"regions": ["clothes"], "lut": "film.cube", "strength": 0.6},
        {"regions": ["background"], "lut": "film.cube", "source": "blurred"},
        {"regions": ["drawn_1"], "source": "picture"},
    ],
    "blur": 0.02,
    "picture": "beach.png",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_lut(tmp_path / "film.cube", bent_lut(9))
    Image.fromarray(picture(20, 5000)).save(tmp_path / "beach.png")
    return tmp_path


def written(folder: Path, **look: Any) -> Path:
    path = folder / "beach.json"
    path.write_text(json.dumps(HEAD | look))
    return path


def test_a_look_is_read_with_its_tables_and_its_picture(folder: Path) -> None:
    look = look_of(str(written(folder, **BEACH)))
    natural = STYLES["natural"].luts()
    regions = [(layer.regions, layer.strength, layer.source) for layer in look.layers]
    assert regions == [
        (("skin",), 1.0, "camera"), (("hair",), 1.0, "camera"), (("clothes",), 0.6, "camera"),
        (("background",), 1.0, "blurred"), (("drawn_1",), 1.0, "picture"),
    ]  # fmt: skip
    skin, hair, clothes, background, drawn = (layer.lut for layer in look.layers)
    assert skin is not None and np.array_equal(skin.table, natural["skin"].table)
    assert hair is not None and np.array_equal(hair.table, natural["hair"].table)
    assert clothes is background and drawn is None  # read once: one fetch in a shader
    assert (look.title, look.blur) == ("beach", 0.02)
    assert look.picture is not None and look.picture.shape == (16, 4096, 3)
    assert [path.name for path in look.files] == ["beach.json", "film.cube", "beach.png"]


@pytest.mark.parametrize(
    ("look", "sentence"),
    [
        ({}, "layers"),
        ({"layers": []}, "layers"),
        ({"layers": [{"regions": ["nose"], "style": "warm"}]}, "at layers/0/regions/0"),
        ({"layers": [{"regions": ["skin"], "style": "warn"}]}, "There is no style 'warn'; known: .*warm"),
        ({"layers": [{"regions": ["skin"], "style": "warm", "lut": "film.cube"}]}, "both a style and a lut"),
        ({"layers": [{"regions": ["skin"], "lut": "absent.cube"}]}, "absent.cube"),
        ({"layers": [{"regions": ["skin"], "lut": "film.cube", "strength": 2}]}, "at layers/0/strength"),
        ({"layers": [{"regions": ["skin"], "source": "mirror"}]}, "at layers/0/source"),
        ({"layers": [{"regions": ["skin"], "source": "picture"}]}, "names no picture"),
        ({"layers": [{"regions": ["skin"], "style": "warm"}], "blur": 1}, "at blur"),
        ({"layers": [{"regions": ["skin"]}]}, "no layer changes anything"),
        ({"layers": [{"regions": ["skin"], "style": "warm"}] * 2}, "skin is in two layers"),
        ({"layers": [{"regions": ["skin"], "style": "warm"}], "surprise": 1}, "unknown field"),
    ],
)
def test_a_look_that_makes_no_sense_is_refused(folder: Path, look: dict[str, Any], sentence: str) -> None:
    with pytest.raises(EdgekitError, match=sentence):
        read_look(written(folder, **look))
