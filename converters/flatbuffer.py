"""Edits of a .tflite made after conversion: names, byte input and output, metadata with labels.

Each function edits the schema's object tree in place; `converters/tflite.py` calls them in order.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.artifact import TensorSpec
from edgekit.runtimes.litert import operator_code

METADATA_NAME = b"TFLITE_METADATA"  # the buffer that TFLite's metadata extractor looks for
LABELS_FILE = "labels.txt"
AXIS_LABELS, IMAGE_PROPERTIES, RGB, NORMALIZATION = 2, 2, 1, 1  # enum values of metadata_schema.fbs
MIN_PARSER_VERSION = "1.0.0"


def name_interface(model: Any, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Give the main subgraph's tensors and its signature the names that an app uses."""
    graph = model.subgraphs[0]
    signature = model.signatureDefs[0]
    for indices, maps, names in (
        (graph.inputs, signature.inputs, inputs),
        (graph.outputs, signature.outputs, outputs),
    ):
        for index, name in zip(indices, names, strict=True):
            graph.tensors[index].name = name.encode()
            next(m for m in maps if m.tensorIndex == index).name = name.encode()


def cast_to_quantization(model: Any, scale: float) -> None:
    """Replace CAST from and to uint8 at the border by DEQUANTIZE and QUANTIZE with `scale` and zero point 0.

    CAST truncates, and no delegate runs it; QUANTIZE rounds to nearest, saturates and is delegated.
    """
    graph = model.subgraphs[0]
    for operator in graph.operators:
        if model.operatorCodes[operator.opcodeIndex].builtinCode != schema.BuiltinOperator.CAST:
            continue
        source, result = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
        if source.type == schema.TensorType.UINT8:
            operator.opcodeIndex = operator_code(model, schema.BuiltinOperator.DEQUANTIZE, version=2)
            source.quantization = _per_tensor(scale)
        elif result.type == schema.TensorType.UINT8 and source.type == schema.TensorType.FLOAT32:
            operator.opcodeIndex = operator_code(model, schema.BuiltinOperator.QUANTIZE, version=1)
            result.quantization = _per_tensor(scale)
        else:
            continue
        operator.builtinOptions, operator.builtinOptionsType = None, schema.BuiltinOptions.NONE


def _per_tensor(scale: float) -> Any:
    quantization = schema.QuantizationParametersT()
    quantization.scale = np.array([scale], np.float32)
    quantization.zeroPoint = np.array([0], np.int64)
    return quantization


def last_resize_input(model: Any) -> str | None:
    """Name of the tensor that the last RESIZE_BILINEAR reads (the logits); None if there is no such operator."""
    graph = model.subgraphs[0]
    for operator in reversed(graph.operators):
        if model.operatorCodes[operator.opcodeIndex].builtinCode == schema.BuiltinOperator.RESIZE_BILINEAR:
            name: bytes = graph.tensors[operator.inputs[0]].name
            return name.decode()
    return None


def shorten_names(model: Any, roots: Sequence[str]) -> None:
    """Name tensors by their place in the model: `stage3/layers/0/attention/query;2`, each name once.

    litert-torch's names hold the class and attribute of every module on the path, and join several such paths.
    """
    counts: dict[str, int] = {}
    for tensor in model.subgraphs[0].tensors:
        name = short_name(tensor.name.decode(), roots)
        count = counts[name] = counts.get(name, -1) + 1
        tensor.name = (f"{name}:{count}" if count else name).encode()


def short_name(name: str, roots: Sequence[str]) -> str:
    """`a.B_stem/torch.nn.Conv2d_conv;2` → `stem/conv`; names outside `roots` are kept."""
    first = name.split(";")[0]
    parts = [part.rsplit("_", 1) if part.rsplit(".", 1)[-1].count("_") == 1 else part.split("_", 1)
             for part in first.split("/")]  # fmt: skip
    labels = [part[-1] for part in parts]
    start = next((i for i, label in enumerate(labels) if label in roots), None)
    return first if start is None else "/".join(labels[start:])


def add_metadata(model: Any, name: str, description: str, image: TensorSpec, output: TensorSpec) -> None:
    """Add TFLite's ModelMetadata: image properties of the input, axis labels of the output."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(_metadata(name, description, image, output), np.uint8)
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = METADATA_NAME, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]


def append_labels(data: bytes, labels: Sequence[str]) -> bytes:
    """The .tflite with `labels.txt` appended as a zip archive, the way TFLite packs associated files."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as pack:
        entry = zipfile.ZipInfo(LABELS_FILE)  # dated 1980, not now: equal models give equal bytes
        pack.writestr(entry, "".join(f"{label}\n" for label in labels))
    return data + archive.getvalue()


def _metadata(name: str, description: str, image: TensorSpec, output: TensorSpec) -> bytes:
    """A ModelMetadata flatbuffer (metadata_schema.fbs of tflite-support, root identifier M001)."""
    b = flatbuffers.Builder(1024)
    file = _table(b, 5, {0: b.CreateString(LABELS_FILE), 1: b.CreateString("Names along the last axis.")},
                  {2: AXIS_LABELS})  # fmt: skip
    output_fields = {
        0: b.CreateString(output.name),
        1: b.CreateString(_described(output)),
        6: _vector(b, [file]),
    }
    output_table = _table(b, 7, output_fields)
    graph_fields = {2: _vector(b, [_image_table(b, image)]), 3: _vector(b, [output_table])}
    graph = _table(b, 7, graph_fields)
    fields = {
        0: b.CreateString(name),
        1: b.CreateString(description),
        3: _vector(b, [graph]),
        4: b.CreateString("edgekit"),
        7: b.CreateString(MIN_PARSER_VERSION),
    }
    b.Finish(_table(b, 8, fields), b"M001")
    return bytes(b.Output())


def _image_table(b: Any, image: TensorSpec) -> int:
    properties = _table(b, 2, {}, {0: RGB})
    content = _table(b, 3, {1: properties}, {0: IMAGE_PROPERTIES})
    options = _table(b, 2, {0: _floats(b, [0.0]), 1: _floats(b, [1.0])})  # bytes as they are
    unit = _table(b, 2, {1: options}, {0: NORMALIZATION})
    fields = {
        0: b.CreateString(image.name),
        1: b.CreateString(_described(image)),
        3: content,
        4: _vector(b, [unit]),
    }
    return _table(b, 7, fields)


def _described(spec: TensorSpec) -> str:
    return f"{spec.layout} {spec.shape} {spec.dtype}: {', '.join(spec.channels)}"


def _table(b: Any, slots: int, offsets: dict[int, int], bytes_: dict[int, int] | None = None) -> int:
    b.StartObject(slots)
    for slot, offset in offsets.items():
        b.PrependUOffsetTRelativeSlot(slot, offset, 0)
    for slot, value in (bytes_ or {}).items():
        b.PrependUint8Slot(slot, value, 0)
    return int(b.EndObject())


def _vector(b: Any, offsets: Sequence[int]) -> int:
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return int(b.EndVector())


def _floats(b: Any, values: Sequence[float]) -> int:
    b.StartVector(4, len(values), 4)
    for value in reversed(values):
        b.PrependFloat32(value)
    return int(b.EndVector())
