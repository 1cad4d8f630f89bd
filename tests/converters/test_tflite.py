from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from converters import flatbuffer, tflite
from edgekit.artifact import Artifact
from edgekit.files import sha256_of
from edgekit.runtimes.litert import LiteRT, operator_counts, parsed
from edgekit.targets import TARGETS
from edgekit.weights import Checkpoint
from tests.support.conversions import conversion_of
from tests.support.pictures import picture


@pytest.fixture(scope="module")
def path(artifacts: dict[str, Artifact]) -> Path:
    return artifacts["tflite"].path


def test_interface_is_bytes_channels_last(path: Path) -> None:
    outputs = LiteRT(path).run({"image": picture(128, 128)[None]})
    assert list(outputs) == ["groups"]
    assert outputs["groups"].shape == (1, 32, 32, 4)
    assert outputs["groups"].dtype == np.uint8
    totals = outputs["groups"].astype(int).sum(-1)
    assert np.abs(totals - 255).max() <= 2  # four weights, each rounded


def test_whole_graph_runs_in_one_xnnpack_partition(path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    names = [op["op_name"] for op in interpreter._get_ops_details()]
    assert names.count("DELEGATE") == 1


def test_few_reshapes_and_transposes_are_left(path: Path) -> None:
    counts = operator_counts(path)
    assert counts["RESHAPE"] == 18
    assert counts["TRANSPOSE"] == 12
    assert "CAST" not in counts


def test_tensor_names_say_their_place(path: Path) -> None:
    model = parsed(path.read_bytes(), path)
    names = {tensor.name.decode() for tensor in model.subgraphs[0].tensors}
    assert {"image", "groups"} <= names
    assert any(name.startswith("segmenter/stage4/2/attention/query") for name in names)
    assert len(names) == len(model.subgraphs[0].tensors)


def test_metadata_and_labels_are_readable(path: Path) -> None:
    data = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read("labels.txt").decode().split() == ["skin", "hair", "clothes", "background"]
    model = parsed(data, path)
    entry = next(m for m in model.metadata if m.name == b"TFLITE_METADATA")
    blob = bytes(model.buffers[entry.buffer].data)
    assert blob[4:8] == b"M001"
    for text in (b"image", b"groups", b"labels.txt", b"seeded"):
        assert text in blob


@pytest.mark.slow
def test_same_inputs_give_the_same_bytes(
    float_graphs: Callable[..., bytes],
    checkpoint: Checkpoint,
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tflite, "float_model", float_graphs)  # made anew, not the session's
    tflite.convert(conversion_of(checkpoint, "fp32"), tmp_path / "again.tflite")
    assert sha256_of(tmp_path / "again.tflite") == sha256_of(path)


def test_fp16_stores_half_the_bytes(checkpoint: Checkpoint, path: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.tflite"
    tflite.convert(conversion_of(checkpoint, "fp16"), half)
    assert half.stat().st_size < 0.52 * path.stat().st_size
    image = {"image": picture(128, 128)[None]}
    tap = TARGETS["tflite"].logits_names[0]
    full, logits = (LiteRT(p, taps=[tap]).run(image)[tap] for p in (path, half))
    assert logits.shape == full.shape == (1, 8, 8, 18)
    assert 0 < np.abs(logits - full).max() < 0.01 * np.ptp(full)  # of the weights alone; 11 bits are 0.0005


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("__main__.W/e.P_segmenter/e.C_stem/torch.nn.modules.conv.Conv2d_conv;3", "segmenter/stem/conv"),
        ("a.W/e.P_segmenter/t.S_stage2/e.I_1/e.C_expand;1;other/path;2", "segmenter/stage2/1/expand"),
        ("a.W/e.P_segmenter/e.M_stage3/e.C_to_tokens/t.C_conv", "segmenter/stage3/to_tokens/conv"),
        ("arith.constant7", "arith.constant7"),
    ],
)
def test_short_names(name: str, expected: str) -> None:
    assert flatbuffer.short_name(name, ("segmenter",)) == expected


def test_cast_becomes_rounding_only_for_bytes() -> None:
    model = schema.ModelT()
    codes = [schema.OperatorCodeT()]
    codes[0].builtinCode = schema.BuiltinOperator.CAST
    model.operatorCodes = codes
    types = (
        schema.TensorType.UINT8,
        schema.TensorType.FLOAT32,
        schema.TensorType.UINT8,
        schema.TensorType.INT64,
    )
    graph = schema.SubGraphT()
    graph.tensors = []
    for kind in types:
        tensor = schema.TensorT()
        tensor.type = kind
        graph.tensors.append(tensor)
    graph.operators = []
    for source, result in ((0, 1), (1, 2), (3, 2)):
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = 0, [source], [result]
        graph.operators.append(operator)
    model.subgraphs = [graph]
    flatbuffer.cast_to_quantization(model, 1.0)
    used = [model.operatorCodes[o.opcodeIndex].builtinCode for o in graph.operators]
    builtin = schema.BuiltinOperator
    assert used == [builtin.DEQUANTIZE, builtin.QUANTIZE, builtin.CAST]
    assert graph.tensors[2].quantization.scale.tolist() == [1.0]
