"""`parity-check --explain`: drift, the operator, the ablation, the sentence, the folder."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from converters import tflite
from converters.conversion import Conversion
from converters.tflite_int8 import quantized
from edgekit.artifact import Artifact, manifest_path_of
from edgekit.causes import explaining, rebuilt
from edgekit.causes.ablation import ablated, why_not_ablated
from edgekit.causes.explaining import explain, explained
from edgekit.causes.rebuilt import Conversions, Rebuilt, ranges_in
from edgekit.causes.repro import REPRO, write_repro
from edgekit.errors import EdgekitError
from edgekit.files import json_text, sha256_of, size_bytes_of, write_json
from edgekit.images import astronaut
from edgekit.parity import present
from edgekit.parity.blame import FLOAT, W8, Explanation, Measured
from edgekit.parity.check import parity_check
from edgekit.parity.compare import check_parity
from edgekit.parity.drift import as_read, block_drift, drift, local_errors, tensors_of
from edgekit.parity.gates import Gates
from edgekit.parity.graphs import nodes_of, place_of_parameter, place_of_tensor
from edgekit.parity.pictures import worst_pictures
from edgekit.parity.present_stages import gain, print_explained, sentences
from edgekit.recipes import BLOCKS, RECIPES, Recipe
from edgekit.weights import Checkpoint
from tests.parity.faults import edited, zeroed
from tests.support.cli import edgekit
from tests.support.pictures import picture

PORTRAIT = astronaut()


@pytest.fixture(scope="module")
def conversions(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Conversions:
    return Conversions(checkpoint, tmp_path_factory.mktemp("rebuilt"))


@pytest.fixture(scope="module")
def made(artifacts: dict[str, Artifact], conversions: Conversions) -> Rebuilt:
    """The float export, as `--explain` makes it."""
    return conversions.rebuilt(artifacts["tflite"])


@pytest.fixture(scope="module")
def int8(artifacts: dict[str, Artifact], made: Rebuilt, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A .tflite of three int8 blocks, whose manifest is the float one's but for the recipe."""
    recipe = Recipe("three", blocks={"stage3.fusion": "w8a8", "aspp": "w8a8", "stage4.local": "w8"})
    nodes = nodes_of(made.export.path)
    values = tensors_of(artifacts["tflite"], [node.outputs[0] for node in nodes], PORTRAIT.at(128))
    ranges = {name: (float(v.min()), float(v.max())) for name, v in values.items()}
    path = tmp_path_factory.mktemp("int8") / "three.tflite"
    path.write_bytes(quantized(made.export.path.read_bytes(), recipe, ranges))
    manifest = replace(artifacts["tflite"].manifest, recipe=recipe, recipe_name=recipe.name)
    manifest = replace(manifest, taps={"logits": made.export.logits_name})
    return Artifact(path, manifest)


def test_every_block_has_a_drift_in_both_targets(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint
) -> None:
    image = PORTRAIT.at(128)
    for artifact, least in ((artifacts["tflite"], 80.0), (artifacts["coreml"], 30.0)):
        nodes = nodes_of(artifact.path)
        tensors = tensors_of(artifact, [name for node in nodes for name in node.outputs], image)
        found = block_drift(drift(checkpoint, artifact, nodes, tensors, image))
        assert {each.block for each in found} == set(BLOCKS)
        assert [each.snr_db for each in found] == sorted(each.snr_db for each in found)
        assert all(each.snr_db > least and each.cosine > 0.999 for each in found)


def test_a_healthy_operator_keeps_its_own_inputs_in_both_targets(artifacts: dict[str, Artifact]) -> None:
    image = PORTRAIT.at(128)
    for artifact in artifacts.values():
        nodes = nodes_of(artifact.path)
        tensors = dict(tensors_of(artifact, [name for node in nodes for name in node.outputs], image))
        operators = local_errors(nodes, tensors | as_read(artifact, image), artifact.manifest.recipe)
        assert len(operators) > 0.95 * sum(len(node.outputs) for node in nodes)
        assert not any(each.departs for each in operators)


def test_places_are_the_modules_of_the_prepared_model() -> None:
    assert place_of_tensor("segmenter/stage3/0/attention/query:2") == "stage3.0.attention.query"
    assert (
        place_of_parameter("p_segmenter_stage3_layers_0_attention_query_weight_to_fp16")
        == "stage3.0.attention.query"
    )
    assert (
        place_of_parameter("p_segmenter_aspp_pooled_projection_conv_weight") == "aspp.pooled_projection.conv"
    )
    assert place_of_parameter("p_segmenter_stage4_to_tokens_conv_weight_quantized") == "stage4.to_tokens.conv"


