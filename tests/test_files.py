"""What is written is whole, and nothing of the user's is ever deleted."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit import files
from edgekit.errors import EdgekitError
from edgekit.files import (
    check_file_place,
    check_folder_place,
    json_text,
    remove_folder,
    sha256_of,
    staged_file,
    staged_folder,
    write_whole,
)
from tests.support.toy_folder import INDEX, TOY, write_toy

MOST_LINES = 5_000


def tree(folder: Path) -> dict[str, str]:
    """Relative path to content; a link to where it points, a folder to nothing."""
    return {
        path.relative_to(folder).as_posix(): str(path.readlink())
        if path.is_symlink()
        else path.read_text()
        if path.is_file()
        else "/"
        for path in folder.rglob("*")
    }


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    write_whole(path, "old")
    with pytest.raises(RuntimeError), staged_file(path, replace=True) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert tree(tmp_path) == {"deep": "/", "deep/a.txt": "old"}


def test_a_folder_that_was_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), staged_folder(tmp_path / "x" / "y", TOY, replace=False):
        raise RuntimeError
    assert tree(tmp_path) == {}


def test_a_folder_of_the_same_kind_is_replaced(tmp_path: Path) -> None:
    for content in ("one", "two"):
        write_toy(tmp_path / "a", content, replace=True)
    assert tree(tmp_path)["a/sub/a"] == "two"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(EdgekitError, match=r"a\.txt could not be written: No space left on device\."):
        write_whole(tmp_path / "deep" / "a.txt", "x")
    assert tree(tmp_path) == {}


def test_existing_files_are_kept_unless_they_may_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a"
    check_file_place(path, replace=False)
    write_whole(path, "old")
    with pytest.raises(EdgekitError, match="exists already; pass `force`"):
        check_file_place(path, replace=False)
    with pytest.raises(EdgekitError, match="exists already; pass `force`"):
        write_whole(path, "new")
    write_whole(path, "new", replace=True)
    assert path.read_text() == "new"


def test_a_file_never_replaces_a_folder(tmp_path: Path) -> None:
    write_toy(tmp_path / "toy")
    (tmp_path / "empty").mkdir()
    before = tree(tmp_path)
    for name in ("toy", "empty"):
        for replace in (False, True):
            with pytest.raises(EdgekitError, match=f"{name} is a folder, and a file is to be written"):
                write_whole(tmp_path / name, "x", replace=replace)
    assert tree(tmp_path) == before


def test_a_folder_never_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    for replace in (False, True):
        with pytest.raises(EdgekitError, match="a is a file, and a folder is to be written"):
            write_toy(tmp_path / "a", replace=replace)
    assert tree(tmp_path) == {"a": "mine"}


def test_only_what_edgekit_wrote_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a").write_text("mine")
    with pytest.raises(EdgekitError, match="photos is not a toy that edgekit wrote"):
        write_toy(tmp_path / "photos", replace=True)
    write_toy(tmp_path / "toy")
    with pytest.raises(EdgekitError, match="toy exists already"):
        write_toy(tmp_path / "toy")
    (tmp_path / "toy" / "sub" / "notes").write_text("mine")
    with pytest.raises(EdgekitError, match="toy holds sub/notes, which edgekit did not write"):
        write_toy(tmp_path / "toy", replace=True)
    with pytest.raises(EdgekitError, match="toy holds sub/notes"):
        remove_folder(tmp_path / "toy", TOY)
    (tmp_path / "toy" / "sub" / "notes").rename(tmp_path / "toy" / ".DS_Store")
    write_toy(tmp_path / "toy", "newer", replace=True)
    assert tree(tmp_path / "toy") == {INDEX: f"{INDEX}\nsub/a", "sub": "/", "sub/a": "newer"}
    remove_folder(tmp_path / "toy", TOY)
    assert tree(tmp_path) == {"photos": "/", "photos/a": "mine"}


def test_an_empty_folder_may_be_written_into_place(tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    write_toy(tmp_path / "toy")
    assert tree(tmp_path)["toy/sub/a"] == "new"


@pytest.mark.parametrize("place", [".", "..", "../..", "/", "~"])
def test_where_the_user_stands_and_lives_is_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    home = tmp_path / "home"
    write_toy(home)
    write_toy(home / "deep" / "toy")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home / "deep" / "toy")
    before = tree(tmp_path)
    with pytest.raises(EdgekitError, match=r"is or holds (the current directory|your home|the root)"):
        write_toy(Path(place).expanduser(), replace=True)
    assert tree(tmp_path) == before


def test_inputs_are_never_replaced(tmp_path: Path) -> None:
    write_toy(tmp_path / "toy")
    with pytest.raises(EdgekitError, match=r"toy holds the input .*sub/a"):
        check_folder_place(tmp_path / "toy", TOY, replace=True, inputs=[tmp_path / "toy" / "sub" / "a"])
    (tmp_path / "link").symlink_to(tmp_path / "toy" / "sub" / "a")
    with pytest.raises(EdgekitError, match="is one of the inputs"):
        check_file_place(tmp_path / "link", replace=True, inputs=[tmp_path / "toy" / "sub" / "a"])


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to("far/new")  # nothing there yet
    write_whole(tmp_path / "link", "one")
    with pytest.raises(EdgekitError, match="exists already"):
        write_whole(tmp_path / "link", "two")
    assert tree(tmp_path) == {"far": "/", "far/new": "one", "link": "far/new"}
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(EdgekitError, match="circle"):
        write_whole(tmp_path / "circle", "x", replace=True)


def test_a_name_too_long_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match="could not be written: File name too long"):
        write_whole(tmp_path / ("x" * 300), "x")
    assert tree(tmp_path) == {}


def _write_and_report(path: str, content: str, is_folder: bool, start: float, queue: object) -> None:
    time.sleep(max(0.0, start - time.time()))
    try:
        write_toy(Path(path), content) if is_folder else write_whole(Path(path), content)
        queue.put(content)  # type: ignore[attr-defined]
    except EdgekitError as error:
        queue.put(str(error))  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize("is_folder", [False, True])
def test_of_two_writers_one_wins_and_the_other_is_told(tmp_path: Path, is_folder: bool) -> None:
    context = multiprocessing.get_context("fork")
    for attempt in range(10):
        path, queue = tmp_path / f"{attempt}", context.Queue()
        arguments = (str(path), is_folder, time.time() + 0.02, queue)
        writers = [
            context.Process(target=_write_and_report, args=(arguments[0], name, *arguments[1:]))
            for name in ("a", "b", "c")
        ]
        for writer in writers:
            writer.start()
        results = [queue.get(timeout=20) for _ in writers]
        for writer in writers:
            writer.join(20)
        (winner,) = [result for result in results if len(result) == 1]
        assert all("exists already" in result for result in results if result != winner)
        assert (path / "sub" / "a" if is_folder else path).read_text() == winner
    assert {p.name for p in tmp_path.iterdir()} == {str(i) for i in range(10)}


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.support.toy_folder import write_toy, TOY
from edgekit import files

place = Path(sys.argv[1])
if sys.argv[2] == "between the two renames":
    rename = Path.rename
    def once_aside(self, target):
        rename(self, target)
        if "aside" in str(target):
            os.kill(os.getpid(), signal.SIGKILL)
    Path.rename = once_aside
    write_toy(place, replace=True)
with files.staged_folder(place, TOY, replace=True) as folder:
    (folder / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("moment", ["while writing", "between the two renames"])
def test_what_a_killed_run_left_is_swept_and_what_it_set_aside_comes_back(
    tmp_path: Path, moment: str
) -> None:
    write_toy(tmp_path / "toy", "old")
    root = Path(__file__).parent.parent
    run = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "toy"), moment], cwd=root, check=False)
    assert run.returncode == -9
    assert len(list(tmp_path.glob(".edgekit-*"))) == 1
    (tmp_path / ".edgekit-mine").mkdir()  # not a name that edgekit gives
    (tmp_path / ".edgekit-abcd1234").mkdir()  # like one, but it holds the user's
    (tmp_path / ".edgekit-abcd1234" / "a").write_text("mine")
    files._sweep.cache_clear()
    write_whole(tmp_path / "other", "x")
    assert {p.name for p in tmp_path.iterdir()} == {"toy", "other", ".edgekit-mine", ".edgekit-abcd1234"}
    assert (tmp_path / "toy" / "sub" / "a").read_text() == "old"


@pytest.mark.parametrize(
    ("left", "swept"),
    [
        ((), True),
        (("lock.new",), True),
        (("lock",), True),
        (("lock", "new/x"), True),
        (("lock.new", "mine"), False),
        (("new/x",), False),
    ],
)
def test_what_is_killed_while_it_starts_or_ends_is_swept(
    tmp_path: Path, left: tuple[str, ...], swept: bool
) -> None:
    holder = tmp_path / ".edgekit-abcd1234"
    holder.mkdir()
    for name in left:
        (holder / name).parent.mkdir(exist_ok=True)
        (holder / name).touch()
    os.utime(holder, (0, 0))
    files._sweep.cache_clear()
    write_whole(tmp_path / "other", "x")
    assert holder.exists() is not swept


@pytest.mark.slow
@pytest.mark.parametrize("is_folder", [False, True])
@pytest.mark.parametrize("exists", [False, True])
def test_an_interrupt_at_any_line_leaves_the_old_or_the_new_and_nothing_else(
    tmp_path: Path, is_folder: bool, exists: bool
) -> None:
    """Ctrl-C is raised at the first traced line of a write, at the second, and so on to the last."""
    place = tmp_path / "made" / "out"

    def write(text: str) -> None:
        (write_toy if is_folder else write_whole)(place, text, replace=True)

    for line in range(MOST_LINES):
        shutil.rmtree(tmp_path / "made", ignore_errors=True)
        old: dict[str, str] = {}
        if exists:
            write("old")
            old = tree(tmp_path)
        if not _interrupted_at(line, lambda: write("new")):
            break
        found = tree(tmp_path)
        if found != old:
            assert not [name for name in found if files.STAGING_PREFIX in name], (line, found)
            assert "new" in found.values() and found.keys() >= old.keys(), (line, found)
    else:
        pytest.fail(f"a write of more than {MOST_LINES} lines")
    assert line > 100


def _interrupted_at(number: int, act: Callable[[], None]) -> bool:
    """Run `act`, interrupt it at its traced line of this number, and return whether it has so many."""
    left = number

    def trace(frame: FrameType, event: str, argument: object) -> object:
        nonlocal left
        if frame.f_code.co_filename not in (files.__file__, contextlib.__file__):
            return None
        if event == "line":
            if left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
            left -= 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        act()
        return False
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)


def test_a_run_that_lives_is_not_swept(tmp_path: Path) -> None:
    with staged_file(tmp_path / "slow", replace=False) as temporary:
        files._sweep.cache_clear()
        temporary.write_text("slow")
        write_whole(tmp_path / "quick", "x")
    assert tree(tmp_path) == {"slow": "slow", "quick": "x"}


NAMES = st.sampled_from(["a", "b", INDEX, "sub", "x.html"])
PLACES = st.lists(st.one_of(NAMES, st.sampled_from([".", ".."])), min_size=1, max_size=3).map("/".join)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    mine=st.lists(st.tuples(st.lists(NAMES, min_size=1, max_size=3), st.text("xyz", max_size=3)), max_size=6),
    made=st.lists(PLACES, max_size=2),
    place=PLACES,
    is_folder=st.booleans(),
    replace=st.booleans(),
)
def test_nothing_that_edgekit_did_not_write_ever_disappears(
    mine: list[tuple[list[str], str]], made: list[str], place: str, is_folder: bool, replace: bool
) -> None:
    """Random trees of the user's, some of edgekit's own in them, and a write to a random place."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        work = root / "home" / "work"
        work.mkdir(parents=True)
        for parts, content in mine:
            path = work.joinpath(*parts)
            if all(not parent.is_file() for parent in path.parents) and not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"mine {content}")
        kept_home, kept_cwd = os.environ.get("HOME"), Path.cwd()
        os.environ["HOME"] = str(work.parent)
        os.chdir(work)
        try:
            users = {name: text for name, text in tree(root).items() if text.startswith("mine")}
            for path in made:
                try:
                    write_toy(Path(path), "edgekit's")
                except EdgekitError:
                    continue
            try:
                if is_folder:
                    write_toy(Path(place), replace=replace)
                else:
                    write_whole(Path(place), "new", replace=replace)
            except EdgekitError:
                pass
            after = tree(root)
            replaced = (work / place).resolve()
            for name, text in users.items():
                named = replace and not is_folder and root.resolve() / name == replaced
                assert after.get(name) == ("new" if named else text)
            assert not [name for name in after if ".edgekit-" in name]
        finally:
            os.chdir(kept_cwd)
            if kept_home is not None:
                os.environ["HOME"] = kept_home


def test_a_folders_hash_covers_names_and_contents(tmp_path: Path) -> None:
    for name, content in (("a", "1"), ("b", "2")):
        (tmp_path / "x").mkdir(exist_ok=True)
        (tmp_path / "x" / name).write_text(content)
    before = sha256_of(tmp_path / "x")
    (tmp_path / "x" / "a").rename(tmp_path / "x" / "c")
    assert sha256_of(tmp_path / "x") != before


def test_json_refuses_nan() -> None:
    assert json_text({"b": 1, "ä": [0.5]}) == '{\n  "b": 1,\n  "ä": [\n    0.5\n  ]\n}\n'
    with pytest.raises(ValueError, match="JSON"):
        json_text(float("nan"))
