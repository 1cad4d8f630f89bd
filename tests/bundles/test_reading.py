"""A bundle that was changed, cut or made to do harm is refused in one sentence, as a folder and as a zip."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.bundles import reading
from edgekit.bundles.format import FileEntry
from edgekit.bundles.reading import OpenBundle, check_entries, read_bundle, unpack_bundle
from edgekit.bundles.writing import zip_bundle
from edgekit.errors import BundleError

Edit = Callable[[Callable[[dict[str, Any]], None]], Path]


def entry(path: str, size: int = 1) -> FileEntry:
    return FileEntry(path, size, "0" * 64)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a//b",
        "./a",
        "a/.",
        "a\\b",
        "C:/x",
        "",
        "a/",
        "a\0b",
        "bundle.json",
    ],
)
def test_unsafe_paths_are_refused(path: str) -> None:
    with pytest.raises(BundleError, match="unsafe path"):
        check_entries([entry("fine/name.bin"), entry(path)])


def test_limits_and_repeated_names() -> None:
    check_entries([entry("a", 64 << 20), entry("b..c/..d", 1)])
    with pytest.raises(BundleError, match="allowed"):
        check_entries([entry("a", (64 << 20) + 1)])
    with pytest.raises(BundleError, match="allowed"):
        check_entries([entry(str(i), 60 << 20) for i in range(5)])
    with pytest.raises(BundleError, match="twice"):
        check_entries([entry("a"), entry("a")])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda v: v.update(schema="other"), "not the index.*its schema is 'other'"),
        (lambda v: v.update(schema_version=2), "schema version 2; this edgekit reads 1"),
        (lambda v: v.update(extra=1), "is not the index of an edgekit bundle"),
        (lambda v: v.pop("golden"), "is not the index of an edgekit bundle"),
        (lambda v: v.update(default_style="nope"), "no style 'nope'"),
        (lambda v: v["golden"].update(style="nope"), "no style 'nope'"),
        (lambda v: v["files"][0].update(path="../x"), "unsafe path"),
        (lambda v: v["files"][3].update(size_bytes=1), "not 1: changed or incomplete"),
        (lambda v: v["files"][3].update(sha256="0" * 64), "sha256 differs"),
        (lambda v: v["files"].pop(), "does not list"),
        (lambda v: v["styles"][0].update(description="styles/none.json"), "refers to 'styles/none.json'"),
        (lambda v: v["segmenters"][0].update(path="elsewhere"), "refers to 'elsewhere'"),
        (lambda v: v["segmenters"][0].update(path="../../etc"), "refers to '../../etc'"),
    ],
)
def test_a_changed_index_is_refused(
    edit: Edit, change: Callable[[dict[str, Any]], None], sentence: str
) -> None:
    with pytest.raises(BundleError, match=sentence):
        read_bundle(edit(change))


def test_a_changed_file_is_refused(damaged: Path) -> None:
    target = damaged / "styles/warm/lut_0.rgba8"
    whole = target.read_bytes()
    target.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(BundleError, match="sha256 differs"):
        read_bundle(damaged)
    target.write_bytes(whole[:-1])
    with pytest.raises(BundleError, match="changed or incomplete"):
        read_bundle(damaged)
    target.unlink()
    with pytest.raises(BundleError, match=r"lacks 'styles/warm/lut_0\.rgba8'"):
        read_bundle(damaged)


def test_more_than_was_listed_is_refused(damaged: Path) -> None:
    (damaged / "extra.txt").write_text("x")
    with pytest.raises(BundleError, match=r"holds 'extra\.txt'"):
        read_bundle(damaged)


def test_symbolic_links_are_refused(damaged: Path, tmp_path: Path) -> None:
    target = damaged / "golden/image.png"
    (tmp_path / "elsewhere.png").write_bytes(target.read_bytes())
    target.unlink()
    target.symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(BundleError, match="symbolic link"):
        read_bundle(damaged)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": 1}', "[" * 100_000, "\ud800"])
def test_an_index_that_is_no_index(damaged: Path, text: str) -> None:
    (damaged / "bundle.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(BundleError):
        read_bundle(damaged)


def test_an_oversize_index_is_not_parsed(damaged: Path) -> None:
    os.truncate(damaged / "bundle.json", (1 << 20) + 1)
    with pytest.raises(BundleError, match="more than the 1048576 that are allowed"):
        read_bundle(damaged)


def test_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"holds no bundle\.json"):
        read_bundle(tmp_path)
    with pytest.raises(BundleError, match="unpack a zip first"):
        read_bundle(tmp_path / "x.zip")


def test_only_listed_files_are_handed_out(made: OpenBundle) -> None:
    assert made.path("golden/image.png").is_file()
    assert made.path("styles").is_dir()
    for path in ("../x", "/etc/passwd", "bundle.json/../x", "styl", "nothing"):
        with pytest.raises(BundleError, match="not a file of the bundle"):
            made.path(path)


def rezipped(source: Path, out: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    with zipfile.ZipFile(source) as pack:
        files = {info.filename: pack.read(info) for info in pack.infolist()}
    change(files)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, data in files.items():
            pack.writestr(name, data)
    return out


@pytest.fixture
def archive(made: OpenBundle, tmp_path: Path) -> Path:
    zip_bundle(made, tmp_path / "bundle.zip")
    return tmp_path / "bundle.zip"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: f.update({"../evil": b"x"}), "holds '../evil'"),
        (lambda f: f.update({"/evil": b"x"}), "holds '/evil'"),
        (lambda f: f.pop("golden/mask.png"), "lacks 'golden/mask.png'"),
        (lambda f: f.pop("bundle.json"), "holds no bundle.json"),
        (
            lambda f: f.update({"golden/mask.png": f["golden/mask.png"] + b"\0" * 5_000_000}),
            "has more than its",
        ),
        (lambda f: f.update({"golden/mask.png": f["golden/mask.png"][:-1]}), "changed or incomplete"),
        (lambda f: f.update({"bundle.json": b" " * (1 << 21)}), "larger than any"),
    ],
)
def test_a_hostile_zip_leaves_nothing(
    archive: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None], sentence: str
) -> None:
    bad = rezipped(archive, tmp_path / "bad.zip", change)
    before = set(tmp_path.rglob("*"))
    with pytest.raises(BundleError, match=sentence):
        unpack_bundle(bad, tmp_path / "out")
    assert set(tmp_path.rglob("*")) == before


def test_a_zip_that_lists_an_escape(archive: Path, tmp_path: Path) -> None:
    def change(files: dict[str, bytes]) -> None:
        value = json.loads(files["bundle.json"])
        first = value["files"][0]
        files["../../evil"] = files.pop(first["path"])
        first["path"] = "../../evil"
        files["bundle.json"] = json.dumps(value).encode()

    with pytest.raises(BundleError, match="unsafe path"):
        unpack_bundle(rezipped(archive, tmp_path / "bad.zip", change), tmp_path / "deep/er/out")
    assert not (tmp_path / "evil").exists() and not (tmp_path / "deep/evil").exists()


def test_a_zip_with_a_name_twice_or_of_junk(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive, "a") as pack, pytest.warns(UserWarning, match="Duplicate"):
        pack.writestr("golden/mask.png", b"other")
    with pytest.raises(BundleError, match="twice"):
        unpack_bundle(archive, tmp_path / "out")
    (tmp_path / "junk.zip").write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(BundleError, match="not a readable zip"):
        unpack_bundle(tmp_path / "junk.zip", tmp_path / "out")


def test_no_more_is_read_than_was_declared(damaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that grows after its size was looked at is stopped at its declared size."""
    monkeypatch.setattr(reading, "_check_size", lambda *arguments: None)
    with (damaged / "golden/mask.png").open("ab") as stream:
        stream.write(b"\0" * 100)
    with pytest.raises(BundleError, match="has more than its"):
        read_bundle(damaged)