def test_ranges_read_from_a_file_give_that_file_again(int8: Artifact, made: Rebuilt) -> None:
    again = quantized(made.export.path.read_bytes(), int8.manifest.recipe, ranges_in(int8.path))
    path = int8.path.with_name("again.tflite")
    path.write_bytes(again)
    first, second = ranges_in(int8.path), ranges_in(path)
    assert first.keys() == second.keys() and len(first) > 10
    for name, ends in first.items():
        np.testing.assert_allclose(second[name], ends, rtol=1e-5, atol=1e-6)


def test_a_block_in_float_returns_what_it_lost(int8: Artifact, made: Rebuilt, checkpoint: Checkpoint) -> None:
    image = PORTRAIT.at(128)
    nodes = nodes_of(made.export.path)
    tensors = dict(tensors_of(int8, [name for node in nodes for name in node.outputs], image))
    operators = local_errors(nodes, tensors | as_read(int8, image), int8.manifest.recipe)
    before, found = ablated(int8, checkpoint, made, [PORTRAIT], operators)
    assert {each.block for each in found} == {"stage3.fusion", "aspp", "stage4.local"}
    best = found[0].measured
    assert best.skin_delta_e00_p95 is not None and before.skin_delta_e00_p95 is not None
    assert best.skin_delta_e00_p95 < before.skin_delta_e00_p95
    assert (
        best.size_bytes is not None and before.size_bytes is not None and best.size_bytes > before.size_bytes
    )
    assert all(each.measured.cost is not None for each in found)


