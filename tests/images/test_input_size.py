"""The size of the network's input, as people write it."""

from __future__ import annotations

import pytest

from edgekit.errors import EdgekitError
from edgekit.images import InputSize


@pytest.mark.parametrize(
    ("written", "size"),
    [(512, (512, 512)), ("512", (512, 512)), ("512x384", (512, 384)), (InputSize(128, 1024), (128, 1024))],
)
def test_as_written(written: InputSize | int | str, size: tuple[int, int]) -> None:
    found = InputSize.of(written)
    assert (found.height, found.width) == size
    assert found.is_square == (size[0] == size[1])
    assert InputSize.of(str(found)) == found


def test_a_square_is_written_by_its_side() -> None:
    assert str(InputSize(512, 512)) == "512" and str(InputSize(512, 384)) == "512x384"


def test_shape() -> None:
    size = InputSize(512, 384)
    assert (size.pixels, size.aspect) == (512 * 384, 0.75)


@pytest.mark.parametrize("size", [0, -512, 500, 64, 1088, "512x100", "1088x512"])
def test_numbers_out_of_bounds(size: int | str) -> None:
    with pytest.raises(EdgekitError, match="`size`"):
        InputSize.of(size)


@pytest.mark.parametrize(
    "size", ["", "512x", "x512", "512X384", "512 x 384", "5.12", "512x384x3", "²56", "123456"]
)
def test_text_that_is_no_size(size: str) -> None:
    with pytest.raises(EdgekitError, match="neither a side like 512"):
        InputSize.of(size)
