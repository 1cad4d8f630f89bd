"""A bundle is complete, the same every time, and its golden pair is what the CPU engine draws."""

from __future__ import annotations

import base64
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgekit.artifact import Artifact, write_manifest
from edgekit.bundles.format import Accelerated
from edgekit.bundles.golden import GOLDEN_CONTROLS, VIEW_CASES
from edgekit.bundles.reading import OpenBundle, read_bundle, unpack_bundle
from edgekit.bundles.writing import place_in_project, write_bundle, zip_bundle
from edgekit.color.engine import styled_pixels
from edgekit.color.layers import look_of_style
from edgekit.color.look_file import read_look
from edgekit.color.styles import style_named
from edgekit.errors import BundleError, EdgekitError, UnknownName
from edgekit.files import files_in, sha256_of, sha256_of_bytes
from edgekit.recipes import recipe_named
from edgekit.shader.description import read_description
from edgekit.shader.transforms import apply
from tests.bundles.conftest import STYLES, contents, soft_mask, written_look
from tests.support.pictures import picture


def test_everything_an_app_reads_is_there(made: OpenBundle) -> None:
    bundle = made.bundle
    assert {s.target for s in bundle.segmenters} == {"tflite", "coreml"}
    for segmenter in bundle.segmenters:
        assert (segmenter.input_size, segmenter.mask_size) == (128, 32)
        assert made.path(segmenter.path).exists() and made.path(segmenter.manifest).is_file()
    for entry in bundle.styles:
        description = read_description(made.path(entry.description))
        assert {d.name for d in description.dialects} == {"essl300", "essl300-external", "msl", "wgsl"}
    assert [c.name for c in bundle.controls] == [
        "intensity",
        "tone",
        "warmth",
        "skin_protection",
        "color",
        "grain",
    ]
    listed = {entry.path for entry in bundle.files}
    there = {p.relative_to(made.folder).as_posix() for p in files_in(made.folder)}
    assert listed == there - {"bundle.json"}


