"""Tar shards and Parquet files give the samples of the same photos in a folder, in memory that does not grow."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from edgekit.commands.finetune import weighted
from edgekit.errors import CalibrationError, ImageError, MissingDependency
from edgekit.images import read_image, read_labels
from edgekit.training import finetuning, tables
from edgekit.training.data import LabelledData, checked_folder, class_names_of, split
from edgekit.training.label_sets import LabelSets
from edgekit.training.samples import Drawn, TrainingSet
from edgekit.training.shards import expanded, key_and_extension
from edgekit.weights import Checkpoint
from tests.support.checkpoints import ATR_CLASSES
from tests.training.toy import FACE, HEIGHT, PARTIAL, SIZE, WIDTH, write_partial_set, write_set

PHOTOS = 7


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_set(tmp_path / "set", PHOTOS)


def write_shards(folder: Path, out: Path, count: int = 2) -> Path:
    """The photos of a folder in `count` shards as KEY.png and KEY.label.png, with its JSON files beside them."""
    out.mkdir()
    for shard in range(count):
        with tarfile.open(out / f"photos-{shard:03}.tar", "w") as archive:
            for photo in sorted((folder / "images").iterdir())[shard::count]:
                archive.add(photo, photo.name)
                archive.add(folder / "labels" / photo.name, f"{photo.stem}.label.png")
    for file in folder.glob("*.json"):
        (out / file.name).write_text(file.read_text())
    return out


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def png(array: np.ndarray, form: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, form)
    return stream.getvalue()


def samples(data: LabelledData) -> dict[str, Any]:
    """The augmented sample of every photo, all drawn with one index, by the photo's stem."""
    sets = LabelSets.of(ATR_CLASSES, [data.told])
    return {
        pair.image.stem: TrainingSet([Drawn([pair])], sets, [SIZE], seed=3)[0, SIZE] for pair in data.pairs
    }


def equal(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(
        torch.equal(a, b) for key in one for a, b in zip(one[key], other[key], strict=True)
    )


# -- tar shards -------------------------------------------------------------------------------------------------


def test_shards_give_the_samples_and_the_split_of_the_folder(folder: Path, tmp_path: Path) -> None:
    plain, sharded = (
        checked_folder(place, ATR_CLASSES) for place in (folder, write_shards(folder, tmp_path / "s"))
    )
    assert np.array_equal(plain.values, sharded.values) and sharded.sentences() == plain.sentences()
    assert equal(samples(plain), samples(sharded))
    first, second = ({pair.image.stem for pair in split(data.pairs)[1]} for data in (plain, sharded))
    assert first == second
    assert class_names_of([tmp_path / "s"], ("A", "B")) == ATR_CLASSES


def test_shards_hold_labels_of_sets_of_classes_too(tmp_path: Path) -> None:
    partial = write_partial_set(tmp_path / "partial", 4)
    out = write_shards(partial, tmp_path / "s")
    plain, sharded = (checked_folder(place, ATR_CLASSES) for place in (partial, out))
    assert sharded.scheme is not None and len(sharded.scheme.sets) == len(PARTIAL)
    assert np.array_equal(plain.values, sharded.values) and equal(samples(plain), samples(sharded))
    assert class_names_of([out / "photos-*.tar"], ATR_CLASSES) == ATR_CLASSES


@pytest.mark.parametrize("name", ["s/photos-{000..001}.tar", "s/photos-*.tar", "s"])
def test_shards_are_named_by_a_range_a_pattern_or_their_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Checkpoint, name: str
) -> None:
    write_shards(folder, tmp_path / "s")
    calls: list[Any] = []
    monkeypatch.setattr(finetuning, "train", lambda *given, **named: calls.append(given))
    data = weighted([f"{tmp_path / name}:0.5"])
    finetuning.finetune(checkpoint, data, tmp_path / "out", size=384)
    ((_, (found,), *_),) = calls
    assert (len(found.pairs), found.weight, found.name) == (PHOTOS, 0.5, str(tmp_path / name))


def test_a_range_counts_with_leading_zeros() -> None:
    assert [path.name for path in expanded(Path("a/p-{008..010}.tar"))] == [
        "p-008.tar",
        "p-009.tar",
        "p-010.tar",
    ]
    for name in ("p-{3..2}.tar", "p-{0..100000}.tar"):
        with pytest.raises(CalibrationError, match="rises and names at most 100,000"):
            expanded(Path(name))
    with pytest.raises(CalibrationError, match=r"There is no file nowhere/p-\*\.tar"):
        expanded(Path("nowhere/p-*.tar"))


