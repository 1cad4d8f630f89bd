"""A folder of photos that several processes style, shard by shard."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from edgekit import styling
from edgekit.color.jobs import Sheets
from edgekit.color.stylist import StyledPhotos
from edgekit.errors import EdgekitError
from edgekit.styling import style
from tests.color.albums import Stop, forked_processes, made_album
from tests.color.samples import picture
from tests.support.cli import edgekit

SHEETS = Sheets(mask=True)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder of six photos, and mask.png beside it."""
    made_album(tmp_path, 6)
    return tmp_path / "album"


def styled(album: Path, out: Path, shard: tuple[int, int] = (1, 1), **options: Any) -> StyledPhotos:
    options.setdefault("style", "warm")
    return style([album], mask=album.parent / "mask.png", out=out, shard=shard, **options)


def contents(out: Path) -> dict[str, bytes]:
    """Every output by name, without the logs."""
    found = (path for path in out.rglob("*") if path.is_file() and path.suffix != ".jsonl")
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize("shards", [2, 5, 6])
def test_shards_write_what_the_whole_writes(album: Path, tmp_path: Path, shards: int) -> None:
    whole = styled(album, tmp_path / "whole", sheets=SHEETS)
    order = [(number, shards) for number in range(1, shards + 1)]
    random.Random(shards).shuffle(order)
    parts = [styled(album, tmp_path / "parts", shard, sheets=SHEETS) for shard in order]
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")
    assert sorted(photo.path for part in parts for photo in part.done) == sorted(p.path for p in whole.done)
    assert not any(part.failed or part.skipped for part in parts)
    logs = {path.name for path in (tmp_path / "parts").glob("*.jsonl")}
    assert logs == {f"styled-{number}-of-{shards}.jsonl" for number in range(1, shards + 1)}


def test_a_shard_has_every_nth_photo_in_the_order_of_names(album: Path, tmp_path: Path) -> None:
    names = ["00.jpg", "01.jpg", "03.jpg", "04.jpg", "deep/02.png", "deep/05.png"]
    for number, expected in ((1, names[::4]), (2, names[1::4]), (3, [names[2]]), (4, [names[3]])):
        part = styled(album, tmp_path / "out", (number, 4))
        assert [photo.path.relative_to(album).as_posix() for photo in part.done] == expected


def test_the_order_in_which_photos_are_given_does_not_divide_them(album: Path, tmp_path: Path) -> None:
    given = sorted(album.glob("*.jpg"))
    options: dict[str, Any] = {"mask": tmp_path / "mask.png", "out": tmp_path / "out"}
    first = style(given, "warm", shard=(1, 2), **options)
    second = style(given[::-1], "warm", shard=(2, 2), **options)
    assert sorted(photo.path for part in (first, second) for photo in part.done) == given


