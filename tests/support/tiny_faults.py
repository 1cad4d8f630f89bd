"""Graphs of one operator that GPUs were reported to compute wrongly without an error, by LiteRT's issue numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.support.tiny_tflite import write_operator


def rank_3_pad(path: Path) -> Path:
    """LiteRT 9272: rows of zeros behind the middle axis of a rank-3 tensor."""
    pads = np.array([[0, 0], [0, 32], [0, 0]], np.int32)
    return write_operator(path, "PAD", [(16, 32, 3), pads], (16, 64, 3), schema.PadOptionsT())


def rank_4_pad(path: Path) -> Path:
    """The same pad on a rank-4 tensor, which GPUs compute rightly."""
    pads = np.array([[0, 0], [0, 0], [0, 32], [0, 0]], np.int32)
    return write_operator(path, "PAD", [(1, 16, 32, 3), pads], (1, 16, 64, 3), schema.PadOptionsT())


def large_sum(path: Path) -> Path:
    """LiteRT 9249: the sum of 32 × 64 numbers in each of three channels."""
    options = schema.ReducerOptionsT()
    options.keepDims = True
    axes = np.array([1, 2], np.int32)
    return write_operator(path, "SUM", [(1, 32, 64, 3), axes], (1, 1, 1, 3), options)


def transposed_product(path: Path, *, square: bool) -> Path:
    """LiteRT 8913: a product with a transposed second operand, square or not."""
    rows = 12 if square else 20
    options = schema.BatchMatMulOptionsT()
    options.adjY = True
    return write_operator(path, "BATCH_MATMUL", [(4, 30, 12), (4, rows, 12)], (4, 30, rows), options)


def mixed_ranks(path: Path) -> Path:
    """LiteRT 8980: scores of rank 3 plus a mask of rank 4."""
    inputs: list[tuple[int, ...]] = [(20, 16, 8), (1, 1, 16, 8)]
    return write_operator(path, "ADD", inputs, (1, 20, 16, 8), schema.AddOptionsT())
