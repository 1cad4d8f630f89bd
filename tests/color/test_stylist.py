from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.color.controls import NO_CONTROLS, SKIN
from edgekit.color.display_p3 import P3_FROM_SRGB
from edgekit.color.engine import Layer, layers_from_luts, layers_from_style
from edgekit.color.rgb import encoded_from_linear, linear_from_encoded
from edgekit.color.styles import STYLES
from edgekit.color.stylist import Stylist, display_p3_layers, jobs_for
from edgekit.errors import EdgekitError, ImageError
from edgekit.images import read_photo
from tests.color.samples import bent_lut, picture
from tests.support.profiles import P3


def photos(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(30, 40)).save(folder / name)
    return [folder / name for name in names]


def segment_left_half(image: np.ndarray) -> np.ndarray:
    assert image.dtype == np.uint8
    weights = np.zeros((*image.shape[:2], 3), np.float32)
    weights[:, : image.shape[1] // 2, 0] = 1.0
    return weights


def test_skin_is_kept_and_the_rest_changes(tmp_path: Path) -> None:
    source = photos(tmp_path, "a.png")[0]
    stylist = Stylist(layers_from_luts(bent_lut(17), None), NO_CONTROLS, segment_left_half)
    (job,) = jobs_for([source], tmp_path / "out", force=False)
    done = stylist.style(job)
    after = read_photo(tmp_path / "out" / "a.png").pixels.astype(int)
    assert (done.width, done.height, done.bits, done.space) == (40, 30, 8, "srgb")
    assert (after[:, :20] == picture(30, 40)[:, :20]).all()
    assert np.abs(after[:, 20:] - picture(30, 40)[:, 20:]).mean() > 5


def test_a_display_p3_photo_gets_the_same_colours(tmp_path: Path) -> None:
    srgb = 0.2 + 0.6 * picture(30, 40) / 255
    p3 = encoded_from_linear(linear_from_encoded(srgb) @ P3_FROM_SRGB.T)
    Image.fromarray(np.rint(srgb * 255).astype(np.uint8)).save(tmp_path / "srgb.png")
    Image.fromarray(np.rint(p3 * 255).astype(np.uint8)).save(tmp_path / "p3.png", icc_profile=P3)
    stylist = Stylist(layers_from_style(STYLES["warm"]), NO_CONTROLS, segment_left_half)
    for job in jobs_for([tmp_path / "srgb.png", tmp_path / "p3.png"], tmp_path / "out", force=False):
        stylist.style(job)
    wide = read_photo(tmp_path / "out" / "p3.png")
    assert wide.space == "display-p3" and wide.icc_profile == P3
    linear = linear_from_encoded(wide.pixels / 255) @ np.linalg.inv(P3_FROM_SRGB).T
    back = encoded_from_linear(np.clip(linear, 0, 1)) * 255
    assert np.abs(back - read_photo(tmp_path / "out" / "srgb.png").pixels).mean() < 1.5


def test_layers_that_share_a_table_still_do() -> None:
    layers = display_p3_layers({**layers_from_style(STYLES["gold"]), "hair": Layer(None)})
    assert layers["clothes"].lut is layers["background"].lut
    assert layers[SKIN].lut is not layers["clothes"].lut
    assert layers["hair"].lut is None


def test_folders_keep_their_shape(tmp_path: Path) -> None:
    photos(tmp_path / "in", "b.png", "a.jpg", "deep/a.jpg")
    (tmp_path / "in" / "notes.txt").write_text("no photo")
    jobs = jobs_for([tmp_path / "in"], tmp_path / "out", force=False)
    assert [job.destination.relative_to(tmp_path / "out").as_posix() for job in jobs] == [
        "a.jpg",
        "b.png",
        "deep/a.jpg",
    ]


def test_what_would_be_lost_is_refused(tmp_path: Path) -> None:
    one, other = photos(tmp_path, "x/a.png", "y/a.png")
    with pytest.raises(EdgekitError, match="both"):
        jobs_for([one, other], tmp_path / "out", force=False)
    with pytest.raises(EdgekitError, match="styled copy"):
        jobs_for([one], tmp_path / "x", force=True)
    photos(tmp_path, "out/a.png")
    with pytest.raises(EdgekitError, match="exists"):
        jobs_for([one], tmp_path / "out", force=False)
    assert jobs_for([one], tmp_path / "out", force=True)
    (tmp_path / "empty").mkdir()
    with pytest.raises(EdgekitError, match="No photo"):
        jobs_for([tmp_path / "empty"], tmp_path / "out", force=False)
    with pytest.raises(ImageError, match="does not exist"):
        jobs_for([tmp_path / "missing.jpg"], tmp_path / "out", force=False)


def test_a_photo_that_cannot_be_written_is_refused_before_any_work(tmp_path: Path) -> None:
    photos(tmp_path / "in", "a.tif", "b.png")
    stylist = Stylist(
        layers_from_luts(bent_lut(17), None), NO_CONTROLS, lambda image: pytest.fail("segmented")
    )
    (job,) = jobs_for([tmp_path / "in" / "a.tif"], tmp_path / "out", force=False)
    with pytest.raises(ImageError, match=r"photos are written as \.jpg"):
        stylist.style(job)
    found = jobs_for([tmp_path / "in"], tmp_path / "out", force=False)
    assert [job.source.name for job in found] == ["b.png"]  # as among other files of a folder


def test_names_that_cannot_be_read_are_one_sentence(tmp_path: Path) -> None:
    for name in ("n" * 300 + ".jpg", "a\udcff.jpg"):
        with pytest.raises(ImageError) as caught:
            jobs_for([tmp_path / name], tmp_path / "out", force=False)
        assert str(caught.value).encode()
