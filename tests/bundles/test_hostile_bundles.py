"""Python's reader on the table of hostile bundles that all four readers meet; zips of them; and the terminal."""

from __future__ import annotations

import json
import stat
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from edgekit.artifact import read_artifact
from edgekit.bundles.reading import read_bundle, unpack_bundle
from edgekit.bundles.writing import BundleContents, write_bundle
from edgekit.errors import BundleError, EdgekitError
from edgekit.shader.description import read_description
from tests.bundles.conftest import soft_mask
from tests.support.cli import edgekit
from tests.support.hostile_bundles import HOSTILE, Reading, good_draft, problems, write_cases
from tests.support.pictures import picture


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cases(tmp_path_factory.mktemp("hostile") / "cases")


def read_all(folder: Path) -> None:
    """Everything of a bundle that Python reads."""
    opened = read_bundle(folder)
    for style in opened.bundle.styles:
        read_description(opened.path(style.description))


def reading(name: str, folder: Path) -> Reading:
    started, sentence = time.monotonic(), None
    try:
        read_all(folder)
    except EdgekitError as error:
        sentence = str(error)
    return {"name": name, "sentence": sentence, "ms": 1000 * (time.monotonic() - started)}


@pytest.mark.slow
def test_every_hostile_bundle_is_refused(cases: Path) -> None:
    listed = json.loads((cases / "cases.json").read_text())
    readings = [reading(case["name"], cases / case["folder"]) for case in listed]
    assert problems(readings) == []


def zipped(files: dict[str, bytes], out: Path, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(out, "w", method) as pack:
        for name, data in files.items():
            pack.writestr(name, data)
    return out


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of the good bundle, its index among them."""
    draft = good_draft(tmp_path_factory.mktemp("good"))
    return {**draft.files, "bundle.json": json.dumps(draft.index).encode()}


def test_the_good_bundle_is_unpacked(good: dict[str, bytes], tmp_path: Path) -> None:
    opened = unpack_bundle(zipped(good, tmp_path / "b.zip"), tmp_path / "b")
    assert {path: opened.path(path).read_bytes() for path in good if path != "bundle.json"} == {
        path: data for path, data in good.items() if path != "bundle.json"
    }


@pytest.mark.slow
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_zip_with_a_flipped_byte_is_refused_in_one_sentence(
    good: dict[str, bytes], tmp_path: Path, method: int
) -> None:
    whole = zipped(good, tmp_path / "b.zip", method).read_bytes()
    for at in {*range(0, len(whole), len(whole) // 120), *range(len(whole) - 40, len(whole))}:
        (tmp_path / "bad.zip").write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            unpack_bundle(tmp_path / "bad.zip", tmp_path / f"out{at}")
        except BundleError as error:
            assert str(error).isprintable() and len(str(error)) < 400
            assert not (tmp_path / f"out{at}").exists()


def test_a_zip_with_a_name_that_is_not_utf8(good: dict[str, bytes], tmp_path: Path) -> None:
    whole = zipped({**good, "golden/m\u00e9.png": b"x"}, tmp_path / "b.zip").read_bytes()
    (tmp_path / "b.zip").write_bytes(whole.replace("\u00e9".encode(), b"\xff\xfe"))
    with pytest.raises(BundleError, match="not a readable zip"):
        unpack_bundle(tmp_path / "b.zip", tmp_path / "out")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_a_zip_with_a_link_or_a_device(good: dict[str, bytes], tmp_path: Path, kind: int) -> None:
    """Listed with its very bytes: those of a link are its target."""
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as pack:
        for name, data in good.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (kind if name == "golden/mask.png" else stat.S_IFREG) << 16
            pack.writestr(info, data)
    with pytest.raises(BundleError, match=r"holds 'golden/mask\.png', a link or special file"):
        unpack_bundle(tmp_path / "b.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_bundles_names_do_not_steer_the_terminal_of_preview(cases: Path, tmp_path: Path) -> None:
    """Each bundle of the table with an escape, through the command line: exit code 3 and one clean line."""
    listed = json.loads((cases / "cases.json").read_text())
    with_escapes = [case for case in listed if "escape" in case["name"] and "in a title" not in case["name"]]
    assert len(with_escapes) > 10
    for case in with_escapes:
        if HOSTILE[case["name"]].shows == "style":
            continue  # the page's to refuse
        done = edgekit("preview", str(cases / case["folder"]), "--no-browser", "--port", "0")
        assert done.code == 3, case
        assert done.out == "" and done.err.rstrip("\n").isprintable(), case


def test_a_manifests_name_does_not_get_into_a_bundle(good: dict[str, bytes], tmp_path: Path) -> None:
    for name in ("segmenter/parser.tflite", "segmenter/parser.tflite.json"):
        (tmp_path / Path(name).name).write_bytes(good[name])
    artifact = read_artifact(tmp_path / "parser.tflite")
    for name, accepted in (("parser", True), ("\x1b]0;owned\x07", False)):
        named = replace(artifact, manifest=replace(artifact.manifest, name=name))
        contents = BundleContents([named], ("warm",), "warm", picture(96, 128), soft_mask(32, 32))
        if accepted:
            write_bundle(contents, tmp_path / "accepted")
            continue
        with pytest.raises(BundleError, match="holds a text with control characters") as caught:
            write_bundle(contents, tmp_path / "refused")
        assert str(caught.value).isprintable()
        assert not (tmp_path / "refused").exists()
