"""A folder of photos that the workers of a cluster count, shard by shard, with the same files as divided commands."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import torch

from edgekit import console
from edgekit.cluster import Cluster
from edgekit.errors import EdgekitError
from edgekit.files import write_whole
from edgekit.scores.shards import Inputs, ShardKind, Tally

PHOTOS_PER_SHARD = 16  # what is lost with a worker, and what all wait for at the end: half a minute or so
MOST_SHARDS = 1000  # each file names all photos
Files = Mapping[str, bytes]  # by name: a shard's file, and what lies beside it
I = TypeVar("I", bound=Inputs)  # noqa: E741
P = TypeVar("P")
T = TypeVar("T", bound=Tally)


class Counting(Protocol[I]):
    """A command's counting with its models open. `inputs`: what the files of its shards name."""

    inputs: I

    def count(self, resume: Path | None, shard: tuple[int, int]) -> object:
        """Count a shard of the photos into its files in the folder `resume`."""
        ...


class Job(Protocol[I]):
    """A command's counting as a value that is sent to other machines: its paths mean the same there."""

    def opened(self) -> Counting[I]: ...


@dataclass(frozen=True)
class Part:
    """A shard to be counted. `files`: of an interrupted run, which came from the folder `kept`."""

    shard: int
    shards: int
    files: Files
    kept: Path

    def __str__(self) -> str:
        return f"The shard {self.shard}/{self.shards}"


@dataclass(frozen=True)
class ShardWork(Generic[I]):
    """The counting of shards, as `Cluster.results` takes it. `inputs`: where the command was given."""

    job: Job[I]
    inputs: I

    def opened(self) -> Callable[[Part], Files]:
        # PyTorch's sums depend on the number of threads, and so must not depend on the machine of a worker.
        torch.set_num_threads(1)
        with console.quiet_libraries():
            counting = self.job.opened()
        if difference := next(self.inputs.differences(counting.inputs), ""):
            raise EdgekitError(
                f"A worker of the cluster has other inputs ({difference}); the same files must lie at the same paths "
                "on all machines."
            )
        counting.inputs = self.inputs
        return partial(_files_of, counting)


def spread(
    job: Job[I], inputs: I, kind: ShardKind[I, P, T], cluster: Cluster, kept: Path, description: str
) -> list[Path]:
    """Count all photos on a cluster, and return the files of the shards, which are written into the folder `kept`.

    Shards that an interrupted run left there are not counted again.
    """
    shards = min(ceil(len(inputs.photos) / PHOTOS_PER_SHARD), MOST_SHARDS)
    paths = [kind.path(kept, shard, shards) for shard in range(1, shards + 1)]
    parts = (Part(i, shards, _files_at(path), kept) for i, path in enumerate(paths, start=1))
    with closing(cluster.results(ShardWork(job, inputs), parts)) as results:
        for files in console.track(results, shards, description):
            for name in sorted(files):  # the rows (.csv) before the shard (.json) that counts on them
                write_whole(kept / name, files[name], replace=True)
    return paths


@contextmanager
def kept_in(resume: Path | None) -> Iterator[Path]:
    """The folder for the files of shards: `resume`, or one that is removed at the end."""
    if resume is not None:
        with console.interruptible(lambda: f"{resume} keeps finished shards; run the same command again."):
            yield resume
        return
    with tempfile.TemporaryDirectory(prefix="edgekit-shards-") as folder:
        yield Path(folder)


def _files_of(counting: Counting[I], part: Part) -> Files:
    """In a worker: count a shard, from an interrupted run's files on, and return its files."""
    with tempfile.TemporaryDirectory(prefix="edgekit-shard-") as name:
        folder = Path(name)
        for file, content in part.files.items():
            write_whole(folder / file, content)
        try:
            counting.count(folder, (part.shard, part.shards))
        except EdgekitError as error:  # its sentence names a file for the user to remove
            raise EdgekitError(str(error).replace(name, str(part.kept))) from error
        return {path.name: path.read_bytes() for path in folder.iterdir()}


def _files_at(path: Path) -> Files:
    """The files of a shard that an interrupted run left."""
    found = (path, path.with_suffix(".csv"))
    return {file.name: file.read_bytes() for file in found if file.is_file()} if path.is_file() else {}