def test_two_artifacts_are_explained_from_one_conversion(
    artifacts: dict[str, Artifact],
    int8: Artifact,
    checkpoint: Checkpoint,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both, made, convert = [int8, artifacts["tflite"]], list[Conversion](), tflite.float_model

    def counted(conversion: Conversion) -> bytes:
        made.append(conversion)
        return convert(conversion)

    report = check_parity(both, checkpoint, [PORTRAIT], Gates())
    monkeypatch.setattr(tflite, "float_model", counted)
    row, other = explained(report, both, checkpoint).artifacts
    assert [conversion.recipe.name for conversion in made] == ["fp32"]
    assert other.explanation is not None and other.explanation.cure == "none is needed"
    assert row.stages is not None and row.explanation is not None
    assert {FLOAT, W8} <= {stage.name for stage in row.stages.stages if stage.loss is not None}
    assert '"float"' in row.explanation.cure and row.explanation.after is not None
    print_explained(row)
    printed = capsys.readouterr().out
    assert "losses by stage" in printed and "measured after it: label agreement" in printed
    found = json.loads(json_text(present.as_json(replace(report, artifacts=(row, other)))))["artifacts"][0]
    assert found["stages"]["total"].keys() == {
        "labels",
        "groups",
        "skin_delta_e00_p95",
        "skin_delta_e00_mean",
    }
    assert found["explanation"]["ablations"][0]["block"] in BLOCKS


def test_what_differs_is_converted_for_each(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Models of another size, output or pooling are others; another recipe's stages share their float export."""
    made = list[Conversion]()

    def counted(conversion: Conversion) -> bytes:
        made.append(conversion)
        return b"%d" % len(made)

    monkeypatch.setattr(tflite, "float_model", counted)
    monkeypatch.setattr(rebuilt, "quantized", lambda data, recipe, ranges: data + b" in int8")
    plain, conversions = artifacts["tflite"], Conversions(checkpoint, tmp_path)

    def stages(recipe: Recipe, **changed: object) -> list[bytes]:
        manifest = replace(plain.manifest, recipe=recipe, **changed)  # type: ignore[arg-type]
        found = conversions.rebuilt(replace(plain, manifest=manifest))
        return [variant.path.read_bytes() for variant in found.variants]

    assert stages(RECIPES["w8a8"]) == [b"1", b"1 in int8"]
    assert stages(RECIPES["w8"]) == stages(RECIPES["fp32"]) == [b"1"]
    assert stages(replace(RECIPES["w8a8"], pool={"stage3": 2})) == [b"2", b"2 in int8"]
    assert stages(RECIPES["fp32"], output="logits") == [b"3"]
    assert stages(RECIPES["w8a8"]) == [b"1", b"1 in int8"] and len(made) == 3


def test_a_damaged_operator_is_named_and_cured_by_converting_again(
    copied: dict[str, Artifact], conversions: Conversions, checkpoint: Checkpoint
) -> None:
    broken = edited(copied["tflite"], zeroed("segmenter/stage4/fusion/conv"))
    stages, found = explain(broken, checkpoint, [PORTRAIT], conversions)
    assert [stage.name for stage in stages.blamed] == [FLOAT]
    assert "CONV_2D" in found.cause and "stage4.fusion.conv" in found.cause
    assert found.cure.startswith("convert again") and found.not_ablated == "no block of the recipe is int8"
    assert found.before is not None and found.after is not None
    assert found.before.label_agreement < 0.99 < found.after.label_agreement


def test_a_healthy_artifact_needs_no_cure(
    artifacts: dict[str, Artifact], conversions: Conversions, checkpoint: Checkpoint
) -> None:
    stages, found = explain(artifacts["tflite"], checkpoint, [PORTRAIT], conversions)
    assert stages.blamed == () and found.operator is None
    assert (found.cause, found.cure, found.after) == ("no stage exceeds its bound", "none is needed", None)
    assert "measured after it" not in " ".join(sentences(found))


def test_coreml_is_not_ablated_and_says_why(artifacts: dict[str, Artifact]) -> None:
    manifest = replace(artifacts["coreml"].manifest, recipe=Recipe("w8", mode="w8"))
    assert "cannot time Core ML" in why_not_ablated(replace(artifacts["coreml"], manifest=manifest))


def test_the_worst_photos_are_explained(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint, tmp_path: Path
) -> None:
    for seed in range(3):
        Image.fromarray(picture(90, 70, seed)).save(tmp_path / f"{seed}.png")
    (row,) = parity_check([artifacts["tflite"]], checkpoint, images=tmp_path).artifacts
    found = worst_pictures(row, checkpoint, tmp_path, 2)
    assert [each.name for each in found] == list(row.worst_photos[:2])


def test_an_artifact_that_loses_nothing_is_explained_on_the_first_photos(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "cba":
        Image.fromarray(picture(90, 70)).save(tmp_path / f"{name}.png")
    report = parity_check([artifacts["tflite"]], checkpoint, images=tmp_path)
    report = replace(report, artifacts=(replace(report.artifacts[0], worst_photos=()),))
    seen: list[str] = []

    def stand_in(*given: Any) -> tuple[None, None]:
        seen.extend(picture.name for picture in given[2])
        return None, None

    monkeypatch.setattr(explaining, "explain", stand_in)
    explained(report, [artifacts["tflite"]], checkpoint, tmp_path)
    assert seen == ["a.png", "b.png"]


def test_the_gain_is_a_sentence() -> None:
    before, after = Measured(0.971, 1.16, 7_900_000, 0.54), Measured(0.983, 0.82, 8_400_000, 0.57)
    assert gain(before, after) == (
        "label agreement 97.10% → 98.30%, skin ΔE p95 1.16 → 0.82, size 7.9 → 8.4 MB, "
        "time 0.54 → 0.57 of the float model's"
    )
    assert gain(Measured(0.9, None), Measured(1.0, None)) == "label agreement 90.00% → 100.00%"


FOUND = Explanation((), (), (), None, (), "", 'a "cause"', "a cure", None, None)


def test_the_folder_shows_the_fault_alone(
    copied: dict[str, Artifact], checkpoint: Checkpoint, tmp_path: Path
) -> None:
    broken = signed(edited(copied["tflite"], zeroed("segmenter/stage4/fusion/conv")))
    folder = tmp_path / "repro"
    write_repro(folder, broken, checkpoint, PORTRAIT, FOUND)
    shown = subprocess.run(
        [sys.executable, str(folder / "show.py")], capture_output=True, text=True, check=True
    )
    assert "label agreement 0." in shown.stdout
    assert len((folder / "show.py").read_text().splitlines()) == 11
    with pytest.raises(EdgekitError, match="exists already"):
        write_repro(folder, broken, checkpoint, PORTRAIT, FOUND)
    write_repro(folder, broken, checkpoint, PORTRAIT, FOUND, replace=True)
    (folder / "mine.txt").touch()
    with pytest.raises(EdgekitError, match=r"holds mine\.txt"):
        write_repro(folder, broken, checkpoint, PORTRAIT, FOUND, replace=True)
    assert REPRO.contents(tmp_path) is None


def signed(artifact: Artifact) -> Artifact:
    """The artifact with a manifest beside it that has its bytes' sha256."""
    path = artifact.path
    manifest = replace(artifact.manifest, sha256=sha256_of(path), size_bytes=size_bytes_of(path))
    write_json(manifest_path_of(path), asdict(manifest), replace=True)
    return Artifact(path, manifest)


def test_the_command_explains(artifacts: dict[str, Artifact], checkpoint: Checkpoint, tmp_path: Path) -> None:
    """A folder in the way is refused before any work."""
    (tmp_path / "repro").mkdir()
    (tmp_path / "repro" / "mine.txt").touch()
    arguments = ["--weights", str(checkpoint.folder), "--repro", str(tmp_path / "repro")]
    refused = edgekit("parity-check", str(artifacts["tflite"].path), *arguments)
    assert refused.code == 3 and "exists already" in refused.sentence
    arguments[-1] = str(tmp_path / "new")
    done = edgekit("parity-check", str(artifacts["tflite"].path), *arguments)
    assert done.code == 0, done.err
    assert "cause: no stage exceeds its bound" in done.out and (tmp_path / "new" / "show.py").is_file()
