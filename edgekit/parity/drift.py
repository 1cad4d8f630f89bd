"""Where an artifact departs: drift of its tensors against PyTorch, and the first operator that departs by itself.

Drift adds up along the network, so it ranks blocks but does not accuse one. An operator is accused by its local error:
the float export's operator is given the artifact's own tensors, and what it gives is what the artifact's should be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edgekit.artifact import Artifact
from edgekit.model.prepared import Convolution, InvertedResidual, PreparedSegmenter, TransformerLayer
from edgekit.parity.blame import Drift, Operator
from edgekit.parity.graphs import Array, Node, taps_of, without_lists
from edgekit.recipes import Recipe
from edgekit.runtimes import Opener, image_order, open_runtime
from edgekit.scores.counts import MAX_SNR_DB
from edgekit.scores.runners import Image, network_input
from edgekit.targets import target_named
from edgekit.weights import Checkpoint

# Modules whose last tensor in an exported graph is what the module returns.
COMPARED = (nn.Conv2d, nn.Linear, Convolution, InvertedResidual, TransformerLayer)
# What a healthy operator keeps on its own inputs. float32 and fp16 operators keep 24 and 11 bits, 6 dB each, less what
# sums cancel; an int8 tensor whose range is a hundred times its deviation keeps 19 dB, int8 weights more.
# One channel may err ten times as much as the tensor: a quiet one shares its scale. A clipped bias errs more.
CHANNEL_DB = 10.0
LEAST_SNR_DB: Mapping[str, float] = {"fp32": 60.0, "fp16": 35.0, "w8": 15.0, "w8a8": 10.0}


def tensors_of(
    artifact: Artifact, names: Sequence[str], image: Image, opener: Opener = open_runtime
) -> dict[str, Array]:
    """The artifact's tensors of these names in the float export, from the runtime that `opener` opens.

    image: (H, W, 3) uint8 as the app hands it over. Quantised tensors are dequantised.
    """
    known = taps_of(artifact.path)
    taps = {name: known[name] for name in names if name in known}
    runtime = opener(artifact.path, tuple(dict.fromkeys(taps.values())))
    found = runtime.run({artifact.manifest.inputs[0].name: image[None]})
    return {name: found[tap] for name, tap in taps.items()}


def as_read(artifact: Artifact, image: Image) -> dict[str, NDArray[Any]]:
    """The network's input by name, as the float export's first operator reads it. image: as in `tensors_of`."""
    name = artifact.manifest.inputs[0].name
    if target_named(artifact.manifest.target).layout == "NHWC":
        return {name: image[None]}
    order = image_order(open_runtime(artifact.path))
    return {name: np.ascontiguousarray(image[None][..., order].transpose(0, 3, 1, 2), np.float32)}


def drift(
    checkpoint: Checkpoint,
    artifact: Artifact,
    nodes: Sequence[Node],
    tensors: Mapping[str, Array],
    image: Image,
) -> tuple[Drift, ...]:
    """Every tensor that PyTorch's prepared graph has too, against it, in the order in which data passes.

    nodes: the float export's operators. tensors: the artifact's, by their names in the export.
    """
    layout = target_named(artifact.manifest.target).layout
    last = {node.place: node for node in nodes if node.outputs[0] in tensors}
    expected = _prepared_tensors(checkpoint, image, layout)
    return tuple(
        compared(node, node.outputs[0], expected[place], tensors[node.outputs[0]])
        for place, node in last.items()
        if place in expected and expected[place].shape == tensors[node.outputs[0]].shape
    )


def _prepared_tensors(checkpoint: Checkpoint, image: Image, layout: str) -> dict[str, Array]:
    """Module path to what it returns, in the target's layout."""
    model = PreparedSegmenter(checkpoint, norm="rms" if layout == "NHWC" else "layer")
    found: dict[str, Array] = {}

    def keep(place: str, value: torch.Tensor) -> None:
        wanted = value.permute(0, 2, 3, 1) if value.ndim == 4 and layout == "NHWC" else value
        found[place] = wanted.numpy()

    for name, module in model.named_modules():
        if isinstance(module, COMPARED):
            place = without_lists(name)
            module.register_forward_hook(lambda _, __, value, place=place: keep(place, value))
    with torch.inference_mode():
        model(network_input(image))
    return found


def block_drift(drifts: Sequence[Drift]) -> tuple[Drift, ...]:
    """The last tensor of every block, the worst first."""
    last = {each.block: each for each in drifts if each.block is not None}
    return tuple(sorted(last.values(), key=lambda each: each.snr_db))


def local_errors(nodes: Sequence[Node], tensors: Mapping[str, Array], recipe: Recipe) -> tuple[Operator, ...]:
    """Every operator's error on the artifact's own inputs, in topological order.

    nodes: of the float export. tensors: the artifact's, and the network's input, by their names in the export.
    """
    return tuple(
        _local(node, name, expected[name], tensors[name], recipe)
        for node in nodes
        if all(name in tensors for name in node.inputs) and any(name in tensors for name in node.outputs)
        for expected in [node.evaluate(tensors)]
        for name in node.outputs
        if name in tensors
    )


def first_bad(operators: Sequence[Operator]) -> Operator | None:
    """The first operator in topological order that keeps less than its format's least; None if none does."""
    return next((each for each in operators if each.departs), None)


def _local(node: Node, name: str, expected: Array, found: Array, recipe: Recipe) -> Operator:
    axis = 1 if node.channels_first and found.ndim == 4 else found.ndim - 1
    others = tuple(i for i in range(found.ndim) if i != axis)
    noise = ((found.astype(np.float64) - expected) ** 2).mean(others).max()
    channel = _decibels(float((expected.astype(np.float64) ** 2).mean()), float(noise))
    least = _least(node, recipe)
    return Operator(node.kind, compared(node, name, expected, found), channel, least, least - CHANNEL_DB)


def _least(node: Node, recipe: Recipe) -> float:
    mode = "float" if node.block is None else recipe.mode_of(node.block)
    return LEAST_SNR_DB[recipe.compute if mode == "float" else mode]


def compared(node: Node, name: str, expected: Array, found: Array) -> Drift:
    """One tensor against what it should be, the same shape."""
    right, got = expected.astype(np.float64).ravel(), found.astype(np.float64).ravel()
    error, signal = got - right, float(right @ right)
    noise = float(error @ error)
    lengths = np.sqrt(signal * float(got @ got))
    cosine = float(right @ got) / lengths if lengths else float(noise == 0)
    largest = float(np.abs(error).max())
    return Drift(name, node.place, node.block, _decibels(signal, noise), float(cosine), largest)


def _decibels(signal: float, noise: float) -> float:
    if noise == 0:
        return MAX_SNR_DB
    return min(MAX_SNR_DB, 10 * float(np.log10(max(signal, 1e-30) / noise)))