def test_the_key_ends_at_the_first_dot_of_the_last_part() -> None:
    assert key_and_extension("a.b/c/0001.Label.PNG") == ("a.b/c/0001", "label.png")
    assert key_and_extension("0001.jpg") == ("0001", "jpg")


def test_what_has_no_partner_is_named_and_other_members_are_ignored(tmp_path: Path) -> None:
    photo, label = (
        png(np.full((HEIGHT, WIDTH, 3), 99, np.uint8), "JPEG"),
        png(np.full((HEIGHT, WIDTH), FACE, np.uint8)),
    )
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, data in {
            "x/1.jpg": photo, "x/1.png": label, "x/1.json": b"{}", "y/1.jpeg": photo, "y/1.seg.png": label,
            "2.jpg": photo, "3.label.png": label, "4.jpg": photo, "4.webp": photo, "4.label.png": label,
            "5.png": label, "6.txt": b"", "._1.jpg": photo, "7.jpg": b"no picture", "7.mask.png": label,
        }.items():  # fmt: skip
            add(archive, name, data)
        link = tarfile.TarInfo("8.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    data = checked_folder(tmp_path / "a.tar", ATR_CLASSES)
    assert [(pair.image.name, pair.label.name) for pair in data.pairs] == [
        ("x/1.jpg", "x/1.png"),
        ("y/1.jpeg", "y/1.seg.png"),
    ]
    found = {problem.reason: problem.files for problem in data.problems}
    assert found.pop("unreadable")[0].startswith("7.jpg (")
    assert found == {
        "photo without a label": ("a.tar/2", "a.tar/5"),
        "label without a photo": ("a.tar/3",),
        "several photos of one name": ("a.tar/4",),
    }


def test_what_is_no_plain_archive_is_refused(folder: Path, tmp_path: Path) -> None:
    shard = write_shards(folder, tmp_path / "s", 1) / "photos-000.tar"
    whole = shard.read_bytes()
    shard.write_bytes(b"no archive " * 100)
    with pytest.raises(CalibrationError, match="is no uncompressed tar archive"):
        checked_folder(shard, ATR_CLASSES)
    with tarfile.open(shard, "w:gz") as archive:
        archive.add(folder / "classes.json", "classes.json")
    with pytest.raises(CalibrationError, match="is no uncompressed tar archive"):
        checked_folder(shard, ATR_CLASSES)
    with pytest.raises(CalibrationError, match="does not exist"):
        checked_folder(tmp_path / "s/other.tar", ATR_CLASSES)
    shard.write_bytes(whole)
    data = checked_folder(shard, ATR_CLASSES)
    shard.write_bytes(whole[:700])
    with pytest.raises(ImageError, match=r"photos-000\.tar/toy00\.png: is cut off at the end"):
        read_image(data.pairs[0].image)
    shard.unlink()
    with pytest.raises(ImageError, match="cannot be read"):
        read_labels(data.pairs[0].label)


def test_a_folder_of_both_kinds_is_refused(folder: Path, tmp_path: Path) -> None:
    out = write_shards(folder, tmp_path / "s")
    (out / "x.parquet").touch()
    with pytest.raises(CalibrationError, match=r"holds both \.tar and \.parquet files"):
        checked_folder(out, ATR_CLASSES)


# A process of its own: threads that other tests left behind would be measured too.
MEASURED = f"""
import json, sys, tracemalloc
from pathlib import Path
from edgekit.training.data import checked_folder, class_names_of
folder = Path(sys.argv[1])
names = class_names_of([folder], ())
checked_folder(folder / "photos-000.tar", names)  # what is loaded once is no growth
tracemalloc.start()
data = checked_folder(folder, names)
print(json.dumps([len(data.pairs), int(data.values[{FACE}]), *tracemalloc.get_traced_memory()]))
"""


@pytest.mark.slow
def test_17_706_samples_stream_in_memory_that_does_not_grow(tmp_path: Path) -> None:
    """As many as the set that the bundled weights were published on; all are read by the check."""
    count, in_shard = 17_706, 1000
    rng = np.random.default_rng(0)
    photo = png(rng.integers(0, 255, (24, 16, 3)).astype(np.uint8))
    label = png(np.full((24, 16), FACE, np.uint8))
    for shard in range(-(-count // in_shard)):
        with tarfile.open(tmp_path / f"photos-{shard:03}.tar", "w") as archive:
            for i in range(shard * in_shard, min(count, (shard + 1) * in_shard)):
                add(archive, f"{i:06}.png", photo)
                add(archive, f"{i:06}.label.png", label)
    (tmp_path / "classes.json").write_text(json.dumps(ATR_CLASSES))
    run = subprocess.run(
        [sys.executable, "-c", MEASURED, tmp_path], stdout=subprocess.PIPE, text=True, check=True
    )
    pairs, pixels, kept, most = json.loads(run.stdout)
    assert pairs == count and pixels == count * 24 * 16
    assert kept < 1000 * count  # the index: names, offsets and sizes
    assert most - kept < 8_000_000  # the list that becomes the index; all pixels are 27 MB


# -- Parquet ----------------------------------------------------------------------------------------------------


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "train.parquet").write_bytes(b"PAR1")
    with pytest.raises(MissingDependency, match=r"pip install 'edgekit\[parquet\]'"):
        checked_folder(tmp_path, ATR_CLASSES)


@pytest.fixture
def pyarrow() -> Any:
    return pytest.importorskip("pyarrow.parquet", reason="needs pyarrow (edgekit[parquet])")


def write_table(folder: Path, file: Path, rows: int = 3, **columns: list[Any]) -> Path:
    """The photos of a folder with the columns of `mattmdjaga/human_parsing_dataset`, in groups of `rows`."""
    import pyarrow as pa
    from pyarrow import parquet

    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    photos = sorted((folder / "images").iterdir())
    for column, sub in (("image", "images"), ("mask", "labels")):
        files = [folder / sub / photo.name for photo in photos]
        columns.setdefault(column, [{"bytes": file.read_bytes(), "path": None} for file in files])
    table = pa.table({name: pa.array(values, picture) for name, values in columns.items() if values})
    parquet.write_table(table, file, row_group_size=rows)
    return file


def test_a_table_gives_the_samples_of_the_folder(pyarrow: Any, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_table(folder, tmp_path / "data/train-00000-of-00001.parquet")
    (folder / "classes.json").rename(tmp_path / "classes.json")
    assert class_names_of([tmp_path / "data"], ("A", "B")) == ATR_CLASSES
    plain, table = (checked_folder(place, ATR_CLASSES) for place in (folder, tmp_path / "data"))
    assert np.array_equal(plain.values, table.values) and table.sentences() == plain.sentences()
    by_row = {f"train-00000-of-00001:{i}": sample for i, sample in enumerate(samples(plain).values())}
    assert equal(by_row, samples(table))
    assert len(split(table.pairs)[1]) == 1


def test_damage_to_a_table_is_named(pyarrow: Any, folder: Path, tmp_path: Path) -> None:
    photos = [{"bytes": file.read_bytes(), "path": "a.png"} for file in sorted((folder / "images").iterdir())]
    photos[0], photos[3], photos[4] = (
        None,
        {"bytes": None, "path": "b.png"},
        {"bytes": b"no picture", "path": None},
    )
    file = write_table(folder, tmp_path / "t.parquet", image=photos)
    data = checked_folder(file, ATR_CLASSES)
    assert len(data.pairs) == PHOTOS - 3
    (problem,) = data.problems
    assert problem.reason == "unreadable" and [name.split(" (")[0] for name in problem.files] == [
        "t.parquet:0",
        "t.parquet:3",
        "t.parquet:4",
    ]


def test_another_table_is_refused(
    pyarrow: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_table(folder, tmp_path / "a.parquet", mask=[])
    with pytest.raises(
        CalibrationError, match="has the columns image; needed are image and one of mask, label"
    ):
        checked_folder(other, ATR_CLASSES)
    (tmp_path / "b.parquet").write_bytes(b"no table " * 20)
    with pytest.raises(CalibrationError, match="is no Parquet file"):
        checked_folder(tmp_path / "b.parquet", ATR_CLASSES)
    monkeypatch.setattr(tables, "MOST_GROUP_BYTES", 1000)
    with pytest.raises(CalibrationError, match=r"group of rows of .* write it anew with 100 rows in each"):
        checked_folder(write_table(folder, tmp_path / "c.parquet"), ATR_CLASSES)
