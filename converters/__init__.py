"""One file per target runtime: the only code that knows how an artifact is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from converters.conversion import Conversion, Converted

    Converter = Callable[[Conversion, Path], Converted]


def _coreml() -> Converter:
    from converters.coreml import convert

    return convert


def _tflite() -> Converter:
    from converters.tflite import convert

    return convert


# Target to the loader of its converter: coremltools and litert-torch are imported only when used.
CONVERTERS: Mapping[str, Callable[[], Converter]] = {"coreml": _coreml, "tflite": _tflite}
