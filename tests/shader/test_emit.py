"""The emitted texts: golden files, fetches, and the rules of each language that are easy to break."""

import re
from pathlib import Path

import pytest

from edgekit.color.layers import Layer, Look, everything_but_skin
from edgekit.errors import UnknownName
from edgekit.shader.backends.cases import LUT_PAIRS, description_of, swirl_lut, warm_lut
from edgekit.shader.compose import describe, refinement_named
from edgekit.shader.dialects import DIALECTS, dialect
from edgekit.shader.emit import emit
from edgekit.shader.text import fetches_of, functions_in, split_arguments, without_comments
from tests.shader.golden_texts import FOLDER, golden_files


@pytest.mark.parametrize("path", golden_files(), ids=lambda p: f"{p.parent.name}/{p.name}")
def test_golden(path: Path) -> None:
    """After a wanted change: python -m tests.shader.golden_texts"""
    assert path.read_text() == golden_files()[path]


def test_no_golden_file_is_left_over() -> None:
    assert set(FOLDER.rglob("*.*")) == set(golden_files())


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    ("interpolation", "refinement", "fetches"),
    [
        ("trilinear", "bilinear", 4),  # camera, mask, two tables
        ("trilinear", "guided", 4),  # camera, skin's coefficients, two tables
        ("trilinear", "joint-bilateral", 11),  # camera, 4 taps of mask and camera, two tables
        ("tetrahedral", "guided", 10),  # camera, coefficients, four corners of two tables
    ],
)
def test_fetches_of_the_default_layers(name, interpolation, refinement, fetches) -> None:
    description = describe(
        Look(everything_but_skin(warm_lut(17), swirl_lut(9))),
        interpolation=interpolation,
        refinement=refinement_named(refinement),
        dialects=(name,),
    )
    assert description.dialects[0].fetches == fetches


def test_default_is_within_the_promise() -> None:
    """At most 4 fetches with trilinear tables, 6 with guided refinement of every group."""
    assert describe(Look(everything_but_skin(warm_lut(17), swirl_lut(9)))).dialects[0].fetches <= 4
    lut = warm_lut(9)
    each = (Layer(("skin", "hair", "clothes"), lut), Layer(("background",), swirl_lut(9)))
    assert describe(Look(each)).dialects[0].fetches <= 6


def test_identity_skin_saves_its_table() -> None:
    assert describe(Look(everything_but_skin(warm_lut(17)))).dialects[0].fetches == 3


def test_the_counter_follows_calls_and_skips_comments() -> None:
    text = """
    // texture(u_a, uv)
    vec4 twice(vec2 uv) { return texture(u_a, uv) + texelFetch(u_b, ivec2(uv), 0); }
    vec4 unused(vec2 uv) { return texture(u_a, uv); }
    void main() { o = twice(v) + twice(v * 2.0) + texture(u_c, v); /* twice(v) */ }
    """
    assert fetches_of(text, "main", ("texture(", "texelFetch(")) == 5


def test_arguments_split_at_their_own_commas() -> None:
    assert split_arguments("a, f(b, vec2(c, d)), e[1, 2]") == ["a", "f(b, vec2(c, d))", "e[1, 2]"]


@pytest.mark.parametrize("refinement", ["bilinear", "joint-bilateral", "guided"])
def test_msl_hands_textures_to_the_functions_that_read_them(refinement: str) -> None:
    description = description_of("tetrahedral", refinement, LUT_PAIRS["warm 33³ + swirl 17³"])
    text = without_comments(emit(description, "msl").sources[0].text)
    for function in functions_in(text):
        reads = set(re.findall(r"\b(u_\w+)\.(?:sample|read|get_width)\(", function.body))
        assert reads <= set(re.findall(r"\bu_\w+", function.parameters)), function.name


def test_no_neutral_word_is_left() -> None:
    for description in (
        description_of("trilinear", "guided", LUT_PAIRS["warm 33³ + swirl 17³"], "drawn"),
        description_of("tetrahedral", "joint-bilateral", LUT_PAIRS["rough 14³ + warm 9³"]),
    ):
        for text in description.dialects:
            for source in text.sources:
                words = r"\b(?:SAMPLE|FETCH|SIZE|PARAM|f[1-4]|i[23]|m3)\b"
                assert not re.findall(words, without_comments(source.text)), text.name


def test_essl_is_highp_throughout_and_the_camera_variant_external() -> None:
    description = description_of("trilinear", "bilinear", LUT_PAIRS["warm 33³ + swirl 17³"])
    plain, external = (emit(description, name).sources[1].text for name in ("essl300", "essl300-external"))
    for text in (plain, external):
        assert "mediump" not in text and "lowp" not in text
        assert "precision highp sampler3D;" in text
    assert "uniform sampler2D u_image;" in plain
    assert "uniform samplerExternalOES u_image;" in external
    assert external.splitlines()[1] == "#extension GL_OES_EGL_image_external_essl3 : require"


def test_unknown_dialect() -> None:
    with pytest.raises(UnknownName, match="msl"):
        dialect("mls")
