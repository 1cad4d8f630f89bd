"""Runs over many photos that are interrupted, killed, and gone on with."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from edgekit import styling
from edgekit.color.jobs import Sheets
from edgekit.color.photo_log import STYLED, PhotoLog
from edgekit.color.stylist import StyledPhotos
from edgekit.errors import EdgekitError
from edgekit.files import LOCK_FILE, STAGING_PREFIX, sha256_of
from edgekit.styling import style
from tests.color.albums import Stop, forked_processes, made_album
from tests.color.samples import picture
from tests.support.cli import edgekit

SETTINGS = {"style": {"warm": "1"}, "controls": [0.5, {"tone": 0.1}]}


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder of six photos, and mask.png beside it."""
    made_album(tmp_path, 6)
    return tmp_path / "album"


def styled(album: Path, styles: Any = "warm", **options: Any) -> StyledPhotos:
    return style([album], styles, mask=album.parent / "mask.png", out=album.parent / "out", **options)


def files_in(out: Path) -> dict[str, tuple[int, int]]:
    """Every output by name, with what changes when it is written anew."""
    found = (p for p in out.rglob("*") if p.is_file() and p.name != STYLED.file)
    return {p.relative_to(out).as_posix(): (p.stat().st_ino, p.stat().st_mtime_ns) for p in found}


def rows_in(out: Path) -> list[dict[str, Any]]:
    """The rows after the first; lines that were cut off are left out."""
    rows = []
    for line in (out / STYLED.file).read_text().split("\n")[1:]:
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def finished_in(out: Path) -> dict[str, dict[str, str]]:
    """Photo to its outputs' digests."""
    return {row["photo"]: row["outputs"] for row in rows_in(out) if "outputs" in row}


