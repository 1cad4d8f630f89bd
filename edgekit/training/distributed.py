"""Several processes that train one network, as torchrun starts them, and what they compute together.

Every process takes its share of each batch; sums that are taken over a batch are taken over all shares, so a run is
that of one process up to the order of sums, whatever the number of processes. Without torchrun nothing here does
anything. The first process alone writes and prints; of a failure, the first one that fails prints.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar, cast

import torch
import torch.distributed as dist
from torch import nn
from torch.autograd.function import FunctionCtx
from torch.distributed.rendezvous import rendezvous

from edgekit import console
from edgekit.errors import EdgekitError

T = TypeVar("T")
R = TypeVar("R")

# A process may wait while the first one writes, or while another one reads slower storage. One that ended is noticed
# by its closed connection and by torchrun, not by this limit.
LONGEST_WAIT = timedelta(days=1)
ROUND = 64  # items of `mapped` per process between two exchanges


@contextmanager
def joined() -> Iterator[None]:
    """Join the other processes of the run for the block, if torchrun started this one.

    Raises EdgekitError for more processes than GPUs on a machine that has GPUs, and in every process when one of the
    others ended. Of all processes one prints: the first, or the one that failed first.
    """
    if dist.is_initialized() or not dist.is_torchelastic_launched():
        yield
        return
    store, rank, processes = next(iter(rendezvous("env://")))
    console.mute(rank > 0)
    try:
        backend = _backend(int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"]))
        with console.quiet_libraries():  # gloo prints its connections
            dist.init_process_group(
                backend, store=store, rank=rank, world_size=processes, timeout=LONGEST_WAIT
            )
        yield
    except BaseException as error:
        first = store.add("failed", 1) == 1
        console.mute(not first)
        if first and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # torchrun's, before the sentence is printed
        if _is_lost_connection(error):
            raise EdgekitError(
                "Another process of this run ended; start all of them again with `resume`."
            ) from error
        raise
    dist.destroy_process_group()


def _backend(local: int, beside: int) -> str:
    """The backend of this process, after it took its GPU if there are any. local: its number on this machine."""
    if not torch.cuda.is_available():
        return "gloo"
    if beside > torch.cuda.device_count():
        raise EdgekitError(
            f"{beside} processes on a machine with {torch.cuda.device_count()} GPUs; start at most one per GPU."
        )
    torch.cuda.set_device(local)
    return "cpu:gloo,cuda:nccl"


def _is_lost_connection(error: BaseException) -> bool:
    """Whether a collective failed. gloo raises plain RuntimeErrors, which name its source files."""
    return isinstance(error, dist.DistError) or (isinstance(error, RuntimeError) and "gloo" in str(error))


def rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def count() -> int:
    """The number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def own(items: Sequence[T]) -> Sequence[T]:
    """The items that this process works on if each of them may be in any process."""
    return items[rank() :: count()]


def own_of_batch(batch: Sequence[T], parts: int) -> list[T]:
    """The share of a batch that is in this process: of each of `parts` equal parts, one piece.

    The pieces of all processes, one after the other, are the part. The batch divides by parts · processes.
    """
    part = len(batch) // parts
    piece = part // count()
    starts = range(rank() * piece, len(batch), part)
    return [item for start in starts for item in batch[start : start + piece]]


def gathered(value: T) -> list[T]:
    """The values of all processes, in their order."""
    if count() == 1:
        return [value]
    values: list[T | None] = [None] * count()
    dist.all_gather_object(values, value)
    return cast(list[T], values)


def wait() -> None:
    """Wait until every process has come here."""
    gathered(None)


def mapped(function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """Yield the function of each item, in order, in every process; each process computes its share of them."""
    if count() == 1:
        yield from map(function, items)
        return
    for start in range(0, len(items), ROUND * count()):
        some = items[start : start + ROUND * count()]
        results = gathered([function(item) for item in own(some)])
        yield from (results[i % count()][i // count()] for i in range(len(some)))


def summed(tensor: torch.Tensor) -> torch.Tensor:
    """The sum of the tensors of all processes. Its gradient is the sum of their gradients.

    So the backward pass of a loss that all processes compute alike gives each of them the gradient of its own share,
    times the number of processes; `average_gradients` takes that back.
    """
    if count() == 1:
        return tensor
    total: torch.Tensor = _Sum.apply(tensor)  # type: ignore[no-untyped-call]
    return total


class _Sum(torch.autograd.Function):
    """The sum over all processes, of the values and of the gradients."""

    @staticmethod
    def forward(ctx: FunctionCtx, tensor: torch.Tensor) -> torch.Tensor:
        total = tensor.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: torch.Tensor) -> torch.Tensor:
        total = gradients[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


def average_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Replace every gradient by its mean over all processes.

    All of them go in one message, 26 MB for this network. DistributedDataParallel would send them in buckets during
    the backward pass, but it forms other buckets after its first step: with three processes or more a resumed run
    would not add in the same order.
    """
    if count() == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= count()
    for gradient, mean in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))
