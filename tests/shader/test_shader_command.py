"""`edgekit shader` as a user meets it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgekit.cli import app
from edgekit.color.formats import write_lut
from edgekit.errors import EdgekitError, ShaderError, UnknownName
from edgekit.shader.backends.cases import swirl_lut, warm_lut
from edgekit.shader.description import read_description

BARE = "void main() { o = texture(u_lut, texture(u_image, v_uv).rgb); }"


def run(*arguments: str):
    return CliRunner().invoke(app, ["shader", *arguments])


def test_a_style_becomes_a_folder(tmp_path: Path) -> None:
    out = tmp_path / "shader"
    result = run("--style", "vibrant", "--out", str(out), "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
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
    result = run(*luts, *options, "--dialect", "wgsl, essl300-external", "--out", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    description = read_description(tmp_path / "out" / "shader.json")
    assert [d.name for d in description.dialects] == ["wgsl", "essl300-external"]
    assert [t.size for t in description.textures_with("lut")] == [(9, 9, 9), (5, 5, 5)]
    assert (description.interpolation, description.encoding) == ("tetrahedral", "display-p3")
    assert description.refinement.method == "guided"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "--style NAME or --lut FILE"),
        (["--style", "warm", "--lut", "x.cube"], "either --style or --lut"),
        (["--skin-lut", "x.cube"], "goes with --lut"),
    ],
)
def test_usage(arguments: list[str], sentence: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.replace("│", " ").split())


def test_errors_name_what_is_known(tmp_path: Path) -> None:
    out = ["--out", str(tmp_path / "out")]
    assert isinstance(run("--style", "vibrantt", *out).exception, UnknownName)
    assert isinstance(run("--style", "vibrant", "--dialect", "hlsl", *out).exception, UnknownName)
    assert isinstance(run("--style", "vibrant", "--refinement", "best", *out).exception, UnknownName)
    assert not (tmp_path / "out").exists()
    assert run("--style", "vibrant", *out).exit_code == 0
    again = run("--style", "vibrant", *out)
    assert isinstance(again.exception, EdgekitError) and "--force" in str(again.exception)


def test_check_prints_line_rule_and_cost(tmp_path: Path) -> None:
    path = tmp_path / "shade.frag"
    path.write_text(f"uniform highp sampler3D u_lut;\n{BARE}\n")
    result = run("--check", str(path), "--json")
    assert result.exit_code == 1
    assert f"{path}:2: half-texel:" in result.stderr and "ΔE2000" in result.stderr
    answer = json.loads(result.stdout)
    assert answer["passed"] is False
    assert [(f["rule"], f["line"]) for f in answer["findings"]] == [("half-texel", 2)]
    assert answer["findings"][0]["delta_e00"]["mean"] > 0.1


def test_check_of_a_clean_file(tmp_path: Path) -> None:
    assert run("--style", "warm", "--out", str(tmp_path / "s")).exit_code == 0
    for name in ("fused.frag", "fused.metal", "fused.wgsl"):
        result = run("--check", str(tmp_path / "s" / name), "--json")
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["passed"] is True


def test_check_of_no_shader(tmp_path: Path) -> None:
    (tmp_path / "a.frag").write_text("void main() {}")
    assert isinstance(run("--check", str(tmp_path / "a.frag")).exception, ShaderError)
