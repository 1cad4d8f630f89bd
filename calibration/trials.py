"""Measuring recipes for the planner: quantise, run held-out pictures, compare with the float model, time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.planner import Point
from converters.tflite_int8 import quantized
from edgekit.recipes import Recipe
from edgekit.runtimes.litert import LiteRT
from edgekit.scores.metrics import Confusion, labels_from_logits

LATENCY_RUNS = 7
Image = NDArray[np.uint8]  # (size, size, 3)
Logits = NDArray[np.float32]  # (classes, h, w)
# (image, float logits, int8 logits) → ΔE2000 of the final picture's skin pixels, (n,)
SkinDifference = Callable[[Image, Logits, Logits], NDArray[np.float64]]


@dataclass(frozen=True)
class Judged:
    """A held-out picture: network input, and true labels where there are any."""

    image: Image
    labels: NDArray[np.uint8] | None = None


class LiteRTTrials:
    """Recipes measured on this machine's LiteRT: accuracy on held-out pictures, latency against float.

    `model` is a float .tflite, `logits_name` the tensor that holds its logits; `ranges` holds each observer's
    ranges of its tensors. `skin_difference` None: no point says what becomes of the final picture.
    """

    def __init__(
        self,
        model: bytes,
        ranges: Mapping[str, Mapping[str, tuple[float, float]]],
        pictures: Sequence[Judged],
        skin: Sequence[int],
        folder: Path,
        logits_name: str,
        skin_difference: SkinDifference | None = None,
    ) -> None:
        self._logits_name = logits_name
        self._model, self._ranges, self._pictures = model, ranges, pictures
        self._skin, self._folder = tuple(skin), folder
        self._skin_difference = skin_difference
        self._float = self._opened(model, "float")
        self._expected = [self._logits(self._float, picture.image) for picture in pictures]

    def measure(self, recipe: Recipe) -> Point:
        """The recipe's point; a float recipe is measured like any other."""
        data = self._model
        if recipe.quantises:
            data = quantized(self._model, recipe, self._ranges[recipe.observer])
        runtime = self._opened(data, "trial")
        got = [self._logits(runtime, picture.image) for picture in self._pictures]
        miou, skin = self._drops(got)
        return Point(
            size_bytes=len(data),
            cost=self._latency_ratio(runtime),
            agreement=float(
                np.mean([self._agreement(e, g) for e, g in zip(self._expected, got, strict=True)])
            ),
            snr_db=self._snr_db(got),
            partitions=runtime.partitions,
            miou_drop=miou,
            skin_iou_drop=skin,
            skin_delta_e00_p95=self._skin_delta_e00_p95(got),
        )

    def _opened(self, data: bytes, name: str) -> LiteRT:
        path = self._folder / f"{name}.tflite"
        path.write_bytes(data)
        return LiteRT(path, taps=[self._logits_name])

    def _logits(self, runtime: LiteRT, image: Image) -> Logits:
        logits: Logits = runtime.run({"image": image[None]})[self._logits_name][0].transpose(2, 0, 1)
        return logits.copy()

    @staticmethod
    def _agreement(expected: Logits, got: Logits) -> float:
        size = [4 * extent for extent in expected.shape[1:]]  # the mask's resolution
        return float((labels_from_logits(expected, size) == labels_from_logits(got, size)).mean())

    def _snr_db(self, got: Sequence[Logits]) -> float:
        """Signal to noise of the logits: 10·log10(Σ float² / Σ error²), at most 120."""
        signal = sum(float((e.astype(np.float64) ** 2).sum()) for e in self._expected)
        noise = sum(
            float(((e - g).astype(np.float64) ** 2).sum()) for e, g in zip(self._expected, got, strict=True)
        )
        return min(120.0, 10 * float(np.log10(signal / max(noise, 1e-12 * signal))))

    def _skin_delta_e00_p95(self, got: Sequence[Logits]) -> float | None:
        """95th percentile over all pictures' skin pixels, as the parity gate; None where there is no skin."""
        if self._skin_difference is None:
            return None
        triples = zip(self._pictures, self._expected, got, strict=True)
        pixels = np.concatenate([self._skin_difference(p.image, e, g) for p, e, g in triples])
        return float(np.percentile(pixels, 95)) if pixels.size else None

    def _drops(self, got: Sequence[Logits]) -> tuple[float | None, float | None]:
        """Loss of mIoU and of skin IoU against true labels, where there are any."""
        before, after = (self._truth(logits) for logits in (self._expected, got))
        if not after.counts.any():
            return None, None
        skin = before.union_iou(self._skin) - after.union_iou(self._skin)
        return before.miou - after.miou, None if np.isnan(skin) else skin

    def _truth(self, logits: Sequence[Logits]) -> Confusion:
        confusion = Confusion(len(logits[0]))
        for picture, values in zip(self._pictures, logits, strict=True):
            if picture.labels is not None:
                confusion.add(picture.labels, labels_from_logits(values, picture.labels.shape))
        return confusion

    def _latency_ratio(self, runtime: LiteRT) -> float:
        """Median of the interleaved ratios to the float model."""
        image = {"image": self._pictures[0].image[None]}
        ratios = [
            _seconds(runtime.run, image) / _seconds(self._float.run, image) for _ in range(LATENCY_RUNS)
        ]
        return float(np.median(ratios))


def _seconds(run: Callable[[Mapping[str, Image]], object], image: Mapping[str, Image]) -> float:
    start = time.perf_counter()
    run(image)
    return time.perf_counter() - start
