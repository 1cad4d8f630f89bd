"""Work on a Ray cluster: every item's result, errors in sentences, and addresses."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from edgekit import cluster
from edgekit.cluster import Cluster
from edgekit.errors import CalibrationError, EdgekitError, MissingDependency
from tests.support.cli import edgekit
from tests.support.ray import needs_ray, two_nodes


@pytest.mark.parametrize(
    "address",
    ["", "my.tflite", "localhost", "host:0", "host:65536", "ray://host:10001", "a b:6379", "host:6379\n"],
)
def test_no_other_word_is_an_address(address: str) -> None:
    with pytest.raises(EdgekitError, match=r"`ray` .* is not local, auto or the HOST:PORT of a Ray cluster"):
        Cluster(address)


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependency, match=r"needs the package ray; .* 'edgekit\[ray\]'"):
        Cluster()
    ran = edgekit("evaluate", "--images", ".", "--labels", ".", "--ray", "local")
    assert ran.code == 3 and "edgekit[ray]" in ran.sentence


@dataclass(frozen=True)
class Tens:
    """Ten times a number. Some numbers are errors, of ours or not, and one ends the process."""

    def opened(self) -> Callable[[int], int]:
        opened = list[int]()  # once in each process

        def ten_times(number: int) -> int:
            opened.append(number)
            if number == 7:
                raise CalibrationError("`images` holds a seven.")
            if number == 8:
                raise ZeroDivisionError("eight")
            if number == 9:
                os.kill(os.getpid(), signal.SIGKILL)
            return 10 * number

        return ten_times


@needs_ray
@pytest.mark.slow
def test_results_and_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "RETRIES", 1)
    with two_nodes() as nodes:
        ours, on_termination = Cluster(nodes.address), signal.getsignal(signal.SIGTERM)
        asked = list[int]()
        results = ours.results(Tens(), (asked.append(i) or i % 7 for i in range(30)))
        found = [next(results)]
        assert len(asked) == 4  # two for each core; the others are not asked for yet
        assert signal.getsignal(signal.SIGTERM) is on_termination
        found += results
        assert sorted(found) == sorted(10 * (i % 7) for i in range(30))
        for item, sentence in (
            (7, "^`images` holds a seven.$"),
            (8, r"^8 failed on the cluster with ZeroDivisionError\('eight'\).$"),
            (9, r"^9 ended its worker 2 times \(WorkerCrashedError\); it is given up.$"),
        ):
            with pytest.raises(EdgekitError, match=sentence):
                list(ours.results(Tens(), [item]))


@needs_ray
def test_a_cluster_that_is_not_there_is_an_error_at_once() -> None:
    with socket.socket() as taken:  # bound, and not listening
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(EdgekitError, match=f"No Ray cluster answers at {address}: "):
            list(Cluster(address).results(Tens(), [1]))
