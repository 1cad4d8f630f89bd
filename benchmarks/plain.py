"""The plain conversions that edgekit is compared with: the Hugging Face model as it is."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from edgekit.model.reference import ReferenceSegmenter
from edgekit.runtimes.litert import packed, parsed
from edgekit.weights import Checkpoint


class ChannelsLast(nn.Module):
    """(1, size, size, 3) float RGB in [0, 255] to (1, h, w, classes) float logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(image.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return logits


def plain_tflite(checkpoint: Checkpoint, size: int, path: Path) -> Path:
    """`litert_torch.convert` of the Hugging Face model with NHWC input and output."""
    import litert_torch

    model = ChannelsLast(ReferenceSegmenter(checkpoint)).eval()
    data = litert_torch.convert(model, (torch.zeros(1, size, size, 3),)).model_content()
    tree = parsed(data, path)
    graph, signature = tree.subgraphs[0], tree.signatureDefs[0]
    graph.tensors[graph.inputs[0]].name = signature.inputs[0].name = b"image"
    graph.tensors[graph.outputs[0]].name = signature.outputs[0].name = b"logits"
    path.write_bytes(packed(tree))
    return path


def plain_coreml(checkpoint: Checkpoint, size: int, path: Path) -> Path:
    """`coremltools.convert` of the Hugging Face model, fp16 ML Program for iOS 16."""
    import coremltools as ct

    shape = (1, 3, size, size)
    program = torch.export.export(ReferenceSegmenter(checkpoint), (torch.zeros(shape),))
    model = ct.convert(
        program.run_decompositions({}),
        inputs=[ct.TensorType(name="image", shape=shape)],
        convert_to="mlprogram",
        minimum_deployment_target=ct.target.iOS16,
        skip_model_load=True,
    )
    model.save(str(path))
    return path
