"""3-D colour look-up tables: the type that every reader returns and every engine and shader takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.color.interpolation import tetrahedral
from edgekit.errors import LutError

MIN_SIZE = 2  # one cell
MAX_SIZE = 129  # OpenColorIO's own limit (Lut3DOpData::maxSupportedLength); 25.8 MB of float32
UNIT_DOMAIN_MIN = (0.0, 0.0, 0.0)
UNIT_DOMAIN_MAX = (1.0, 1.0, 1.0)


@dataclass(frozen=True, eq=False)
class Lut3D:
    """A cubic table of output colours over a box of input colours.

    table: (N, N, N, 3) float32, `table[r, g, b]` = output RGB, nominal [0, 1]; finite, 2 ≤ N ≤ 129.
        Red is the *first* axis. A `.cube` file lists red fastest, so its rows reshape to (b, g, r, 3);
        a texture upload needs red fastest too: `table.transpose(2, 1, 0, 3)`.
    domain_min, domain_max: the input RGB of `table[0, 0, 0]` and `table[N−1, N−1, N−1]`.
    """

    table: NDArray[np.float32]
    domain_min: tuple[float, float, float] = UNIT_DOMAIN_MIN
    domain_max: tuple[float, float, float] = UNIT_DOMAIN_MAX
    title: str = ""

    def __post_init__(self) -> None:
        shape = self.table.shape
        if len(shape) != 4 or shape[3] != 3 or len(set(shape[:3])) != 1:
            raise LutError(None, None, f"a 3-D table has the shape (N, N, N, 3), not {shape}.")
        if not MIN_SIZE <= shape[0] <= MAX_SIZE:
            raise LutError(
                None, None, f"a 3-D table has {MIN_SIZE} to {MAX_SIZE} points per side, not {shape[0]}."
            )
        if self.table.dtype != np.float32:
            raise LutError(None, None, f"a 3-D table holds float32, not {self.table.dtype}.")
        if not np.isfinite(self.table).all():
            raise LutError(None, None, "a 3-D table holds only finite numbers; this one has NaN or infinity.")
        bounds = zip(self.domain_min, self.domain_max, strict=True)
        if not all(np.isfinite(low) and np.isfinite(high) and low < high for low, high in bounds):
            raise LutError(
                None,
                None,
                f"a domain needs finite minimum < maximum, not {self.domain_min} … {self.domain_max}.",
            )

    @property
    def size(self) -> int:
        """N, the points along each side."""
        return int(self.table.shape[0])

    @property
    def has_unit_domain(self) -> bool:
        return self.domain_min == UNIT_DOMAIN_MIN and self.domain_max == UNIT_DOMAIN_MAX

    @classmethod
    def identity(cls, size: int) -> Lut3D:
        """The table that changes nothing, over [0, 1]."""
        return cls(grid(size).astype(np.float32), title="identity")

    def resampled(self, size: int) -> Lut3D:
        """The same mapping over [0, 1] on `size`³ points, interpolated tetrahedrally and clamped to the domain.

        A shader needs this because a texture has no domain. Returns this object if it has that form already.
        """
        if self.has_unit_domain and size == self.size:
            return self
        table = tetrahedral(self.table, self.unit_from_input(grid(size)))
        return Lut3D(table.astype(np.float32), title=self.title)

    def unit_from_input(self, rgb: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map input colours, (..., 3), from the domain to [0, 1], clamped. Returns (..., 3) float64."""
        low, high = np.asarray(self.domain_min), np.asarray(self.domain_max)
        unit: NDArray[np.float64] = np.clip((rgb - low) / (high - low), 0.0, 1.0)
        return unit


def grid(size: int) -> NDArray[np.float64]:
    """(size, size, size, 3) float64: the identity colours, `grid[r, g, b]` = (r, g, b) / (size − 1)."""
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise LutError(None, None, f"a 3-D table has {MIN_SIZE} to {MAX_SIZE} points per side, not {size}.")
    axis = np.linspace(0.0, 1.0, size)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
