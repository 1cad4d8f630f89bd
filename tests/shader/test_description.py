"""The description as data: what is built, what is written, what is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from edgekit.color.layers import Layer, Look, everything_but_skin
from edgekit.color.lut import Lut3D, grid
from edgekit.errors import EdgekitError, ShaderError, UnknownName
from edgekit.shader.backends.cases import LUT_PAIRS, description_of, swirl_lut, warm_lut
from edgekit.shader.compose import (
    describe,
    refinement_named,
    rgba8_of,
)
from edgekit.shader.description import (
    ShaderDescription,
    json_of,
    read_description,
    write_description,
)
from edgekit.shader.oracle import table_of
from tests.support.schemas import schema_text

PUBLISHED = ("edgekit.shader", "shader-description")
PAIR = LUT_PAIRS["warm 33³ + swirl 17³"]


def everything_in_it() -> ShaderDescription:
    return description_of("tetrahedral", "joint-bilateral", PAIR, "drawn")


@pytest.mark.parametrize("layers", ["groups", "drawn", "four"])
@pytest.mark.parametrize("refinement", ["bilinear", "joint-bilateral", "guided"])
def test_written_and_read_back_the_same(tmp_path: Path, refinement: str, layers: str) -> None:
    description = description_of("trilinear", refinement, PAIR, layers)
    path = write_description(description, tmp_path / "shader")
    assert read_description(path) == description
    jsonschema.validate(json.loads(path.read_text()), json.loads(schema_text(*PUBLISHED)))


def test_text_files_are_the_texts_in_the_json(tmp_path: Path) -> None:
    description = everything_in_it()
    write_description(description, tmp_path / "shader")
    for dialect in description.dialects:
        for source in dialect.sources:
            assert (tmp_path / "shader" / source.file).read_text() == source.text


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text(*PUBLISHED)))


def test_an_existing_folder_needs_force(tmp_path: Path) -> None:
    write_description(everything_in_it(), tmp_path / "shader")
    with pytest.raises(EdgekitError, match="pass `force`"):
        write_description(everything_in_it(), tmp_path / "shader")
    write_description(everything_in_it(), tmp_path / "shader", force=True)


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_changed_texture_is_refused(tmp_path: Path) -> None:
    path = write_description(everything_in_it(), tmp_path / "shader")
    data = bytearray((path.parent / "lut_1.rgba8").read_bytes())
    data[5] ^= 1
    (path.parent / "lut_1.rgba8").write_bytes(bytes(data))
    with pytest.raises(ShaderError, match=r"lut_1\.rgba8 is not the file"):
        read_description(path)


def test_a_changed_text_is_refused(tmp_path: Path) -> None:
    path = write_description(everything_in_it(), tmp_path / "shader")
    changed(path, "#version 300 es", "#version 310 es")
    with pytest.raises(ShaderError, match=r"fused\.vert was changed"):
        read_description(path)


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('"file": "lut_0.rgba8"', '"file": "../lut_0.rgba8"', "textures/"),
        ('"interpolation": "tetrahedral"', '"interpolation": "cubic"', "interpolation"),
        ('"schema_version": 1', '"schema_version": 2', "has schema version 2; this edgekit reads 1"),
        ('"strength": 0.8', '"strength": 1.8', "layers/"),
        ('"title": "proof"', '"title": "proof", "surprise": 1', "at surprise: unknown field"),
    ],
)
def test_a_wrong_field_is_refused_with_its_place(tmp_path: Path, old: str, new: str, where: str) -> None:
    path = write_description(everything_in_it(), tmp_path / "shader")
    changed(path, old, new)
    with pytest.raises(ShaderError, match=where):
        read_description(path)


def written(folder: Path, layers: str) -> tuple[Path, dict[str, Any]]:
    path = write_description(description_of("trilinear", "bilinear", PAIR, layers), folder / "shader")
    return path, json.loads(path.read_text())


def test_a_description_from_before_passes_is_read(tmp_path: Path) -> None:
    path, value = written(tmp_path, "drawn")
    before = read_description(path)
    for part in (value, *value["dialects"]):
        del part["passes"]
    for layer in value["layers"]:
        del layer["source"]
    path.write_text(json.dumps(value))
    assert read_description(path) == before
    del value["layers"][0]["strength"]
    path.write_text(json.dumps(value))
    with pytest.raises(ShaderError, match="strength: missing field"):
        read_description(path)


@pytest.mark.parametrize(
    ("spoilt", "sentence"),
    [
        (lambda value: value["passes"].pop(), "do not draw each of the textures"),
        (lambda value: value["passes"][0].update(target="u_blurred"), "do not draw each of the textures"),
        (lambda value: value["dialects"][1]["passes"].pop(), "essl300-external has no text for each pass"),
        (lambda value: value["passes"][0].update(longest_side=0), "longest_side"),
    ],
)
def test_passes_that_do_not_fit_are_refused(
    tmp_path: Path, spoilt: Callable[[dict[str, Any]], object], sentence: str
) -> None:
    path, value = written(tmp_path, "four")
    spoilt(value)
    path.write_text(json.dumps(value))
    with pytest.raises(ShaderError, match=sentence):
        read_description(path)


def test_a_blur_is_described_as_two_passes() -> None:
    description = description_of("trilinear", "bilinear", PAIR, "four")
    assert [(each.name, each.target, each.textures) for each in description.passes] == [
        ("blur_x", "u_blurred_x", ("u_image", "u_mask", "u_drawn")),
        ("blur_y", "u_blurred", ("u_blurred_x",)),
    ]
    blur = next(uniform for uniform in description.uniforms if uniform.name == "blur")
    assert (blur.default, blur.minimum, blur.maximum) == ((0.04,), 0.004, 0.05)
    for dialect in description.dialects:
        reads = [each.textures for each in description.passes]
        for each, names in zip(dialect.passes, reads, strict=True):
            text = dialect.text_of(each.fragment)
            assert all(name in text for name in names) and "u_lut_0" not in text
        assert "u_blurred_x" not in dialect.text_of(dialect.fragment)


def test_a_looks_own_picture_is_a_texture_of_the_description(tmp_path: Path) -> None:
    picture = np.zeros((50, 4096, 3), np.uint8)
    picture[:, 1000:] = (9, 80, 200)
    look = Look((Layer(("background",), source="picture"),), picture=picture)
    path = write_description(describe(look), tmp_path / "shader")
    (texture,) = read_description(path).textures_with("picture")
    assert texture.size == (2048, 25) and texture.data is not None
    assert texture.data[-4:] == bytes((9, 80, 200, 255)) and (path.parent / "picture.rgba8").is_file()
    wide = describe(look, encoding="display-p3").textures_with("picture")[0]
    assert wide.data is not None and wide.data[-4:] != texture.data[-4:]


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shader.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ShaderError, match="is not JSON"):
        read_description(tmp_path / "shader.json")
    with pytest.raises(ShaderError, match="does not exist"):
        read_description(tmp_path / "absent.json")


def test_a_description_that_breaks_the_schema_is_not_written() -> None:
    with pytest.raises(ShaderError, match="strength"):
        broken = replace(everything_in_it().layers[1], strength=2.0)
        json_of(replace(everything_in_it(), layers=(broken,)))


def test_table_bytes_run_red_fastest() -> None:
    lut = swirl_lut(5)
    data = rgba8_of(lut)
    expected = np.append(np.round(lut.table[1, 2, 3] * 255), 255)
    at = 4 * (1 + 5 * (2 + 5 * 3))
    assert list(data[at : at + 4]) == list(expected)
    texture = describe(Look(everything_but_skin(lut))).textures_with("lut")[0]
    assert np.abs(table_of(texture) - lut.table).max() <= 0.5 / 255 + 1e-6


def test_large_tables_and_other_domains_are_resampled() -> None:
    large = Lut3D(grid(65).astype(np.float32))
    assert describe(Look(everything_but_skin(large))).textures_with("lut")[0].size == (64, 64, 64)
    wide = Lut3D((grid(9) * 2).astype(np.float32), domain_max=(2.0, 2.0, 2.0))
    texture = describe(Look(everything_but_skin(wide))).textures_with("lut")[0]
    assert np.abs(table_of(texture) - grid(9)).max() <= 0.5 / 255 + 1e-6


def test_a_shared_table_is_one_texture() -> None:
    lut = warm_lut(9)
    description = describe(Look((Layer(("background",), lut), Layer(("hair",), lut, 0.5))))
    assert len(description.textures_with("lut")) == 1


def test_display_p3_tables_differ_and_the_text_does_not() -> None:
    look = Look(everything_but_skin(warm_lut(17)))
    srgb, p3 = describe(look), describe(look, encoding="display-p3")
    assert srgb.textures_with("lut") != p3.textures_with("lut")
    assert srgb.dialects == p3.dialects
    assert (srgb.encoding, p3.encoding) == ("srgb", "display-p3")


def test_uniform_offsets_follow_the_block_layout() -> None:
    description = everything_in_it()
    end = 0
    for uniform in description.uniforms:
        assert uniform.offset_bytes == end
        assert uniform.type == "float" or uniform.offset_bytes % 16 == 0
        end += 48 if uniform.type == "mat3" else 4
    assert 0 <= description.uniform_block_size_bytes - end < 16


def test_every_texture_has_its_binding() -> None:
    description = everything_in_it()
    textures = [b.name for b in description.bindings if b.kind == "texture"]
    assert textures == [texture.name for texture in description.textures]
    places = [b.wgsl_binding for b in description.bindings]
    assert places == list(range(len(places)))


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"interpolation": "cubic"}, UnknownName, "tetrahedral"),
        ({"encoding": "rec709"}, UnknownName, "display-p3"),
        ({"dialects": ("hlsl",)}, UnknownName, "wgsl"),
    ],
)
def test_what_makes_no_sense_is_refused(options, error, sentence) -> None:
    with pytest.raises(error, match=sentence):
        describe(Look(everything_but_skin(warm_lut(3))), **options)


def test_unknown_refinement_and_dialect() -> None:
    with pytest.raises(UnknownName, match="guided"):
        refinement_named("sharp")
    with pytest.raises(ShaderError, match="essl300"):
        describe(Look(everything_but_skin(warm_lut(3))), dialects=("essl300",)).dialect("msl")
