"""`edgekit segment`: files at the photo's size, each as its readers take it; folders, interruptions, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.artifact import Artifact
from edgekit.errors import EdgekitError, UnknownName
from edgekit.images import mask_from_picture, read_labels, read_photo
from edgekit.scores.folder import evaluate
from edgekit.segmenter import Segmenter
from edgekit.segmenting import KINDS, segment
from edgekit.weights import Checkpoint
from tests.support.cli import edgekit
from tests.support.pictures import picture


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Two photos, one of them a 16-bit PNG in a folder."""
    (tmp_path / "album" / "deep").mkdir(parents=True)
    Image.fromarray(picture(60, 80)).save(tmp_path / "album" / "first.jpg", quality=95)
    import cv2

    deep = picture(48, 40).astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "album" / "deep" / "second.png"), deep[..., ::-1])
    return tmp_path / "album"


def test_every_kind_has_the_photos_size_and_is_what_its_readers_take(
    album: Path, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    found = segment([album], KINDS, source=checkpoint, refinement="bilinear", out=out)
    assert found.failed == () and found.skipped == ()
    second, first = found.done
    assert {kind: place.relative_to(out).as_posix() for kind, place in second.outputs.items()} == {
        "masks": "masks/deep/second.png", "labels": "labels/deep/second.png",
        "overlays": "overlays/deep/second.png", "cutouts": "cutouts/deep/second.png",
    }  # fmt: skip
    assert first.outputs["overlays"].name == "first.jpg" and (first.height, first.width) == (60, 80)
    photo = read_photo(album / "first.jpg")
    segmenter = Segmenter(checkpoint)
    labels = read_labels(first.outputs["labels"])
    assert np.array_equal(labels, segmenter.labels(photo.pixels))
    mask = mask_from_picture(first.outputs["masks"])
    assert mask.shape == (60, 80, 3)
    assert first.shares is not None and sum(first.shares.values()) == pytest.approx(1)
    assert mask[..., 0].mean() == pytest.approx(first.shares["skin"], abs=0.01)
    assert json.loads((out / "classes.json").read_text()) == list(checkpoint.class_names)
    for shown, bits in ((first, 8), (second, 16)):
        cut = read_photo(shown.outputs["cutouts"])
        assert cut.bits == bits and cut.alpha is not None
        person = mask_from_picture(shown.outputs["masks"]).sum(axis=-1)
        assert np.abs(cut.alpha / (2**bits - 1) - person).max() < 3 / 255
    assert np.array_equal(read_photo(second.outputs["cutouts"]).pixels, read_photo(second.path).pixels)
    overlay = read_photo(first.outputs["overlays"]).pixels
    assert overlay.shape == photo.pixels.shape and not np.array_equal(overlay, photo.pixels)


@pytest.mark.slow
def test_labels_can_be_evaluated_against(album: Path, checkpoint: Checkpoint, tmp_path: Path) -> None:
    segment([album / "first.jpg"], ["labels"], source=checkpoint, out=tmp_path / "out")
    photos = tmp_path / "photos"
    photos.mkdir()
    (album / "first.jpg").rename(photos / "first.jpg")
    scored = evaluate(checkpoint, images=photos, labels=tmp_path / "out" / "labels", baselines=False)
    assert scored.models[0].overall_accuracy == 1.0


def test_labels_alone_take_an_artifact(album: Path, artifacts: dict[str, Artifact], tmp_path: Path) -> None:
    (photo,) = segment([album / "first.jpg"], ["labels"], source=artifacts["tflite"], out=tmp_path).done
    assert photo.shares is None
    expected = Segmenter(artifacts["tflite"]).labels(read_photo(album / "first.jpg").pixels)
    assert np.array_equal(read_labels(tmp_path / "labels" / "first.png"), expected)


@pytest.mark.slow
def test_an_interrupted_run_goes_on(
    album: Path, checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, groups = tmp_path / "out", Segmenter.groups
    shown = iter([True])

    def interrupted(self: Segmenter, photo: object) -> object:
        if not next(shown, False):
            raise KeyboardInterrupt
        return groups(self, photo)  # type: ignore[arg-type]

    monkeypatch.setattr(Segmenter, "groups", interrupted)
    with pytest.raises(KeyboardInterrupt):
        segment([album], ["masks"], source=checkpoint, out=out)
    monkeypatch.undo()
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    assert len(before) == 1
    with pytest.raises(EdgekitError, match="pass `resume` to go on"):
        segment([album], ["masks"], source=checkpoint, out=out)
    with pytest.raises(EdgekitError, match=r"was segmented with other settings \(kinds\)"):
        segment([album], ["labels"], source=checkpoint, out=out, resume=True)
    found = segment([album], ["masks"], source=checkpoint, out=out, resume=True)
    assert len(found.done) == len(found.skipped) == 1
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_what_is_in_the_way_is_refused_before_anything_is_written(
    album: Path, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    Image.fromarray(picture(20, 20)).save(album / "first.png")
    with pytest.raises(EdgekitError, match=r"would both be written to .*masks/first\.png"):
        segment([album], ["masks"], source=checkpoint, out=out)
    (album / "first.png").unlink()
    out.mkdir()
    (out / "classes.json").write_text('["mine"]')
    with pytest.raises(EdgekitError, match=r"classes\.json"):
        segment([album], ["labels"], source=checkpoint, out=out)
    assert [path.name for path in out.iterdir()] == ["classes.json"]
    with pytest.raises(UnknownName, match="masks, labels, overlays, cutouts"):
        segment([album], ["mask"], source=checkpoint, out=out)  # type: ignore[list-item]
    with pytest.raises(EdgekitError, match="names nothing"):
        segment([album], [], source=checkpoint, out=out)


@pytest.mark.slow
def test_the_command(album: Path, checkpoint: Checkpoint, tmp_path: Path) -> None:
    (album / "broken.jpg").write_bytes(b"no picture")
    options = (
        "--kinds",
        "masks, labels",
        "--weights",
        checkpoint.folder,
        "--out",
        tmp_path / "out",
        "--json",
    )
    ran = edgekit("segment", album, *options)
    answer = json.loads(ran.out)
    assert ran.code == 1 and "not segmented: " in ran.err and "broken.jpg" in ran.sentence
    assert answer["kinds"] == ["masks", "labels"] and len(answer["photos"]) == 2
    assert answer["photos"][1]["outputs"]["labels"] == str(tmp_path / "out" / "labels" / "first.png")
    assert [failed["path"] for failed in answer["failed"]] == [str(album / "broken.jpg")]
    ran = edgekit("segment", album, "--kinds", "mattes", "--out", tmp_path / "other")
    assert ran.code == 3 and "There is no kind of file 'mattes'" in ran.sentence
    ran = edgekit("segment", album, "--weights", "a", "--artifact", "b")
    assert ran.code == 2 and "either --artifact or --weights" in ran.sentence
