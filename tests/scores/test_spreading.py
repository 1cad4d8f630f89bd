"""Photos that the workers of a cluster count give one process's result, bit for bit, whatever is lost on the way."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from edgekit.artifact import Artifact
from edgekit.cluster import LOCAL, Work
from edgekit.errors import EdgekitError
from edgekit.files import json_text
from edgekit.parity import check, present
from edgekit.parity.check import parity_check
from edgekit.scores import folder, spreading
from edgekit.scores.folder import evaluate
from edgekit.weights import Checkpoint
from tests.support.pictures import picture
from tests.support.ray import losses, needs_ray, two_nodes

PHOTOS = 17  # of which one cannot be read
PER_SHARD = 4
SHARDS = 5


class InThisProcess:
    """In place of a Ray cluster: every item is done here, from a copy of the work; the last are finished first."""

    def __init__(self, address: str) -> None:
        assert address == LOCAL

    def results(self, work: Work[Any, Any], items: Iterable[Any]) -> Iterator[Any]:
        function = pickle.loads(pickle.dumps(work)).opened()
        for item in reversed(list(items)):
            yield function(item)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current directory, with folders of photos and labels; one thread, as a cluster's workers have."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(spreading, "PHOTOS_PER_SHARD", PER_SHARD)
    for place in ("images", "labels"):
        Path(place).mkdir()
    for i in range(PHOTOS):
        image = picture(30 + i, 40, i)
        Image.fromarray(image).save(f"images/{i:02}.png")
        Image.fromarray((image[..., 1] // 15).astype(np.uint8)).save(f"labels/{i:02}.png")
    Path("images/06.png").write_bytes(b"junk")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield tmp_path
    torch.set_num_threads(threads)


def evaluated(checkpoint: Checkpoint, artifacts: dict[str, Artifact], **options: Any) -> str:
    """The object that `evaluate --json` prints, and the rows without their last column, the seconds."""
    found = evaluate(
        checkpoint, [artifacts["tflite"].path], images=Path("images"), labels=Path("labels"),
        rows=Path("rows.csv"), force=True, **options,
    )  # fmt: skip
    assert [name for name, _ in found.skipped] == ["06.png"]
    rows = [line.rpartition(",")[0] for line in Path("rows.csv").read_text().splitlines()]
    return json_text(asdict(found)) + "\n".join(rows)


def checked(checkpoint: Checkpoint, artifacts: dict[str, Artifact], **options: Any) -> str:
    """The report that `parity-check --json` prints."""
    report = parity_check(
        list(artifacts.values()), checkpoint, images=Path("images"), labels=Path("labels"), **options
    )
    assert [name for name, _ in report.skipped] == ["06.png"]
    return json_text(present.as_json(report))


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize(("run", "module"), [(evaluated, folder), (checked, check)])
def test_a_cluster_that_loses_a_worker_and_a_node_gives_the_result_of_one_process(
    checkpoint: Checkpoint,
    artifacts: dict[str, Artifact],
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    run: Any,
    module: Any,
) -> None:
    expected, spread = run(checkpoint, artifacts), spreading.spread
    with two_nodes() as nodes, losses(nodes, photos / "marks") as losing:
        monkeypatch.setattr(module, "spread", lambda job, *rest: spread(losing(job), *rest))
        assert run(checkpoint, artifacts, ray=nodes.address) == expected


@pytest.fixture
def here(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clusters are this process."""
    for module in (folder, check):
        monkeypatch.setattr(module, "Cluster", InThisProcess)


def test_shards_that_are_kept_are_not_counted_again(
    checkpoint: Checkpoint, artifacts: dict[str, Artifact], here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, kept = evaluated(checkpoint, artifacts), Path("kept")
    for shard in (1, 4):  # by hand, as under a scheduler
        evaluate(
            checkpoint, [artifacts["tflite"].path], images=Path("images"), labels=Path("labels"),
            resume=kept, shard=(shard, SHARDS),
        )  # fmt: skip
    read, count = list[str](), spreading._files_of
    monkeypatch.setattr(
        spreading, "_files_of", lambda counting, part: read.append(len(part.files)) or count(counting, part)
    )
    assert evaluated(checkpoint, artifacts, ray=LOCAL, resume=kept) == expected
    assert read == [0, 2, 0, 0, 2] and len(list(kept.glob("*.json"))) == SHARDS

    Image.fromarray(picture(30, 40, 99)).save("images/00.png")
    with pytest.raises(EdgekitError, match=r"00\.png changed since kept/evaluation-1-of-5\.json counted it"):
        evaluated(checkpoint, artifacts, ray=LOCAL, resume=kept)


def test_a_worker_with_other_files_is_refused(
    checkpoint: Checkpoint, artifacts: dict[str, Artifact], here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    spread = spreading.spread

    def elsewhere(*arguments: Any) -> Any:
        Path("images/16.png").rename("images/17.png")
        return spread(*arguments)

    monkeypatch.setattr(folder, "spread", elsewhere)
    with pytest.raises(
        EdgekitError, match=r"A worker of the cluster has other inputs \(16\.png is a photo of one"
    ):
        evaluated(checkpoint, artifacts, ray=LOCAL)


def test_options_that_do_not_go_together(
    checkpoint: Checkpoint, artifacts: dict[str, Artifact], here: None
) -> None:
    divided: dict[str, Any] = {"ray": LOCAL, "shard": (1, 2), "resume": Path("kept")}
    with pytest.raises(EdgekitError, match="`shard` does not go with `ray`"):
        checked(checkpoint, artifacts, **divided)
    with pytest.raises(EdgekitError, match="`shard` does not go with `ray`"):
        evaluate(checkpoint, images=Path("images"), labels=Path("labels"), **divided)
    with pytest.raises(EdgekitError, match="`ray` needs `images`"):
        parity_check(list(artifacts.values()), checkpoint, ray=LOCAL)
