from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgekit.color.controls import NO_CONTROLS, SKIN
from edgekit.color.display_p3 import P3_FROM_SRGB
from edgekit.color.jobs import Job, Sheets, jobs_for, photos_in
from edgekit.color.layers import Layer, Look, everything_but_skin, look_of_style
from edgekit.color.rgb import encoded_from_linear, linear_from_encoded
from edgekit.color.styles import STYLES
from edgekit.color.stylist import CMYK_NOTE, Stylist, display_p3_look
from edgekit.errors import EdgekitError, ImageError
from edgekit.images import read_photo
from tests.color.samples import bent_lut, picture
from tests.support.profiles import P3


def photos(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(30, 40)).save(folder / name)
    return [folder / name for name in names]


def jobs_of(paths: Sequence[Path], out: Path, *looks: str, **options: Any) -> list[Job]:
    return jobs_for(photos_in(paths, out), looks or ("bent",), out, **options)


def stylist(segment: Any) -> Stylist:
    return Stylist({"bent": Look(everything_but_skin(bent_lut(17)))}, NO_CONTROLS, segment)


def segment_left_half(image: np.ndarray) -> np.ndarray:
    assert image.dtype == np.uint8
    weights = np.zeros((*image.shape[:2], 3), np.float32)
    weights[:, : image.shape[1] // 2, 0] = 1.0
    return weights


def test_skin_is_kept_and_the_rest_changes(tmp_path: Path) -> None:
    source = photos(tmp_path, "a.png")[0]
    (job,) = jobs_of([source], tmp_path / "out")
    (done,), sheets = stylist(segment_left_half).style(job)
    after = read_photo(tmp_path / "out" / "a.png").pixels.astype(int)
    assert (done.width, done.height, done.bits, done.space) == (40, 30, 8, "srgb")
    assert (done.style, done.note, done.skin_delta_e00, sheets) == ("bent", None, None, [])
    assert (after[:, :20] == picture(30, 40)[:, :20]).all()
    assert np.abs(after[:, 20:] - picture(30, 40)[:, 20:]).mean() > 5


@pytest.mark.slow
def test_a_display_p3_photo_gets_the_same_colours(tmp_path: Path) -> None:
    srgb = 0.2 + 0.6 * picture(30, 40) / 255
    p3 = encoded_from_linear(linear_from_encoded(srgb) @ P3_FROM_SRGB.T)
    Image.fromarray(np.rint(srgb * 255).astype(np.uint8)).save(tmp_path / "srgb.png")
    Image.fromarray(np.rint(p3 * 255).astype(np.uint8)).save(tmp_path / "p3.png", icc_profile=P3)
    warm = Stylist({"warm": look_of_style(STYLES["warm"])}, NO_CONTROLS, segment_left_half)
    for job in jobs_of([tmp_path / "srgb.png", tmp_path / "p3.png"], tmp_path / "out", "warm"):
        warm.style(job)
    wide = read_photo(tmp_path / "out" / "p3.png")
    assert wide.space == "display-p3" and wide.icc_profile == P3
    linear = linear_from_encoded(wide.pixels / 255) @ np.linalg.inv(P3_FROM_SRGB).T
    back = encoded_from_linear(np.clip(linear, 0, 1)) * 255
    assert np.abs(back - read_photo(tmp_path / "out" / "srgb.png").pixels).mean() < 1.5


@pytest.mark.slow
def test_layers_that_share_a_table_still_do() -> None:
    first, second = (lut for lut in (layer.lut for layer in look_of_style(STYLES["gold"]).layers))
    layers = (
        Layer(("clothes",), first),
        Layer((SKIN,), second),
        Layer(("background",), first),
        Layer(("hair",)),
    )
    red = np.full((2, 3, 3), (255, 0, 0), np.uint8)
    clothes, skin, background, hair = display_p3_look(Look(layers, picture=red)).layers
    assert clothes.lut is background.lut and clothes.lut is not skin.lut and hair.lut is None
    wide = display_p3_look(Look(layers, picture=red)).picture
    assert wide is not None and wide[0, 0].tolist() == [234, 51, 35]  # sRGB's red, as Display P3 encodes it


def test_folders_keep_their_shape(tmp_path: Path) -> None:
    photos(tmp_path / "in", "b.png", "a.jpg", "deep/a.jpg")
    (tmp_path / "in" / "notes.txt").write_text("no photo")
    jobs = jobs_of([tmp_path / "in"], tmp_path / "out")
    assert [job.outputs[0].relative_to(tmp_path / "out").as_posix() for job in jobs] == [
        "a.jpg",
        "b.png",
        "deep/a.jpg",
    ]


def test_what_would_be_lost_is_refused(tmp_path: Path) -> None:
    one, other = photos(tmp_path, "x/a.png", "y/a.png")
    with pytest.raises(EdgekitError, match="both"):
        jobs_of([one, other], tmp_path / "out")
    with pytest.raises(EdgekitError, match="styled copy"):
        jobs_of([one], tmp_path / "x", force=True)
    photos(tmp_path, "out/a.png")
    with pytest.raises(EdgekitError, match="exists"):
        jobs_of([one], tmp_path / "out")
    assert jobs_of([one], tmp_path / "out", force=True)
    (tmp_path / "empty").mkdir()
    with pytest.raises(EdgekitError, match="No photo"):
        jobs_of([tmp_path / "empty"], tmp_path / "out")
    with pytest.raises(ImageError, match="does not exist"):
        jobs_of([tmp_path / "missing.jpg"], tmp_path / "out")


def test_a_photo_that_cannot_be_written_is_refused_before_any_work(tmp_path: Path) -> None:
    photos(tmp_path / "in", "a.tif", "b.png")
    (job,) = jobs_of([tmp_path / "in" / "a.tif"], tmp_path / "out")
    with pytest.raises(ImageError, match=r"photos are written as \.jpg"):
        stylist(lambda image: pytest.fail("segmented")).style(job)
    found = jobs_of([tmp_path / "in"], tmp_path / "out")
    assert [job.source.name for job in found] == ["b.png"]  # as among other files of a folder


def test_names_that_cannot_be_read_are_one_sentence(tmp_path: Path) -> None:
    for name in ("n" * 300 + ".jpg", "a\udcff.jpg"):
        with pytest.raises(ImageError) as caught:
            jobs_of([tmp_path / name], tmp_path / "out")
        assert str(caught.value).encode()


def test_several_styles_take_one_mask(tmp_path: Path) -> None:
    """Each style has a folder of its own; what it draws is what it draws alone."""
    (source,) = photos(tmp_path, "a.png")
    masks = []

    def segment(image: np.ndarray) -> np.ndarray:
        masks.append(image)
        return segment_left_half(image)

    looks = {name: look_of_style(STYLES[name]) for name in ("warm", "cool")}
    several = Stylist(looks, NO_CONTROLS, segment)
    (job,) = jobs_of([source], tmp_path / "out", "warm", "cool", sheets=Sheets(True, True, True))
    done, sheets = several.style(job)
    assert len(masks) == 1
    assert [photo.output.relative_to(tmp_path / "out").as_posix() for photo in done] == [
        "warm/a.png",
        "cool/a.png",
    ]
    assert {sheet.output.relative_to(tmp_path / "out").as_posix(): sheet.kind for sheet in sheets} == {
        "warm/a-compare.png": "compare",
        "cool/a-compare.png": "compare",
        "a-mask.png": "mask",
        "a-styles.png": "contact",
    }
    assert set(job.outputs) == {made.output for made in (*done, *sheets)}
    (alone,) = jobs_of([source], tmp_path / "alone", "cool")
    Stylist({"cool": looks["cool"]}, NO_CONTROLS, segment).style(alone)
    assert (tmp_path / "alone" / "a.png").read_bytes() == (tmp_path / "out" / "cool" / "a.png").read_bytes()


def test_a_refined_mask_is_made_once_for_all_styles(tmp_path: Path) -> None:
    (source,) = photos(tmp_path, "a.png")
    calls = []

    def refine(mask: np.ndarray, image: np.ndarray) -> np.ndarray:
        calls.append(image.shape)
        return segment_left_half(np.zeros(image.shape, np.uint8))

    looks = {name: look_of_style(STYLES[name]) for name in ("warm", "cool")}
    (job,) = jobs_of([source], tmp_path / "out", *looks, sheets=Sheets(True, True, True))
    Stylist(looks, NO_CONTROLS, segment_left_half, refine).style(job)
    assert calls == [(30, 40, 3)]


def test_skin_under_the_mask_is_compared_with_the_table_everywhere(tmp_path: Path) -> None:
    (source,) = photos(tmp_path, "a.png")
    (job,) = jobs_of([source], tmp_path / "out", sheets=Sheets(compare=True))
    (done,), _ = stylist(segment_left_half).style(job)
    skin = done.skin_delta_e00
    assert skin is not None and skin.pixels == 30 * 20
    assert (skin.mean, skin.p95) == (0, 0)  # skin has no table and stays as it is
    assert 3 < skin.everywhere_mean < skin.everywhere_p95 < 60
    (job,) = jobs_of([source], tmp_path / "none", sheets=Sheets(compare=True))
    (done,), _ = stylist(lambda image: np.zeros((4, 4, 3), np.float32)).style(job)
    assert done.skin_delta_e00 is None


def test_the_figure_of_a_display_p3_photo_is_that_of_its_colours(tmp_path: Path) -> None:
    srgb = 0.2 + 0.6 * picture(30, 40) / 255
    p3 = encoded_from_linear(linear_from_encoded(srgb) @ P3_FROM_SRGB.T)
    Image.fromarray(np.rint(srgb * 255).astype(np.uint8)).save(tmp_path / "srgb.png")
    Image.fromarray(np.rint(p3 * 255).astype(np.uint8)).save(tmp_path / "p3.png", icc_profile=P3)
    figures = []
    for job in jobs_of(
        [tmp_path / "srgb.png", tmp_path / "p3.png"], tmp_path / "out", sheets=Sheets(compare=True)
    ):
        (done,), _ = stylist(segment_left_half).style(job)
        assert done.skin_delta_e00 is not None
        figures.append(done.skin_delta_e00.everywhere_mean)
    assert figures[0] == pytest.approx(figures[1], rel=0.1)


def test_inks_without_a_profile_get_a_note(tmp_path: Path) -> None:
    Image.fromarray(picture(30, 40)).convert("CMYK").save(tmp_path / "inks.jpg")
    (job,) = jobs_of([tmp_path / "inks.jpg"], tmp_path / "out")
    (done,), _ = stylist(segment_left_half).style(job)
    assert done.note == CMYK_NOTE and done.converted_from == "CMYK without a profile"


def test_results_inside_a_searched_folder_are_no_photos(tmp_path: Path) -> None:
    photos(tmp_path / "in", "a.png", "styled/a.png", "styled/deep/c.png", "styled2/b.png")
    found = photos_in([tmp_path / "in"], tmp_path / "in" / "styled")
    assert [name for _, name in found] == ["a.png", "styled2/b.png"]
    inside = photos_in([tmp_path / "in" / "styled" / "deep"], tmp_path / "in" / "styled")
    assert [name for _, name in inside] == ["c.png"]  # named on purpose


def test_a_photo_named_twice_is_styled_once(tmp_path: Path) -> None:
    (photo,) = photos(tmp_path, "in/a.png")
    assert len(jobs_of([photo, tmp_path / "in", photo], tmp_path / "out")) == 1


def test_no_input_is_replaced(tmp_path: Path) -> None:
    one, other = photos(tmp_path, "in/a.png", "out/b/a.png")
    with pytest.raises(EdgekitError, match=r"b/a\.png would be replaced by .*in/b/a.png's styled copy"):
        photos(tmp_path, "in/b/a.png")
        jobs_of([tmp_path / "in", tmp_path / "out" / "b"], tmp_path / "out", force=True)
    with pytest.raises(EdgekitError, match="would be replaced"):
        jobs_of([one], tmp_path / "out" / "b", force=True, inputs=[other])
    with pytest.raises(EdgekitError, match="would be replaced"):  # by a sheet
        jobs_of(photos(tmp_path, "x.png", "x-mask.png"), tmp_path, sheets=Sheets(mask=True), force=True)
    with pytest.raises(EdgekitError, match=r"a\.png and .*a-mask\.png would both|a-mask\.png and .*a\.png"):
        jobs_of(photos(tmp_path, "y/a.png", "y/a-mask.png"), tmp_path / "z", sheets=Sheets(mask=True))


def test_sheets_keep_the_rules_of_photos(tmp_path: Path) -> None:
    (photo,) = photos(tmp_path, "in/a.png")
    photos(tmp_path, "out/a-mask.png")
    with pytest.raises(EdgekitError, match=r"a-mask\.png exists already"):
        jobs_of([photo], tmp_path / "out", sheets=Sheets(mask=True))
    (job,) = jobs_of([photo], tmp_path / "out", sheets=Sheets(mask=True), force=True)
    stylist(segment_left_half).style(job)
    jpg, png = photos(tmp_path, "both/a.jpg", "both/a.png")
    first, second = jobs_of([jpg, png], tmp_path / "out2", sheets=Sheets(mask=True))
    assert first.mask != second.mask  # photos of one stem
