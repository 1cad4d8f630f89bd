from __future__ import annotations

from pathlib import Path

import pytest

from converters.conversion import Conversion
from edgekit.errors import ConversionError, UnknownName, WeightsError
from edgekit.recipes import Recipe, recipe_named
from edgekit.weights import Checkpoint, load_checkpoint


@pytest.mark.parametrize("size", [0, 100, 500, 64, 1088, -128])
def test_sizes_that_the_graph_cannot_take(checkpoint: Checkpoint, size: int) -> None:
    with pytest.raises(ConversionError, match=f"`size` {size} is not a multiple of 64 from 128 to 1024"):
        Conversion(checkpoint, size, recipe_named("fp32"))


def test_unknown_names_list_the_known(checkpoint: Checkpoint) -> None:
    with pytest.raises(UnknownName, match=r"known: groups, labels, logits\. Did you mean 'labels'"):
        Conversion(checkpoint, 256, recipe_named("fp32"), "lables")  # type: ignore[arg-type]
    with pytest.raises(UnknownName) as caught:
        recipe_named("w4")
    assert caught.value.kind == "recipe"
    assert {"fp32", "fp16"} <= set(caught.value.known)


def test_groups_need_skin_and_other_outputs_do_not(voc_folder: Path) -> None:
    voc = load_checkpoint(voc_folder)
    with pytest.raises(WeightsError, match="no skin class"):
        Conversion(voc, 256, recipe_named("fp32"))
    assert Conversion(voc, 256, recipe_named("fp32"), "labels").file_stem == "voc-256-fp32-labels"


def test_attention_that_cannot_be_pooled_at_a_size(checkpoint: Checkpoint) -> None:
    recipe = Recipe("pooled", pool={"stage3": 4, "stage4": 4})
    assert Conversion(checkpoint, 256, recipe).recipe.pool == recipe.pool
    with pytest.raises(ConversionError, match="`pool` 4 of stage4 does not divide its 6×6 tokens"):
        Conversion(checkpoint, 192, recipe)


def test_mask_is_a_quarter_unless_asked_for(checkpoint: Checkpoint) -> None:
    assert Conversion(checkpoint, 512, recipe_named("fp16")).mask_size == 128
    assert Conversion(checkpoint, 512, recipe_named("fp16"), mask_size=96).output_spec("NHWC", "uint8", True).shape == (
        1, 96, 96, 4,
    )  # fmt: skip
    with pytest.raises(ConversionError, match="`mask_size` 600"):
        Conversion(checkpoint, 512, recipe_named("fp16"), mask_size=600)
