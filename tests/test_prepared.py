"""The prepared graph is the same function as Hugging Face's."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
import torch

from edgekit.model import prepared
from edgekit.model.outputs import output_head
from edgekit.model.pooling import averaged_tokens
from edgekit.model.prepared import NormForm, PreparedSegmenter, fold, unfold
from edgekit.model.reference import ReferenceSegmenter, fuse_attention
from edgekit.model.stages import pool_problem, token_grid
from edgekit.recipes import STAGE_DEPTHS
from edgekit.weights import Checkpoint, Groups, load_checkpoint
from tests.support.checkpoints import VOC_CLASSES, seeded_checkpoint
from tests.support.pictures import picture

RELATIVE_TOLERANCE = 3e-5  # of the largest logit, in float32, where the reference itself rounds
EXACT_TOLERANCE = 1e-9  # absolute, everything in float64: the rewrites are exact
RMS_TOLERANCE = 1e-5  # the rms form keeps 1/C in a float32 buffer


def image(height: int, width: int, seed: int = 0) -> torch.Tensor:
    """(1, 3, height, width) float RGB in [0, 255]."""
    return torch.from_numpy(picture(height, width, seed).copy()).permute(2, 0, 1)[None].float()


def exact_difference(
    checkpoint: Checkpoint,
    norm: NormForm,
    x: torch.Tensor,
    pool: Mapping[str, int] = MappingProxyType({}),
    reference_pool: Mapping[str, int] = MappingProxyType({}),
) -> float:
    """Largest difference in float64, with the folded weights not rounded to float32."""
    model = PreparedSegmenter(checkpoint, norm, pool).double()
    model.load_state_dict(prepared.prepared_state_dict(checkpoint, torch.float64))
    reference = ReferenceSegmenter(checkpoint).double()
    if reference_pool:
        fuse_attention(reference, reference_pool)
    with torch.inference_mode():
        expected = reference(x.double())
        got = model(x.double())
    assert got.shape == expected.shape
    assert expected.std() > 1e-3
    return float((got - expected).abs().max())


@pytest.mark.slow
@pytest.mark.parametrize(("norm", "tolerance"), [("layer", EXACT_TOLERANCE), ("rms", RMS_TOLERANCE)])
@pytest.mark.parametrize(("height", "width"), [(128, 128), (192, 320)])
def test_weights_keep_their_logits_exactly(
    checkpoint: Checkpoint, norm: NormForm, tolerance: float, height: int, width: int
) -> None:
    assert exact_difference(checkpoint, norm, image(height, width)) <= tolerance


@pytest.mark.slow
@pytest.mark.parametrize(("norm", "size"), [("layer", 256), ("rms", 256), ("rms", 512)])
def test_weights_keep_their_logits_in_float32(checkpoint: Checkpoint, norm: NormForm, size: int) -> None:
    with torch.inference_mode():
        expected = ReferenceSegmenter(checkpoint)(image(size, size))
        got = PreparedSegmenter(checkpoint, norm)(image(size, size))
    assert (got - expected).abs().max() <= RELATIVE_TOLERANCE * expected.abs().max()


@pytest.mark.slow
@pytest.mark.parametrize(("stride", "seed"), [(8, 1), (16, 2), (32, 3)])
def test_random_weights_at_every_output_stride_keep_their_logits(
    tmp_path: Path, stride: int, seed: int
) -> None:
    checkpoint = load_checkpoint(seeded_checkpoint(tmp_path, VOC_CLASSES, seed, stride))
    assert exact_difference(checkpoint, "layer", image(128, 192, seed)) <= EXACT_TOLERANCE


@pytest.mark.slow
def test_a_batch_gives_what_its_pictures_give(checkpoint: Checkpoint) -> None:
    pair = torch.cat([image(128, 192, 1), image(128, 192, 2)])
    model = PreparedSegmenter(checkpoint)
    with torch.inference_mode():
        alone = torch.cat([model(pair[:1]), model(pair[1:])])
        assert torch.allclose(model(pair), alone, atol=1e-4)


@pytest.mark.slow
def test_pooled_attention_is_the_pooled_references(tmp_path: Path) -> None:
    """Rows and columns differ, stages 4 and 5 have the same grid, and the reference is copied as for training."""
    checkpoint = load_checkpoint(seeded_checkpoint(tmp_path, VOC_CLASSES, seed=1, output_stride=8))
    pool = {"stage3": 4, "stage5": 2}
    assert exact_difference(checkpoint, "layer", image(128, 192), pool, pool) <= EXACT_TOLERANCE
    assert exact_difference(checkpoint, "layer", image(128, 192), pool, {"stage3": 4}) > 1e-3
    assert exact_difference(checkpoint, "layer", image(128, 192), pool) > 1e-3


@pytest.mark.slow
def test_fused_attention_is_hugging_faces(checkpoint: Checkpoint) -> None:
    plain, fused = (ReferenceSegmenter(checkpoint).double() for _ in range(2))
    fuse_attention(fused, {})
    with torch.inference_mode():
        expected = plain(image(192, 128).double())
        assert float((fused(image(192, 128).double()) - expected).abs().max()) < 1e-12


@pytest.mark.slow
def test_a_copy_of_a_pooled_reference_has_a_grid_of_its_own(checkpoint: Checkpoint) -> None:
    model = ReferenceSegmenter(checkpoint)
    fuse_attention(model, {"stage3": 2})
    twin = copy.deepcopy(model)
    with torch.inference_mode():
        twin(image(192, 320))
        assert torch.equal(model(image(128, 128)), copy.deepcopy(twin)(image(128, 128)))


def test_tokens_are_averaged_over_squares_of_their_grid_and_within_their_sequence() -> None:
    tokens = torch.arange(2 * 8, dtype=torch.float32).reshape(2, 8, 1)  # two sequences of 2 rows × 4 columns
    assert averaged_tokens(tokens, (2, 4), 2).squeeze(2).tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert averaged_tokens(tokens, (4, 2), 2).squeeze(2).tolist() == [[1.5, 5.5], [9.5, 13.5]]
    assert torch.equal(averaged_tokens(tokens, (2, 4), 1), tokens)


@pytest.mark.slow
@pytest.mark.parametrize("stride", [8, 16, 32])
def test_token_grids_are_those_of_the_graph(tmp_path: Path, stride: int) -> None:
    checkpoint = load_checkpoint(seeded_checkpoint(tmp_path, VOC_CLASSES, seed=1, output_stride=stride))
    model, found = PreparedSegmenter(checkpoint), {}
    for stage in STAGE_DEPTHS:
        first = getattr(model, stage).layers[0]
        first.register_forward_pre_hook(lambda module, inputs, stage=stage: found.update({stage: inputs[1]}))
    with torch.inference_mode():
        model(image(128, 192))
    assert found == {stage: token_grid(stage, 128, 192, stride) for stage in STAGE_DEPTHS}


def test_tokens_that_squares_do_not_divide_are_named() -> None:
    assert pool_problem({"stage3": 4, "stage4": 2}, 192, 256, 16) is None
    assert pool_problem({"stage3": 4, "stage4": 4}, 192, 256, 16) == (
        "`pool` 4 of stage4 does not divide its 6×8 tokens at an input of 192×256; "
        "choose a smaller one, or another input size."
    )


@pytest.mark.slow
def test_the_comparison_fails_for_a_wrong_folding(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = prepared.prepared_state_dict

    def wrong(source: Checkpoint, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
        state = right(source, dtype)
        state["stage4.layers.1.attention.value.weight"] *= 1.001
        return state

    monkeypatch.setattr(prepared, "prepared_state_dict", wrong)
    assert exact_difference(checkpoint, "layer", image(128, 128)) > 1000 * EXACT_TOLERANCE


def test_unfold_makes_one_sequence_per_position_in_the_patch() -> None:
    x = torch.arange(2 * 4 * 6, dtype=torch.float32).reshape(1, 2, 4, 6)
    tokens = unfold(x)
    assert tokens.shape == (4, 6, 2)
    assert tokens[1, 0].tolist() == x[0, :, 0, 1].tolist()  # right pixel of the first patch
    assert tokens[2, 4].tolist() == x[0, :, 3, 2].tolist()  # lower pixel of row 1, column 1
    assert torch.equal(fold(tokens, 4, 6), x)


def test_groups_sum_probabilities_in_their_order() -> None:
    logits = torch.full((1, 5, 2, 3), -50.0)
    logits[0, 4, 0, :] = 50.0  # class 4 is skin, in the upper row
    logits[0, 2, 1, :] = 50.0  # class 2 is clothes, in the lower row
    weights = output_head("groups", Groups((1, 4), (3,), (2,)), 5, (8, 6), rgba=True)(logits)
    assert weights.shape == (1, 4, 8, 6)
    assert torch.allclose(weights.sum(1), torch.full((1, 8, 6), 255.0))
    assert weights[0, :, 0, 0].round().tolist() == [255, 0, 0, 0]
    assert weights[0, :, -1, 0].round().tolist() == [0, 0, 255, 0]


def test_labels_are_the_argmax_of_resized_logits() -> None:
    logits = torch.from_numpy(np.random.default_rng(5).normal(size=(1, 4, 3, 5)).astype(np.float32))
    labels = output_head("labels", Groups((), (), ()), 4, (12, 9), rgba=False)(logits)
    wide = torch.nn.functional.interpolate(logits, size=(12, 9), mode="bilinear", align_corners=False)
    assert torch.equal(labels[:, 0], wide.argmax(1))
