"""An evaluation that is interrupted, or divided, gives the scores and the rows of the whole, bit for bit."""

from __future__ import annotations

import csv
import itertools
import json
import tracemalloc
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgekit import merge
from edgekit.errors import EdgekitError
from edgekit.files import json_text
from edgekit.images import InputSize, Picture
from edgekit.scores import evaluating
from edgekit.scores.baselines import SkinByColour, skin_by_ycbcr
from edgekit.scores.evaluation import Evaluator
from edgekit.scores.evaluation_shards import SHARD, Beside, Evaluated, Inputs, Model
from edgekit.scores.folder import evaluate
from edgekit.scores.model_counts import Judged, Truth
from edgekit.scores.packing import packed_array
from edgekit.scores.rows import MASK_COLUMNS, row_file
from edgekit.scores.runners import Outputs
from edgekit.scores.scheme import Scheme
from edgekit.scores.shards import Journal
from edgekit.weights import Checkpoint
from tests.support.cli import edgekit
from tests.support.pictures import picture
from tests.support.valid_files import DIGEST, evaluation_shard_case

PHOTOS = 8  # of which one cannot be read
SKIN_VALUE = 11  # ATR's face


class Bright:
    """A parser of ATR's classes that takes bright pixels for a face, and dark ones for the background."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.size, self._classes = InputSize(128, 128), len(checkpoint.class_names)

    def run(self, image: np.ndarray) -> Outputs:
        logits = np.zeros((self._classes, *image.shape[:2]), np.float32)
        logits[SKIN_VALUE] = image[..., 0].astype(np.float32) - 127.5
        return Outputs(logits, logits.astype(np.float64))


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Folders of photos and labels; the checkpoint is not run, which would take long."""
    monkeypatch.setattr(evaluating, "reference_runner", Bright)
    images, labels = tmp_path / "images", tmp_path / "labels"
    for place in (images, labels):
        place.mkdir()
    for i in range(PHOTOS):
        image = picture(40 + i, 60, i)
        truth = np.where(image[..., 1] > 100 + 10 * i, SKIN_VALUE, 0).astype(np.uint8)
        truth[:, :3] = 1 + i % 3
        Image.fromarray(image).save(images / f"{i}, photo.png")
        Image.fromarray(truth).save(labels / f"{i}, photo.png")
    (images / "5, photo.png").write_bytes(b"junk")
    return images, labels


@pytest.fixture
def evaluated(checkpoint: Checkpoint, photos: tuple[Path, Path]) -> Any:
    """`evaluate` of the photos with some options."""

    def run(**options: Any) -> Evaluated:
        return evaluate(checkpoint, images=photos[0], labels=photos[1], **options)

    return run


def text(found: Evaluated | object) -> str:
    assert isinstance(found, Evaluated)
    return json_text(asdict(found))


def untimed(rows: Path) -> list[list[str]]:
    """The rows of a file without the seconds, the last column."""
    with rows.open(newline="") as file:
        read = list(csv.reader(file))
    assert read[0][-1] == "seconds" and all(float(row[-1]) > 0 for row in read[1:])
    return [row[:-1] for row in read]


@pytest.mark.slow
@pytest.mark.parametrize("shards", [1, 2, 7])
def test_shards_merge_to_the_scores_and_rows_of_the_whole(
    evaluated: Any, tmp_path: Path, shards: int
) -> None:
    expected = evaluated(rows=tmp_path / "whole.csv", strata=True)
    assert {one.dimension for one in expected.models[0].strata} > {"brightness", "skin tone", "person size"}
    assert expected.n == PHOTOS - 1 and [name for name, _ in expected.skipped] == ["5, photo.png"]
    assert expected.models[0].miou_ci95 is not None and expected.models[0].groups["skin"].iou_ci95 is not None
    kept, out = tmp_path / "kept", tmp_path / "merged.csv"
    parts = [evaluated(resume=kept, shard=(i, shards), strata=True) for i in range(1, shards + 1)]
    assert sum(part.n for part in parts) == expected.n
    paths = [SHARD.path(kept, i, shards) for i in range(1, shards + 1)]
    for order in itertools.islice(itertools.permutations(paths), 0, 5040, 1009):
        assert text(merge(order, rows=out, force=True)) == text(expected)
        assert untimed(out) == untimed(tmp_path / "whole.csv")


