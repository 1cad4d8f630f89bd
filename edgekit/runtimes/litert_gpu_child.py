"""The process in which LiteRT's GPU backend runs: a file or a driver that crashes it ends this process alone.

    litert_gpu_child.py MODEL FOLDER

It loads MODEL and answers with one JSON object on standard output. For every line on standard input it then runs the
inputs of FOLDER/in.npz, writes FOLDER/out.npz, and answers again; it ends when standard input does. What LiteRT and the
driver print goes to FOLDER/log. It is started as a file and needs only numpy and ai_edge_litert.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import IO, Any


def main() -> None:
    model, folder = sys.argv[1], Path(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        serve(model, folder, answers)
    except Exception as error:  # LiteRT raises bare RuntimeErrors; the parent makes a sentence of it
        print(json.dumps({"error": str(error)}), file=answers)
        sys.exit(1)


def serve(model: str, folder: Path, answers: IO[str]) -> None:
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
    answer = {
        "fully_accelerated": compiled.is_fully_accelerated(),
        "inputs": described(given),
        "outputs": described(results),
    }
    print(json.dumps(answer), file=answers)
    for _ in sys.stdin:
        with np.load(folder / "in.npz", allow_pickle=False) as archive:
            for number, buffer in enumerate(reads.values()):
                buffer.write(archive[str(number)])
        compiled.run_by_name(signature, reads, writes)
        found = {}
        for number, (name, buffer) in enumerate(writes.items()):
            shape, kind = results[name]["shape"], np.dtype(results[name]["dtype"])
            found[str(number)] = buffer.read(int(np.prod(shape)), kind.type).reshape(shape)
        np.savez(folder / "out.npz", **found)
        print(json.dumps({}), file=answers)


def described(details: dict[str, dict[str, Any]]) -> list[dict[str, object]]:
    return [
        {"name": name, "shape": [int(n) for n in each["shape"]], "dtype": str(each["dtype"])}
        for name, each in details.items()
    ]


if __name__ == "__main__":
    main()
