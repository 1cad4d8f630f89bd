from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from calibration.dataset import read_calibration_set, sha256_of_images, skin_tone
from edgekit.errors import CalibrationError
from edgekit.files import sha256_of
from tests.support.pictures import picture


def photos(folder: Path, n: int) -> Path:
    folder.mkdir(exist_ok=True)
    for i in range(n):
        Image.fromarray(picture(40 + i, 60, i)).save(folder / f"p{i:02}.png")
    return folder


def no_person(image: np.ndarray) -> np.ndarray:
    return np.zeros((16, 16, 3), np.float32)


def test_what_cannot_be_used_is_named_and_left_out(tmp_path: Path) -> None:
    folder = photos(tmp_path / "c", 9)
    (folder / "broken.jpg").write_bytes(b"junk")
    Image.new("RGB", (20, 30)).save(folder / "black.png")
    (folder / "twin.png").write_bytes((folder / "p03.png").read_bytes())
    found = read_calibration_set(folder, 128)
    assert len(found.images) == 9
    reasons = {item.reason.split(" (")[0] for item in found.skipped}
    assert reasons == {"is not a readable image", "is all black", "is a duplicate"}
    assert not any("only" in warning for warning in found.warnings)


def test_what_has_no_end_is_left_out_and_not_waited_for(tmp_path: Path) -> None:
    folder = photos(tmp_path / "c", 9)
    os.mkfifo(folder / "pipe.jpg")
    (folder / "device.png").symlink_to("/dev/zero")
    found = read_calibration_set(folder, 128)
    assert len(found.images) == 9
    assert sorted(item.name for item in found.skipped) == ["device.png", "pipe.jpg"]
    assert len(sha256_of_images(folder)) == 9


def test_the_order_and_the_digest_are_the_same_every_time(tmp_path: Path) -> None:
    folder = photos(tmp_path / "c", 9)
    first, second = read_calibration_set(folder, 128), read_calibration_set(folder, "128x192")
    assert list(first.files) == list(second.files) != sorted(first.files)
    assert first.sha256 == second.sha256
    (folder / "p04.png").unlink()
    assert read_calibration_set(folder, 128).sha256 != first.sha256
    manifest = first.manifest()
    assert manifest["files"] == {
        name: sha256_of(folder / name) for name in first.files if name != "p04.png"
    } | {"p04.png": first.files["p04.png"]}


def test_too_few_pictures_and_no_people_are_loud(tmp_path: Path) -> None:
    one = read_calibration_set(photos(tmp_path / "c", 1), 128, no_person)
    assert any("only 1 usable picture" in warning for warning in one.warnings)
    assert any("finds no person in any picture" in warning for warning in one.warnings)
    assert any("skin tone" in warning for warning in one.warnings)


def test_an_empty_or_useless_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    with pytest.raises(CalibrationError, match="holds no images"):
        read_calibration_set(tmp_path / "c", 128)
    (tmp_path / "c" / "a.jpg").write_bytes(b"junk")
    with pytest.raises(CalibrationError, match="no usable picture"):
        read_calibration_set(tmp_path / "c", 128)


def test_evaluation_pictures_are_refused(tmp_path: Path) -> None:
    folder, evaluation = photos(tmp_path / "c", 9), photos(tmp_path / "e", 3)
    with pytest.raises(CalibrationError, match="also an evaluation picture"):
        read_calibration_set(folder, 128, forbidden=sha256_of_images(evaluation))


@pytest.mark.parametrize(
    ("colour", "stratum"),
    [((246, 237, 228), "very light"), ((160, 126, 86), "tan"), ((41, 36, 32), "dark")],
)
def test_skin_tone_strata_follow_the_typology_angle(colour: tuple[int, int, int], stratum: str) -> None:
    image = np.full((64, 64, 3), colour, np.uint8)
    assert skin_tone(image, np.ones((16, 16), np.float32)) == stratum
    assert skin_tone(image, np.zeros((16, 16), np.float32)) is None