def test_rows_hold_every_model_on_every_photo(evaluated: Any, tmp_path: Path) -> None:
    whole = evaluated(rows=tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "photo", "model", "overall_accuracy", "miou", "skin_iou", "hair_iou", "clothes_iou", "person_iou",
        *(f"{group}_{metric}" for group in ("person", "skin") for metric in MASK_COLUMNS), "seconds",
    ]  # fmt: skip
    assert len(rows) == whole.n * len(whole.models) and rows[0]["photo"] == "0, photo.png"
    assert {row["model"] for row in rows} == {model.name for model in whole.models}
    assert all(float(row["overall_accuracy"]) <= 1 for row in rows if row["model"].startswith("PyTorch"))
    assert {row["miou"] for row in rows if row["model"] == "YCbCr thresholds"} == {""}
    with pytest.raises(EdgekitError, match=r"r\.csv exists already; pass `force`"):
        evaluated(rows=tmp_path / "r.csv")
    kept = tmp_path / "kept"
    evaluated(resume=kept)
    own, shard = kept / "evaluation-1-of-1.csv", SHARD.path(kept, 1, 1)
    for write in (
        lambda: evaluated(resume=kept, rows=own, force=True),
        lambda: merge([shard], rows=own, force=True),
    ):
        with pytest.raises(EdgekitError, match="is one of the inputs"):
            write()
    with pytest.raises(EdgekitError, match="`rows` does not go with `shard`"):
        evaluated(rows=tmp_path / "s.csv", resume=tmp_path, shard=(1, 2))
    with pytest.raises(EdgekitError, match="`shard` needs `resume`"):
        evaluated(shard=(1, 2))


@pytest.mark.parametrize("saving_share", [1e9, 1e-9], ids=["saved after every photo", "saved once"])
def test_an_interrupted_evaluation_goes_on(
    evaluated: Any,
    photos: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    saving_share: float,
) -> None:
    expected, rows = text(evaluated(rows=tmp_path / "whole.csv")), tmp_path / "rows.csv"
    add, counted = Evaluator.add, list[str]()

    def interrupted(self: Evaluator, one: Picture) -> Any:
        if len(counted) == 3:
            raise KeyboardInterrupt
        counted.append(one.name)
        return add(self, one)

    def goes_on(self: Evaluator, one: Picture) -> Any:
        counted.append(one.name)
        return add(self, one)

    monkeypatch.setattr("edgekit.scores.shards.SAVING_SHARE", saving_share)
    monkeypatch.setattr(Evaluator, "add", interrupted)
    with pytest.raises(KeyboardInterrupt, match="keeps what was counted; run the same command again"):
        evaluated(resume=tmp_path / "kept")
    with (tmp_path / "kept" / "evaluation-1-of-1.csv").open("a") as file:
        file.write('"3, photo.png",Py')  # what a killed run may leave
    monkeypatch.setattr(Evaluator, "add", goes_on)
    assert text(evaluated(resume=tmp_path / "kept", rows=rows)) == expected
    assert untimed(rows) == untimed(tmp_path / "whole.csv")
    again = len(counted)
    assert again == PHOTOS - 1 + (
        0 if saving_share > 1 else 2
    )  # the photos after the last saving are counted anew
    assert text(evaluated(resume=tmp_path / "kept")) == expected and len(counted) == again

    Image.fromarray(picture(41, 60, 99)).save(photos[0] / "1, photo.png")
    with pytest.raises(EdgekitError, match=r"1, photo\.png changed since"):
        evaluated(resume=tmp_path / "kept")


