from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from edgekit.errors import WeightsError
from edgekit.weights import BUNDLED_FOLDER, Checkpoint, license_of, load_checkpoint, require_skin
from tests.support.checkpoints import ATR_GROUPS, SIDE


def rewrite(folder: Path, change: object) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)  # type: ignore[operator]
    save_file(tensors, folder / "model.safetensors")


def test_a_folder_in_hugging_face_form_becomes_a_checkpoint(checkpoint: Checkpoint) -> None:
    assert checkpoint.name == "seeded"
    assert len(checkpoint.class_names) == 18
    assert [checkpoint.class_names[i] for i in checkpoint.groups.skin] == ATR_GROUPS["skin"]
    assert checkpoint.bgr
    assert checkpoint.size_default == SIDE
    assert all(t.dtype in (torch.float32, torch.int64) for t in checkpoint.state_dict.values())


def test_voc_checkpoint_loads_and_has_no_skin(voc_folder: Path) -> None:
    checkpoint = load_checkpoint(voc_folder)
    assert len(checkpoint.class_names) == 21
    with pytest.raises(WeightsError, match="no skin class"):
        require_skin(checkpoint.groups, checkpoint.class_names, checkpoint.folder)


def test_groups_come_from_known_names_without_groups_json(checkpoint: Checkpoint, atr_folder: Path) -> None:
    (atr_folder / "groups.json").unlink()
    assert load_checkpoint(atr_folder).groups == checkpoint.groups


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ({"skin": ["Nose"]}, "'Nose'.*not in id2label"),
        ({"skin": ["Face"], "hair": ["Face"]}, "both 'skin' and 'hair'"),
        ({"fur": ["Hair"]}, "at fur: unknown field; known: skin, hair, clothes"),
        ({"skin": "Face"}, "at skin: expected array, got str"),
    ],
)
def test_wrong_groups_are_named(atr_folder: Path, groups: object, words: str) -> None:
    (atr_folder / "groups.json").write_text(json.dumps(groups))
    with pytest.raises(WeightsError, match=words):
        load_checkpoint(atr_folder)


@pytest.mark.slow
def test_missing_and_unexpected_tensors_are_named(atr_folder: Path) -> None:
    def swap(tensors: dict[str, torch.Tensor]) -> None:
        tensors["segmentation_head.extra.weight"] = tensors.pop(
            "segmentation_head.classifier.convolution.weight"
        )

    rewrite(atr_folder, swap)
    with pytest.raises(WeightsError) as caught:
        load_checkpoint(atr_folder)
    assert "1 missing (segmentation_head.classifier.convolution.weight)" in str(caught.value)
    assert "1 unexpected (segmentation_head.extra.weight)" in str(caught.value)


def test_wrong_shape_names_the_tensor_and_both_shapes(atr_folder: Path) -> None:
    key = "segmentation_head.classifier.convolution.weight"
    rewrite(atr_folder, lambda t: t.update({key: t[key][:7].clone()}))
    with pytest.raises(WeightsError, match=r"\(7, 64, 1, 1\).*\(18, 64, 1, 1\)"):
        load_checkpoint(atr_folder)


def test_values_that_are_not_finite_are_refused(atr_folder: Path) -> None:
    key = "mobilevit.conv_stem.convolution.weight"
    rewrite(atr_folder, lambda t: t[key].view(-1)[5].fill_(float("nan")))
    with pytest.raises(WeightsError, match=f"{key} holds values that are not finite"):
        load_checkpoint(atr_folder)


def test_truncated_file_is_refused(atr_folder: Path) -> None:
    file = atr_folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match="damaged or truncated"):
        load_checkpoint(atr_folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_pickles_are_refused_with_a_reason(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04.")
    for source in (tmp_path, tmp_path / name):
        with pytest.raises(WeightsError, match="is a pickle, which can run code"):
            load_checkpoint(source)


def test_missing_folder_and_plain_file_are_explained(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="does not exist"):
        load_checkpoint(tmp_path / "nowhere")
    with pytest.raises(WeightsError, match="is a file; pass the folder"):
        load_checkpoint(BUNDLED_FOLDER / "config.json")
    with pytest.raises(WeightsError, match=r"no model\.safetensors"):
        load_checkpoint(tmp_path)


def test_hub_id_without_network_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match=r"nobody/nothing-here could not be fetched.*`weights`\.$"):
        load_checkpoint("nobody/nothing-here")


@pytest.mark.parametrize(
    ("change", "words"),
    [({"model_type": "segformer"}, "'segformer' model"), ({"hidden_act": "gelu"}, "hidden_act")],
)
def test_other_architectures_are_refused(atr_folder: Path, change: dict[str, str], words: str) -> None:
    values = json.loads((atr_folder / "config.json").read_text())
    (atr_folder / "config.json").write_text(json.dumps(values | change))
    with pytest.raises(WeightsError, match=words):
        load_checkpoint(atr_folder)


@pytest.mark.parametrize(
    ("card", "license"),
    [
        ("---\nlicense: apache-2.0\n---\n# A parser", "apache-2.0"),
        ("---\r\nlicense: other\r\nlicense_name: research-only\r\n---\r\n", "research-only"),
        (
            "---\nlicense: [a, b]\ntags: [vision]\n---\n",
            None,
        ),  # as some cards have it: it names no one licence
        ("---\ntags: [vision]\n---\n", None),
        ("---\nlicense: " + "a" * 300 + "\n---\n", "a" * 199 + "…"),
        ("# A parser\n\n---\nlicense: mit\n---\n", None),
        (None, None),
    ],
)
def test_the_card_states_the_licence(tmp_path: Path, card: str | None, license: str | None) -> None:
    if card is not None:
        (tmp_path / "README.md").write_bytes(card.encode())
    assert license_of(tmp_path) == license


@pytest.mark.parametrize("metadata", ["license: [a", "- a", "{" * 50])
def test_a_card_that_cannot_be_read_is_refused(tmp_path: Path, metadata: str) -> None:
    (tmp_path / "README.md").write_text(f"---\n{metadata}\n---\n")
    with pytest.raises(WeightsError, match=r"README.md: its metadata, between the lines ---, are not YAML\."):
        license_of(tmp_path)
