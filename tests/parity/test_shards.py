"""A check that is interrupted, or divided, gives the report of the whole, bit for bit."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgekit.artifact import Artifact
from edgekit.errors import EdgekitError
from edgekit.files import json_text
from edgekit.images import Picture
from edgekit.parity import present
from edgekit.parity.check import parity_check
from edgekit.parity.compare import Comparison
from edgekit.parity.gates import Gates
from edgekit.parity.packing import packed
from edgekit.parity.report import ParityReport
from edgekit.parity.shards import SHARD, Inputs, report_of
from edgekit.parity.shards import merge_parity as merge
from edgekit.parity.tally import Subject, Tally
from edgekit.scores.runners import Outputs, Prediction
from edgekit.scores.shards import Counted, Journal, parsed_shard, part_of
from edgekit.scores.strata import Traits
from edgekit.weights import Checkpoint
from tests.support.cli import edgekit
from tests.support.pictures import picture

CLASSES, SKIN, SIZE = 3, (1,), 32
NAMES = tuple(f"{i:02}.jpg" for i in range(14))
SUBJECTS = tuple(
    Subject(f"{name}.tflite", "a" * 64, "tflite", name, "litert", Gates(min_agreement=0.5)) for name in "ab"
)
INPUTS = Inputs(
    "0" * 64, ("Background", "Face", "Hat"), SKIN, SUBJECTS, NAMES, labelled=True, stability=False
)


def count(tally: Tally, name: str) -> None:
    """Count a made-up picture for both artifacts."""
    rng = np.random.default_rng(int(name[:2]))
    image = rng.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    labels = rng.integers(0, CLASSES, (20, 30)).astype(np.uint8) if int(name[:2]) % 3 else None
    traits = Traits(float(rng.uniform(-60, 80)), float(rng.uniform(0, 100)), float(rng.uniform(0, 1)))

    def predicted() -> Prediction:
        logits = rng.normal(size=(CLASSES, 4, 4)).astype(np.float32)
        return Prediction(image, logits, Outputs(logits, logits.astype(np.float64)))

    reference = predicted()
    for counts in tally.counts:
        one, regions = predicted(), ("skin", "edge", "elsewhere")
        colours = {region: rng.exponential(0.4, 50) for region in regions}
        counts.add(
            Picture(name, image, labels), traits, reference, reference, one, rng.uniform(0, 3), colours
        )
    tally.prepared.add(reference.logits, predicted().logits)
    tally.pictures += 1


def text(report: ParityReport) -> str:
    return json_text(present.as_json(report))


def whole() -> str:
    tally = Tally.empty(2, CLASSES, SKIN)
    for name in NAMES:
        count(tally, name)
    return text(
        report_of(Counted.of(INPUTS, tally, [("x.jpg", "is damaged")], ["11.jpg: note", "02.jpg: note"]))
    )


def written(folder: Path, shards: int, inputs: Inputs = INPUTS) -> list[Path]:
    """The files of a check in shards; the last has skipped a file, and two of the photos have notes."""
    paths = []
    for shard in range(1, shards + 1):
        journal, tally = Journal(SHARD, folder, inputs, shard, shards), Tally.empty(2, CLASSES, SKIN)
        own = part_of(NAMES, shard, shards)
        for name in own:
            count(tally, name)
            journal.count(name, "f" * 64, tally, [])
        skipped = [("x.jpg", "is damaged")] if shard == shards else []
        notes = [f"{name}: note" for name in own if name in ("02.jpg", "11.jpg")]
        journal.write(tally, skipped, notes, complete=True)
        paths.append(journal.path)
    return paths


def test_memory_grows_by_the_rows_alone(tmp_path: Path) -> None:
    """A photo's row takes some 700 bytes; the smallest thing that could be kept of a photo, its labels, takes 1,024."""
    journal, tally = Journal(SHARD, tmp_path, INPUTS, 1, 1), Tally.empty(2, CLASSES, SKIN)

    def counted(first: int, photos: int) -> None:
        for i in range(first, first + photos):
            count(tally, f"{i % 100:02}-{i:06}.jpg")
        journal.write(tally, (), (), complete=False)

    photos = 150
    counted(0, photos)  # what is cached once, such as the tables of a colour space, is there now
    tracemalloc.start()
    try:
        counted(photos, photos)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(tally.counts[0].rows) == 2 * photos
    assert 0 < kept / photos / len(SUBJECTS) < 1000