def test_missing_or_foreign_rows_are_refused(evaluated: Any, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    evaluated(resume=kept)
    shard, rows = SHARD.path(kept, 1, 1), kept / "evaluation-1-of-1.csv"
    whole = rows.read_text()
    for content, words in (
        (whole.rsplit("\n", 2)[0] + "\n", r"41 of 42 are there|are 41, and the shards counted 42"),
        ("photo,model\n", "does not begin with the columns photo,model,overall_accuracy"),
        ('a"\x00\n', "does not begin with|cannot be read as CSV"),
        ("x" * 200_000, "does not begin with|cannot be read as CSV"),
    ):
        rows.write_text(content)
        for read in (lambda: evaluated(resume=kept), lambda: merge([shard], rows=tmp_path / "out.csv")):
            with pytest.raises(EdgekitError, match=words):
                read()
        assert rows.read_text() == content and not (tmp_path / "out.csv").exists()
    rows.unlink()
    with pytest.raises(EdgekitError, match="does not exist"):
        merge([shard], rows=tmp_path / "out.csv")
    assert isinstance(merge([shard]), Evaluated)


def test_a_shard_without_a_photo_is_no_error(evaluated: Any, tmp_path: Path) -> None:
    alone = evaluated(resume=tmp_path, shard=(6, PHOTOS))  # the photo that cannot be read
    assert (alone.n, alone.models[0].miou, alone.models[0].miou_ci95) == (0, None, None)
    assert [name for name, _ in alone.skipped] == ["5, photo.png"]


JUDGED = Judged(("Background", "Face"), {"skin": (1,)})
PARSERS = (Model("PyTorch a", DIGEST), Model("tflite w8", DIGEST))
INPUTS = Inputs.of(JUDGED, PARSERS, ["YCbCr thresholds"], ["1.jpg", "2.jpg"])


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"parsers": (replace(PARSERS[0], sha256="0" * 64), PARSERS[1])}, "other weights"),
        ({"groups": {"skin": (0,)}}, "other weights"),
        ({"parsers": PARSERS[:1]}, "1 artifacts and 0"),
        ({"parsers": (PARSERS[0], replace(PARSERS[1], sha256="0" * 64))}, "another model than tflite w8"),
        ({"label_sets": {0: (0,), 7: (1,)}}, "labels of another scheme"),
        ({"baselines": ()}, "other baselines"),
        ({"external": (Beside("u2net", "skin", DIGEST),)}, "other masks or models beside"),
        ({"strata": True}, "one has strata"),
        ({"photos": ("1.jpg", "3.jpg")}, "2.jpg is a photo of one"),
    ],
)
def test_other_inputs_are_refused_by_name(tmp_path: Path, other: dict[str, Any], words: str) -> None:
    tally = Evaluator.of(
        {one.name: None for one in PARSERS}, {"YCbCr thresholds": SkinByColour(skin_by_ycbcr)}, JUDGED
    ).tally
    Journal(SHARD, tmp_path, INPUTS, 1, 1).write(tally, (), (), complete=True)
    with pytest.raises(EdgekitError, match=f"belongs to other inputs .*{words}.*; remove it to start anew"):
        Journal(SHARD, tmp_path, replace(INPUTS, **other), 1, 1)
    assert Journal(SHARD, tmp_path, INPUTS, 1, 1).tally is not None


@pytest.mark.slow
def test_memory_does_not_grow_with_the_photos(tmp_path: Path) -> None:
    tally = Evaluator.of({"a": None}, {}, JUDGED).tally
    truth = np.eye(8, 12, dtype=np.uint8)
    with row_file(tmp_path / "r.csv", tuple(JUDGED.groups)) as rows:

        def count(start: int, stop: int) -> int:
            for i in range(start, stop):
                judged = Truth.of(f"{i}.jpg", truth, JUDGED)
                rows.add([tally.parsers["a"].add("a", judged, 1 - truth)])
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        held = [count(stop - 300, stop) for stop in range(300, 1801, 300)]
        tracemalloc.stop()
    # In bytes. What grows with the photos grows in every stretch; what Python and other threads
    # allocate once does not. Not even a number for each photo.
    assert min(after - before for before, after in itertools.pairwise(held)) < 300 * 8
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 1801