def test_a_scheduler_gives_the_same_command_again(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(styling, "mask_as_segment", Stop(1))
        styled(album, out, (1, 2), resume=True)
    assert len(contents(out)) == 1
    (out / "00.jpg").unlink()  # it was styled with another mask, which the log does not know
    again = styled(album, out, (1, 2), resume=True)
    assert (len(again.done), len(again.skipped)) == (3, 0)
    assert len(styled(album, out, (2, 2), resume=True).done) == 3
    assert len(styled(album, out, (1, 2), resume=True).skipped) == 3
    styled(album, whole)
    assert contents(out) == contents(whole)


def test_a_shard_that_is_run_twice_is_refused(album: Path, tmp_path: Path) -> None:
    styled(album, tmp_path / "out", (1, 2))
    before = contents(tmp_path / "out")
    with pytest.raises(EdgekitError, match="from an earlier run; pass `resume` to go on"):
        styled(album, tmp_path / "out", (1, 2))
    assert contents(tmp_path / "out") == before


def test_shards_of_other_photos_or_settings_are_refused(album: Path, tmp_path: Path) -> None:
    styled(album, tmp_path / "out", (1, 3))
    with pytest.raises(EdgekitError, match=r"styled-1-of-3\.jsonl is a part of .* other settings \(style\)"):
        styled(album, tmp_path / "out", (2, 3), style="cool")
    Image.fromarray(picture(30, 40)).save(album / "000.jpg")
    with pytest.raises(EdgekitError, match=r"other settings \(photos\)"):
        styled(album, tmp_path / "out", (2, 3))
    with pytest.raises(EdgekitError, match=r"was styled with other settings \(photos\)"):
        styled(album, tmp_path / "out", (1, 3), resume=True)
    assert len(contents(tmp_path / "out")) == 2


def test_one_name_in_two_shards_is_refused_by_every_shard(album: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    Image.fromarray(picture(30, 40)).save(tmp_path / "more" / "00.jpg")
    for number in range(1, 8):
        with pytest.raises(EdgekitError, match=r"would both be written to .*00\.jpg"):
            style(
                [album, tmp_path / "more"],
                "warm",
                mask=tmp_path / "mask.png",
                out=tmp_path / "out",
                shard=(number, 7),
            )
    assert not (tmp_path / "out").exists()


def test_results_among_the_photos_are_refused(album: Path) -> None:
    """One shard would find what another has written, and divide it."""
    for out in (album, album.parent):
        with pytest.raises(EdgekitError, match="lies in the folder of the results; with `shard`"):
            styled(album, out, (1, 2), style=None, sheets=SHEETS)
    parts = [styled(album, album / "styled", (number, 2)) for number in (1, 2)]
    assert [len(part.done) for part in parts] == [3, 3]


def test_an_unreadable_photo_is_named_by_the_shard_that_has_it(album: Path, tmp_path: Path) -> None:
    (album / "03.jpg").write_bytes(b"no photo")
    for number in range(1, 7):
        part = styled(album, tmp_path / "out", (number, 6))
        assert [path.name for path, _ in part.failed] == (["03.jpg"] if number == 3 else [])


@pytest.mark.parametrize("shard", [(0, 2), (3, 2), (-1, 2)])
def test_a_shard_that_is_none_is_refused(album: Path, tmp_path: Path, shard: tuple[int, int]) -> None:
    with pytest.raises(EdgekitError, match="is not one of 1/n to n/n"):
        styled(album, tmp_path / "out", shard)


def test_more_shards_than_photos_are_refused(album: Path, tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match="7/7 divides 6 photos into too many shards"):
        styled(album, tmp_path / "out", (7, 7))


def test_the_command_styles_its_shard(album: Path, tmp_path: Path) -> None:
    mask, out = str(tmp_path / "mask.png"), str(tmp_path / "out")
    arguments = ("style", str(album), "--style", "warm", "--mask", mask, "--out", out)
    ran = edgekit(*arguments, "--shard", "2/3", "--resume")
    assert ran.code == 0 and "these are the photos of shard 2/3" in ran.err
    assert set(contents(tmp_path / "out")) == {"01.jpg", "deep/02.png"}
    for wrong in ("3", "0/3", "4/3", "2/99999999"):
        ran = edgekit(*arguments, "--shard", wrong)
        assert ran.code == 3 and f"--shard '{wrong}'" in ran.sentence


@pytest.mark.slow
def test_processes_style_their_shards_at_the_same_time(tmp_path: Path) -> None:
    made_album(tmp_path, 24, (90, 120))
    album, out = tmp_path / "album", tmp_path / "album" / "styled"
    styled(album, tmp_path / "whole", sheets=SHEETS)
    context = forked_processes()
    for killed in (True, False):
        running = [context.Process(target=run_in_child, args=(album, out, n)) for n in (1, 2, 3)]
        for child in running:
            child.start()
        while killed and len(list(out.glob("*.jpg"))) < 6:
            time.sleep(0.002)
        if killed:
            running[1].kill()
        for child in running:
            child.join()
        assert [child.exitcode for child in running] == [0, -9 if killed else 0, 0]
    assert contents(out) == contents(tmp_path / "whole")


def run_in_child(album: Path, out: Path, number: int) -> None:
    styled(album, out, (number, 3), sheets=SHEETS, resume=True)
