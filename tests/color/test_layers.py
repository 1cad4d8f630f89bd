from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgekit.color.layers import Layer, Look, everything_but_skin, joined
from edgekit.errors import EdgekitError, UnknownName
from tests.color.samples import bent_lut, picture


@pytest.mark.parametrize(
    ("layers", "options", "error", "sentence"),
    [
        ([(("skn",), bent_lut(3))], {}, UnknownName, "skin"),
        ([(("skin", "skin"), bent_lut(3))], {}, EdgekitError, "two layers"),
        ([(("skin",), bent_lut(3)), (("hair", "skin"), bent_lut(3))], {}, EdgekitError, "two layers"),
        ([((), bent_lut(3))], {}, EdgekitError, "no region"),
        ([(("skin",), bent_lut(3), 1.5)], {}, EdgekitError, "from 0 to 1"),
        ([(("skin",),)], {}, EdgekitError, "no layer changes"),
        ([], {}, EdgekitError, "no layer changes"),
        ([(("skin",), bent_lut(3))], {"blur": 0.2}, EdgekitError, "from 0.004 to 0.05"),
        ([(("skin",), bent_lut(3))], {"blur": float("nan")}, EdgekitError, "from 0.004 to 0.05"),
    ],
)
def test_what_makes_no_sense_is_refused(
    layers: list[tuple[Any, ...]], options: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        Look(tuple(Layer(*each) for each in layers), **options)


def test_equal_treatments_are_one_layer() -> None:
    one, two = bent_lut(3), bent_lut(5)
    by_region = {
        "skin": Layer(("skin", "hair"), one),
        "hair": Layer(("skin", "hair"), one),
        "clothes": Layer(("clothes",), two),
        "background": Layer(("background",), one, source="blurred"),
    }
    found = [(layer.regions, layer.lut, layer.source) for layer in joined(by_region)]
    assert found == [
        (("skin", "hair"), one, "camera"), (("clothes",), two, "camera"), (("background",), one, "blurred"),
    ]  # fmt: skip


def test_a_digest_is_of_what_is_drawn() -> None:
    look = Look(everything_but_skin(bent_lut(5)), picture=picture(4, 6))
    same = Look(everything_but_skin(bent_lut(5)), "another title", picture(4, 6))
    assert look.digest() == same.digest()
    others = [
        replace(look, picture=None),
        replace(look, picture=picture(6, 4)),
        replace(look, blur=0.02),
        replace(look, layers=everything_but_skin(bent_lut(9))),
        replace(look, layers=(replace(look.layers[0], strength=0.5), look.layers[1])),
        replace(look, layers=(replace(look.layers[0], source="blurred"), look.layers[1])),
        Look(look.layers[:1]),
    ]
    assert len({each.digest() for each in (look, *others)}) == len(others) + 1


def test_equal_bytes_of_two_shapes_are_two_pictures() -> None:
    look = Look(everything_but_skin(bent_lut(5)), picture=np.zeros((4, 6, 3), np.uint8))
    assert look.digest() != replace(look, picture=np.zeros((6, 4, 3), np.uint8)).digest()
