from __future__ import annotations

import errno
from pathlib import Path

import pytest

from edgekit.errors import EdgekitError
from edgekit.files import json_text, refuse_existing, sha256_of, staged, write_whole


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    write_whole(path, "old")
    with pytest.raises(RuntimeError), staged(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_a_folder_replaces_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "a.mlpackage"
    for content in ("one", "two"):
        with staged(path) as temporary:
            temporary.mkdir()
            (temporary / content).write_text(content)
    assert [p.name for p in path.iterdir()] == ["two"]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(EdgekitError, match=r"a\.txt could not be written: No space left on device\."):
        write_whole(tmp_path / "a.txt", "x")
    assert list(tmp_path.iterdir()) == []


def test_existing_files_are_kept_without_force(tmp_path: Path) -> None:
    refuse_existing(tmp_path / "a", force=False)
    (tmp_path / "a").touch()
    refuse_existing(tmp_path / "a", force=True)
    with pytest.raises(EdgekitError, match="exists already; pass --force"):
        refuse_existing(tmp_path / "a", force=False)


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
