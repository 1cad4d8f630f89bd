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


# -- labels that stand for sets of classes ----------------------------------------------------------------------

SETS = torch.tensor(
    [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 1, 1], [1, 1, 0, 0]], dtype=torch.bool
)
PROBABILITIES = [[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.2, 0.3], [0.7, 0.1, 0.1, 0.1]]


def random_batch() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(3)
    logits = torch.randn(2, 4, 5, 3, generator=rng)
    labels = torch.randint(0, 5, (2, 5, 3), generator=rng)
    return logits, labels.where(labels < 4, IGNORE)


def test_a_set_is_as_frequent_as_its_classes_together() -> None:
    weights = class_weights(np.array([70, 10, 15, 5]), SETS.numpy())
    assert torch.equal(weights[:4], class_weights(np.array([70, 10, 15, 5])))
    assert weights[4] == pytest.approx((1 / 4 / 0.2) ** 0.35) and weights[5] < weights[4]


def test_cross_entropy_of_a_set_is_of_its_summed_probability() -> None:
    labels = torch.tensor([[[4, 5, 1, IGNORE]]])
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    loss = cross_entropy(logits_of(PROBABILITIES), labels, weights, SETS)
    expected = -(5 * math.log(0.2 + 0.1) + 6 * math.log(0.1 + 0.2) + 2 * math.log(0.25)) / 13
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_every_term_is_the_plain_one_bit_for_bit_where_every_label_is_one_class() -> None:
    logits, labels = random_batch()
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert torch.equal(
        cross_entropy(logits, labels, weights, SETS), cross_entropy(logits, labels, weights[:4])
    )
    plain = torch.nn.functional.cross_entropy(logits, labels, weights[:4], ignore_index=IGNORE)
    assert cross_entropy(logits, labels, weights, SETS).item() == pytest.approx(plain.item(), rel=1e-6)
    assert torch.equal(union_jaccard(logits, labels, (2, 3), SETS), union_jaccard(logits, labels, (2, 3)))
    assert mean_jaccard(logits, labels, SETS).item() == pytest.approx(
        mean_jaccard(logits, labels).item(), rel=1e-6
    )


def test_the_marginal_of_one_class_is_its_cross_entropy() -> None:
    """The same labels under numbers of sets: one more row for each class."""
    logits, labels = random_batch()
    doubled = torch.cat([torch.eye(4, dtype=torch.bool)] * 2)
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0] * 2)
    as_sets = labels.where(labels == IGNORE, labels + 4)
    for term in (
        lambda some: cross_entropy(logits, some, weights, doubled),
        lambda some: union_jaccard(logits, some, (2, 3), doubled),
        lambda some: mean_jaccard(logits, some, doubled),
    ):
        assert term(as_sets).item() == pytest.approx(term(labels).item(), rel=1e-5)


def test_jaccard_leaves_out_pixels_that_do_not_tell() -> None:
    logits = logits_of(PROBABILITIES)
    sets = torch.cat([SETS, torch.tensor([[False, True, True, False]])])
    labels = torch.tensor([[[4, 5, 6, 0]]])  # skin, no skin, perhaps skin, no skin
    hits, predicted = 0.3, 0.3 + 0.7 + 0.2
    expected = 1 - (hits + 1) / (predicted + 1 - hits + 1)
    assert union_jaccard(logits, labels, (2, 3), sets).item() == pytest.approx(expected, rel=1e-5)
    without = torch.tensor([[[4, 5, IGNORE, 0]]])
    assert torch.equal(
        union_jaccard(logits, labels, (2, 3), sets), union_jaccard(logits, without, (2, 3), sets)
    )


def test_mean_jaccard_takes_each_set_that_occurs_as_one_class() -> None:
    labels = torch.tensor([[[4, 0, 3, 5]]])
    logits = logits_of(PROBABILITIES)
    # Label 4 is classes 2 and 3: the first pixel and the third, and the others are not.
    arms = (0.3 + 0.5 + 1) / (0.3 + 0.7 + 0.5 + 0.2 + 2 - 0.8 + 1)
    # Label 0 is class 0: the second pixel; the fourth may be it.
    background = (0.1 + 1) / (0.4 + 0.1 + 0.25 + 1 - 0.1 + 1)
    # Label 3 is class 3: the third pixel; the first may be it.
    leg = (0.3 + 1) / (0.4 + 0.3 + 0.1 + 1 - 0.3 + 1)
    # Label 5 is classes 0 and 1: the second pixel and the fourth.
    other = (0.3 + 0.8 + 1) / (0.7 + 0.3 + 0.5 + 0.8 + 2 - 1.1 + 1)
    expected = 1 - (arms + background + leg + other) / 4
    assert mean_jaccard(logits, labels, SETS).item() == pytest.approx(expected, rel=1e-5)


def test_gradients_are_those_of_finite_differences_and_none_comes_from_what_does_not_count() -> None:
    logits, labels = random_batch()
    labels[0, 1], labels[1, 2] = 4, 5
    logits = logits.double().requires_grad_()
    weights = torch.linspace(1, 2, 6, dtype=torch.float64)

    def loss(some: torch.Tensor) -> torch.Tensor:
        terms = cross_entropy(some, labels, weights, SETS), union_jaccard(some, labels, (2, 3), SETS)
        return sum(terms) + mean_jaccard(some, labels, SETS)

    assert torch.autograd.gradcheck(loss, (logits,))
    (gradient,) = torch.autograd.grad(loss(logits), logits)
    ignored = (labels == IGNORE)[:, None].expand_as(gradient)
    assert not gradient[ignored].any() and gradient[~ignored].any()


def test_a_set_pulls_each_of_its_classes_by_its_share() -> None:
    logits = logits_of([[0.4, 0.3, 0.2, 0.1]]).requires_grad_()
    cross_entropy(logits, torch.tensor([[[4]]]), torch.ones(6), SETS).backward()
    assert logits.grad is not None
    assert logits.grad.flatten().tolist() == pytest.approx([0.4, 0.3, 0.2 - 2 / 3, 0.1 - 1 / 3], abs=1e-6)
