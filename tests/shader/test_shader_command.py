"""`edgekit shader` as a user meets it."""

import json
from pathlib import Path

import pytest

from edgekit.color.formats import write_lut
from edgekit.shader.backends.cases import swirl_lut, warm_lut
from edgekit.shader.description import read_description
from tests.support.cli import Ran, edgekit

BARE = "void main() { o = texture(u_lut, texture(u_image, v_uv).rgb); }"


def shader(*arguments: str | Path) -> Ran:
    return edgekit("shader", *arguments)


def test_a_style_becomes_a_folder(tmp_path: Path) -> None:
    out = tmp_path / "shader"
    ran = shader("--style", "vibrant", "--out", str(out), "--json")
    assert ran.code == 0, ran.err
    answer = json.loads(ran.out)
    description = read_description(out / "shader.json")
    assert answer["path"] == str(out / "shader.json")
    assert (answer["interpolation"], answer["refinement"], answer["encoding"]) == (
        "trilinear",
        "bilinear",
        "srgb",
    )
    assert [(d["name"], d["fetches"]) for d in answer["dialects"]] == [
        ("essl300", 4),
        ("msl", 4),
        ("wgsl", 4),
    ]
    assert all(Path(file).is_file() for dialect in answer["dialects"] for file in dialect["files"])
    assert [Path(t["file"]).read_bytes() for t in answer["textures"]] == [
        t.data for t in description.textures_with("lut")
    ]


def test_luts_and_options(tmp_path: Path) -> None:
    write_lut(tmp_path / "all.cube", warm_lut(9))
    write_lut(tmp_path / "skin.cube", swirl_lut(5))
    options = ["--interpolation", "tetrahedral", "--refinement", "guided", "--encoding", "display-p3"]
    luts = ["--lut", str(tmp_path / "all.cube"), "--skin-lut", str(tmp_path / "skin.cube")]
    ran = shader(*luts, *options, "--dialect", "wgsl, essl300-external", "--out", str(tmp_path / "out"))
    assert ran.code == 0, ran.err
    description = read_description(tmp_path / "out" / "shader.json")
    assert [d.name for d in description.dialects] == ["wgsl", "essl300-external"]
    assert [t.size for t in description.textures_with("lut")] == [(9, 9, 9), (5, 5, 5)]
    assert (description.interpolation, description.encoding) == ("tetrahedral", "display-p3")
    assert description.refinement.method == "guided"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "--style NAME, --lut FILE or --layer REGIONS=WHAT"),
        (["--style", "warm", "--lut", "x.cube"], "either --style or --lut"),
        (["--skin-lut", "x.cube"], "goes with --lut"),
    ],
)
def test_usage(arguments: list[str], sentence: str) -> None:
    ran = shader(*arguments)
    assert ran.code == 2
    assert sentence in " ".join(ran.err.replace("│", " ").split())


def test_errors_name_what_is_known(tmp_path: Path) -> None:
    out = ["--out", str(tmp_path / "out")]
    for wrong in (("vibrantt",), ("vibrant", "--dialect", "hlsl"), ("vibrant", "--refinement", "best")):
        ran = shader("--style", *wrong, *out)
        assert ran.code == 3 and f"'{wrong[-1]}'; known:" in ran.sentence
    assert not (tmp_path / "out").exists()
    assert shader("--style", "vibrant", *out).code == 0
    again = shader("--style", "vibrant", *out)
    assert again.code == 3 and "--force" in again.sentence


def test_check_prints_line_rule_and_cost(tmp_path: Path) -> None:
    path = tmp_path / "shade.frag"
    path.write_text(f"uniform highp sampler3D u_lut;\n{BARE}\n")
    ran = shader("--check", str(path), "--json")
    assert ran.code == 1
    assert f"{path}:2: half-texel:" in ran.err and "ΔE2000" in ran.err
    answer = json.loads(ran.out)
    assert answer["passed"] is False
    assert [(f["rule"], f["line"]) for f in answer["findings"]] == [("half-texel", 2)]
    assert answer["findings"][0]["delta_e00"]["mean"] > 0.1


def test_check_of_a_clean_file(tmp_path: Path) -> None:
    assert shader("--style", "warm", "--out", str(tmp_path / "s")).code == 0
    for name in ("fused.frag", "fused.metal", "fused.wgsl"):
        ran = shader("--check", str(tmp_path / "s" / name), "--json")
        assert ran.code == 0, ran.err
        assert json.loads(ran.out)["passed"] is True


def test_check_of_no_shader(tmp_path: Path) -> None:
    (tmp_path / "a.frag").write_text("void main() {}")
    assert shader("--check", tmp_path / "a.frag").code == 3
