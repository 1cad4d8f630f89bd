"""A Ray cluster on this machine, and work that loses a worker and a node of it."""

from __future__ import annotations

import os
import secrets
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from edgekit.images import Picture
from edgekit.scores.spreading import Job

ROOT = Path(__file__).parent.parent.parent
TOKEN = secrets.token_hex(32)  # Ray's processes take work from nobody else
DEADLINE_S = 600.0
needs_ray = pytest.mark.skipif(
    find_spec("ray") is None, reason="needs the package of the extra `ray`: pip install 'edgekit[ray]'"
)


@dataclass(frozen=True)
class TwoNodes:
    """A cluster of two nodes of one core each. `head`: the id of the one that cannot be removed."""

    address: str
    head: str
    remove_other: Callable[[], None]


@contextmanager
def two_nodes() -> Iterator[TwoNodes]:
    """A cluster in a folder of its own, whose workers import what this process does."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="ek") as folder:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
        patch.setenv("RAY_TMPDIR", folder)  # a short path: sockets lie in it
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_raylet_start_wait_time_s", "120")  # on a machine with much else to do
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", TOKEN)
        from ray.cluster_utils import Cluster

        on_termination = signal.getsignal(signal.SIGTERM)
        lean = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **lean})
        try:
            other = cluster.add_node(num_cpus=1)
            signal.signal(signal.SIGTERM, on_termination)
            remove = lambda: cluster.remove_node(other, allow_graceful=False)  # noqa: E731
            yield TwoNodes(cluster.address, cluster.head_node.node_id, remove)
        finally:
            cluster.shutdown()


@dataclass(frozen=True)
class Losing:
    """A job that loses a worker of the head and then the other node, once each, which files in `marks` tell."""

    job: Job[Any]
    head: str
    marks: Path

    def opened(self) -> LosingCounting:
        return LosingCounting(self.job.opened(), self.head, self.marks)


@dataclass
class LosingCounting:
    counting: Any
    head: str
    marks: Path

    @property
    def inputs(self) -> Any:
        return self.counting.inputs

    @inputs.setter
    def inputs(self, inputs: Any) -> None:
        self.counting.inputs = inputs

    def count(self, resume: Path | None, shard: tuple[int, int]) -> object:
        """Count a shard; the first on the other node never ends, and the first here is cut off by SIGKILL."""
        import ray

        if ray.get_runtime_context().get_node_id() != self.head:
            if first(self.marks / "on-the-other-node"):
                time.sleep(DEADLINE_S)
        else:
            wait_for(self.marks / "on-the-other-node")
            if first(self.marks / "killed"):
                cut_off(self.counting)
        return self.counting.count(resume, shard)


def cut_off(counting: Any) -> None:
    """Let the counting end its process after its second picture."""
    pictures = counting.folder.pictures

    def fatal(names: frozenset[str]) -> Iterator[Picture]:
        for number, picture in enumerate(pictures(names)):
            if number == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            yield picture

    counting.folder.pictures = fatal


def first(mark: Path) -> bool:
    """Whether nobody else was here before."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def wait_for(mark: Path) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not mark.exists():
        assert time.monotonic() < deadline, f"{mark.name} did not come"
        time.sleep(0.1)


@contextmanager
def losses(nodes: TwoNodes, marks: Path) -> Iterator[Callable[[Job[Any]], Job[Any]]]:
    """What makes a job of one that loses a worker and a node, and asserts at the end that it did."""
    marks.mkdir()

    def remove() -> None:
        wait_for(marks / "killed")
        nodes.remove_other()

    thread = threading.Thread(target=remove, daemon=True)
    thread.start()
    yield lambda job: Losing(job, nodes.head, marks)
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
    assert {mark.name for mark in marks.iterdir()} == {"on-the-other-node", "killed"}