@pytest.mark.slow
@pytest.mark.parametrize("shards", [1, 2, 7])
def test_shards_merge_to_the_report_of_the_whole(tmp_path: Path, shards: int) -> None:
    paths, expected = written(tmp_path, shards), whole()
    for order in itertools.islice(itertools.permutations(paths), 0, 5040, 1009):
        assert text(merge(order)) == expected


@pytest.mark.slow
def test_a_shard_that_is_missing_twice_there_or_incomplete_is_refused(tmp_path: Path) -> None:
    paths = written(tmp_path / "a", 3)
    with pytest.raises(EdgekitError, match=r"The shard 2 of 3 is missing \(1 in all\)"):
        merge([paths[0], paths[2]])
    with pytest.raises(EdgekitError, match="are the same shard, 2"):
        merge([*paths, paths[1]])
    with pytest.raises(EdgekitError, match=r"is one of 2 shards, .* of 3"):
        merge([*paths, written(tmp_path / "b", 2)[1]])
    with pytest.raises(EdgekitError, match="There is no shard"):
        merge([])
    halfway = Journal(SHARD, tmp_path / "c", INPUTS, 2, 3)
    halfway.count("01.jpg", "f" * 64, Tally.empty(2, CLASSES, SKIN), [])
    with pytest.raises(EdgekitError, match="is incomplete; run its command again"):
        merge([paths[0], halfway.path, paths[2]])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"checkpoint_sha256": "1" * 64}, "other weights"),
        (
            {"subjects": (replace(SUBJECTS[0], sha256="b" * 64), SUBJECTS[1])},
            "another artifact than a.tflite",
        ),
        ({"subjects": (SUBJECTS[0], replace(SUBJECTS[1], gates=Gates()))}, "other gates for b.tflite"),
        ({"subjects": SUBJECTS[:1]}, "2 artifacts and 1"),
        ({"photos": (*NAMES[:-1], "new.jpg")}, "13.jpg is a photo of one"),
        ({"labelled": False}, "one has labels"),
        ({"stability": True}, "one measures stability"),
    ],
)
def test_other_inputs_are_refused_by_name(tmp_path: Path, other: dict[str, Any], words: str) -> None:
    (path,) = written(tmp_path, 1)
    changed = replace(INPUTS, **other)
    with pytest.raises(EdgekitError, match=f"belongs to other inputs .*{words}.*; remove it to start anew"):
        Journal(SHARD, path.parent, changed, 1, 1)
    elsewhere = replace(INPUTS, subjects=tuple(replace(one, path="x/" + one.path) for one in SUBJECTS))
    assert Journal(SHARD, path.parent, elsewhere, 1, 1).done.keys() == set(NAMES)


@pytest.mark.slow
def test_a_damaged_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (path,) = written(tmp_path, 1)
    good = json.loads(path.read_text())
    for place, value in (
        (("tally", "counts", 0, "agreement"), "AAAA"),
        (("tally", "counts", 0, "resamples", "totals"), good["tally"]["counts"][0]["agreement"]),
        (("tally", "counts", 0, "boundary", "fraction"), "1/0"),
        (("tally", "counts", 0, "boundary", "fraction"), "1e999999999"),
        (("tally", "counts", 0, "delta_e00"), {}),
        (("tally", "counts"), []),
        (("tally", "counts", 0, "n"), 0),
        (("tally", "counts", 0, "rows"), []),
        (("tally", "counts", 0, "stability", "photos"), 3),
        (("tally", "counts", 0, "logits", "values"), 0),
        (("shard",), "one"),
        (("version",), 1),
        (("schema",), "edgekit/evaluation-shard"),
        (("done",), {"new.jpg": "f" * 64}),
    ):
        bad = json.loads(path.read_text())
        inner = bad
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
        damaged = tmp_path / "damaged.json"
        damaged.write_text(json.dumps(bad))
        with pytest.raises(EdgekitError, match="remove it to start anew"):
            merge([damaged])


def test_not_a_number_survives(tmp_path: Path) -> None:
    tally = Tally.empty(2, CLASSES, SKIN)
    count(tally, NAMES[0])
    tally.counts[0].output_error_levels = tally.counts[1].logits.max_abs = float("nan")
    journal = Journal(SHARD, tmp_path, INPUTS, 1, 1)
    journal.write(tally, (), (), complete=True)
    again = Journal(SHARD, tmp_path, INPUTS, 1, 1).tally
    assert again is not None and packed(again) == packed(tally)


@pytest.mark.parametrize(
    ("given", "shard"), [("1/1", (1, 1)), ("2/7", (2, 7)), ("10000/10000", (10000, 10000))]
)
def test_a_shard_is_named_by_two_numbers(given: str, shard: tuple[int, int]) -> None:
    assert parsed_shard(given) == shard


