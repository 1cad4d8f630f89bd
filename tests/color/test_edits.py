"""What a styled photo says of how it was styled, and styling it again from its original."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.color.controls import Controls
from edgekit.color.edits import Edit, Masks, read_edit, with_edit
from edgekit.color.layers import look_of_style
from edgekit.color.styles import STYLES
from edgekit.errors import EdgekitError
from edgekit.files import sha256_of
from edgekit.images import read_photo, write_photo
from tests.support.cli import edgekit

CAMERA = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></rdf:RDF></x:xmpmeta>'
)
CONTROLS = Controls(intensity=0.5, tone=-0.25, color=0.375)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a photo and a mask, in which commands run."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "holiday.png")
    Image.fromarray(np.full((24, 32, 3), (0, 0, 255), np.uint8)).save(tmp_path / "mask.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def styled(*more: str) -> None:
    ran = edgekit("style", *more, "--mask", "mask.png")
    assert ran.code == 0, ran


def edit(photo: Path) -> Edit:
    look = look_of_style(STYLES["warm"])
    return Edit("warm", look.digest(), CONTROLS, Masks("bilinear"), photo.name, sha256_of(photo))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_styled_photo_says_how_it_was_styled(home: Path, suffix: str) -> None:
    Image.open("holiday.png").save(f"holiday{suffix}")
    styled(f"holiday{suffix}", "--style", "warm", "--intensity", "0.5", "--tone", "-0.25", "--color", "0.375")
    found = read_edit(home / "styled" / f"holiday{suffix}")
    assert (found.style, found.controls, found.original) == ("warm", CONTROLS, f"holiday{suffix}")
    assert found.look().digest() == look_of_style(STYLES["warm"]).digest()
    assert found.masks.mask_sha256 is not None and found.masks.segmented_by is None
    assert found.original_in([home]) == home / f"holiday{suffix}"


def test_it_is_styled_again_from_its_original(home: Path) -> None:
    styled("holiday.png", "--style", "warm", "--intensity", "0.5", "--out", "first")
    styled("--from", "first/holiday.png", "--tone", "-0.25", "--out", "second")
    styled("holiday.png", "--style", "warm", "--intensity", "0.5", "--tone", "-0.25", "--out", "expected")
    assert (home / "second/holiday.png").read_bytes() == (home / "expected/holiday.png").read_bytes()
    # A third time, from the second: nothing is lost on the way.
    styled("--from", "second/holiday.png", "--tone", "0", "--out", "third")
    assert (home / "third/holiday.png").read_bytes() == (home / "first/holiday.png").read_bytes()


def test_another_photo_is_styled_as_that_one(home: Path) -> None:
    Image.open("holiday.png").rotate(180).save("other.png")
    styled("holiday.png", "--style", "warm,cool", "--warmth", "0.5")
    styled("other.png", "--from", "styled/cool/holiday.png", "--out", "taken")
    styled("other.png", "--style", "cool", "--warmth", "0.5", "--out", "expected")
    assert (home / "taken/other.png").read_bytes() == (home / "expected/other.png").read_bytes()


@pytest.mark.slow
def test_what_an_edit_cannot_give_is_asked_for(home: Path) -> None:
    assert "does not say how it was styled" in edgekit("style", "--from", "holiday.png").sentence
    styled("holiday.png", "--style", "warm", "--layer", "hair=cool")
    ran = edgekit("style", "--from", "styled/holiday.png", "--out", "again")
    assert ran.code == 3 and "give the look again, with --style, --lut or --layer" in ran.sentence
    ran = edgekit("style", "--from", "styled/holiday.png", "--style", "cool", "--out", "again")
    assert ran.code == 0 and "without --mask, the mask is the segmenter's" in ran.sentence
    (home / "holiday.png").unlink()
    ran = edgekit("style", "--from", "styled/holiday.png", "--style", "cool", "--out", "more")
    assert ran.code == 3 and "The original holiday.png was not found unchanged" in ran.sentence
    assert edgekit("style").code == 2


def test_a_cameras_packet_keeps_all_it_holds(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    photo.write_bytes(b"pixels")
    once = with_edit(CAMERA, edit(photo))
    assert b'xmp:Rating="4"' in once
    assert with_edit(once, edit(photo)) == once
    for packet in (b"<odd/>", CAMERA.replace(b"4", b"4" * 65_000)):
        assert with_edit(packet, edit(photo)) == packet


def rewrite(path: Path, changes: dict[str, object]) -> None:
    """Change the edit in a styled photo."""
    photo = read_photo(path)
    assert photo.xmp is not None
    start, end = photo.xmp.index(b'edgekit:edit="') + 14, photo.xmp.index(b'"/></rdf:RDF>')
    text = json.dumps({**json.loads(html.unescape(photo.xmp[start:end].decode())), **changes})
    packet = photo.xmp[:start] + html.escape(text).encode() + photo.xmp[end:]
    write_photo(path, replace(photo, xmp=packet), replace=True)


def test_an_edit_from_before_a_control_was_added_is_read(home: Path) -> None:
    styled("holiday.png", "--style", "warm", "--tone", "-0.25")
    before_color = {"intensity": 1, "tone": -0.25, "warmth": 0, "skin_protection": 0}
    rewrite(home / "styled/holiday.png", {"controls": before_color})
    assert read_edit(home / "styled/holiday.png").controls == Controls(tone=-0.25)


@pytest.mark.parametrize(
    "damage",
    [
        {"controls": {"intensity": 7, "tone": 0, "warmth": 0, "skin_protection": 0}},
        {"look_sha256": "../../etc"},
        {"schema_version": 2},
        {"original": 3},
        {"surplus": 1},
    ],
)
def test_a_damaged_edit_is_refused(home: Path, damage: dict[str, object]) -> None:
    styled("holiday.png", "--style", "warm")
    rewrite(home / "styled/holiday.png", damage)
    with pytest.raises(EdgekitError, match="edit"):
        read_edit(home / "styled/holiday.png")


def test_the_original_is_looked_for_by_name_only(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"pixels")
    found = edit(secret)
    with pytest.raises(EdgekitError, match=r"secret\.png was not found"):
        replace(found, original="../secret.png").original_in([tmp_path / "in"])
