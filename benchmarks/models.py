"""The models that benchmarks compare, each as a function from a picture to logits.

PyTorch's reference, the Hugging Face model as litert-torch and coremltools convert it, what ai-edge-quantizer makes of
that, and edgekit's artifacts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.harness import THREADS
from benchmarks.plan import PLANNED
from converters.conversion import Conversion, Converted, resolve, write_artifact
from converters.tflite import finished, float_model
from edgekit.artifact import Artifact
from edgekit.files import size_bytes_of
from edgekit.images import InputSize
from edgekit.model.reference import ReferenceSegmenter
from edgekit.pipeline import convert
from edgekit.recipes import Recipe, recipe_named
from edgekit.runtimes import open_runtime
from edgekit.runtimes.litert import LiteRT, packed, parsed
from edgekit.targets import TARGETS, Target
from edgekit.weights import Checkpoint

PLAIN = "plain litert_torch.convert fp32"  # the model that latencies are set against
STOCK_PHOTOS = 24  # for the stock quantisers to calibrate on; edgekit's ranges come with the weights
Image = NDArray[np.uint8]  # (size, size, 3) RGB
Logits = NDArray[np.float32]  # (classes, h, w)
Run = Callable[[Image], Logits]


@dataclass(frozen=True)
class Model:
    """One row of a table.

    partitions: how many parts LiteRT's delegate makes of the graph. size: of its input, if that is not the
    checkpoint's square; its labels lie elsewhere then, so that only its time is compared.
    """

    name: str
    run: Run
    size_bytes: int | None
    timed: bool = True
    partitions: int | None = None
    size: InputSize | None = None


def converted(
    checkpoint: Checkpoint, target: str, recipe: Recipe | str | Path, size: int | str, folder: Path
) -> tuple[str, Artifact]:
    """An artifact of edgekit's, and its name in a table. Ranges are those kept with the weights."""
    (artifact,) = convert(checkpoint, target, size=size, recipe=recipe, out=folder)
    label = TARGETS[target].title
    default = " (the default)" if recipe == PLANNED and target == "tflite" else ""
    return f"edgekit {label} {artifact.manifest.recipe_name}{default}", artifact


def edgekit_model(
    checkpoint: Checkpoint, target: str, recipe: str | Path, size: int | str, folder: Path
) -> Model:
    """One of edgekit's artifacts; Core ML runs on the reference executor, whose time says nothing of Core ML's."""
    name, artifact = converted(checkpoint, target, recipe, size, folder)
    tap = artifact.manifest.taps["logits"]
    other = None if size == checkpoint.size_default else artifact.manifest.input_size
    if other is not None:
        name = f"{name} at {other}"
    if target == "tflite":
        return replace(_litert_model(name, artifact.path, tap, np.uint8), size=other)
    runtime = open_runtime(artifact.path, taps=[tap], threads=THREADS)

    def run(image: Image) -> Logits:
        logits: Logits = runtime.run({"image": image[None]})[tap][0]
        return logits

    return Model(f"{name} (mil-reference)", run, size_bytes_of(artifact.path), timed=False)


def torch_model(checkpoint: Checkpoint) -> Model:
    """The reference: Hugging Face's model in PyTorch."""
    model = ReferenceSegmenter(checkpoint)

    def run(image: Image) -> Logits:
        with torch.inference_mode():
            logits: Logits = model(planar(image))[0].numpy()
        return logits

    return Model("PyTorch eager fp32 (the reference)", run, None)


def plain_model(path: Path) -> Model:
    """What `plain_tflite` wrote."""
    return _litert_model(PLAIN, path, "logits", np.float32)


def _litert_model(name: str, path: Path, tap: str, dtype: type[np.generic]) -> Model:
    runtime = LiteRT(path, taps=() if tap == "logits" else [tap], threads=THREADS)

    def run(image: Image) -> Logits:
        logits: Logits = runtime.run({"image": image[None].astype(dtype)})[tap][0].transpose(2, 0, 1)
        return logits

    return Model(name, run, path.stat().st_size, partitions=runtime.partitions)


