"""Label files hold class indices or are refused by name; masks hold weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.errors import ImageError
from edgekit.images import mask_from_picture, png, read_labels
from tests.color.samples import picture

LABELS = np.array([[0, 17, 255], [3, 18, 0]], np.uint8)


def save_labels(path: Path) -> bytes:
    Image.fromarray(LABELS).save(path)
    return path.read_bytes()


def test_labels_beyond_the_classes_are_named(tmp_path: Path) -> None:
    save_labels(tmp_path / "a.png")
    assert read_labels(tmp_path / "a.png", 19).tolist() == LABELS.tolist()
    assert read_labels(tmp_path / "a.png").tolist() == LABELS.tolist()
    with pytest.raises(ImageError, match="label 18, but the model has 18 classes"):
        read_labels(tmp_path / "a.png", 18)


@pytest.mark.parametrize("classes", [2, 16, 200])
def test_palette_indices_are_the_labels(tmp_path: Path, classes: int) -> None:
    indices = (np.arange(60).reshape(6, 10) % classes).astype(np.uint8)
    image = Image.fromarray(indices, "P")
    image.putpalette(np.random.default_rng(0).integers(0, 256, 3 * classes).tolist())
    image.save(tmp_path / "a.png")  # Pillow packs 2 classes in 1 bit, 16 in 4
    assert read_labels(tmp_path / "a.png").tolist() == indices.tolist()


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (Image.fromarray(np.dstack([LABELS] * 3)), "8-bit RGB"),
        (Image.fromarray(np.dstack([LABELS] * 4)), "8-bit RGB with alpha"),
        (Image.fromarray(LABELS).convert("LA"), "8-bit grey with alpha"),
        (Image.fromarray(LABELS.astype(np.uint16)), "16-bit grey"),
        (Image.fromarray(LABELS).convert("1"), "1-bit grey"),
    ],
)
def test_what_is_not_a_label_file_is_named(tmp_path: Path, image: Image.Image, kind: str) -> None:
    image.save(tmp_path / "a.png")
    with pytest.raises(ImageError, match=f"label image of {kind};"):
        read_labels(tmp_path / "a.png", 19)


def test_sixteen_bit_colour_labels_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png.encode(picture(5, 4, np.uint16)))
    with pytest.raises(ImageError, match="label image of 16-bit RGB;"):
        read_labels(tmp_path / "a.png", 19)


def test_a_lossy_label_is_refused_whatever_its_name(tmp_path: Path) -> None:
    Image.fromarray(LABELS).save(tmp_path / "a.jpg")
    with pytest.raises(ImageError, match=r"the extension is not one of \.png"):
        read_labels(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").rename(tmp_path / "a.png")
    with pytest.raises(ImageError, match=r"is not a readable label image .*not an intact PNG"):
        read_labels(tmp_path / "a.png")


@pytest.mark.parametrize("at", range(33))
def test_a_broken_header_is_one_sentence(tmp_path: Path, at: int) -> None:
    good = save_labels(tmp_path / "a.png")
    broken = bytes(
        [*good[:at], good[at] ^ 0x55, *good[at + 1 :]]
    )  # the signature, IHDR's every byte, its checksum
    (tmp_path / "a.png").write_bytes(broken)
    with pytest.raises(ImageError, match="label image") as caught:
        read_labels(tmp_path / "a.png")
    assert "\n" not in str(caught.value)
    (tmp_path / "a.png").write_bytes(good[:at])
    with pytest.raises(ImageError, match="label image"):
        read_labels(tmp_path / "a.png")


def test_masks_from_pictures(tmp_path: Path) -> None:
    rgb = picture(9, 11)
    Image.fromarray(rgb).save(tmp_path / "rgb.png")
    Image.fromarray(rgb[..., 0]).save(tmp_path / "grey.png")
    assert mask_from_picture(tmp_path / "rgb.png") == pytest.approx(rgb / 255)
    grey = mask_from_picture(tmp_path / "grey.png")
    assert grey[..., 0] == pytest.approx(rgb[..., 0] / 255) and not grey[..., 1:].any()
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match="mask"):
        mask_from_picture(tmp_path / "bad.png")
    Image.fromarray(rgb).convert("CMYK").save(tmp_path / "inks.jpg")
    with pytest.raises(ImageError, match="mask in CMYK"):
        mask_from_picture(tmp_path / "inks.jpg")


def test_a_mask_may_have_sixteen_bits(tmp_path: Path) -> None:
    grey = picture(9, 11, np.uint16)[..., 0]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    mask = mask_from_picture(tmp_path / "grey.png")
    assert mask[..., 0] == pytest.approx(grey / 65535) and not mask[..., 1:].any()
    (tmp_path / "rgb.png").write_bytes(png.encode(picture(9, 11, np.uint16)))
    assert mask_from_picture(tmp_path / "rgb.png") == pytest.approx(picture(9, 11, np.uint16) / 65535)
