"""The golden shader texts: two descriptions in every dialect.

Written by `python -m tests.shader.golden_texts`, after a change of the maths or the renderer was drawn
by every backend (`python -m benchmarks.shader_parity`). Read the difference before committing it.
"""

from __future__ import annotations

from pathlib import Path

from edgekit.color.layers import Look, everything_but_skin
from edgekit.shader.backends.cases import description_of, swirl_lut, warm_lut
from edgekit.shader.compose import describe
from edgekit.shader.description import ShaderDescription
from edgekit.shader.dialects import DIALECTS

FOLDER = Path(__file__).with_name("golden")


def descriptions() -> dict[str, ShaderDescription]:
    """The default one, and the one with everything in it."""
    pair = (warm_lut(33), swirl_lut(17))
    return {
        "default": describe(Look(everything_but_skin(*pair)), dialects=tuple(DIALECTS)),
        "everything": description_of("tetrahedral", "joint-bilateral", pair, "drawn"),
    }


def golden_files() -> dict[Path, str]:
    """Path → the text that must stand there."""
    return {
        FOLDER / name / source.file: source.text
        for name, description in descriptions().items()
        for text in description.dialects
        for source in text.sources
    }


if __name__ == "__main__":
    for path, text in golden_files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