def stock_model(name: str, path: Path) -> Model:
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
    return Model(name, run, path.stat().st_size, partitions=partitions)


def baselines(checkpoint: Checkpoint, size: int, images: Iterable[Image], folder: Path) -> dict[str, Path]:
    """The plain conversion first, then ai-edge-quantizer's own int8 recipes on it, by their names in a table."""
    plain = plain_tflite(checkpoint, size, folder / "plain.tflite")
    made = {PLAIN: plain}
    for kind in ("static", "dynamic"):
        path = folder / f"stock-{kind}.tflite"
        samples = (image.astype(np.float32) for image in images)
        path.write_bytes(_stock_int8(plain.read_bytes(), kind, samples))
        made[f"stock {kind} int8 on the plain model"] = path
    return made


def stock_artifact(checkpoint: Checkpoint, size: int, images: Iterable[Image], folder: Path) -> Artifact:
    """The Hugging Face model as stock static int8 behind edgekit's own input and output, with a manifest.

    It is judged as a w8a8 recipe is, for everything in it is int8.
    """
    stock = _Stock(**vars(TARGETS["tflite"]), images=tuple(images))
    conversion = Conversion(
        checkpoint, InputSize.of(size), replace(recipe_named("w8a8"), name="stock-static")
    )
    return write_artifact(resolve(stock, conversion, folder, minimum_ios=None, replace=False))


@dataclass(frozen=True)
class _Stock(Target):
    """TFLite by stock static int8. `images`: what it is calibrated on."""

    images: tuple[Image, ...] = ()

    def converted(self, conversion: Conversion, path: Path) -> Converted:
        data = float_model(conversion, ReferenceSegmenter(conversion.checkpoint))
        return finished(_stock_int8(data, "static", self.images), conversion, path)


def _stock_int8(data: bytes, kind: str, images: Iterable[NDArray[Any]]) -> bytes:
    from ai_edge_quantizer import quantizer, recipe

    tool = quantizer.Quantizer(bytearray(data))
    if kind == "dynamic":
        tool.load_quantization_recipe(recipe.dynamic_wi8_afp32())
        return bytes(tool.quantize(enable_progress_report=False).quantized_model)
    tool.load_quantization_recipe(recipe.static_wi8_ai8())
    samples = [{"image": image[None]} for image in images]
    statistics = tool.calibrate({"serving_default": samples}, num_threads=THREADS)
    return bytes(tool.quantize(statistics, enable_progress_report=False).quantized_model)


class ChannelsLast(nn.Module):
    """(1, size, size, 3) float RGB in [0, 255] to (1, h, w, classes) float logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(image.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return logits


def plain_tflite(checkpoint: Checkpoint, size: int, path: Path) -> Path:
    """`litert_torch.convert` of the Hugging Face model with NHWC input and output."""
    import litert_torch

    model = ChannelsLast(ReferenceSegmenter(checkpoint)).eval()
    data = litert_torch.convert(model, (torch.zeros(1, size, size, 3),)).model_content()
    tree = parsed(data, path)
    graph, signature = tree.subgraphs[0], tree.signatureDefs[0]
    graph.tensors[graph.inputs[0]].name = signature.inputs[0].name = b"image"
    graph.tensors[graph.outputs[0]].name = signature.outputs[0].name = b"logits"
    path.write_bytes(packed(tree))
    return path


def plain_coreml(checkpoint: Checkpoint, size: int, path: Path) -> Path:
    """`coremltools.convert` of the Hugging Face model, fp16 ML Program for iOS 16."""
    import coremltools as ct

    shape = (1, 3, size, size)
    program = torch.export.export(ReferenceSegmenter(checkpoint), (torch.zeros(shape),))
    model = ct.convert(
        program.run_decompositions({}),
        inputs=[ct.TensorType(name="image", shape=shape)],
        convert_to="mlprogram",
        minimum_deployment_target=ct.target.iOS16,
        skip_model_load=True,
    )
    model.save(str(path))
    return path


def planar(image: Image) -> torch.Tensor:
    """(size, size, 3) uint8 to (1, 3, size, size) float32 in [0, 255]."""
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float().contiguous()
