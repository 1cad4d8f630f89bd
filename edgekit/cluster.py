"""Work spread over the processes of a Ray cluster, on this machine or on many. Nothing else of edgekit knows Ray."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Protocol, TypeVar

from edgekit import console
from edgekit._version import __version__
from edgekit.errors import EdgekitError, MissingDependency, printable

LOCAL = "local"
ADDRESS = re.compile(r"local|auto|([\w.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\]):(?P<port>\d{1,5})", re.ASCII)
RETRIES = 5  # of an item whose worker or node was lost; one that always ends its worker must not run for ever
ANSWER_S = 10.0  # in which a cluster's port must answer; Ray itself tries for minutes
AHEAD = 2  # items in flight per core: one runs, and one waits beside it

Item = TypeVar("Item")
Item_contra = TypeVar("Item_contra", contravariant=True)
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


class Work(Protocol[Item_contra, Result_co]):
    """What is done with each item, as a value that is sent to other machines, where edgekit is installed too."""

    def opened(self) -> Callable[[Item_contra], Result_co]:
        """The function of an item, with all that it needs in memory: made once in every process."""
        ...


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster by its address, HOST:PORT. `local`: one that is started here and ended with the work; `auto`: the
    one that runs on this machine.

    Raises EdgekitError for any other address, MissingDependency without Ray.
    """

    address: str = LOCAL

    def __post_init__(self) -> None:
        found = ADDRESS.fullmatch(self.address)
        if found is None or int(found["port"] or 1) not in range(1, 1 << 16):
            raise EdgekitError(
                f"`ray` {printable(self.address, 80)!r} is not {LOCAL}, auto or the HOST:PORT of a Ray cluster."
            )
        _ray()

    def results(self, work: Work[Item, Result], items: Iterable[Item]) -> Generator[Result, None, None]:
        """The result of every item, as they are finished; items are taken as workers become free.

        An item whose worker or node is lost is done again elsewhere. Raises the EdgekitError that an item raised, and
        EdgekitError if the cluster cannot be reached or an item ends every worker that tries it.
        """
        ray = _ray()
        with _connected(ray, self.address):
            kept, left, running = ray.put(work), iter(items), dict[Any, Item]()
            task = ray.remote(num_cpus=1, max_retries=RETRIES)(_done)
            while True:
                most = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 0)))
                for item in islice(left, max(0, most - len(running))):  # a node may have gone
                    running[task.remote(__version__, [kept], item)] = item
                if not running:
                    return
                (done,), _ = ray.wait(list(running), num_returns=1)
                yield _result(ray, done, running.pop(done))


@dataclass(frozen=True)
class _Failed:
    """The sentence of an EdgekitError: not every error of ours survives being sent."""

    sentence: str


def _done(version: str, kept: list[Any], item: Any) -> Any:
    """In a worker: the result of an item. kept: the work's place in the cluster, in a list so that Ray leaves it be."""
    if version != __version__:
        return _Failed(
            f"A worker has edgekit {__version__}, not {version}; install the same on all machines."
        )
    try:
        return _opened(kept[0])(item)
    except EdgekitError as error:
        return _Failed(str(error))


@lru_cache(maxsize=1)
def _opened(place: Any) -> Callable[[Any], Any]:
    work: Work[Any, Any] = _ray().get(place)
    return work.opened()


def _result(ray: Any, done: Any, item: object) -> Any:
    """A finished item's result. Raises EdgekitError with the item's own sentence, or with Ray's."""
    try:
        result = ray.get(done)
    except ray.exceptions.RayTaskError as error:
        raise EdgekitError(f"{item} failed on the cluster with {error.cause!r}.") from error
    except ray.exceptions.RayError as error:
        name = type(error).__name__
        raise EdgekitError(
            f"{item} ended its worker {RETRIES + 1} times ({name}); it is given up."
        ) from error
    if isinstance(result, _Failed):
        raise EdgekitError(result.sentence)
    return result


@contextmanager
def _connected(ray: Any, address: str) -> Iterator[None]:
    """A connection to the cluster, which is started first if it is a local one. SIGTERM keeps its meaning."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # by default Ray reports to its makers
    options = {"include_dashboard": False} if address == LOCAL else {}
    on_termination = signal.getsignal(signal.SIGTERM)
    if ":" in address:
        _require_answer(address)
    try:
        try:
            with console.quiet_libraries():
                ray.init(address=address, log_to_driver=False, **options)
        except Exception as error:  # Ray raises that very class too, for a node that starts too slowly
            raise EdgekitError(f"The Ray cluster {address} cannot be used: {error}") from error
        if signal.getsignal(signal.SIGTERM) is not on_termination:
            signal.signal(signal.SIGTERM, on_termination)
        yield
    finally:
        ray.shutdown()


def _require_answer(address: str) -> None:
    """EdgekitError unless something listens at HOST:PORT."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_S).close()
    except OSError as error:
        raise EdgekitError(f"No Ray cluster answers at {address}: {error.strerror or error}.") from error


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingDependency("ray", "Counting on a cluster", extra="ray") from error
    return ray
