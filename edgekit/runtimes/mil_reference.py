"""A reference executor for ML Programs: runs a saved .mlpackage on any machine.

It reads the package back (coremltools' milproto loader), so that checks cover the saved file. Every operator
computes in fp32, and a result whose type in the program is fp16 is rounded once to fp16. These outputs are
the ones that the program defines; they do not predict how a Neural Engine rounds in between, so reports call
the executor `mil-reference`, never `coreml`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgekit.errors import ConversionError, EdgekitError, UnsupportedOperator
from edgekit.runtimes import DEFAULT_THREADS, Tensors
from edgekit.runtimes.mil_operators import EXACT, OPERATORS, Function, Operation, affine_dequantized

AFFINE = "constexpr_affine_dequantize"
Watch = Callable[[str, Tensor], None]


@dataclass(frozen=True)
class Step:
    """One operation made ready to run, with its inputs and outputs by name.

    rounds: whether its outputs are rounded to fp16. forgets: tensors that no later step reads.
    """

    kind: str
    function: Function
    inputs: tuple[str | None, ...]
    outputs: tuple[str, ...]
    rounds: bool
    forgets: tuple[str, ...] = ()

    def results(self, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The outputs by name. values: every input by name, constants too."""
        result = self.function(*(None if name is None else values[name] for name in self.inputs))
        results = result if isinstance(result, tuple) else (result,)
        rounded = (tensor.half().float() if self.rounds else tensor for tensor in results)
        return dict(zip(self.outputs, rounded, strict=True))


class MilReference:
    """A saved .mlpackage, executed operator by operator.

    Image inputs are (1, H, W, 3) uint8 RGB, which reach the program in the order that the file states; image outputs
    come back (1, C, H, W) uint8, rounded to the nearest level and clipped; other tensors as float32 or int32 in the
    program's layout.
    """

    name = "mil-reference"

    def __init__(self, path: Path, taps: Sequence[str] = (), threads: int = DEFAULT_THREADS) -> None:
        specification, function = load_program(path)
        self._threads = threads
        self._images_in = {i.name for i in specification.description.input if i.type.HasField("imageType")}
        self._images_out = {o.name for o in specification.description.output if o.type.HasField("imageType")}
        self.channel_order = _channel_order(specification)
        self._shapes = {name: tuple(int(n) for n in v.shape) for name, v in function.inputs.items()}
        self._function = MilFunction(function, taps)

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Run the program once. Returns outputs and taps by name.

        Raises ConversionError for inputs that are not the program's.
        """
        if set(inputs) != set(self._shapes):
            names = ", ".join(self._shapes)
            raise ConversionError("coreml", "run", f"inputs must be {names}, not {list(inputs)}.")
        tensors = {name: self._input_tensor(name, value) for name, value in inputs.items()}
        threads = torch.get_num_threads()
        torch.set_num_threads(self._threads)
        try:
            with torch.inference_mode():
                results = self._function.run(tensors)
        finally:
            torch.set_num_threads(threads)
        return {name: self._output_array(name, value) for name, value in results.items()}

    def _input_tensor(self, name: str, value: NDArray[Any]) -> Tensor:
        """An input in the program's layout; an image must be bytes, another tensor of its own shape."""
        is_image, wanted = name in self._images_in, self._shapes[name]
        if is_image:
            batch, channels, height, width = wanted
            wanted = (batch, height, width, channels)
        if value.shape != wanted or (is_image and value.dtype != np.uint8):
            kind = "uint8" if is_image else "numbers"
            raise ConversionError(
                "coreml", "run", f"input {name!r} must be {wanted} {kind}, not {value.shape} {value.dtype}."
            )
        tensor = torch.from_numpy(np.array(value))
        if not is_image:
            return tensor
        return tensor[..., self.channel_order].permute(0, 3, 1, 2).float().contiguous()

    def _output_array(self, name: str, value: Tensor) -> NDArray[Any]:
        """An output as numpy; an image is rounded to bytes."""
        if name in self._images_out:
            value = value.round().clamp(0, 255).to(torch.uint8)
        array: NDArray[Any] = value.contiguous().numpy()
        return array


