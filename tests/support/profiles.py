"""ICC profiles made by hand: Display P3, and one that is neither sRGB nor Display P3."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgekit.color.rgb import XYZ_FROM_P3, adaptation, linear_from_encoded


def matrix_profile(matrix: NDArray[np.floating], gamma: float | None = None) -> bytes:
    """A minimal ICC v2 display profile (ICC.1:2001-04): three colorants, one curve, white, names."""
    d50 = adaptation(matrix.sum(axis=1), np.array([0.9642, 1.0, 0.8249])) @ matrix

    def xyz(values: NDArray[np.floating]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(round(v * 65536).to_bytes(4, "big", signed=True) for v in values)

    if gamma is None:
        codes = np.rint(linear_from_encoded(np.linspace(0, 1, 1024)) * 65535).astype(">u2")
        curve = b"curv\0\0\0\0" + (1024).to_bytes(4, "big") + codes.tobytes()
    else:
        curve = b"curv\0\0\0\0" + (1).to_bytes(4, "big") + int(gamma * 256).to_bytes(2, "big") + b"\0\0"
    name = b"edgekit test\0"
    description = b"desc\0\0\0\0" + len(name).to_bytes(4, "big") + name + b"\0" * 78
    tags = {
        b"desc": description + b"\0" * (-len(description) % 4),
        b"wtpt": xyz(np.array([0.9642, 1.0, 0.8249])),
        b"rXYZ": xyz(d50[:, 0]),
        b"gXYZ": xyz(d50[:, 1]),
        b"bXYZ": xyz(d50[:, 2]),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
    }
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for tag, data in tags.items():
        table += tag + (at + len(body)).to_bytes(4, "big") + len(data).to_bytes(4, "big")
        body += data
    size = at + len(body)
    header = (
        size.to_bytes(4, "big")
        + b"\0\0\0\0"
        + b"\x02\x20\0\0"
        + b"mntrRGB XYZ "
        + b"\x07\xe8\0\1\0\1"
        + b"\0" * 6
    )
    header += b"acsp" + b"\0" * 28 + xyz(np.array([0.9642, 1.0, 0.8249]))[8:] + b"\0" * 48
    return header[:128] + len(tags).to_bytes(4, "big") + table + body


P3 = matrix_profile(XYZ_FROM_P3)
ADOBE_LIKE = matrix_profile(
    np.array([[0.5767, 0.1856, 0.1882], [0.2973, 0.6274, 0.0753], [0.0270, 0.0707, 0.9911]]), 2.2
)
