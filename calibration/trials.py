"""Measuring recipes for the planner: quantise, run held-out pictures, compare with the float model, time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.planner import ObservedRanges, Point
from converters.tflite_int8 import quantized
from edgekit.images import Fit, Picture
from edgekit.parity.counts import ParityCounts
from edgekit.recipes import Pool, Recipe
from edgekit.runtimes.litert import LiteRT
from edgekit.scores.counts import LogitDifference
from edgekit.scores.metrics import Interval
from edgekit.scores.resamples import FEWEST_PHOTOS
from edgekit.scores.runners import Image, Logits, Outputs, Prediction, prediction_of
from edgekit.scores.strata import NO_TRAITS

# Between the second smallest and the second largest of 9 ratios lies their distribution's median with a probability of
# 1 − 2 (1 + 9) / 2⁹ = 96 %, whatever the distribution.
LATENCY_PAIRS = 9
INPUT = "image"
# The network's input, the float model's logits and the trial's, to the ΔE2000 of the final picture's skin, (n,).
SkinDifference = Callable[[Image, Logits, Logits], NDArray[np.float64]]


@dataclass(frozen=True)
class FloatGraph:
    """A float .tflite, and the ranges of its tensors when a recipe needs them."""

    model: bytes
    ranges: Callable[[], ObservedRanges]


class LiteRTTrials:
    """Measures recipes in this machine's LiteRT: accuracy on held-out pictures, latency against the float model.

    `graph` returns the float model with a recipe's pooling, `logits_name` is the tensor that holds its logits;
    the images of `pictures` are inputs, in which the photos lie as `fits` say, or which they fill. Accuracy and latency
    are set against the float model that pools nothing. Without `skin_difference`, points have no ΔE2000.
    """

    def __init__(
        self,
        graph: Callable[[Mapping[str, Pool]], FloatGraph],
        pictures: Sequence[Picture],
        skin: Sequence[int],
        folder: Path,
        logits_name: str,
        skin_difference: SkinDifference | None = None,
        fits: Sequence[Fit] = (),
    ) -> None:
        self._logits_name = logits_name
        self._graph, self._pictures = graph, pictures
        self._fits = tuple(fits) or (None,) * len(pictures)
        self._skin, self._folder = tuple(skin), folder
        self._skin_difference = skin_difference
        self._float = self._opened(graph({}).model, "float")
        self._expected = self._predictions(self._float)

    def measure(self, recipe: Recipe) -> Point:
        """Quantise, run and time a recipe; a float recipe is measured like any other."""
        data = self._quantised(recipe)
        runtime = self._opened(data, "trial")
        counts = ParityCounts.empty(len(self._expected[0].logits), self._skin)
        for picture, expected, got in zip(
            self._pictures, self._expected, self._predictions(runtime), strict=True
        ):
            difference = self._difference(expected, got)
            counts.add(picture, NO_TRAITS, expected, expected, got, 0.0, difference)
        ratios = self._latency_ratios(runtime)
        found = counts.metrics([str(label) for label in range(counts.measures.classes)])
        return Point(
            size_bytes=len(data),
            cost=float(np.median(ratios)),
            agreement=found.label_agreement,
            snr_db=counts.logits.snr_db,
            partitions=runtime.partitions,
            miou_drop=found.miou_drop,
            skin_iou_drop=found.skin_iou_drop,
            skin_delta_e00_p95=found.skin_delta_e00_p95,
            boundary_agreement=found.boundary_agreement,
            agreement_ci95=_decisive(found.label_agreement_ci95, found.n),
            miou_drop_ci95=_decisive(found.miou_drop_ci95, found.n_labelled),
            skin_iou_drop_ci95=_decisive(found.skin_iou_drop_ci95, found.n_labelled),
            skin_delta_e00_p95_ci95=_decisive(found.skin_delta_e00_p95_ci95, found.n),
            boundary_agreement_ci95=_decisive(found.boundary_agreement_ci95, found.n),
            cost_ci95=(ratios[1], ratios[-2]),
        )

    def snr_db(self, recipe: Recipe) -> float:
        """Quantise and run a recipe: the signal-to-noise ratio of its logits against the float model's."""
        logits = LogitDifference()
        got = self._predictions(self._opened(self._quantised(recipe), "trial"))
        for expected, prediction in zip(self._expected, got, strict=True):
            logits.add(expected.logits, prediction.logits)
        return logits.snr_db

    def _quantised(self, recipe: Recipe) -> bytes:
        """The .tflite of a recipe."""
        graph = self._graph(recipe.pool)
        if not recipe.quantises:
            return graph.model
        return quantized(graph.model, recipe, graph.ranges()[recipe.observer])

    def _difference(self, expected: Prediction, got: Prediction) -> Mapping[str, NDArray[np.float64]]:
        """The final picture's ΔE2000 on skin, as `ParityCounts` takes it."""
        if self._skin_difference is None:
            return {}
        return {"skin": self._skin_difference(expected.image, expected.logits, got.logits)}

    def _opened(self, data: bytes, name: str) -> LiteRT:
        path = self._folder / f"{name}.tflite"
        path.write_bytes(data)
        return LiteRT(path, taps=[self._logits_name])

    def _predictions(self, runtime: LiteRT) -> list[Prediction]:
        """One prediction per picture, in the pictures' order."""
        return [
            self._prediction(runtime, picture.image, fit)
            for picture, fit in zip(self._pictures, self._fits, strict=True)
        ]

    def _prediction(self, runtime: LiteRT, image: Image, fit: Fit | None) -> Prediction:
        found = runtime.run({INPUT: image[None]})[self._logits_name][0]  # (h, w, classes)
        logits = np.ascontiguousarray(found.transpose(2, 0, 1), np.float32)
        outputs = Outputs(logits, logits.astype(np.float64))
        return Prediction(image, logits, outputs) if fit is None else prediction_of(image, outputs, fit)

    def _latency_ratios(self, runtime: LiteRT) -> list[float]:
        """Ratios of latencies to the float model's, in ascending order: of pairs, which take turns in who is first."""
        image = {INPUT: self._pictures[0].image[None]}
        ratios = []
        for pair in range(LATENCY_PAIRS):
            order = (runtime, self._float) if pair % 2 == 0 else (self._float, runtime)
            seconds = {opened: _seconds(opened.run, image) for opened in order}
            ratios.append(seconds[runtime] / seconds[self._float])
        return sorted(ratios)


def _decisive(interval: Interval | None, photos: int) -> Interval | None:
    """The interval, or None from so few photos that parity decides nothing by it."""
    return interval if photos >= FEWEST_PHOTOS else None


def _seconds(run: Callable[[Mapping[str, Image]], object], image: Mapping[str, Image]) -> float:
    start = time.perf_counter()
    run(image)
    return time.perf_counter() - start
