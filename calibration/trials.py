"""Measuring recipes for the planner: quantise, run held-out pictures, compare with the float model, time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.planner import ObservedRanges, Point
from converters.tflite_int8 import quantized
from edgekit.images import Picture
from edgekit.recipes import Pool, Recipe
from edgekit.runtimes.litert import LiteRT
from edgekit.scores.counts import LogitDifference, TruthCounts
from edgekit.scores.exact import DeltaE00Histogram
from edgekit.scores.metrics import Confusion
from edgekit.scores.runners import Image, Labels, Logits, Prediction, RuntimeRunner, predictions

LATENCY_RUNS = 7
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
    `pictures` have the model's input size. Accuracy and latency are set against the float model that pools nothing.
    Without `skin_difference`, points have no ΔE2000.
    """

    def __init__(
        self,
        graph: Callable[[Mapping[str, Pool]], FloatGraph],
        pictures: Sequence[Picture],
        skin: Sequence[int],
        folder: Path,
        logits_name: str,
        skin_difference: SkinDifference | None = None,
    ) -> None:
        self._logits_name = logits_name
        self._graph, self._pictures = graph, pictures
        self._skin, self._folder = tuple(skin), folder
        self._skin_difference = skin_difference
        self._float = self._opened(graph({}).model, "float")
        self._expected = self._predictions(self._float)
        self._expected_truth = self._truth(self._expected)

    def measure(self, recipe: Recipe) -> Point:
        """Quantise, run and time a recipe; a float recipe is measured like any other."""
        graph = self._graph(recipe.pool)
        data = graph.model
        if recipe.quantises:
            data = quantized(data, recipe, graph.ranges()[recipe.observer])
        runtime = self._opened(data, "trial")
        found = self._predictions(runtime)
        logits, agreement, skin = LogitDifference(), Confusion(len(found[0].logits)), DeltaE00Histogram()
        for expected, got in zip(self._expected, found, strict=True):
            logits.add(expected.logits, got.logits)
            agreement.add(_mask_labels(expected), _mask_labels(got))
            if self._skin_difference is not None:
                skin.add(self._skin_difference(expected.image, expected.logits, got.logits))
        truth = self._truth(found)
        return Point(
            size_bytes=len(data),
            cost=self._latency_ratio(runtime),
            agreement=agreement.overall_accuracy,
            snr_db=logits.snr_db,
            partitions=runtime.partitions,
            miou_drop=_drop(self._expected_truth.miou, truth.miou),
            skin_iou_drop=_drop(self._expected_truth.union_iou(self._skin), truth.union_iou(self._skin)),
            skin_delta_e00_p95=skin.percentile(95),
        )

    def _opened(self, data: bytes, name: str) -> LiteRT:
        path = self._folder / f"{name}.tflite"
        path.write_bytes(data)
        return LiteRT(path, taps=[self._logits_name])

    def _predictions(self, runtime: LiteRT) -> list[Prediction]:
        """One prediction per picture, in the pictures' order."""
        size = len(self._pictures[0].image)
        runner = RuntimeRunner(runtime, size, INPUT, self._logits_name, self._logits_name, channels_last=True)
        return [found[INPUT] for _, found in predictions({INPUT: runner}, self._pictures)]

    def _truth(self, found: Sequence[Prediction]) -> Confusion:
        """Confusion of the predictions with the true labels, over the pictures that have them."""
        counts = TruthCounts(len(found[0].logits))
        for picture, prediction in zip(self._pictures, found, strict=True):
            counts.add(picture, prediction)
        return counts.pooled()

    def _latency_ratio(self, runtime: LiteRT) -> float:
        """Median ratio of latencies to the float model's, measured alternately."""
        image = {INPUT: self._pictures[0].image[None]}
        ratios = [
            _seconds(runtime.run, image) / _seconds(self._float.run, image) for _ in range(LATENCY_RUNS)
        ]
        return float(np.median(ratios))


def _mask_labels(prediction: Prediction) -> Labels:
    """Labels at four times the logits' resolution: the mask's, at the bundled parser's stride of 16."""
    _, height, width = prediction.logits.shape
    return prediction.labels((4 * height, 4 * width))


def _drop(before: float, after: float) -> float | None:
    """The loss of a score; None if either score is NaN because nothing was labelled."""
    return None if math.isnan(before - after) else before - after


def _seconds(run: Callable[[Mapping[str, Image]], object], image: Mapping[str, Image]) -> float:
    start = time.perf_counter()
    run(image)
    return time.perf_counter() - start
