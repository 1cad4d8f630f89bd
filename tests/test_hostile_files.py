"""Every kind of file that edgekit reads, edited in hundreds of ways: read, or refused in one sentence."""

from __future__ import annotations

import json
import os
import shutil
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from calibration.observers import OBSERVERS
from edgekit import weights
from edgekit.artifact import manifest_path_of, read_artifact
from edgekit.bundles.format import (
    INDEX,
    FileEntry,
)
from edgekit.bundles.reading import check_entries, unpack_bundle
from edgekit.errors import BundleError, ConversionError, EdgekitError, ShaderError, WeightsError
from edgekit.files import json_text, write_json
from edgekit.reading import JsonKind, parsed_json
from edgekit.recipes import recipe as recipes
from edgekit.shader.description import WRITTEN
from tests.support.hostile import TEXTS, UNREADABLE, mutants, within
from tests.support.schemas import follows
from tests.support.valid_files import (
    CASES,
    DIGEST,
    NO_NETWORK,
    Case,
    artifact_case,
    bundle_case,
    checkpoint_folder,
    config_case,
    description_case,
    manifest,
    recipe_case,
    sentence,
)


@pytest.mark.parametrize("kind", CASES)
def test_what_edgekit_writes_is_read(kind: str, tmp_path: Path) -> None:
    assert sentence(CASES[kind](tmp_path)) is None


@pytest.mark.parametrize("kind", CASES)
def test_files_that_are_none_and_texts_that_are_no_json(kind: str, tmp_path: Path) -> None:
    case = CASES[kind](tmp_path)
    lax = {"an object"} if kind in ("groups", "preprocessor") else set()
    for name, text in TEXTS.items():
        case.file.write_bytes(text)
        assert (sentence(case) is None) == (name in lax), name
    for name, make in UNREADABLE.items():
        case.file.unlink() if case.file.is_symlink() or not case.file.is_dir() else case.file.rmdir()
        make(case.file)
        if name != "absent":
            assert isinstance(within(10, case.read), EdgekitError), name
            assert sentence(case), name
        else:
            case.file.touch()


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASES)
def test_every_edit_is_read_or_refused_in_one_sentence(kind: str, tmp_path: Path) -> None:
    case = CASES[kind](tmp_path)
    refused, started = 0, time.monotonic()
    edits = list(mutants(case.value))
    for _, value in edits:
        case.file.write_text(json.dumps(value))
        refused += sentence(case) is not None
    assert refused > 0.5 * len(edits) or kind in ("recipe", "baseline", "preprocessor")
    assert time.monotonic() - started < 240


# ---- what the published schemas say -------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bundle", "description"])
def test_schema_and_declaration_agree(kind: str, tmp_path: Path) -> None:
    """What the schema refuses, the declaration refuses; and the reverse but for what a schema cannot say."""
    case = CASES[kind](tmp_path)
    package, name = {
        "bundle": ("edgekit.bundles", "bundle"),
        "description": ("edgekit.shader", "shader-description"),
    }[kind]
    declaration: JsonKind[Any] = {"bundle": INDEX, "description": WRITTEN}[kind]  # type: ignore[assignment]
    assert follows(case.value, package, name)
    wrong: tuple[Any, ...] = (None, True, -1, 0, 1.5, "", "x", "../x", [], {}, [1, "a"])
    for edit, value in mutants(case.value, wrong):
        try:
            parsed_json(json.dumps(value).encode(), "x", declaration, EdgekitError)
            accepted = True
        except EdgekitError:
            accepted = False
        # A list doubled by "with more" breaks uniqueItems, which read_description checks.
        assert accepted == follows(value, package, name) or (
            accepted and "regions" in edit and "more" in edit
        ), edit


@pytest.mark.slow
def test_a_bundle_index_of_300_000_integers_is_refused_at_once(tmp_path: Path) -> None:
    case = bundle_case(tmp_path)
    for key in ("class_names", "files", "styles", "controls", "groups"):
        case.file.write_text(json.dumps({**case.value, key: [1] * 300_000}, separators=(",", ":")))
        started = time.monotonic()
        assert sentence(case)
        assert time.monotonic() - started < 5
        bundle_case(tmp_path)


# ---- what no single field shows ------------------------------------------------------------------------


