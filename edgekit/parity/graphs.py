"""A float model, operator by operator: what each one gives for inputs that somebody else computed.

Both targets keep a tensor's name through every recipe, so that an operator of the float export can be evaluated on the
tensors of a quantised artifact. Float tensors are given and returned as float32 in the file's own layout.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from edgekit.recipes import block_of_parameter, block_of_tensor, layer_of
from edgekit.runtimes.litert import LiteRT, operator_name, packed, parsed, read_tflite
from edgekit.runtimes.mil_reference import MilFunction, Step, load_program

Array = NDArray[np.float32]
Tensors = Mapping[str, Array]
FP16_SUFFIX = "_cast_fp16"  # coremltools adds it to the name of every tensor that it makes fp16
WITH_WEIGHTS = ("conv", "linear")  # of a Core ML program


@dataclass(frozen=True)
class Node:
    """One operator of a float model.

    `inputs`, `outputs`: names of its computed tensors, without constants. `place`, `block`: as in `Drift`.
    `evaluate`: its inputs by name to its outputs by name. `channels_first`: the layout of tensors with four axes.
    """

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    place: str
    block: str | None
    evaluate: Callable[[Tensors], Tensors]
    channels_first: bool


def canonical(name: str) -> str:
    """A Core ML tensor's name in the fp32 program of the same checkpoint."""
    return name.replace(FP16_SUFFIX, "")


def nodes_of(path: Path) -> tuple[Node, ...]:
    """The operators of a float model in topological order. Raises ConversionError for a damaged file."""
    return _coreml_nodes(path) if path.is_dir() else _tflite_nodes(path)


def taps_of(path: Path) -> dict[str, str]:
    """A tensor's name in the float export to the tensor of this model that holds it, outputs left out."""
    return _coreml_taps(path) if path.is_dir() else _tflite_taps(path)


# --- .tflite


def _tflite_nodes(path: Path) -> tuple[Node, ...]:
    model = parsed(read_tflite(path), path)
    graph = model.subgraphs[0]

    def computed(indices: Sequence[int]) -> list[int]:
        return [i for i in indices if i >= 0 and model.buffers[graph.tensors[i].buffer].data is None]

    def name(index: int) -> str:
        return str(graph.tensors[index].name.decode())

    nodes = []
    for operator in graph.operators:
        inputs, outputs = computed(operator.inputs), list(operator.outputs)
        nodes.append(
            Node(
                kind=operator_name(model, operator),
                inputs=tuple(dict.fromkeys(map(name, inputs))),
                outputs=tuple(map(name, outputs)),
                place=place_of_tensor(name(outputs[0])),
                block=block_of_tensor(name(outputs[0])),
                evaluate=partial(_run_alone, model, operator, inputs),
                channels_first=False,
            )
        )
    return tuple(nodes)


def place_of_tensor(name: str) -> str:
    """The module of a .tflite's tensor: `segmenter/stage3/0/attention/query:2` → `stage3.0.attention.query`."""
    return re.split(r"[:;]", name, maxsplit=1)[0].removeprefix("segmenter/").replace("/", ".")


def _run_alone(model: Any, operator: Any, inputs: Sequence[int], values: Tensors) -> Tensors:
    """An operator's outputs, from a model that holds it alone."""
    graph = model.subgraphs[0]
    kept = list(dict.fromkeys(i for i in (*operator.inputs, *operator.outputs) if i >= 0))
    alone, only = copy.copy(model), copy.copy(graph)
    alone.buffers, only.tensors = [model.buffers[0]], []
    for index in kept:
        tensor = copy.copy(graph.tensors[index])
        alone.buffers.append(model.buffers[tensor.buffer])
        tensor.buffer = len(alone.buffers) - 1
        only.tensors.append(tensor)
    renamed = {index: i for i, index in enumerate(kept)}
    step = copy.copy(operator)
    step.inputs = np.array([renamed.get(i, -1) for i in operator.inputs], np.int32)
    step.outputs = np.array([renamed[i] for i in operator.outputs], np.int32)
    only.operators = [step]
    only.inputs = np.array([renamed[i] for i in dict.fromkeys(inputs)], np.int32)
    only.outputs = step.outputs
    alone.subgraphs, alone.signatureDefs, alone.metadata = [only], None, None
    names = [graph.tensors[i].name.decode() for i in dict.fromkeys(inputs)]
    return LiteRT.of_bytes(packed(alone), Path(names[0])).run({name: values[name] for name in names})


