"""Encoded RGB, linear RGB and XYZ: the transfer curve, sRGB and Display P3, chromatic adaptation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]  # float64 throughout; numpy's own operators return this wider type

# IEC 61966-2-1 (sRGB), D65. SMPTE EG 432-1 primaries with the sRGB curve are Display P3; both matrices
# follow from the primaries by the derivation of SMPTE RP 177.
XYZ_FROM_SRGB = np.array(
    [
        [0.4123907993, 0.3575843394, 0.1804807884],
        [0.2126390059, 0.7151686788, 0.0721923154],
        [0.0193308187, 0.1191947798, 0.9505321522],
    ]
)
XYZ_FROM_P3 = np.array(
    [
        [0.4865709486, 0.2656676932, 0.1982172852],
        [0.2289745641, 0.6917385218, 0.0792869141],
        [0.0000000000, 0.0451133819, 1.0439443689],
    ]
)
D65_XYZ = XYZ_FROM_SRGB.sum(axis=1)  # white = (1, 1, 1)
# Bradford cone responses (Lam 1985; used by ICC.1:2022 annex E).
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def linear_from_encoded(encoded: NDArray[np.floating]) -> FloatArray:
    """Decode the sRGB transfer curve, extended as an odd function below 0 (IEC 61966-2-2). Any shape; float64."""
    size = np.abs(np.asarray(encoded, np.float64))
    linear = np.where(size <= 0.04045, size / 12.92, ((size + 0.055) / 1.055) ** 2.4)
    signed: FloatArray = np.copysign(linear, encoded)
    return signed


def encoded_from_linear(linear: NDArray[np.floating]) -> FloatArray:
    """Encode by the sRGB transfer curve: the inverse of `linear_from_encoded`."""
    size = np.abs(np.asarray(linear, np.float64))
    encoded = np.where(size <= 0.0031308, size * 12.92, 1.055 * size ** (1 / 2.4) - 0.055)
    signed: FloatArray = np.copysign(encoded, linear)
    return signed


def adaptation(from_xyz: FloatArray, to_xyz: FloatArray) -> FloatArray:
    """The Bradford matrix, (3, 3), that adapts XYZ under one white point to the other."""
    gains = (BRADFORD @ to_xyz) / (BRADFORD @ from_xyz)
    matrix: FloatArray = np.linalg.inv(BRADFORD) @ np.diag(gains) @ BRADFORD
    return matrix


def white_from_kelvin(kelvin: float) -> FloatArray:
    """The XYZ, (3,) with Y = 1, of a light of that correlated colour temperature.

    Daylight (CIE 15:2004, 3.1) from 4000 K, the Planckian locus (Kim et al. 2002) below.
    """
    t = kelvin
    if t >= 7000:
        x = 0.237040 + 0.24748e3 / t + 1.9018e6 / t**2 - 2.0064e9 / t**3
    elif t >= 4000:
        x = 0.244063 + 0.09911e3 / t + 2.9678e6 / t**2 - 4.6070e9 / t**3
    else:
        x = 0.179910 + 0.8776956e3 / t - 0.2343589e6 / t**2 - 0.2661239e9 / t**3
    if t >= 4000:
        y = -0.275 + 2.870 * x - 3.000 * x**2
    elif t >= 2222:
        y = -0.16748867 + 2.09137015 * x - 1.37418593 * x**2 - 0.9549476 * x**3
    else:
        y = -0.20219683 + 2.18555832 * x - 1.34811020 * x**2 - 1.1063814 * x**3
    return np.array([x / y, 1.0, (1.0 - x - y) / y])