@pytest.fixture
def interrupted(album: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The album after a run that Ctrl-C ended at the fourth photo."""
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(styling, "mask_as_segment", Stop(3))
        styled(album)
    return album


# -- going on ---------------------------------------------------------------------------------------------------


def test_a_resumed_run_styles_the_rest_only(interrupted: Path) -> None:
    out = interrupted.parent / "out"
    before = files_in(out)
    assert len(before) == 3
    again = styled(interrupted, resume=True)
    assert (len(again.skipped), len(again.done), again.failed) == (3, 3, ())
    after = files_in(out)
    assert len(after) == 6 and after.items() >= before.items()
    assert len(styled(interrupted, resume=True).skipped) == 6
    assert files_in(out) == after


def test_a_changed_photo_or_output_is_styled_again(interrupted: Path) -> None:
    out = interrupted.parent / "out"
    first, second, third = (interrupted / row for row in sorted(finished_in(out)))
    Image.fromarray(picture(30, 44)).save(first)
    (out / second.relative_to(interrupted)).unlink()
    (out / third.relative_to(interrupted)).write_bytes(b"touched")
    again = styled(interrupted, resume=True)
    assert len(again.done) == 6 and not again.skipped
    assert Image.open(out / first.relative_to(interrupted)).size == (44, 30)


@pytest.mark.slow
def test_a_changed_sheet_is_made_again(album: Path) -> None:
    out = album.parent / "out"
    styled(album, ["warm", "cool"], sheets=Sheets(mask=True, compare=True))
    (out / "warm" / "00-compare.jpg").unlink()
    again = styled(album, ["warm", "cool"], sheets=Sheets(mask=True, compare=True), resume=True)
    assert len(again.skipped) == 5
    assert {photo.path.name for photo in again.done} == {"00.jpg"}
    assert len(files_in(out)) == 6 * (2 + 2 + 1)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"styles": "cool"}, "style"),
        ({"styles": ["warm", "cool"]}, "style"),
        ({"refinement": "guided"}, "refinement"),
        ({"controls": styling.Controls(intensity=0.5)}, "controls"),
        ({"sheets": Sheets(mask=True)}, "sheets"),
    ],
)
def test_other_settings_are_refused_by_name(interrupted: Path, options: dict[str, Any], named: str) -> None:
    before = files_in(interrupted.parent / "out")
    with pytest.raises(EdgekitError, match=rf"was styled with other settings \({named}\)"):
        styled(interrupted, **options, resume=True)
    assert files_in(interrupted.parent / "out") == before


def test_another_mask_is_refused(interrupted: Path) -> None:
    Image.fromarray(picture(12, 16)).save(interrupted.parent / "mask.png")
    with pytest.raises(EdgekitError, match=r"other settings \(source\)"):
        styled(interrupted, resume=True)


def test_without_resume_an_interrupted_run_is_left_alone(interrupted: Path) -> None:
    log = (interrupted.parent / "out" / STYLED.file).read_bytes()
    with pytest.raises(EdgekitError, match="from an earlier run; pass `resume` to go on"):
        styled(interrupted)
    assert (interrupted.parent / "out" / STYLED.file).read_bytes() == log
    assert len(styled(interrupted, force=True).done) == 6


def test_a_run_over_other_photos_keeps_what_the_first_finished(interrupted: Path) -> None:
    folder = interrupted.parent
    Image.fromarray(picture(30, 40)).save(folder / "x.png")
    Image.fromarray(picture(30, 40)).save(folder / "y.png")
    style([folder / "x.png", folder / "y.png"], "warm", mask=folder / "mask.png", out=folder / "out")
    assert len(styled(interrupted, resume=True).skipped) == 3


def test_nothing_to_resume(album: Path, tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match="holds no interrupted run"):
        styled(album, resume=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / STYLED.file).write_text("my own notes")
    for resume in (False, True):
        with pytest.raises(EdgekitError, match="is not a log of styled photos"):
            styled(album, resume=resume, force=True)
    assert (tmp_path / "out" / STYLED.file).read_text() == "my own notes"


def test_files_of_others_in_the_folder_stop_a_resumed_run(interrupted: Path) -> None:
    theirs = interrupted.parent / "out" / "deep" / "05.png"
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_bytes(b"theirs")
    with pytest.raises(EdgekitError, match=r"05\.png exists already"):
        styled(interrupted, resume=True)
    assert theirs.read_bytes() == b"theirs"


def test_a_photo_that_failed_is_tried_again(album: Path) -> None:
    good = (album / "03.jpg").read_bytes()
    (album / "03.jpg").write_bytes(b"no photo")
    assert [path.name for path, _ in styled(album).failed] == ["03.jpg"]
    (album / "03.jpg").write_bytes(good)
    again = styled(album, resume=True)
    assert ([photo.path.name for photo in again.done], len(again.skipped)) == (["03.jpg"], 5)


@pytest.mark.parametrize("exists", [False, True])
def test_a_folder_whose_only_photo_is_damaged_leaves_no_log(tmp_path: Path, exists: bool) -> None:
    made_album(tmp_path, 0)
    (tmp_path / "album" / "junk.png").write_bytes(b"junk")
    if exists:
        (tmp_path / "out").mkdir()
    with pytest.raises(EdgekitError, match=r"junk\.png"):
        styled(tmp_path / "album")
    assert (tmp_path / "out").exists() == exists and not (tmp_path / "out" / STYLED.file).exists()


def test_photos_that_vanish_are_named(interrupted: Path) -> None:
    (interrupted / "04.jpg").rename(interrupted / "04.jpg.away")
    (interrupted / "04.jpg").symlink_to("nowhere")
    (interrupted / "00.jpg").chmod(0)
    again = styled(interrupted, resume=True)
    assert len(again.done) + len(again.skipped) + len(again.failed) == 5


@pytest.mark.parametrize(
    "name", ["a\u2028b.png", "a\nb.png", "a\x85b.png", "\N{HOT BEVERAGE}.png", "a\udcffb.png"]
)
def test_strange_names_are_kept_in_the_log(album: Path, name: str) -> None:
    shutil.copy(album / "deep" / "02.png", os.fsencode(str(album / name)))
    first = styled(album)
    assert len(first.done) + len(first.failed) == 7
    again = styled(album, resume=True)
    assert len(again.skipped) == len(first.done) and len(again.done) == 0


def test_inputs_in_the_output_folder(album: Path) -> None:
    out = album.parent / "out"
    album.rename(album.parent / "moved")
    out.mkdir()
    (album.parent / "moved").rename(out / "album")
    before = files_in(out)
    mask = album.parent / "mask.png"
    done = style([out / "album"], "warm", mask=mask, out=out)
    assert len(done.done) == 6 and files_in(out).items() >= before.items()
    assert len(style([out / "album"], "warm", mask=mask, out=out, resume=True).skipped) == 6
    with pytest.raises(EdgekitError, match="would be replaced by its styled copy"):
        style([out], "warm", mask=mask, out=out, force=True)
    assert files_in(out).items() >= before.items()


def test_results_in_the_searched_folder_are_not_styled_again(album: Path) -> None:
    mask = album.parent / "mask.png"
    style([album], "warm", mask=mask, out=album / "styled")
    again = style([album], "warm", mask=mask, out=album / "styled", resume=True)
    assert (len(again.skipped), len(again.done)) == (6, 0)


# -- the log ----------------------------------------------------------------------------------------------------


def test_a_line_that_was_cut_off_spoils_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a")
    log = PhotoLog.opened(tmp_path, SETTINGS, resume=False)
    log.begin()
    log.recorded("a.jpg", tmp_path / "a.jpg", [tmp_path / "a.jpg"], lambda: None)
    whole = log.path.read_bytes()
    for cut in range(whole.index(b"\n") + 1, len(whole)):
        log.path.write_bytes(whole[:cut])
        resumed = PhotoLog.opened(tmp_path, SETTINGS, resume=True)
        resumed.begin()
        with pytest.raises(KeyboardInterrupt):
            resumed.recorded("b.jpg", tmp_path / "a.jpg", [], interrupt)
        assert PhotoLog.opened(tmp_path, SETTINGS, resume=True).may_replace("b.jpg")


def interrupt() -> None:
    raise KeyboardInterrupt


def test_a_full_disk_is_a_sentence(tmp_path: Path) -> None:
    log = PhotoLog.opened(tmp_path, SETTINGS, resume=False)
    log.begin()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PhotoLog, "path", Path("/dev/full"))
        with pytest.raises(EdgekitError, match="/dev/full could not be written: No space left"):
            log.recorded("a.jpg", tmp_path / "a.jpg", [], lambda: None)


@pytest.mark.slow
def test_ctrl_c_says_what_is_kept_and_how_to_go_on(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("style", album, "--style", "warm", "--mask", album.parent / "mask.png")
    arguments += ("--out", album.parent / "out")
    with monkeypatch.context() as patch:
        patch.setattr(styling, "mask_as_segment", Stop(4))
        ran = edgekit(*arguments)
    assert ran.code == 130
    assert f"4 of 6 photos are finished and kept in {album.parent / 'out'}" in ran.sentence
    assert ran.sentence.endswith("run the same command with --resume to go on.")
    with monkeypatch.context() as patch:
        patch.setattr(styling, "mask_as_segment", Stop(1))
        ran = edgekit(*arguments, "--resume")
    assert "5 of 6 photos are finished" in ran.sentence
    ran = edgekit(*arguments, "--resume", "--json")
    assert (ran.code, len(json.loads(ran.out)["skipped"])) == (0, 5)
    ran = edgekit(*arguments, "--resume", "--intensity", "0.5")
    assert (ran.code, "other settings (controls)" in ran.sentence) == (3, True)


# -- killed -----------------------------------------------------------------------------------------------------

KILLED_ALBUM, KILLED_STYLES = 40, ["warm", "cool"]


def run_in_child(album: Path, resume: bool) -> None:
    styled(album, KILLED_STYLES, sheets=Sheets(mask=True), resume=resume)


@pytest.fixture(scope="module")
def children() -> Any:
    return forked_processes()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_run_that_is_killed_twice_ends_with_every_output_once(
    tmp_path: Path, children: Any, seed: int
) -> None:
    chance = random.Random(seed)
    made_album(tmp_path, KILLED_ALBUM, (150, 200))
    album, out = tmp_path / "album", tmp_path / "out"
    before: dict[str, tuple[int, int]] = {}
    for resume in (False, True):
        child = children.Process(target=run_in_child, args=(album, resume))
        child.start()
        photos = len(finished_in(out)) if resume else 0
        until = photos + chance.randrange(1, 15)
        while child.is_alive() and not ((out / STYLED.file).exists() and len(finished_in(out)) >= until):
            time.sleep(0.002)
        time.sleep(chance.random() * 0.03)
        child.kill()
        child.join()
        assert child.exitcode == -9, "the run ended before it was killed"
        after = files_in(out)
        assert before.items() <= after.items()  # what was finished is as it was
        done = finished_in(out)
        assert 0 < len(done) < KILLED_ALBUM
        before = {name: after[name] for outputs in done.values() for name in outputs}
    again = styled(album, KILLED_STYLES, sheets=Sheets(mask=True), resume=True)
    assert (len(again.skipped), len(again.done)) == (len(done), 2 * (KILLED_ALBUM - len(done)))
    after = files_in(out)
    assert before.items() <= after.items()
    left = list(out.rglob(f"{STAGING_PREFIX}*"))  # killed before it was locked: swept when it is a minute old
    assert not [path for path in left if (path / LOCK_FILE).exists()] and len(left) <= 2
    assert len([name for name in after if STAGING_PREFIX not in name]) == 3 * KILLED_ALBUM
    assert set(Counter(row["photo"] for row in rows_in(out) if "outputs" in row).values()) == {1}
    for outputs in finished_in(out).values():
        assert {name: sha256_of(out / name) for name in outputs} == outputs
