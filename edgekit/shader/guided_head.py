"""The guided filter's coefficients as a torch module, for a segmenter that outputs them itself.

The network's output is then the coefficient textures, and the phone's CPU has nothing to compute. The module
uses only products, sums, one division and a 3×3 depthwise convolution, which both converters support.
"""

from __future__ import annotations

import torch
from torch import nn

from edgekit.shader.refine import GUIDED, Guided

Tensor = torch.Tensor

BINOMIAL = (1.0, 2.0, 1.0)


class GuidedCoefficients(nn.Module):
    """Coefficients (B, K, h, w, 4) from weights (B, K, h, w) and a guide (B, 3, h, w), both in [0, 1].

    The last axis is a_r, a_g, a_b, b, as `edgekit.shader.refine.guided_coefficients` defines them: one
    RGBA texture per group. The guide is the picture's encoded RGB, reduced by area to the mask's size.
    """

    def __init__(self, settings: Guided = GUIDED) -> None:
        super().__init__()
        self.epsilon = settings.epsilon
        line = torch.tensor(BINOMIAL) / sum(BINOMIAL)
        self.register_buffer("window", torch.outer(line, line)[None, None])  # (1, 1, 3, 3)

    def forward(self, weights: Tensor, guide: Tensor) -> Tensor:
        mean = self._mean(guide)  # (B, 3, h, w)
        mean_weights = self._mean(weights)  # (B, K, h, w)
        xx, xy, xz, yy, yz, zz = (
            self._mean(guide[:, i : i + 1] * guide[:, j : j + 1]) - mean[:, i : i + 1] * mean[:, j : j + 1]
            for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
        )  # each (B, 1, h, w)
        xx, yy, zz = xx + self.epsilon, yy + self.epsilon, zz + self.epsilon
        x, y, z = (
            self._mean(weights * guide[:, i : i + 1]) - mean_weights * mean[:, i : i + 1] for i in range(3)
        )  # each (B, K, h, w)
        # The adjugate of the symmetric 3×3 matrix over its determinant.
        a00, a01, a02 = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
        a11, a12, a22 = xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy
        scale = 1.0 / (xx * a00 + xy * a01 + xz * a02)
        red = (a00 * x + a01 * y + a02 * z) * scale
        green = (a01 * x + a11 * y + a12 * z) * scale
        blue = (a02 * x + a12 * y + a22 * z) * scale
        offset = mean_weights - red * mean[:, 0:1] - green * mean[:, 1:2] - blue * mean[:, 2:3]
        return torch.stack((red, green, blue, offset), dim=-1)  # (B, K, h, w, 4)

    def _mean(self, values: Tensor) -> Tensor:
        """The binomial mean over 3×3 with the border repeated. values: (B, C, h, w)."""
        channels = values.shape[1]
        padded = nn.functional.pad(values, (1, 1, 1, 1), mode="replicate")
        window = self.get_buffer("window").expand(channels, 1, 3, 3)
        return nn.functional.conv2d(padded, window, groups=channels)