class MilFunction:
    """A function of a MIL program made ready to run; `taps` are tensors returned beside its outputs.

    `steps`: its operations in order. `constants`: every constant that they read, by name.

    Raises UnsupportedOperator, and ConversionError for a tap that the function does not have.
    """

    def __init__(self, function: Any, taps: Sequence[str] = ()) -> None:
        self._outputs = tuple(dict.fromkeys([*(o.name for o in function.outputs), *taps]))
        self.constants: dict[str, Tensor] = {}
        steps = [step for op in function.operations if (step := self._prepared(op)) is not None]
        known = {*function.inputs, *(name for step in steps for name in step.outputs)}
        for tap in taps:
            if tap not in known:
                raise ConversionError("coreml", "load", f"the program has no tensor {tap!r}.")
        self.steps = _with_lifetimes(steps, kept={*self._outputs, *self.constants})

    def run(self, inputs: Mapping[str, Tensor], watch: Watch | None = None) -> dict[str, Tensor]:
        """Run the function once. Returns outputs and taps by name, floats as float32.

        `inputs` are in the program's layout. `watch` is called with the name and value of every tensor as soon as it
        is computed, so that none need be kept.
        """
        values = {**self.constants, **inputs}
        for step in self.steps:
            for name, tensor in step.results(values).items():
                values[name] = tensor
                if watch is not None:
                    watch(name, tensor)
            for name in step.forgets:
                del values[name]
        return {name: values[name] for name in self._outputs}

    def _prepared(self, op: Any) -> Step | None:
        """An operation as a step; None for constants and compressed weights, which are evaluated now."""
        operation = Operation(op.op_type, op.outputs[0].name, op.inputs)
        if op.op_type == "const":
            return None
        if op.op_type == AFFINE:
            self.constants[operation.output] = torch.from_numpy(
                _rounded(affine_dequantized(operation), _is_half(op.outputs[0]))
            )
            return None
        if op.op_type not in OPERATORS:
            raise UnsupportedOperator("coreml", op.op_type, operation.output)
        kernel = OPERATORS[op.op_type](operation)
        names: list[str | None] = []
        for parameter in kernel.tensors:
            variables = op.inputs.get(parameter)
            for variable in variables if isinstance(variables, list | tuple) else [variables]:
                names.append(None if variable is None else self._named(variable))
        rounds = _is_half(op.outputs[0]) and op.op_type not in EXACT
        return Step(op.op_type, kernel.function, tuple(names), tuple(o.name for o in op.outputs), rounds)

    def _named(self, variable: Any) -> str:
        """The variable's name; a constant's value is stored under it, fp16 as float32."""
        name = str(variable.name)
        if name not in self.constants and variable.val is not None:
            value = np.asarray(variable.val)
            wide = value.astype(np.float32) if value.dtype.kind == "f" else value
            self.constants[name] = torch.from_numpy(np.array(wide))
        return name


def load_program(path: Path) -> tuple[Any, Any]:
    """The specification and the `main` function of a saved .mlpackage.

    Raises ConversionError: missing parts, damaged specification or weights, not an ML Program.
    """
    import coremltools as ct
    from coremltools.converters.mil.frontend.milproto.load import load

    if not (path / "Manifest.json").is_file():
        raise ConversionError("coreml", "load", f"{path} is not a complete .mlpackage (no Manifest.json).")
    try:
        model = ct.models.MLModel(str(path), skip_model_load=True)
        specification = model.get_spec()
        if not specification.HasField("mlProgram"):
            raise ConversionError("coreml", "load", f"{path} is not an ML Program.")
        program = load(specification, specification.specificationVersion, model.weights_dir)
        return specification, program.functions["main"]
    except EdgekitError:
        raise
    except Exception as error:  # protobuf, blob reader and MIL builder each raise their own
        foreign = _foreign_operator(specification_bytes_of(path))
        if foreign is not None:
            raise UnsupportedOperator("coreml", foreign) from error
        raise ConversionError("coreml", "load", f"{path} is damaged or incomplete.") from error


def _channel_order(specification: Any) -> tuple[int, int, int]:
    """The order in which Core ML hands the channels of an RGB image to the program."""
    from coremltools.proto import FeatureTypes_pb2

    spaces = [
        i.type.imageType.colorSpace for i in specification.description.input if i.type.HasField("imageType")
    ]
    return (2, 1, 0) if FeatureTypes_pb2.ImageFeatureType.BGR in spaces else (0, 1, 2)


def specification_bytes_of(path: Path) -> bytes:
    """The package's serialised specification; empty if the file is missing."""
    file = path / "Data" / "com.apple.CoreML" / "model.mlmodel"
    return file.read_bytes() if file.is_file() else b""


def _foreign_operator(data: bytes) -> str | None:
    """The first operator type of a readable specification that `OPERATORS` lacks, else None."""
    from coremltools.proto import Model_pb2
    from google.protobuf.message import DecodeError

    try:
        specification = Model_pb2.Model.FromString(data)
    except DecodeError:
        return None
    for function in specification.mlProgram.functions.values():
        for block in function.block_specializations.values():
            for operation in block.operations:
                if operation.type not in (*OPERATORS, "const", AFFINE):
                    return str(operation.type)
    return None


def operator_counts(path: Path) -> dict[str, int]:
    """The number of each operator in a saved .mlpackage, constants left out, most frequent first."""
    from collections import Counter

    _, function = load_program(path)
    return dict(Counter(op.op_type for op in function.operations if op.op_type != "const").most_common())


def _with_lifetimes(steps: Sequence[Step], kept: set[str]) -> list[Step]:
    """The steps, each with the tensors that no later step reads."""
    last: dict[str, int] = {}
    for index, step in enumerate(steps):
        for name in (*step.inputs, *step.outputs):
            if name is not None and name not in kept:
                last[name] = index
    dying: Mapping[int, list[str]] = {i: [] for i in range(len(steps))}
    for name, index in last.items():
        dying[index].append(name)
    return [replace(step, forgets=tuple(dying[i])) for i, step in enumerate(steps)]


def _is_half(variable: Any) -> bool:
    from coremltools.converters.mil.mil import types

    return bool(variable.dtype == types.fp16)


def _rounded(value: NDArray[np.float32], half: bool) -> NDArray[np.float32]:
    return value.astype(np.float16).astype(np.float32) if half else value
