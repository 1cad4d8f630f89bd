"""A tiny .onnx file, written field by field (onnx.proto3), so that no test needs the package onnx."""

from __future__ import annotations

FLOAT = 1  # TensorProto.DataType


def sigmoid_model(shape: tuple[int, ...]) -> bytes:
    """A model of one operator, y = sigmoid(x), over float32 tensors of this shape."""
    node = _text(1, "x") + _text(2, "y") + _text(4, "Sigmoid")
    graph = _bytes(1, node) + _text(2, "g") + _bytes(11, _value("x", shape)) + _bytes(12, _value("y", shape))
    return (
        _number(1, 8) + _bytes(7, graph) + _bytes(8, _number(2, 13))
    )  # IR version 8, operators of version 13


def _value(name: str, shape: tuple[int, ...]) -> bytes:
    dimensions = b"".join(_bytes(1, _number(1, side)) for side in shape)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, FLOAT) + _bytes(2, dimensions)))


def _number(field: int, value: int) -> bytes:
    assert value < 128
    return bytes([field << 3, value])


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _bytes(field: int, value: bytes) -> bytes:
    assert len(value) < 128
    return bytes([field << 3 | 2, len(value)]) + value
