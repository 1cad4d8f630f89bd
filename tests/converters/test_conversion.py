from __future__ import annotations

from pathlib import Path

import pytest

import edgekit
from converters.conversion import Conversion
from edgekit.errors import ConversionError, EdgekitError, UnknownName, WeightsError
from edgekit.images import InputSize
from edgekit.recipes import Recipe, recipe_named
from edgekit.weights import Checkpoint, load_checkpoint

SQUARE, TALL = InputSize(512, 512), InputSize(512, 384)


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        (500, "`size` is 500; each side must be a multiple of 64 from 128 to 1024"),
        ("64x64", "`size` is 64; each side must"),
        ("500x384", "`size` is 500x384; each side must"),
        ("512x", "`size` '512x' is neither a side like 512 nor rows x columns like 512x384"),
    ],
)
def test_sizes_that_the_graph_cannot_take(
    checkpoint: Checkpoint, size: int | str, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(EdgekitError, match=sentence):
        edgekit.convert(checkpoint, size=size, out=tmp_path)


def test_unknown_names_list_the_known(checkpoint: Checkpoint) -> None:
    with pytest.raises(UnknownName, match=r"known: groups, labels, logits\. Did you mean 'labels'"):
        Conversion(checkpoint, SQUARE, recipe_named("fp32"), "lables")  # type: ignore[arg-type]
    with pytest.raises(UnknownName) as caught:
        recipe_named("w4")
    assert caught.value.kind == "recipe"
    assert {"fp32", "fp16"} <= set(caught.value.known)


def test_groups_need_skin_and_other_outputs_do_not(voc_folder: Path) -> None:
    voc = load_checkpoint(voc_folder)
    with pytest.raises(WeightsError, match="no skin class"):
        Conversion(voc, SQUARE, recipe_named("fp32"))
    assert Conversion(voc, SQUARE, recipe_named("fp32"), "labels").file_stem == "voc-512-fp32-labels"
    assert Conversion(voc, TALL, recipe_named("fp32"), "labels").file_stem == "voc-512x384-fp32-labels"


def test_attention_that_cannot_be_pooled_at_a_size(checkpoint: Checkpoint) -> None:
    recipe = Recipe("pooled", pool={"stage3": 4, "stage4": 4})
    assert Conversion(checkpoint, InputSize(256, 256), recipe).recipe.pool == recipe.pool
    with pytest.raises(ConversionError, match="`pool` 4 of stage4 does not divide its 6×6 tokens"):
        Conversion(checkpoint, InputSize(192, 192), recipe)
    with pytest.raises(ConversionError, match=r"`pool` 4 of stage4 does not divide its 8×6 tokens.* 256×192"):
        Conversion(checkpoint, InputSize(256, 192), recipe)


def test_mask_is_a_quarter_unless_asked_for(checkpoint: Checkpoint) -> None:
    fp16 = recipe_named("fp16")
    assert Conversion(checkpoint, SQUARE, fp16).mask_shape == (128, 128)
    assert Conversion(checkpoint, TALL, fp16).output_spec("NHWC", "uint8", True).shape == (1, 128, 96, 4)
    assert Conversion(checkpoint, TALL, fp16, "labels").output_spec("NCHW", "uint8", True).shape == (
        1,
        1,
        128,
        96,
    )
    assert Conversion(checkpoint, TALL, fp16, "logits").output_spec("NCHW", "uint8", True).shape == (
        1,
        18,
        32,
        24,
    )
    wider = Conversion(checkpoint, SQUARE, fp16, mask_shape=(96, 64))
    assert wider.output_spec("NHWC", "uint8", True).shape == (1, 96, 64, 4)


@pytest.mark.parametrize(
    ("size", "mask", "sentence"),
    [
        (SQUARE, (600, 600), "`mask_size` 600 is not from 1 to the input size 512"),
        (SQUARE, (128, 600), "`mask_size` 128x600 is not from 1"),
        (TALL, (512, 400), "`mask_size` 512x400 is not from 1 to the input size 512x384"),
        (
            TALL,
            (128, 100),
            "`mask_size` 128x100 does not give every 32 pixels of the input 512x384 a whole number",
        ),
    ],
)
def test_masks_that_do_not_fit_the_input(
    checkpoint: Checkpoint, size: InputSize, mask: tuple[int, int], sentence: str
) -> None:
    with pytest.raises(ConversionError, match=sentence):
        Conversion(checkpoint, size, recipe_named("fp16"), mask_shape=mask)
