"""One file per target runtime: the only code that knows how an artifact is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from converters.conversion import Conversion, Converted

    Converter = Callable[[Conversion, Path], Converted]

    Observable = Callable[
        [Conversion, Path], Callable[[NDArray[np.uint8]], Mapping[str, NDArray[np.float32]]]
    ]


def _observable_tflite() -> Observable:
    from converters.tflite import observable

    return observable


def _observable_coreml() -> Observable:
    from converters.coreml import observable

    return observable


def _coreml() -> Converter:
    from converters.coreml import convert

    return convert


def _tflite() -> Converter:
    from converters.tflite import convert

    return convert


# Target to the loader of its converter: coremltools and litert-torch are imported only when used.
CONVERTERS: Mapping[str, Callable[[], Converter]] = {"coreml": _coreml, "tflite": _tflite}

# Target to the loader of its float graph as a function of a picture to every tensor that may be quantised.
OBSERVABLES: Mapping[str, Callable[[], Observable]] = {
    "coreml": _observable_coreml,
    "tflite": _observable_tflite,
}