def _tflite_taps(path: Path) -> dict[str, str]:
    graph = parsed(read_tflite(path), path).subgraphs[0]
    indices = [i for operator in graph.operators for i in operator.outputs if i not in graph.outputs]
    names = (graph.tensors[index].name.decode() for index in indices)
    return {name: name for name in names}


# --- Core ML


def _coreml_nodes(path: Path) -> tuple[Node, ...]:
    _, program = load_program(path)
    function = MilFunction(program)
    weights = {op.outputs[0].name: op.weight.name for op in program.operations if op.op_type in WITH_WEIGHTS}
    places: dict[str, str] = {}
    blocks: dict[str, str] = {}
    nodes = []
    for step in function.steps:
        inputs = tuple(dict.fromkeys(n for n in step.inputs if n is not None and n not in function.constants))
        place, block = _place_and_block(step, inputs, weights, places, blocks)
        places |= dict.fromkeys(step.outputs, place)
        if block is not None:
            blocks |= dict.fromkeys(step.outputs, block)
        run = partial(_step_alone, function, step)
        inputs, outputs = (tuple(map(canonical, names)) for names in (inputs, step.outputs))
        block = None if step.kind == "layer_norm" else block  # norms lie outside the blocks
        nodes.append(Node(step.kind, inputs, outputs, place, block, run, channels_first=True))
    return tuple(nodes)


def _coreml_taps(path: Path) -> dict[str, str]:
    """As their operations give them, except int8 additions, which coremltools gives other units on both sides.

    It divides an addition's inputs by a scale, and multiplies by it what others read of the sum: that is the tensor.
    """
    _, program = load_program(path)
    operations = [op for op in program.operations if op.op_type != "const" and "constexpr" not in op.op_type]
    outputs = {output.name for output in program.outputs}
    added = {v.name for op in operations if op.op_type == "add" for v in (op.x, op.y)}
    levels = {op.input.name: op.outputs[0].name for op in operations if op.op_type == "quantize"}
    restored = {
        op.input.name: op.outputs[0].name
        for op in operations
        if op.op_type == "dequantize" and op.outputs[0].name not in added
    }
    taps: dict[str, str] = {}
    rescaled: set[str] = set()
    for op in operations:
        names = [output.name for output in op.outputs if output.name not in outputs]
        if levels and (op.op_type == "add" or (op.op_type == "relu" and op.x.name in rescaled)):
            rescaled.update(names)
        for name in names:
            as_read = restored.get(levels.get(name, "")) if name in rescaled else name
            if as_read is not None:
                taps[canonical(name)] = as_read
    return taps


def _place_and_block(
    step: Step,
    inputs: Sequence[str],
    weights: Mapping[str, str],
    places: Mapping[str, str],
    blocks: Mapping[str, str],
) -> tuple[str, str | None]:
    """A convolution's or linear map's by its weight's name; another operator's follow from its last input's."""
    weight = weights.get(step.outputs[0])
    if weight is not None:
        return place_of_parameter(weight), block_of_parameter(weight)
    known = [name for name in inputs if name in places]
    place = places[known[-1]] if known else step.kind
    block = next((blocks[name] for name in reversed(known) if name in blocks), None)
    if block is not None and step.kind == "add":
        return layer_of(block), layer_of(block)
    return (f"{block}.{step.kind}" if block else place), block


def place_of_parameter(name: str) -> str:
    """The module of a Core ML weight: `p_segmenter_stage3_layers_0_attention_query_weight` → `…attention.query`."""
    place = name.removeprefix("p_segmenter_").partition("_weight")[0]
    for joined in ("to_tokens", "from_tokens", "pooled_projection"):
        place = place.replace(joined, joined.replace("_", " "))
    return without_lists(place.replace("_", ".").replace(" ", "_"))


def without_lists(place: str) -> str:
    """A module's path without the lists that hold it: `stage3.layers.0.attention` → `stage3.0.attention`."""
    return place.replace(".layers.", ".").replace(".branches.", ".")


def _step_alone(function: MilFunction, step: Step, values: Tensors) -> Tensors:
    tensors = {
        name: torch.from_numpy(np.ascontiguousarray(values[canonical(name)]))
        for name in step.inputs
        if name is not None and name not in function.constants
    }
    with torch.inference_mode():
        results = step.results({**function.constants, **tensors})
    return {canonical(name): np.asarray(value.contiguous().numpy()) for name, value in results.items()}
