"""The losses against figures worked out by hand."""

import math

import numpy as np
import pytest
import torch

from edgekit.scores.metrics import IGNORE
from edgekit.training.loop import FromLabels
from edgekit.training.losses import class_weights, cross_entropy, distillation, mean_jaccard, union_jaccard


def logits_of(probabilities: list[list[float]]) -> torch.Tensor:
    """(1, C, 1, n) logits whose softmax is the given (n, C)."""
    return torch.tensor(probabilities).log().T[None, :, None]


def test_weights_rise_with_rarity_within_bounds() -> None:
    weights = class_weights(np.array([9_000_000, 1_000_000, 10, 0]))
    assert weights[0] == pytest.approx((1 / 4 / 0.9) ** 0.35, rel=1e-3)
    assert weights[1] == pytest.approx((1 / 4 / 0.1) ** 0.35, rel=1e-3)
    assert weights[2] == weights[3] == 4.0


def test_cross_entropy_is_a_weighted_mean_over_labelled_pixels() -> None:
    logits = logits_of([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
    labels = torch.tensor([[[0, 1, IGNORE]]])
    loss = cross_entropy(logits, labels, torch.tensor([1.0, 3.0, 7.0]))
    assert loss.item() == pytest.approx(-(math.log(0.5) + 3 * math.log(0.8)) / 4, rel=1e-5)


def test_cross_entropy_of_nothing_labelled_is_zero() -> None:
    labels = torch.full((1, 1, 2), IGNORE)
    assert cross_entropy(torch.randn(1, 3, 1, 2), labels, torch.ones(3)).item() == 0


def test_jaccard_takes_the_members_as_one_class() -> None:
    logits = logits_of([[0.1, 0.6, 0.3], [0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    labels = torch.tensor([[[2, 0, IGNORE]]])  # a leg called an arm costs nothing: 0.6 + 0.3 is all skin
    hits, union = 0.9, (0.9 + 0.5) + 1 - 0.9
    loss = union_jaccard(logits, labels, (1, 2))
    assert loss.item() == pytest.approx(1 - (hits + 1) / (union + 1), rel=1e-5)


def test_jaccard_is_zero_where_nobody_is_and_nobody_is_found() -> None:
    logits = torch.tensor([50.0, 0.0, 0.0])[None, :, None, None]
    assert union_jaccard(logits, torch.zeros(1, 1, 1, dtype=torch.long), (1, 2)).item() < 1e-6


def test_mean_jaccard_weighs_the_marked_classes_alike() -> None:
    logits = logits_of([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.5, 0.4, 0.1], [0.1, 0.1, 0.8]])
    labels = torch.tensor([[[0, 0, 1, IGNORE]]])  # nobody marked class 2
    background = (0.7 + 0.6 + 1) / (1.8 + 2 - 1.3 + 1)
    other = (0.4 + 1) / (0.9 + 1 - 0.4 + 1)
    assert mean_jaccard(logits, labels).item() == pytest.approx(1 - (background + other) / 2, rel=1e-5)


def test_mean_jaccard_pools_a_class_over_the_batch() -> None:
    logits = torch.cat([logits_of([[0.9, 0.1]]), logits_of([[0.2, 0.8]])])
    labels = torch.tensor([[[1]], [[1]]])
    assert mean_jaccard(logits, labels).item() == pytest.approx(1 - (0.9 + 1) / (0.9 + 2 - 0.9 + 1), rel=1e-5)


def test_mean_jaccard_of_nothing_labelled_is_zero() -> None:
    assert mean_jaccard(torch.randn(1, 3, 1, 2), torch.full((1, 1, 2), IGNORE)).item() == 0


def test_the_labels_objective_is_the_weighted_sum_of_its_terms() -> None:
    logits = torch.randn(2, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, IGNORE]).repeat(8).reshape(2, 4, 4)
    weights = torch.tensor([1.0, 2.0, 3.0])
    wide = torch.nn.functional.interpolate(logits, (4, 4), mode="bilinear", align_corners=False)
    expected = (
        cross_entropy(wide, labels, weights)
        + 0.5 * union_jaccard(wide, labels, (1, 2))
        + 2 * mean_jaccard(wide, labels)
    )
    assert FromLabels(weights, (1, 2), 0.5, 2.0)(torch.empty(0), logits, labels).item() == pytest.approx(
        expected.item(), rel=1e-6
    )


def test_distillation_is_the_softened_divergence_times_the_temperature_squared() -> None:
    logits, goal = torch.zeros(1, 2, 1, 1), torch.tensor([[4.0, 0.0]]).reshape(1, 2, 1, 1)
    p = math.exp(2) / (1 + math.exp(2))  # 4 nats at temperature 2
    expected = 4 * (p * math.log(p / 0.5) + (1 - p) * math.log((1 - p) / 0.5))
    assert float(distillation(logits, goal)) == pytest.approx(expected, rel=1e-5)


def test_distillation_is_zero_on_the_goal_and_teaches_only_the_student() -> None:
    goal = torch.randn(2, 5, 3, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert float(distillation(goal.detach() + 3, goal)) == pytest.approx(0, abs=1e-6)  # softmax ignores the 3
    student = torch.zeros_like(goal).requires_grad_()
    distillation(student, goal).backward()
    assert goal.grad is None
    assert student.grad is not None and float(student.grad.abs().max()) > 0


def test_distillation_counts_a_pixel_by_what_the_goal_sees_there() -> None:
    goal = torch.tensor([[8.0, 0.0], [0.0, 8.0]]).T.reshape(1, 2, 1, 2)  # class 0, then class 1
    logits = torch.tensor([[0.0, 0.0], [0.0, 4.0]]).T.reshape(1, 2, 1, 2)
    first = float(distillation(logits[..., :1], goal[..., :1]))
    second = float(distillation(logits[..., 1:], goal[..., 1:]))
    weighted = float(distillation(logits, goal, torch.tensor([1.0, 3.0])))
    assert first > 2 * second > 0
    assert weighted == pytest.approx((first + 3 * second) / 4, rel=1e-5)