def edited(case: Case, change: Callable[[Any], object]) -> str | None:
    value = case.value
    change(value)
    case.file.write_text(json.dumps(value))
    return sentence(case)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v.update(target="coreml"), "it is of the target 'coreml', and the file is of 'tflite'"),
        (lambda v: v.update(size=96), "at size: expected int >= 128"),
        (lambda v: v.update(size=1_000_000), "at size: expected int <= 1024"),
        (lambda v: v.update(size=200), "at size: expected int that's a multiple of 64"),
        (lambda v: v.update(size_bytes=13.0), "at size_bytes: expected int, got float"),
        (lambda v: v.update(size_bytes=-1), "at size_bytes: expected int >= 0"),
        (lambda v: v.update(inputs=[]), "at inputs: expected array of length >= 1"),
        (lambda v: v.update(outputs=[]), "at outputs: expected array of length >= 1"),
        (lambda v: v.update(taps=[]), "at taps: expected object, got array"),
        (
            lambda v: v["inputs"][0].update(layout="NWHC"),
            "at inputs/0/layout: expected str matching regex '^(NHWC|NCHW)",
        ),
        (
            lambda v: v["inputs"][0].update(dtype="float64"),
            "at inputs/0/dtype: expected str matching regex '^(uint8|float16|float32)",
        ),
        (lambda v: v["inputs"][0].update(range=[255, 0]), "the range of 'image' ends below its start"),
        (lambda v: v["inputs"][0].update(range=[0]), "at inputs/0/range: expected array of length 2, got 1"),
        (lambda v: v["inputs"][0].update(shape=[1, 0, 0, 3]), "at inputs/0/shape/1: expected int >= 1"),
        (lambda v: v.update(sha256="0" * 63), "at sha256: expected str matching regex"),
        (lambda v: v.update(sha256="0" * 64), "does not match the sha256"),
        (lambda v: v.update(size_bytes=14), "does not match the sha256"),
        (lambda v: v.update(groups={"skin": [2]}), "a group has a class that class_names has not"),
        (
            lambda v: v["recipe"].update(mode="int8", compute="bf16"),
            "at recipe/compute: invalid enum value 'bf16'",
        ),
    ],
)
def test_an_edited_manifest_says_what_is_wrong(
    tmp_path: Path, change: Callable[[Any], object], words: str
) -> None:
    assert words in (edited(artifact_case(tmp_path), change) or "")


def test_a_file_in_place_of_a_package_and_the_reverse(tmp_path: Path) -> None:
    case = artifact_case(tmp_path)
    (tmp_path / "p.mlpackage").write_bytes(NO_NETWORK)
    with pytest.raises(ConversionError, match="is not a folder; a Core ML package is one"):
        read_artifact(tmp_path / "p.mlpackage")
    for name, make in UNREADABLE.items():
        path = tmp_path / f"{name}.tflite"
        make(path)
        shutil.copy(case.file, manifest_path_of(path))
        assert isinstance(within(10, partial(read_artifact, path)), ConversionError)
    for name in ("n" * 300 + ".tflite", "n" * 300 + ".mlpackage", "\udcff.tflite", "a\0b.tflite"):
        with pytest.raises(ConversionError):
            read_artifact(tmp_path / name)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"mode": "int8", "compute": "bf16"}, "at compute: invalid enum value 'bf16'"),
        ({"mode": "int8"}, "at mode: invalid enum value 'int8'"),
        ({"blocks": ["stem"]}, "at blocks: expected object, got array"),
        ({"blocks": {"stem": 8}}, "at blocks/…: expected str, got int"),
        ({"blocks": {"stem": ["w8"]}}, "at blocks/…: expected str, got array"),
        ({"blocks": {"stage9": "w8"}}, "There is no block 'stage9'"),
        (
            {"observer": "guess"},
            "There is no observer 'guess'; known: minmax, moving-average, percentile, mse",
        ),
        ({"name": 3}, "at name: expected str, got int"),
    ],
)
def test_a_wrong_recipe_says_what_is_wrong(tmp_path: Path, values: dict[str, Any], words: str) -> None:
    assert words in (edited(recipe_case(tmp_path), lambda value: value.update(values)) or "")


def test_a_recipe_needs_no_more_than_a_version_and_a_name(tmp_path: Path) -> None:
    write_json(tmp_path / "r.json", {"version": 1, "name": "mine"})
    assert recipes.read_recipe(tmp_path / "r.json") == recipes.Recipe("mine")