@pytest.mark.parametrize(
    "given", ["", "2", "0/7", "8/7", "2/7/3", "-1/7", "²/7", "1/10001", "1/" + "9" * 5000]
)
def test_no_other_spelling_is_a_shard(given: str) -> None:
    with pytest.raises(EdgekitError, match="`shard`"):
        parsed_shard(given)


def test_every_photo_is_in_one_shard() -> None:
    parts = [part_of(NAMES, shard, 5) for shard in range(1, 6)]
    assert sorted(itertools.chain(*parts)) == list(NAMES)
    with pytest.raises(EdgekitError, match="into too many shards"):
        part_of(NAMES, 1, 15)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(7):
        Image.fromarray(picture(60 + i, 80, i)).save(folder / f"{i}.png")
    (folder / "3.jpg").write_bytes(b"junk")
    return folder


def test_an_interrupted_check_goes_on_and_shards_merge(
    artifacts: dict[str, Artifact],
    checkpoint: Checkpoint,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = [artifacts["tflite"]]

    def checked(
        folder: Path | None, shard: tuple[int, int] = (1, 1), gates: Gates | None = None
    ) -> ParityReport:
        return parity_check(
            both, checkpoint, images=photos, gates=gates, stability=True, resume=folder, shard=shard
        )

    expected = text(checked(None))
    add, counted = Comparison.add, []

    def interrupted(self: Comparison, one: Picture, flicker: bool = False) -> None:
        if len(counted) == 3:
            raise KeyboardInterrupt
        counted.append(one.name)
        add(self, one, flicker)

    monkeypatch.setattr("edgekit.scores.shards.SAVING_SHARE", 1e9)  # after every photo
    monkeypatch.setattr(Comparison, "add", interrupted)
    with pytest.raises(KeyboardInterrupt, match="keeps what was counted; run the same command again"):
        checked(tmp_path / "kept")
    monkeypatch.setattr(
        Comparison,
        "add",
        lambda self, one, flicker=False: counted.append(one.name) or add(self, one, flicker),
    )
    assert text(checked(tmp_path / "kept")) == expected
    assert counted == [f"{i}.png" for i in range(7)]  # none of them twice
    assert text(checked(tmp_path / "kept")) == expected and len(counted) == 7
    for i in (1, 2):
        checked(tmp_path / "parts", (i, 2))
    whole = json.loads(expected)
    assert whole["artifacts"][0].pop("half_precision")["photos"] == 4
    merged = json.loads(text(merge(sorted((tmp_path / "parts").iterdir()))))
    assert merged["artifacts"][0].pop("half_precision") is None  # needs the model
    assert merged == whole

    with pytest.raises(EdgekitError, match="other gates"):
        checked(tmp_path / "kept", gates=Gates(min_agreement=0.1))
    Image.fromarray(picture(61, 80, 99)).save(photos / "1.png")
    with pytest.raises(EdgekitError, match=r"1\.png changed since"):
        checked(tmp_path / "kept")


def test_options_that_do_not_go_together(
    artifacts: dict[str, Artifact], checkpoint: Checkpoint, tmp_path: Path
) -> None:
    with pytest.raises(EdgekitError, match="`resume` needs `images`"):
        parity_check([artifacts["tflite"]], checkpoint, resume=tmp_path)
    with pytest.raises(EdgekitError, match="`shard` needs `resume`"):
        parity_check([artifacts["tflite"]], checkpoint, images=tmp_path, shard=(1, 2))


@pytest.mark.slow
def test_the_command_merges_writes_and_compares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths, expected = written(tmp_path / "kept", 2), json.loads(whole())
    ran = edgekit("merge", *paths, "--json", "--report", "r.json", "--report", "r.xml", "--report", "r.md")
    assert json.loads(ran.out) == expected == json.loads(Path("r.json").read_text())
    assert ran.code == (0 if expected["passed"] else 1)
    assert Path("r.xml").read_text().startswith("<?xml") and Path("r.md").read_text().startswith("## Parity")
    again = edgekit("merge", *paths, "--baseline", "r.json", "--json")
    assert {change["verdict"] for change in json.loads(again.out)["baseline"]} == {"same"}
    assert again.code == ran.code
    twice = edgekit("merge", *paths, "--report", "x.md", "--report", "./x.md")
    assert twice.code == 2 and "same name" in twice.err
    assert edgekit("merge", *paths, "--report", "r.md").sentence.endswith("choose another --out.")
    assert edgekit("merge", paths[0]).sentence == "edgekit: The shard 2 of 2 is missing (1 in all)."
