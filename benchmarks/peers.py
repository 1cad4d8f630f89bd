"""Quantisers of TensorFlow, ONNX Runtime and ExecuTorch beside the plain model and edgekit's default, in one run.

    pip install onnx onnxruntime onnxscript executorch "tensorflow-cpu>=2.21,<2.22"
    python -m benchmarks.peers --calibration DIR --images DIR --labels DIR [--runs 20] [--write]

The peers convert the Hugging Face model as it is, calibrated on the same photos in their default way (ONNX Runtime:
QDQ, per channel; ExecuTorch: XNNPACK through PT2E). A peer whose package is missing is named under the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import harness
from benchmarks.int8 import publish_comparison
from benchmarks.models import (
    ChannelsLast,
    Image,
    Logits,
    Model,
    edgekit_model,
    plain_model,
    plain_tflite,
    planar,
    stock_model,
    torch_model,
)
from benchmarks.plan import PLANNED
from edgekit.model.reference import ReferenceSegmenter
from edgekit.weights import Checkpoint

PACKAGES = ("onnxruntime", "executorch", "tensorflow-cpu", "tensorflow")


def main() -> None:
    """Measure the plain model and the peers that are installed, and publish the figure `peers`."""
    found = {each.metadata["Name"].lower().replace("_", "-") for each in metadata.distributions()}
    publish_comparison(
        __doc__, "peers", ("torch", *(name for name in PACKAGES if name in found)), plain_and_peers
    )


def plain_and_peers(
    checkpoint: Checkpoint, calibration: list[Image], folder: Path
) -> tuple[list[Model], list[str]]:
    """The reference, the plain model, edgekit's, the peers that are installed; a sentence for each that is missing."""
    size = checkpoint.size_default
    plain = plain_tflite(checkpoint, size, folder / "plain.tflite")
    models, missing = [torch_model(checkpoint), plain_model(plain)], list[str]()
    models += [edgekit_model(checkpoint, "tflite", recipe, size, folder) for recipe in (PLANNED, "w8a8")]
    makers = {
        "TensorFlow": partial(tensorflow_models, plain, calibration, folder),
        "ONNX Runtime": partial(onnx_models, checkpoint, calibration, folder),
        "ExecuTorch": partial(executorch_models, checkpoint, calibration, folder),
    }
    for name, make in makers.items():
        try:
            models += make()
        except ImportError as error:
            missing.append(f"{name} was not measured: {error}")
    return models, missing


def tensorflow_models(plain: Path, images: list[Image], folder: Path) -> list[Model]:
    """The quantiser behind TFLiteConverter (`optimizations=[DEFAULT]` with a representative data set) on the plain
    float model: static int8, float where an operator has no int8 kernel, float input and output."""
    import tensorflow as tf
    from tensorflow.lite.python.optimize import calibrator

    def samples() -> Iterator[list[NDArray[np.float32]]]:
        return ([image[None].astype(np.float32)] for image in images)

    path = folder / "tensorflow.tflite"
    tool = calibrator.Calibrator(plain.read_bytes())
    path.write_bytes(tool.calibrate_and_quantize(samples, tf.float32, tf.float32, allow_float=True))
    return [stock_model("TensorFlow static int8 on the plain model", path)]


def onnx_models(checkpoint: Checkpoint, images: list[Image], folder: Path) -> list[Model]:
    """ONNX Runtime on the Hugging Face model: fp32, and its static int8 (QDQ, per channel)."""
    import onnxruntime as ort
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    float_path, ready, int8 = (folder / f"{name}.onnx" for name in ("float", "ready", "int8"))
    model = ChannelsLast(ReferenceSegmenter(checkpoint)).eval()
    torch.onnx.export(
        model, (torch.zeros(1, *images[0].shape),), str(float_path), input_names=["image"], output_names=["logits"],
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
    models = []
    for name, path in (("ONNX Runtime fp32", float_path), ("ONNX Runtime static int8", int8)):
        options = ort.SessionOptions()
        options.intra_op_num_threads = harness.THREADS
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

        def run(image: Image, session: Any = session) -> Logits:
            logits: Logits = session.run(None, {"image": image[None].astype(np.float32)})[0][0].transpose(
                2, 0, 1
            )
            return logits

        models.append(Model(name, run, path.stat().st_size))
    return models


def executorch_models(checkpoint: Checkpoint, images: list[Image], folder: Path) -> list[Model]:
    """ExecuTorch with its XNNPACK partitioner: fp32, and PT2E static int8 (symmetric, per channel)."""
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    model = ReferenceSegmenter(checkpoint).eval()
    example = (planar(images[0]),)
    quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
    observed = prepare_pt2e(torch.export.export(model, example).module(), quantizer)
    with torch.inference_mode():
        for image in images:
            observed(planar(image))
    modules = (("ExecuTorch fp32", model), ("ExecuTorch static int8", convert_pt2e(observed)))
    return [_executorch_model(name, module, example, folder) for name, module in modules]


def _executorch_model(name: str, module: Any, example: tuple[torch.Tensor], folder: Path) -> Model:
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
        logits: Logits = method.execute([planar(image)])[0][0].numpy().copy()
        return logits

    return Model(name, run, path.stat().st_size)


if __name__ == "__main__":
    main()