def test_the_same_bundle_has_the_same_bytes(
    made: OpenBundle, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    again = write_bundle(contents(artifacts), tmp_path / "again")
    assert sha256_of(again.folder) == sha256_of(made.folder)
    zip_bundle(made, tmp_path / "a.zip")
    zip_bundle(again, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    unpacked = unpack_bundle(tmp_path / "a.zip", tmp_path / "unpacked")
    assert sha256_of(unpacked.folder) == sha256_of(made.folder)
    assert read_bundle(unpacked.folder).bundle == made.bundle


def test_the_licence_of_the_weights_goes_with_them(
    made: OpenBundle, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    assert "license" not in json.loads((made.folder / "bundle.json").read_text())  # the card states none
    stated = write_bundle(contents(artifacts, license="research-only", styles=("warm",), default_style="warm"),
                          tmp_path / "stated")  # fmt: skip
    assert stated.bundle.license == "research-only"
    assert json.loads((stated.folder / "bundle.json").read_text())["license"] == "research-only"


def test_the_golden_picture_is_the_cpu_engines(made: OpenBundle) -> None:
    golden = made.bundle.golden
    pictures = {}
    for name in ("image", "mask", "styled"):
        entry = getattr(golden, name)
        pixels = np.asarray(Image.open(made.path(entry.path)))
        assert pixels.shape == (entry.height, entry.width, 4) and (pixels[..., 3] == 255).all()
        assert sha256_of_bytes(pixels.tobytes()) == entry.rgba8_sha256
        pictures[name] = pixels
    assert golden.uniforms == {name: getattr(GOLDEN_CONTROLS, name) for name in golden.uniforms}
    np.testing.assert_array_equal(pictures["image"][..., :3], picture(96, 128))
    weights = (pictures["mask"][..., :3] / 255).astype(np.float32)
    np.testing.assert_allclose(weights, soft_mask(32, 32), atol=0.5 / 255 + 1e-6)
    drawn = styled_pixels(picture(96, 128), look_of_style(style_named("dramatic")), GOLDEN_CONTROLS, weights)
    error = np.abs(drawn.astype(int) - pictures["styled"][..., :3])
    assert error.max() <= golden.given_mask_max_levels
    plain = np.abs(pictures["image"].astype(int) - pictures["styled"]).max()
    assert plain > 40, "a golden picture that changes nothing proves nothing"


def test_a_look_of_ones_own_is_a_style_with_its_picture(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    look = written_look(tmp_path / "evening.json")
    bundled = contents(artifacts, styles=("warm", str(look)), default_style=str(look))
    made = write_bundle(bundled, tmp_path / "bundle")
    assert [(style.name, style.title) for style in made.bundle.styles] == [
        ("warm", "Warm"), ("evening", "evening"),
    ]  # fmt: skip
    assert made.bundle.default_style == made.bundle.golden.style == "evening"
    description = read_description(made.path(made.bundle.style("evening").description))
    (behind,) = description.textures_with("picture")
    assert behind.size == (256, 96) and behind.data is not None and len(description.passes) == 2
    styled = np.asarray(Image.open(made.path(made.bundle.golden.styled.path)))
    weights = np.rint(np.asarray(bundled.weights) * 255) / 255
    drawn = styled_pixels(picture(96, 128), read_look(look), GOLDEN_CONTROLS, weights.astype(np.float32))
    levels = np.abs(drawn.astype(int) - styled[..., :3])  # tetrahedral against trilinear
    assert np.percentile(levels, 99.9) <= made.bundle.golden.given_mask_max_levels and levels.max() <= 4
    look.rename(tmp_path / "my evening.json")
    with pytest.raises(BundleError, match="'my evening' cannot be a style's name"):
        write_bundle(
            contents(artifacts, styles=("dramatic", str(tmp_path / "my evening.json"))), tmp_path / "no"
        )


def test_vectors_hold_every_view_and_style(made: OpenBundle) -> None:
    vectors = json.loads(made.path(made.bundle.golden.vectors).read_text())
    assert len(vectors["transforms"]) == len(VIEW_CASES) >= 12
    matrices = {tuple(v["image_from_output"]) for v in vectors["transforms"]}
    assert len(matrices) == len(VIEW_CASES), "every view has a matrix of its own"
    size = read_description(made.path(made.bundle.styles[0].description)).uniform_block_size_bytes
    assert {b["style"] for b in vectors["uniform_blocks"]} == set(STYLES)
    for block in vectors["uniform_blocks"]:
        floats = np.frombuffer(base64.b64decode(block["block_base64"]), np.float32)
        assert floats.nbytes == size
        # column-major, a column every 16 bytes: the matrix of its view
        matrix = np.array(vectors["transforms"][block["transform"]]["image_from_output"]).reshape(3, 3)
        np.testing.assert_allclose(floats[:12].reshape(3, 4)[:, :3].T, matrix, atol=1e-7)
        for value in block["values"].values():
            assert np.isclose(floats, value, atol=1e-7).any()
    copies = {
        (each["photo_height"], each["photo_width"]): (each["height"], each["width"])
        for each in vectors["copies"]
    }
    # 1.5 and 2.5 go to the even neighbour; nothing is enlarged, and no side is nothing.
    known = {(512, 3): (256, 2), (5, 512): (2, 256), (61, 97): (61, 97), (1, 5000): (1, 256)}
    assert {shape: copies[shape] for shape in known} == known and len(copies) >= 12
    for entry in vectors["hashes"]:
        assert sha256_of(made.path(entry["path"])) == entry["sha256"]


def test_a_view_shows_the_middle_of_the_upright_picture() -> None:
    """A portrait phone's sensor lies on its side: the view's top centre is the middle of the sensor's left edge."""
    case = next(c for c in VIEW_CASES if (c.quarter_turns, c.mirror, c.view_width) == (1, False, 1080))
    image = apply(case.image_from_output(), np.array([[0.5, 0.0], [0.5, 0.5], [0.0, 0.5]]))
    np.testing.assert_allclose(image[:2], [[0.0, 0.5], [0.5, 0.5]], atol=1e-12)
    np.testing.assert_allclose(image[2], [0.5, 0.5 + 0.5 * (1080 * 1920 / (2400 * 1080))], atol=1e-12)
    upright = apply(case.mask_from_image(), image)
    np.testing.assert_allclose(upright[:2], [[0.5, 0.0], [0.5, 0.5]], atol=1e-12)
    mirrored = replace(case, mirror=True).image_from_output()
    np.testing.assert_allclose(
        apply(mirrored, np.array([[0.25, 0.3]])), apply(case.image_from_output(), np.array([[0.75, 0.3]]))
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"artifacts": []}, "needs an artifact"),
        ({"styles": ()}, "needs a style"),
        ({"styles": ("warm", "warm")}, "named twice"),
        ({"default_style": "cool"}, "not among those bundled"),
    ],
)
def test_what_does_not_go_together_is_refused(
    artifacts: dict[str, Artifact], tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(BundleError, match=sentence):
        write_bundle(contents(artifacts, **changes), tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_artifacts_of_other_weights_outputs_or_one_target_are_refused(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    first, second = artifacts.values()
    other = replace(second, manifest=replace(second.manifest, weights_sha256="0" * 64))
    labels = replace(second, manifest=replace(second.manifest, output="labels"))
    for pair, sentence in (
        ([first, other], "other weights"),
        ([labels], "delivers labels"),
        ([first, first], "Two"),
        ([artifacts["tflite"], artifacts["tflite"]], "Two artifacts for tflite have float weights"),
    ):
        with pytest.raises(BundleError, match=sentence):
            write_bundle(contents(artifacts, artifacts=pair), tmp_path / "bundle")
    with pytest.raises(UnknownName, match="vibrantt"):
        write_bundle(contents(artifacts, styles=("vibrantt",)), tmp_path / "bundle")


def with_int8_weights(artifact: Artifact, **changes: Any) -> Artifact:
    """The artifact under a manifest that says that its weights are int8."""
    manifest = replace(artifact.manifest, recipe=recipe_named("w8"), recipe_name="w8", **changes)
    return replace(artifact, manifest=manifest)


def renamed(artifact: Artifact, folder: Path, name: str) -> Artifact:
    """A copy of the .tflite with another name and other bytes, whose manifest says that its weights are int8."""
    folder.mkdir(exist_ok=True)
    data = artifact.path.read_bytes() + b"int8"
    (folder / name).write_bytes(data)
    sums = {"sha256": sha256_of_bytes(data), "size_bytes": len(data)}
    return write_manifest(folder / name, with_int8_weights(artifact, **sums).manifest)


def test_a_float_tflite_is_for_gpus_too_and_stored_once(
    made: OpenBundle, artifacts: dict[str, Artifact]
) -> None:
    tflite, coreml = made.bundle.segmenter("tflite"), made.bundle.segmenter("coreml")
    assert tflite.accelerated == (Accelerated("gpu", tflite.path, tflite.manifest, tflite.recipe),)
    assert coreml.accelerated == ()
    sums = [entry.sha256 for entry in made.bundle.files]
    assert sums.count(artifacts["tflite"].manifest.sha256) == 1


@pytest.mark.parametrize("order", [1, -1])
def test_beside_int8_weights_gpus_get_the_float_artifact(
    order: int, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    given = artifacts["tflite"], renamed(artifacts["tflite"], tmp_path / "int8", "w8.tflite")
    opened = write_bundle(contents(artifacts, artifacts=given[::order]), tmp_path / "bundle")
    (segmenter,) = opened.bundle.segmenters
    (gpu,) = segmenter.accelerated
    assert (segmenter.path, segmenter.recipe) == ("segmenter/w8.tflite", "w8")
    assert (gpu.accelerator, gpu.path) == ("gpu", f"segmenter/{given[0].path.name}")
    for artifact, entry in zip(given, (gpu, segmenter), strict=True):
        assert opened.path(entry.path).read_bytes() == artifact.path.read_bytes()
        assert opened.path(entry.manifest).read_bytes() == artifact.manifest_path.read_bytes()


def test_int8_weights_alone_are_for_no_gpu_and_the_index_is_that_of_older_readers(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    only = renamed(artifacts["tflite"], tmp_path / "int8", "w8.tflite")
    opened = write_bundle(contents(artifacts, artifacts=[only]), tmp_path / "bundle")
    assert opened.bundle.segmenter("tflite").accelerated == ()
    assert "accelerated" not in (opened.folder / "bundle.json").read_text()


def test_a_pair_for_one_target_has_sizes_and_names_that_fit(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    first = artifacts["tflite"]
    for other, sentence in (
        (with_int8_weights(first), f"Two artifacts are called {first.path.name}"),
        (renamed(with_size(first, 192), tmp_path / "192", "w8.tflite"), "other sizes of input or mask"),
    ):
        with pytest.raises(BundleError, match=sentence):
            write_bundle(contents(artifacts, artifacts=[first, other]), tmp_path / "bundle")


def with_size(artifact: Artifact, size: int) -> Artifact:
    return replace(artifact, manifest=replace(artifact.manifest, size=size))


def test_an_existing_bundle_is_kept_without_force(
    made: OpenBundle, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "mine").write_text("mine")
    with pytest.raises(EdgekitError, match="exists already"):
        write_bundle(contents(artifacts), tmp_path / "bundle")
    assert (tmp_path / "bundle" / "mine").read_text() == "mine"
    zip_bundle(made, tmp_path / "a.zip")
    with pytest.raises(EdgekitError, match="exists already"):
        zip_bundle(made, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as pack:
        assert pack.testzip() is None


def test_demo_projects_are_recognised(tmp_path: Path) -> None:
    (tmp_path / "a/app/src/main").mkdir(parents=True)
    (tmp_path / "i/EdgekitDemo").mkdir(parents=True)
    assert place_in_project(tmp_path / "a") == tmp_path / "a/app/src/main/assets/edgekit"
    assert place_in_project(tmp_path / "i") == tmp_path / "i/EdgekitDemo/Resources/edgekit"
    with pytest.raises(BundleError, match="neither a copy of android_demo nor of ios_demo"):
        place_in_project(tmp_path)
