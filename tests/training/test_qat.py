"""Rounding by hand, gradients straight through, and nothing left behind in the checkpoint's keys."""

from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers.activations import SiLUActivation

from edgekit.model.reference import ReferenceSegmenter, fuse_attention
from edgekit.recipes import BLOCKS, block_of_module
from edgekit.training import loop, qat
from edgekit.training.label_sets import LabelSets
from edgekit.training.loop import trainable
from edgekit.training.settings import Settings
from edgekit.weights import Checkpoint
from tests.support.pictures import picture
from tests.training.toy import SIZE, checked, write_set


def everything(module: str) -> str:
    return "w8a8"


def test_weights_are_rounded_per_output_channel() -> None:
    weight = torch.tensor([[1.27, 0.014], [-12.7, 0.14]], requires_grad=True)
    rounded = qat.rounded_weight(weight)
    assert torch.allclose(rounded, torch.tensor([[1.27, 0.01], [-12.7, 0.1]]))  # scales 0.01 and 0.1
    rounded.sum().backward()
    assert torch.equal(weight.grad, torch.ones(2, 2))  # type: ignore[arg-type]


def test_a_channel_of_zeros_stays_zero() -> None:
    assert torch.equal(qat.rounded_weight(torch.zeros(3, 2)), torch.zeros(3, 2))


def test_inputs_are_rounded_within_their_range_and_cut_outside() -> None:
    x = torch.tensor([-2.0, 0.0, 0.014, 1.0, 9.0], requires_grad=True)
    rounded = qat.rounded_input(x, torch.tensor(-0.5), torch.tensor(2.05))  # scale 0.01, zero at 50
    assert torch.allclose(rounded, torch.tensor([-0.5, 0.0, 0.01, 1.0, 2.05]), atol=1e-6)
    rounded.sum().backward()
    assert x.grad.tolist() == [0, 1, 1, 1, 0]  # type: ignore[union-attr]


def test_silu_is_x_times_an_eight_bit_sigmoid() -> None:
    layer = SiLUActivation()
    plain = SiLUActivation()
    qat.prepare(layer, everything)
    x = torch.linspace(-3, 5, 101)[None].requires_grad_()
    y = layer(x)  # the first input sets the range: scale 8/255
    step = 8 / 255
    error = (y - plain(x)).abs().max().item()
    assert 1e-3 < error <= 1.1 * step + 5 / 512  # half a step and the shifted zero; gate within half of 1/256
    y.sum().backward()
    assert x.grad is not None and (x.grad[0, 50:-1] > 0.4).all()


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5), nn.Flatten(), nn.Linear(20, 2))


def test_prepare_adds_ranges_and_changes_no_weight() -> None:
    plain, rounding = network(), network()
    qat.prepare(rounding, everything)
    extra = rounding.state_dict().keys() - plain.state_dict().keys()
    assert extra == {"0.input_range", "3.input_range"}
    for key, value in plain.state_dict().items():
        assert torch.equal(value, rounding.state_dict()[key])


def test_ranges_lie_where_the_network_does() -> None:
    model = network().to("meta")  # as on a GPU: the network is moved before it is prepared
    qat.prepare(model, everything)
    assert {model[i].input_range.device.type for i in (0, 3)} == {"meta"}


def test_modes_say_what_is_rounded() -> None:
    modes = {"0": "w8a8", "3": "w8"}
    model = network()
    qat.prepare(model, lambda name: modes.get(name, "float"))
    assert isinstance(model[0], qat.RoundedConv2d) and isinstance(model[3], qat.WeightRoundedLinear)
    assert "0.input_range" in model.state_dict() and "3.input_range" not in model.state_dict()
    x = torch.full((1, 20), 0.003)
    assert torch.equal(
        model[3](x), nn.functional.linear(x, qat.rounded_weight(model[3].weight), model[3].bias)
    )
    untouched = network()
    qat.prepare(untouched, lambda name: "float")
    assert all(type(a) is type(b) for a, b in zip(untouched, network(), strict=True))


def test_the_modes_of_a_recipe_reach_the_modules(checkpoint: Checkpoint) -> None:
    model = trainable(checkpoint, torch.device("cpu"))
    modes = {"stem": "float", "aspp": "w8", "stage3.fusion": "w8a8"}
    qat.prepare(model, partial(loop._mode, modes))
    rounding = {block_of_module(n) for n, m in model.named_modules() if hasattr(m, qat.RANGE_KEY)}
    weights = {block_of_module(n) for n, m in model.named_modules() if isinstance(m, qat.WeightRoundedConv2d)}
    assert rounding == {"stage3.fusion"} and weights == {"stage3.fusion", "aspp"}


