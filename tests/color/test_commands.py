"""The three commands as a user runs them, in this process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.color.formats import write_lut
from edgekit.color.look import SCENES
from edgekit.color.styles import STYLES
from edgekit.images import read_photo
from tests.color.samples import bent_lut, picture
from tests.support.cli import edgekit


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.fromarray(picture(60, 80)).save(tmp_path / "photo.png")
    blob = np.zeros((12, 16, 3), np.uint8)
    blob[:, :8, 0] = 255
    Image.fromarray(blob).save(tmp_path / "mask.png")
    return tmp_path / "photo.png"


def test_style_with_a_preset(photo: Path, tmp_path: Path) -> None:
    options = ("--style", "warm", "--mask", tmp_path / "mask.png", "--out", tmp_path / "out", "--json")
    ran = edgekit("style", photo, *options)
    assert ran.code == 0
    report = json.loads(ran.out)
    assert report["style"] == "warm" and report["failed"] == []
    assert report["photos"][0]["output"] == str(tmp_path / "out" / "photo.png")
    assert read_photo(tmp_path / "out" / "photo.png").pixels.shape == (60, 80, 3)


def test_style_with_a_lut_keeps_skin(photo: Path, tmp_path: Path) -> None:
    write_lut(tmp_path / "l.cube", bent_lut(9))
    ran = edgekit(
        "style", photo, "--lut", tmp_path / "l.cube", "--mask", tmp_path / "mask.png", "--out", tmp_path / "o"
    )
    assert ran.code == 0
    after = read_photo(tmp_path / "o" / "photo.png").pixels.astype(int)
    difference = np.abs(after - picture(60, 80)).mean(axis=(0, 2))
    assert difference[:35].max() == 0 and difference[45:].min() > 1


def test_a_refined_mask_follows_the_pictures_edge(tmp_path: Path) -> None:
    """A mask three pixels off the colour edge: guided moves towards the edge, bilinear stays."""
    image = np.full((64, 96, 3), (60, 90, 160), np.uint8)
    image[:, :51] = (200, 150, 120)
    Image.fromarray(image).save(tmp_path / "photo.png")
    mask = np.zeros((64 // 4, 96 // 4, 3), np.uint8)
    mask[:, :12, 0] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    write_lut(tmp_path / "l.cube", bent_lut(9))
    strips = {}
    for name in ("bilinear", "guided"):
        out = ("--out", tmp_path / name, "--refinement", name)
        options = ("--lut", tmp_path / "l.cube", "--mask", tmp_path / "mask.png", *out)
        assert edgekit("style", tmp_path / "photo.png", *options).code == 0
        changed = read_photo(tmp_path / name / "photo.png").pixels.astype(int) - image
        strips[name] = float(np.abs(changed[:, 49:51]).mean())  # skin by the picture, not by the mask
    assert strips["guided"] < 0.7 * strips["bilinear"]
    unknown = edgekit("style", tmp_path / "photo.png", "--style", "warm", "--refinement", "sharp")
    assert unknown.code == 3 and "There is no mask refinement 'sharp'; known:" in unknown.sentence


def test_controls_reach_the_picture(photo: Path, tmp_path: Path) -> None:
    options = (
        "--style",
        "warm",
        "--mask",
        tmp_path / "mask.png",
        "--out",
        tmp_path / "o",
        "--intensity",
        "0",
    )
    assert edgekit("style", photo, *options).code == 0
    assert (read_photo(tmp_path / "o" / "photo.png").pixels == picture(60, 80)).all()


def test_one_bad_photo_in_many_is_reported(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    options = ("--style", "cool", "--mask", tmp_path / "mask.png", "--out", tmp_path / "o", "--json")
    ran = edgekit("style", photo, tmp_path / "bad.jpg", *options)
    assert ran.code == 1
    report = json.loads(ran.out)
    assert len(report["photos"]) == 1
    assert report["failed"][0]["path"].endswith("bad.jpg") and "readable" in report["failed"][0]["reason"]
    alone = edgekit("style", tmp_path / "bad.jpg", *options, "--force")
    assert alone.code == 3 and "readable" in alone.sentence


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--style", "warm", "--lut", "x.cube"),
        ("--style", "warm", "--skin-lut", "x.cube"),
        ("--style", "warm", "--artifact", "a.tflite", "--mask", "m.png"),
        ("--style", "warm", "--tone", "2"),
        ("--style", "warm", "--intensity", "-0.1"),
    ],
)
def test_contradictions_are_usage_errors(photo: Path, options: tuple[str, ...]) -> None:
    assert edgekit("style", photo, *options).code == 2


def test_an_unknown_style_names_the_known_ones(photo: Path, tmp_path: Path) -> None:
    ran = edgekit("style", photo, "--style", "wram", "--mask", tmp_path / "mask.png", "--out", tmp_path / "o")
    assert ran.code == 3 and "There is no style 'wram'" in ran.sentence and "warm" in ran.sentence


def test_the_wrong_one_of_several_styles_is_named(photo: Path, tmp_path: Path) -> None:
    ran = edgekit("style", photo, "--style", "warm,vibrnt,cool", "--out", tmp_path / "o")
    assert ran.code == 3 and not (tmp_path / "o").exists()
    assert "There is no style 'vibrnt'" in ran.sentence and "Did you mean 'vibrant'?" in ran.sentence


@pytest.mark.slow
def test_several_styles_and_sheets_in_the_report(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    options = ("--mask", tmp_path / "mask.png", "--show-mask", "--compare", "--contact-sheet", "--json")
    ran = edgekit("style", photo, "--style", "warm, cool", *options, "--out", out)
    assert ran.code == 0, ran
    report = json.loads(ran.out)
    assert (report["style"], report["styles"]) == ("warm, cool", ["warm", "cool"])
    assert [(row["style"], row["output"]) for row in report["photos"]] == [
        (style, str(out / style / "photo.png")) for style in ("warm", "cool")
    ]
    figure = report["photos"][0]["skin_delta_e00"]
    assert figure["mean"] < figure["everywhere_mean"] and figure["pixels"] == 60 * 40
    assert f"mean {figure['mean']:.2f}" in ran.err and f"mean {figure['everywhere_mean']:.2f}" in ran.err
    assert [row["kind"] for row in report["sheets"]] == ["compare", "compare", "mask", "contact"]
    assert all(Path(row["output"]).is_file() for row in report["sheets"])
    assert edgekit("style", photo, "--style", "warm,warm", *options[:2], "--out", tmp_path / "p").code == 0
    assert (tmp_path / "p" / "photo.png").is_file()  # one style, named twice


@pytest.mark.slow
def test_a_contact_sheet_needs_no_style(photo: Path, tmp_path: Path) -> None:
    ran = edgekit("style", photo, "--contact-sheet", "--mask", tmp_path / "mask.png", "--out", tmp_path / "o")
    assert ran.code == 0, ran
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["photo-styles.png"]
    height, width = read_photo(tmp_path / "o" / "photo-styles.png").pixels.shape[:2]
    assert width // 80 * (height // 60) >= len(STYLES) + 1
    assert edgekit("style", photo, "--compare", "--contact-sheet").code == 2


def test_inks_without_a_profile_are_mentioned(photo: Path, tmp_path: Path) -> None:
    Image.fromarray(picture(30, 40)).convert("CMYK").save(tmp_path / "inks.jpg")
    options = ("--style", "warm,cool", "--mask", tmp_path / "mask.png", "--out", tmp_path / "o", "--json")
    ran = edgekit("style", tmp_path / "inks.jpg", *options)
    assert ran.code == 0
    assert ran.err.count("inks.jpg: its inks have no colour profile") == 1
    assert "approximate" in json.loads(ran.out)["photos"][0]["note"]


@pytest.mark.slow
def test_styles_lists_and_saves(tmp_path: Path) -> None:
    listed = edgekit("styles", "--json", "gold", "quiet")
    rows = json.loads(listed.out)["styles"]
    assert [row["name"] for row in rows] == ["gold", "quiet"]
    assert rows[1]["certificate"]["neutral_controls"]["max_hue_deg"] < 3.0
    assert edgekit("styles", "gold", "--save", tmp_path / "s").code == 0
    assert {p.name for p in (tmp_path / "s").iterdir()} == {"gold.json", "gold.cube", "gold-skin.cube"}
    everything = edgekit("styles")
    assert everything.code == 0 and everything.err == ""
    assert all(name in everything.out for name in STYLES)


@pytest.mark.slow
def test_lut_fit_then_style_gives_the_edit_back(photo: Path, tmp_path: Path) -> None:
    Image.fromarray(picture(300, 400)).save(tmp_path / "before.png")
    assert (
        edgekit(
            "style",
            tmp_path / "before.png",
            "--style",
            "cozy",
            "--mask",
            tmp_path / "mask.png",
            "--out",
            tmp_path / "a",
        ).code
        == 0
    )
    edited = tmp_path / "a" / "before.png"
    ran = edgekit(
        "lut",
        "fit",
        tmp_path / "before.png",
        edited,
        "--mask",
        tmp_path / "mask.png",
        "--out",
        tmp_path / "f.cube",
        "--json",
    )
    assert ran.code == 0
    luts = json.loads(ran.out)["luts"]
    assert [row["region"] for row in luts] == ["everything but skin", "skin"]
    assert luts[0]["error"]["lab_l2_after"] < 0.3 * luts[0]["error"]["lab_l2_before"]
    options = ("--lut", tmp_path / "f.cube", "--skin-lut", tmp_path / "f-skin.cube", "--out", tmp_path / "b")
    assert edgekit("style", tmp_path / "before.png", *options, "--mask", tmp_path / "mask.png").code == 0
    again = read_photo(tmp_path / "b" / "before.png").pixels.astype(int)
    assert np.abs(again - read_photo(edited).pixels).mean() < 3


def styled(photo: Path, out: Path, *options: object) -> np.ndarray:
    place = ("--mask", photo.parent / "mask.png", "--out", out)
    ran = edgekit("style", photo, *place, *options)
    assert ran.code == 0, ran.err
    return read_photo(out / photo.name).pixels.astype(int)


def test_layers_over_a_style(photo: Path, tmp_path: Path) -> None:
    """Skin fills the left half, the background the right one."""
    write_lut(tmp_path / "film.cube", bent_lut(9))
    warm = styled(photo, tmp_path / "warm", "--style", "warm")
    mixed = styled(
        photo, tmp_path / "mixed", "--style", "warm", "--layer", f"hair,background={tmp_path}/film.cube:0.5"
    )
    film = styled(photo, tmp_path / "film", "--layer", f"background={tmp_path}/film.cube")
    original = picture(60, 80).astype(int)
    assert (mixed[:, :35] == warm[:, :35]).all() and (film[:, :35] == original[:, :35]).all()
    half = (film[:, 45:] + original[:, 45:]) / 2
    assert np.abs(mixed[:, 45:] - half).max() <= 1
    back = styled(photo, tmp_path / "back", "--style", "warm", "--layer", "background=none")
    assert (back[:, 45:] == original[:, 45:]).all() and (back[:, :35] == warm[:, :35]).all()


def test_a_blurred_background_keeps_the_styles_table(photo: Path, tmp_path: Path) -> None:
    soft = styled(photo, tmp_path / "soft", "--layer", "background=blur:50px")
    cool = styled(photo, tmp_path / "cool", "--style", "stark-bw", "--layer", "background=blur:5%")
    assert (soft[:, :35] == picture(60, 80)[:, :35]).all()
    detail = np.abs(np.diff(picture(60, 80)[:, 50:].astype(int), axis=1)).mean()
    assert np.abs(np.diff(soft[:, 50:], axis=1)).mean() < detail / 5
    assert np.ptp(cool[:, 45:], axis=2).max() <= 1 < np.ptp(soft[:, 45:], axis=2).max()


def test_a_picture_behind_the_person_and_a_map(photo: Path, tmp_path: Path) -> None:
    Image.new("RGB", (300, 50), (10, 200, 30)).save(tmp_path / "beach.png")
    behind = styled(photo, tmp_path / "behind", "--background", tmp_path / "beach.png")
    assert (behind[:, 50:] == (10, 200, 30)).all() and (behind[:, :30] == picture(60, 80)[:, :30]).all()
    Image.new("RGB", (8, 6), (255, 0, 0)).save(tmp_path / "map.png")
    drawn = styled(photo, tmp_path / "drawn", "--layer", "drawn_1=stark-bw", "--map", tmp_path / "map.png")
    assert np.ptp(drawn, axis=2).max() <= 1  # everywhere, skin too


def test_a_retouched_face_is_pasted_through_the_mask(photo: Path, tmp_path: Path) -> None:
    Image.new("RGB", (80, 60), (250, 180, 160)).save(tmp_path / "retouched.png")
    layer = f"skin=picture:{tmp_path}/retouched.png"
    pasted = styled(photo, tmp_path / "pasted", "--layer", layer)
    assert (pasted[:, :30] == (250, 180, 160)).all() and (pasted[:, 50:] == picture(60, 80)[:, 50:]).all()
    half = styled(photo, tmp_path / "half", "--layer", f"{layer}:0.5")
    middle = (pasted[:, :30].astype(int) + picture(60, 80)[:, :30]) / 2
    assert np.abs(half[:, :30] - middle).max() <= 1
    both = ("--layer", layer, "--background", tmp_path / "mask.png")
    refused = edgekit("style", photo, "--mask", tmp_path / "mask.png", "--out", tmp_path / "both", *both)
    assert refused.code == 2 and "one second picture, not both" in " ".join(refused.err.split())


def test_scenes_are_listed_drawn_and_a_beginning_of_ones_own(photo: Path, tmp_path: Path) -> None:
    listed = json.loads(edgekit("styles", "--json", "pop-out").out)
    assert (listed["styles"], [scene["name"] for scene in listed["scenes"]]) == ([], ["pop-out"])
    assert all(f" {name} " in edgekit("styles").out for name in SCENES)
    assert edgekit("styles", "portrait", "--save", tmp_path / "mine").code == 0
    mine = tmp_path / "mine" / "portrait.json"
    assert [path.name for path in mine.parent.iterdir()] == ["portrait.json"]
    scene = styled(photo, tmp_path / "scene", "--style", "portrait")
    assert np.array_equal(scene, styled(photo, tmp_path / "own", "--style", mine))
    assert np.abs(np.diff(scene[:, 50:].astype(int), axis=1)).mean() < 5  # noise, out of focus
    popped = styled(photo, tmp_path / "popped", "--style", "pop-out")
    assert np.ptp(popped[:, 45:], axis=2).max() <= 1 < np.ptp(popped[:, :35], axis=2).max()
    assert (
        "known: " in (refused := edgekit("style", photo, "--style", "portrit")).sentence
        and "portrait" in refused.sentence
    )


def test_a_look_of_ones_own_beside_a_preset(photo: Path, tmp_path: Path) -> None:
    layers = [{"regions": ["background"], "style": "stark-bw"}]
    (tmp_path / "mine.json").write_text(
        json.dumps({"schema": "edgekit/look", "schema_version": 1, "layers": layers})
    )
    ran = edgekit(
        "style", photo, "--mask", tmp_path / "mask.png", "--style", f"warm,{tmp_path}/mine.json",
        "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert [row["style"] for row in json.loads(ran.out)["photos"]] == ["warm", "mine"]
    grey = read_photo(tmp_path / "out" / "mine" / "photo.png").pixels.astype(int)
    assert np.ptp(grey[:, 45:], axis=2).max() <= 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--layer", "background"), "'background' is not REGIONS=WHAT"),
        (("--layer", "background="), "is not REGIONS=WHAT"),
        (("--layer", "=warm"), "is not REGIONS=WHAT"),
        (("--layer", "background=warm:strong"), "is not REGIONS=WHAT"),
        (("--layer", "background=warm:0.5:0.5"), "is not REGIONS=WHAT"),
        (("--layer", "background=blur:12em"), "is not REGIONS=WHAT"),
        (("--layer", "skin=picture"), "is not REGIONS=WHAT"),
        (("--layer", "skin=picture:absent.png"), "absent.png"),
        (("--layer", "background=blur:900px"), "from 0.004 to 0.05"),
        (("--layer", "background=warm:1.5"), "a strength is 1.5"),
        (("--layer", "background=warm:nan"), "a strength is nan"),
        (("--layer", "sky=warm"), "There is no region 'sky'; known: skin, hair"),
        (("--layer", "background=warn"), "There is no style 'warn'"),
        (("--layer", "background=film.cube"), "film.cube"),
        (("--layer", "background=none"), "no layer changes anything"),
        (("--background", "absent.png"), "absent.png"),
        (("--style", "absent.json"), "absent.json"),
        ((), "give --style, --lut, --layer or --background"),
    ],
)
def test_layers_that_make_no_sense_are_refused(
    photo: Path, tmp_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    ran = edgekit("style", photo, "--mask", tmp_path / "mask.png", "--out", tmp_path / "out", *options)
    assert ran.code in (2, 3) and sentence in " ".join(ran.err.split()), ran.err
    assert not (tmp_path / "out").exists()


def test_the_files_of_a_look_are_not_written_over(photo: Path, tmp_path: Path) -> None:
    """A background that lies where the styled photo would go, with --force."""
    (tmp_path / "out").mkdir()
    Image.new("RGB", (30, 20), (1, 2, 3)).save(tmp_path / "out" / "photo.png")
    before = (tmp_path / "out" / "photo.png").read_bytes()
    options = ("--background", tmp_path / "out" / "photo.png", "--mask", tmp_path / "mask.png", "--force")
    ran = edgekit("style", photo, *options, "--out", tmp_path / "out")
    assert ran.code == 3 and (tmp_path / "out" / "photo.png").read_bytes() == before


def test_shader_describes_layers(tmp_path: Path) -> None:
    Image.new("RGB", (30, 20), (1, 2, 3)).save(tmp_path / "beach.png")
    options = ("--layer", "background=blur:20px", "--layer", "clothes=stark-bw", "--dialect", "wgsl")
    ran = edgekit("shader", "--style", "warm", *options, "--out", tmp_path / "shader")
    assert ran.code == 0, ran.err
    description = json.loads((tmp_path / "shader" / "shader.json").read_text())
    assert [each["target"] for each in description["passes"]] == ["u_blurred_x", "u_blurred"]
    (blur,) = (each for each in description["uniforms"] if each["name"] == "blur")
    assert blur["default"] == [0.02]
    assert (tmp_path / "shader" / "blur_x.wgsl").is_file()
    two = edgekit("shader", "--style", "warm,cool", "--out", tmp_path / "two")
    assert two.code == 2 and "one look" in two.err