def test_recipes_name_the_observers_that_there_are() -> None:
    assert tuple(OBSERVERS) == recipes.OBSERVERS


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v["styles"].append(v["styles"][0]), "lists the style 'warm' twice"),
        (lambda v: v["controls"].append(v["controls"][0]), "lists the control 'tone' twice"),
        (lambda v: v["segmenters"].append(v["segmenters"][0]), "lists the segmenter for 'tflite' twice"),
        (lambda v: v["controls"][0].update(default=2), "default of the control 'tone' is outside its range"),
        (lambda v: v["golden"].update(end_to_end_delta_e00_p95=float("nan")), "is not JSON"),
        (lambda v: v["golden"].update(given_mask_max_levels=2.0), "expected int, got float"),
        (lambda v: v["files"][0].update(size_bytes=12.0), "at files/0/size_bytes: expected int, got float"),
        (lambda v: v["groups"].update(skin=[7]), "a group has a class that class_names has not"),
    ],
)
def test_a_bundle_that_contradicts_itself(
    tmp_path: Path, change: Callable[[Any], object], words: str
) -> None:
    assert words in (edited(bundle_case(tmp_path), change) or "")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("styles/A.json", "styles/a.json"),
        ("styles/caf\u00e9", "styles/cafe\u0301"),
        ("stra\u00dfe", "STRASSE"),
        ("a", "a/b"),
        ("A/b", "a"),
    ],
)
def test_paths_that_are_one_file_elsewhere(one: str, other: str) -> None:
    with pytest.raises(BundleError, match="The bundle lists"):
        check_entries([FileEntry(one, 1, DIGEST), FileEntry(other, 1, DIGEST)])
    check_entries([FileEntry("a b  c", 1, DIGEST), FileEntry("a b c", 1, DIGEST)])


@pytest.mark.parametrize("path", ["BUNDLE.json", "a\x1b[31m", "a\nb", "\u202egnp.exe"])
def test_paths_that_deceive(path: str) -> None:
    with pytest.raises(BundleError, match="The bundle lists") as caught:
        check_entries([FileEntry(path, 1, DIGEST)])
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("kind", ["pipe", "socket", "dangling", "endless"])
def test_a_bundle_holds_files_only(tmp_path: Path, kind: str) -> None:
    case = bundle_case(tmp_path)
    UNREADABLE[kind](tmp_path / "styles" / "x")
    assert "a bundle holds files only" in (sentence(case) or "")


@pytest.mark.slow
def test_zips_with_flipped_bytes_and_zips_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    bundle_case(tmp_path / "b")
    for name, method in (("d", zipfile.ZIP_DEFLATED), ("l", zipfile.ZIP_LZMA), ("b2", zipfile.ZIP_BZIP2)):
        archive = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(archive, "w", method) as pack:
            for path in sorted((tmp_path / "b").rglob("*.*")):
                pack.write(path, path.relative_to(tmp_path / "b").as_posix())
        whole = archive.read_bytes()
        unpack_bundle(archive, tmp_path / f"out-{name}")
        for at in range(0, len(whole), 19):
            archive.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
            try:
                unpack_bundle(archive, tmp_path / f"out-{name}-{at}")
            except BundleError as error:
                assert str(error).isprintable() and len(str(error)) < 400
    for name, make in UNREADABLE.items():
        make(tmp_path / f"{name}.zip")
        raised = within(10, partial(unpack_bundle, tmp_path / f"{name}.zip", tmp_path / "never"))
        assert isinstance(raised, BundleError), name


def test_a_texture_file_is_as_large_as_it_is_described(tmp_path: Path) -> None:
    case = description_case(tmp_path)
    texture = next(case.file.parent.glob("*.rgba8"))
    whole = texture.read_bytes()
    os.truncate(texture, 5 << 30)
    with pytest.raises(ShaderError, match=r"has 5368709120 bytes, more than the \d+ that are allowed"):
        case.read()
    texture.write_bytes(whole)
    assert sentence(case) is None

    def larger(value: Any) -> None:
        next(t for t in value["textures"] if t["file"] == texture.name)["size"] = [1 << 20, 1 << 20, 1 << 20]

    assert "its sha256 differs" in (edited(case, larger) or "")


# ---- checkpoints ---------------------------------------------------------------------------------------

ACCEPTED: tuple[dict[str, Any], ...] = (
    {"mlp_ratio": 2, "expand_ratio": 4, "hidden_dropout_prob": 0, "layer_norm_eps": 1},
    {"image_size": [512, 512]},
    {"image_size": 256},
    {"id2label": None, "num_labels": 18},
    {"label2id": "nonsense", "architectures": 3, "dtype": [], "quantization_config": {"bits": 4}},
    {"torch_dtype": "no such type", "return_dict": "x", "output_hidden_states": 7, "_name_or_path": None},
    {"semantic_loss_ignore_index": -100},
)
REFUSED: dict[str, tuple[Any, ...]] = {
    "id2label": (
        [], {}, "x", 18, ["Background"], {"a": "b"}, {"0": 1}, {"0": None}, {"1": "x"}, {"0": "x", "2": "y"},
        {"-1": "x"}, {"01": "x"}, {"0": ""}, {"0": "x" * 1000}, {"0": "\x1b[31mx"}, {"0": ["x"]},
        {str(i): "x" for i in range(256)}, {"9" * 30: "x"}, {"0.0": "x"}, {"²": "x"},
    ),
    "image_size": ([512, 384], [512], [], "512", 512.0, None, 0, -1, {"height": 512}),
    "neck_hidden_sizes": ([16] * 6, [0] * 7, [-1] * 7, [1.5] * 7, "x", None, [10**9] * 7),
    "hidden_sizes": ([144, 192], [143, 192, 240], [0, 0, 0], {}, [10**30] * 3),
    "num_attention_heads": (0, -4, 4.0, "4", None, 7, 10**9),
    "atrous_rates": ([], [6, 12], [6, 12, 0], [6, 12, -18], [6, 12, 10**9], 6),
    "mlp_ratio": (0, -2, 1e9, "2", True, None),
    "expand_ratio": (0, -2, 1e9, "2", True, None),
    "output_stride": (0, 12, 64, "16", [16], None, 16.0),
    "patch_size": (1, 4, [2, 2], "2", 0),
    "hidden_act": ("gelu", "", None, 3, {"silu": 1}, "x" * 100_000),
    "num_channels": (1, 4, 3.0, None),
    "conv_kernel_size": (2, 5, -3, "3"),
    "aspp_out_channels": (0, -1, 10**12, 256.0),
    "qkv_bias": (1, "true", None),
    "layer_norm_eps": (0, -1, "x"),
    "hidden_dropout_prob": (-0.1, 1.5, "0.1"),
    "model_type": (None, 3, "segformer", ["mobilevit"], "\x1b[31m", "x" * 100_000),
}  # fmt: skip