def test_the_student_pools_its_attention_and_the_teacher_does_not(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    pool = {"stage3": 2, "stage4": 2}
    settings = Settings(
        epochs=1,
        sizes=(SIZE,),
        val_size=SIZE,
        batch=2,
        lr=1e-4,
        qat=dict.fromkeys(BLOCKS, "float"),
        pool=pool,
    )
    folder = checked(write_set(tmp_path / "toy", 2))
    learner = loop._learner(checkpoint, [folder], LabelSets.of(checkpoint.class_names), settings, [], 2)
    x = torch.from_numpy(picture(128, 192).copy()).permute(2, 0, 1)[None].float()
    plain, pooled = ReferenceSegmenter(checkpoint), ReferenceSegmenter(checkpoint)
    fuse_attention(pooled, pool)
    with torch.no_grad():
        assert isinstance(learner.objective, loop.FromNetwork)
        assert torch.allclose(learner.objective.network(x), plain(x), atol=1e-4)
        assert not torch.allclose(plain(x), pooled(x), atol=1e-2)
        for student in (learner.model.eval(), learner.average):
            assert torch.allclose(student(x), pooled(x), atol=1e-4)
    assert learner.model.state_dict().keys() == plain.state_dict().keys()


def test_the_student_learns_as_it_is_and_as_an_artifact_computes_it(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    """Parity compares an artifact with the weights unrounded and unpooled, so both have the teacher's target."""
    modes = dict.fromkeys(BLOCKS, "w8a8")
    settings = Settings(
        epochs=1, sizes=(SIZE,), val_size=SIZE, batch=2, lr=1e-4, qat=modes, pool={"stage3": 2}
    )
    folder = checked(write_set(tmp_path / "toy", 2))
    x = torch.from_numpy(picture(128, 192).copy()).permute(2, 0, 1)[None].float()
    first = [(x.byte(), torch.zeros(1))]
    learner = loop._learner(checkpoint, [folder], LabelSets.of(checkpoint.class_names), settings, first, 2)
    plain = ReferenceSegmenter(checkpoint)
    with torch.no_grad():
        rounded, unrounded = learner.model.eval()(x), plain(x)
        both = learner.logits(x)
        assert torch.equal(both[:1], rounded) and torch.allclose(both[1:], unrounded, atol=1e-4)
        assert not torch.allclose(rounded, unrounded, atol=1e-2)
        assert torch.equal(learner.model(x), rounded)  # as it was before
        labels = torch.zeros(1, 1, 1).long()
        halves = [learner.objective(x, half, labels) for half in (rounded, unrounded)]
        assert torch.allclose(learner.objective(x, both, labels), sum(halves) / 2, rtol=1e-4)  # type: ignore[operator]


def test_unrounded_is_the_network_before_and_ends_with_the_block() -> None:
    plain, rounding = network().eval(), network().eval()
    qat.prepare(rounding, everything)
    x = torch.randn(1, 3, 4, 4)
    qat.observe(rounding, [x])
    kinds = [type(module) for module in rounding]
    with pytest.raises(ZeroDivisionError), qat.unrounded(rounding):
        assert torch.equal(rounding(x), plain(x))
        raise ZeroDivisionError
    assert [type(module) for module in rounding] == kinds and not torch.equal(rounding(x), plain(x))


def test_pooled_keys_are_rounded_after_they_are_averaged(checkpoint: Checkpoint) -> None:
    """As in the exported graph: the average is in float, and its range is the key projection's own."""
    model = trainable(checkpoint, torch.device("cpu"), pool={"stage3": 4})
    qat.prepare(model, everything)
    attention = model.model.mobilevit.encoder.layer[2].transformer.layer[0].attention.attention
    seen: dict[str, torch.Size] = {}
    for name in ("query", "key", "value"):
        projection = getattr(attention, name)
        assert isinstance(projection, qat.RoundedLinear)
        projection.register_forward_pre_hook(
            lambda module, inputs, name=name: seen.update({name: inputs[0].shape[1]})
        )
    with torch.no_grad():
        model(torch.zeros(1, 3, 128, 192))
    assert seen == {"query": 8 * 12, "key": 2 * 3, "value": 2 * 3}


def test_rounding_changes_the_output_a_little() -> None:
    plain, rounding = network().eval(), network().eval()
    qat.prepare(rounding, everything)
    x = torch.randn(1, 3, 4, 4)  # of one picture the averages are its own extremes: nothing is cut
    qat.observe(rounding, [x] * 3)
    error = (plain(x) - rounding(x)).abs().max().item()
    assert 1e-4 < error < 0.1


def test_ranges_start_at_the_first_input_follow_slowly_and_rest_in_eval() -> None:
    layer = nn.Linear(2, 1)
    qat.prepare(layer, everything)
    layer(torch.tensor([[-1.0, 3.0]]))
    assert layer.input_range.tolist() == [-1, 3]
    layer(torch.tensor([[-2.0, 5.0]]))
    assert layer.input_range.tolist() == pytest.approx([-1.01, 3.02])
    layer.eval()(torch.tensor([[-90.0, 90.0]]))
    assert layer.input_range.tolist() == pytest.approx([-1.01, 3.02])


def test_ranges_average_the_extremes_of_the_pictures_of_a_batch() -> None:
    layer = nn.Linear(2, 1)
    qat.prepare(layer, everything)
    layer(torch.tensor([[-1.0, 3.0], [2.0, 5.0], [-2.0, -1.0]]))
    assert layer.input_range.tolist() == pytest.approx([-1.0, 8 / 3])  # −1, 0, −2 and 3, 5, 0


def test_batchnorm_statistics_are_frozen() -> None:
    model = network()
    before = model[1].running_mean.clone()
    qat.freeze_statistics(model.train())
    model(torch.randn(8, 3, 4, 4) + 5)
    assert torch.equal(model[1].running_mean, before)


def test_a_network_that_imitates_is_trained_without_dropout(checkpoint: Checkpoint) -> None:
    def rates(model: nn.Module) -> set[float]:
        return {module.p for module in model.modules() if isinstance(module, nn.Dropout)}

    assert max(rates(trainable(checkpoint, torch.device("cpu")))) > 0
    assert rates(trainable(checkpoint, torch.device("cpu"), dropout=0.0)) == {0.0}
