"""The choices that a description states by name, and the default refinement; nothing else is loaded for them."""

from __future__ import annotations

from typing import Literal

Interpolation = Literal["trilinear", "tetrahedral"]
Refinement = Literal["bilinear", "joint-bilateral", "guided"]
Encoding = Literal["srgb", "display-p3"]
INTERPOLATIONS: tuple[Interpolation, ...] = ("trilinear", "tetrahedral")
REFINEMENTS: tuple[Refinement, ...] = ("bilinear", "joint-bilateral", "guided")
ENCODINGS: tuple[Encoding, ...] = ("srgb", "display-p3")
DEFAULT_REFINEMENT: Refinement = "bilinear"  # no second mask texture; docs/shader.md: when guided is worth it