def test_configurations_that_are_refused_before_transformers_sees_them(tmp_path: Path) -> None:
    case = config_case(tmp_path)
    valid = case.value
    assert sum(map(len, REFUSED.values())) > 80
    for wrong in ({name: value} for name, values in REFUSED.items() for value in values):
        case.file.write_text(json.dumps(valid | wrong))
        with pytest.raises(WeightsError) as caught:
            weights.load_checkpoint(tmp_path)
        assert str(caught.value).isprintable() and len(str(caught.value)) < 300, wrong


@pytest.mark.parametrize("values", ACCEPTED, ids=lambda values: ", ".join(values))
def test_configurations_that_are_accepted(tmp_path: Path, values: dict[str, Any]) -> None:
    case = config_case(tmp_path)
    case.file.write_text(json.dumps(case.value | values))
    config = weights._config(tmp_path)
    assert len(config.id2label or {}) == config.num_labels == 18
    assert isinstance(config.image_size, int) and isinstance(config.mlp_ratio, float)


def test_a_configuration_is_what_it_was(tmp_path: Path) -> None:
    from transformers import MobileViTConfig

    case = config_case(tmp_path)
    assert weights._config(tmp_path).to_dict() == MobileViTConfig.from_dict(case.value).to_dict()
    write_json(tmp_path / "config.json", {"model_type": "mobilevit"}, replace=True)
    ours, theirs = weights._config(tmp_path).to_dict(), MobileViTConfig().to_dict()
    assert {k for k in theirs if json_text(ours[k]) != json_text(theirs[k])} == {"architectures", "dtype"}


@pytest.mark.parametrize("dtype", [torch.bool, torch.int32, torch.uint8, torch.complex64])
def test_weights_that_are_no_floats(tmp_path: Path, dtype: torch.dtype) -> None:
    checkpoint_folder(tmp_path)
    file = tmp_path / weights.WEIGHTS_FILE
    tensors = load_file(file)
    key = "segmentation_head.classifier.convolution.bias"
    tensors[key] = tensors[key].to(dtype)
    file.unlink()
    save_file(tensors, file)
    with pytest.raises(WeightsError, match=rf"{key} holds {dtype} values, not floating-point numbers"):
        weights.load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "name", [weights.WEIGHTS_FILE, "config.json", "groups.json", "preprocessor_config.json"]
)
def test_a_checkpoint_whose_files_are_none(tmp_path: Path, name: str) -> None:
    for kind, make in UNREADABLE.items():
        folder = tmp_path / kind
        folder.mkdir()
        checkpoint_folder(folder)
        (folder / name).unlink()
        make(folder / name)
        optional = kind == "absent" and name in ("groups.json", "preprocessor_config.json")
        if not optional:
            assert isinstance(within(60, partial(weights.load_checkpoint, folder)), WeightsError)


@pytest.mark.parametrize("source", ["n" * 300, "a\0b", "\udcff", "\x1b[31m"])
def test_checkpoints_of_impossible_names(source: str) -> None:
    with pytest.raises(WeightsError) as caught:
        weights.load_checkpoint(source)
    assert str(caught.value).isprintable()


def test_a_coreml_manifest_is_of_coreml(tmp_path: Path) -> None:
    (tmp_path / "p.mlpackage").mkdir()
    write_json(tmp_path / "p.mlpackage.json", asdict(replace(manifest("coreml"), sha256="0" * 64)))
    with pytest.raises(ConversionError, match="does not match the sha256"):
        read_artifact(tmp_path / "p.mlpackage")