def test_a_label_scheme_survives() -> None:
    scheme = Scheme(JUDGED.class_names, {0: frozenset([0]), 7: frozenset([1]), 9: frozenset()})
    judged = Inputs.of(replace(JUDGED, scheme=scheme), PARSERS, (), ("1.jpg",)).judged
    assert judged.scheme is not None and judged.scheme.sets == scheme.sets


def test_a_damaged_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    case = evaluation_shard_case(tmp_path)
    counts = case.value["tally"]["models"][0]
    for place, value in (
        (("tally", "models", 0, "classes"), None),
        (("tally", "models", 1, "classes"), counts["classes"]),
        (("tally", "models", 0, "classes", "totals"), counts["groups"]["totals"][:-8]),
        (("tally", "models", 0, "classes", "totals"), packed_array(np.full((1001, 6), -1))),
        (("tally", "models", 0, "classes", "totals"), packed_array(np.full((1001, 6), 1 << 60))),
        (("tally", "models", 0, "groups", "photos"), 2),
        (("tally", "models"), []),
        (("tally", "photos"), 0),
        (("inputs", "groups", "skin"), [2]),
        (("inputs", "parsers"), []),
        (("inputs", "class_names"), []),
        (("inputs", "label_sets"), {"300": [1]}),
        (("done",), {"3.jpg": DIGEST}),
        (("tally", "models", 0, "masks"), packed_array(np.full((2, 10, 3), -1))),
        (("tally", "models", 0, "masks"), packed_array(np.full((2, 10, 3), 1 << 40))),
        (("tally", "models", 0, "strata", 0, "stratum"), "martians"),
        (("tally", "models", 0, "strata", 0, "groups", "photos"), 2),
        (("version",), 3),
    ):
        bad = case.value
        inner = bad
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
        damaged = tmp_path / "damaged.json"
        damaged.write_text(json.dumps(bad))
        with pytest.raises(EdgekitError, match="remove it to start anew"):
            merge([damaged])


@pytest.mark.slow
def test_the_commands_keep_merge_and_print(
    checkpoint: Checkpoint, photos: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ("evaluate", "--weights", checkpoint.folder, "--images", photos[0], "--labels", photos[1])
    whole = edgekit(*command, "--json", "--rows", "whole.csv")
    assert whole.code == 0, whole.err
    for i in (1, 2):
        ran = edgekit(*command, "--resume", "kept", "--shard", f"{i}/2")
        assert ran.code == 0 and "edgekit merge gives the whole" in ran.err
    paths = sorted(Path("kept").glob("evaluation-*.json"))
    merged = edgekit("merge", *paths, "--json", "--rows", "rows.csv")
    assert json.loads(merged.out) == json.loads(whole.out) and merged.code == 0
    assert untimed(Path("rows.csv")) == untimed(Path("whole.csv"))
    twice = edgekit("merge", *paths, paths[0])
    assert twice.code == 3 and "are the same shard, 1" in twice.sentence
    refused = edgekit("merge", *paths, "--report", "r.json")
    assert refused.code == 2 and "--report and --baseline are for parity-check" in refused.sentence
    assert not Path("r.json").exists()


def test_rows_are_on_disk_before_their_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evaluated: Any
) -> None:
    seen = list[int]()
    count = Journal.count

    def counted(self: Any, name: str, *rest: Any) -> None:
        seen.append((tmp_path / "kept" / "evaluation-1-of-1.csv").read_text().count(f'"{name}"'))
        count(self, name, *rest)

    monkeypatch.setattr(Journal, "count", counted)
    models = len(evaluated(resume=tmp_path / "kept").models)
    assert seen == [models] * (PHOTOS - 1)
