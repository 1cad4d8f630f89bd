"""The peers of `benchmarks/int8.py`: what other tools make of the same checkpoint, each with its own calibration.

Everything here converts the Hugging Face model as it is. Bench-only packages; a peer whose package is missing is
named in the report, not left out in silence:

    pip install onnx onnxruntime onnxscript executorch "tensorflow-cpu>=2.21,<2.22"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.plain import ChannelsLast
from edgekit.model.reference import ReferenceSegmenter
from edgekit.weights import Checkpoint

THREADS = 2
Image = NDArray[np.uint8]  # (size, size, 3)
Logits = NDArray[np.float32]  # (classes, h, w)
Run = Callable[[Image], Logits]


@dataclass
class Row:
    """One model of the table."""

    name: str
    run: Run
    size_bytes: int | None
    timed: bool = True
    partitions: int | None = None


def stock_row(name: str, path: Path) -> Row:
    """A stock artifact: its input and output may be int8, which costs two passes that are timed too."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=THREADS)
    interpreter.allocate_tensors()
    source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def run(image: Image) -> Logits:
        tensor = image[None].astype(np.float32)
        if source["dtype"] == np.int8:
            scale, zero = source["quantization"]
            tensor = np.clip(np.round(tensor / scale) + zero, -128, 127).astype(np.int8)
        interpreter.set_tensor(source["index"], tensor)
        interpreter.invoke()
        logits = interpreter.get_tensor(result["index"])[0].transpose(2, 0, 1)
        if result["dtype"] == np.int8:
            scale, zero = result["quantization"]
            return np.asarray((logits.astype(np.float32) - zero) * np.float32(scale), np.float32)
        return np.asarray(logits, np.float32)

    partitions = sum(op["op_name"] == "DELEGATE" for op in interpreter._get_ops_details())
    return Row(name, run, path.stat().st_size, partitions=partitions)


def stock(data: bytes, kind: str, images: Iterable[Image]) -> bytes:
    """ai-edge-quantizer's own recipes on the plain model, with its own calibration."""
    from ai_edge_quantizer import quantizer, recipe

    tool = quantizer.Quantizer(bytearray(data))
    if kind == "dynamic":
        tool.load_quantization_recipe(recipe.dynamic_wi8_afp32())
        return bytes(tool.quantize(enable_progress_report=False).quantized_model)
    tool.load_quantization_recipe(recipe.static_wi8_ai8())
    samples = [{"image": image[None].astype(np.float32)} for image in images]
    statistics = tool.calibrate({"serving_default": samples}, num_threads=THREADS)
    return bytes(tool.quantize(statistics, enable_progress_report=False).quantized_model)


def tensorflow_int8(data: bytes, images: Iterable[Image]) -> bytes:
    """The quantiser behind TFLiteConverter (`optimizations=[DEFAULT]` with a representative data set) on the plain
    float model: static int8, float where an operator has no int8 kernel, float input and output."""
    import tensorflow as tf
    from tensorflow.lite.python.optimize import calibrator

    def samples() -> Iterator[list[NDArray[np.float32]]]:
        return ([image[None].astype(np.float32)] for image in images)

    tool = calibrator.Calibrator(data)
    return bytes(tool.calibrate_and_quantize(samples, tf.float32, tf.float32, allow_float=True))


def onnx_rows(checkpoint: Checkpoint, size: int, images: list[Image], folder: Path) -> list[Row]:
    """ONNX Runtime on the Hugging Face model: fp32, and its static int8 (QDQ, per channel)."""
    import onnxruntime as ort
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    float_path, ready, int8 = (folder / f"{name}.onnx" for name in ("float", "ready", "int8"))
    model = ChannelsLast(ReferenceSegmenter(checkpoint)).eval()
    torch.onnx.export(
        model, (torch.zeros(1, size, size, 3),), str(float_path), input_names=["image"], output_names=["logits"],
        dynamo=True, external_data=False,
    )  # fmt: skip
    quant_pre_process(str(float_path), str(ready))

    class Photos(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
        def __init__(self) -> None:
            self.left = iter(images)

        def get_next(self) -> dict[str, Any] | None:
            image = next(self.left, None)
            return None if image is None else {"image": image[None].astype(np.float32)}

    quantize_static(str(ready), str(int8), Photos(), quant_format=QuantFormat.QDQ, per_channel=True)
    rows = []
    for name, path in (("ONNX Runtime fp32", float_path), ("ONNX Runtime static int8", int8)):
        options = ort.SessionOptions()
        options.intra_op_num_threads = THREADS
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

        def run(image: Image, session: Any = session) -> Logits:
            logits: Logits = session.run(None, {"image": image[None].astype(np.float32)})[0][0].transpose(
                2, 0, 1
            )
            return logits

        rows.append(Row(name, run, path.stat().st_size))
    return rows


def executorch_rows(checkpoint: Checkpoint, size: int, images: list[Image], folder: Path) -> list[Row]:
    """ExecuTorch with its XNNPACK partitioner: fp32, and PT2E static int8 (symmetric, per channel)."""
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    model = ReferenceSegmenter(checkpoint).eval()
    example = (torch.zeros(1, 3, size, size),)
    quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
    observed = prepare_pt2e(torch.export.export(model, example).module(), quantizer)
    with torch.inference_mode():
        for image in images:
            observed(_planar(image))
    modules = (("ExecuTorch fp32", model), ("ExecuTorch static int8", convert_pt2e(observed)))
    return [_executorch_row(name, module, example, folder) for name, module in modules]


def _executorch_row(name: str, module: Any, example: tuple[torch.Tensor], folder: Path) -> Row:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower
    from executorch.runtime import Runtime

    program = torch.export.export(module, example)
    lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()]).to_executorch()
    path = folder / f"{name.replace(' ', '-')}.pte"
    path.write_bytes(lowered.buffer)
    loaded = Runtime.get().load_program(path)
    method = loaded.load_method("forward")

    def run(image: Image, kept: Any = loaded) -> Logits:  # the method lives no longer than its program
        logits: Logits = method.execute([_planar(image)])[0][0].numpy().copy()
        return logits

    return Row(name, run, path.stat().st_size)


def _planar(image: Image) -> torch.Tensor:
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float().contiguous()


def versions() -> str:
    """Of the peers that are installed."""
    names = ("onnxruntime", "executorch", "tensorflow-cpu", "tensorflow")
    found = {d.metadata["Name"].lower().replace("_", "-"): d.version for d in metadata.distributions()}
    return ", ".join(f"{name} {found[name]}" for name in names if name in found)
