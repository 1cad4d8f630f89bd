"""The process in which native code runs a model: a file or a driver that crashes it ends this process alone.

    served_child.py BACKEND MODEL FOLDER

It loads MODEL and answers with one JSON object on standard output. For every line on standard input it then runs the
inputs of FOLDER/in.npz, writes FOLDER/out.npz, and answers again; it ends when standard input does. What the backend
and its driver print goes to FOLDER/log. It is started as a file and needs only numpy and the backend's package.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]


def main() -> None:
    backend, model, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        serve(*BACKENDS[backend](model), folder, answers)
    except Exception as error:  # the backends raise bare RuntimeErrors; the parent makes a sentence of it
        print(json.dumps({"error": str(error)}), file=answers)
        sys.exit(1)


def serve(opened: Mapping[str, Any], run: Callable[[Arrays], Arrays], folder: Path, answers: IO[str]) -> None:
    """Answer with what was opened, then run the inputs in the folder as often as a line is read."""
    import numpy as np

    print(json.dumps(opened), file=answers)
    for _ in sys.stdin:
        with np.load(folder / "in.npz", allow_pickle=False) as archive:
            inputs = {each["name"]: archive[str(i)] for i, each in enumerate(opened["inputs"])}
        found = run(inputs)
        outputs = {str(i): found[each["name"]] for i, each in enumerate(opened["outputs"])}
        np.savez(folder / "out.npz", **outputs)  # type: ignore[arg-type]
        print(json.dumps({}), file=answers)


def litert_gpu(model: str) -> tuple[dict[str, Any], Callable[[Arrays], Arrays]]:
    """LiteRT's CompiledModel on the GPU, with the CPU for operators that it leaves out."""
    import numpy as np
    from ai_edge_litert.compiled_model import CompiledModel
    from ai_edge_litert.hardware_accelerator import HardwareAccelerator

    with_fallback = HardwareAccelerator.GPU | HardwareAccelerator.CPU
    compiled = CompiledModel.from_file(model, hardware_accel=with_fallback)
    signature = next(iter(compiled.get_signature_list()))
    given = compiled.get_input_tensor_details(signature)
    results = compiled.get_output_tensor_details(signature)
    reads = {name: compiled.create_input_buffer_by_name(signature, name) for name in given}
    writes = {name: compiled.create_output_buffer_by_name(signature, name) for name in results}

    def run(inputs: Arrays) -> Arrays:
        for name, buffer in reads.items():
            buffer.write(inputs[name])
        compiled.run_by_name(signature, reads, writes)
        found = {}
        for name, buffer in writes.items():
            shape, kind = results[name]["shape"], np.dtype(results[name]["dtype"])
            found[name] = buffer.read(int(np.prod(shape)), kind.type).reshape(shape)
        return found

    inputs, outputs = (
        [described(name, each["shape"], each["dtype"]) for name, each in details.items()]
        for details in (given, results)
    )
    opened = {"fully_accelerated": bool(compiled.is_fully_accelerated())}
    return {**opened, "inputs": inputs, "outputs": outputs}, run


def coreai(model: str) -> tuple[dict[str, Any], Callable[[Arrays], Arrays]]:
    """Core AI's own runtime, on the CPU that it runs on by default."""
    import asyncio

    import numpy as np
    from coreai.authoring import AIModelAsset
    from coreai.runtime import NDArray

    loop = asyncio.Runner()
    compiled = AIModelAsset.load(Path(model)).executable()  # open until this process ends
    function = loop.run(compiled.__aenter__()).load_function("main")
    about = function.desc

    async def called(inputs: Arrays) -> Arrays:
        given = {name: NDArray(np.array(value)) for name, value in inputs.items()}
        return {name: value.numpy().copy() for name, value in (await function(given)).items()}

    inputs, outputs = (
        [described(name, descriptor(name).shape, descriptor(name).dtype) for name in names]
        for names, descriptor in (
            (about.input_names, about.input_descriptor),
            (about.output_names, about.output_descriptor),
        )
    )
    return {"inputs": inputs, "outputs": outputs}, lambda given: loop.run(called(given))


def described(name: str, shape: Any, dtype: Any) -> dict[str, object]:
    return {"name": name, "shape": [int(n) for n in shape], "dtype": str(dtype)}


BACKENDS = {"litert-gpu": litert_gpu, "coreai": coreai}


if __name__ == "__main__":
    main()
