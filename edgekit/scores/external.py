"""Models of others that are judged beside a parser: a folder of their masks, or a .tflite or .onnx file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from msgspec import Meta
from numpy.typing import NDArray
from PIL import Image as Pillow

from edgekit.errors import ConversionError, EdgekitError, ImageError, UnknownName, printable
from edgekit.files import sha256_of, sha256_of_bytes
from edgekit.images import mask_from_picture
from edgekit.model.outputs import resized
from edgekit.reading import Count, JsonKind, Text, read_json, shown
from edgekit.runtimes import ForeignRuntime
from edgekit.runtimes.litert import LiteRT
from edgekit.runtimes.onnx import Onnx
from edgekit.scores.baselines import Detector, Image, Shown
from edgekit.scores.masks import Mask, SoftMask

GROUPS = ("person", "skin", "hair", "clothes")
MASK_SUFFIX = ".png"
MOST_NAME_CHARS = 80
RUNTIMES: Mapping[str, Callable[[Path], ForeignRuntime]] = {".tflite": LiteRT, ".onnx": Onnx}

Planes = NDArray[np.float32]  # (channels, h, w)
Side = Annotated[int, Meta(ge=16, le=4096)]
Level = Annotated[float, Meta(ge=-1000, le=1000)]
Spread = Annotated[float, Meta(ge=1e-6, le=1000)]


@dataclass(frozen=True)
class MaskFolder:
    """Masks of one group that another program made, judged under a name of one's own.

    folder: grey PNGs with the photos' names and sizes, from black (surely not) to white (surely the group).
    """

    name: str
    folder: Path
    group: str

    def __post_init__(self) -> None:
        _check_name(self.name)
        if self.group not in GROUPS:
            raise UnknownName("group", self.group, GROUPS)

    def detector(self, photos: Sequence[str]) -> Detector:
        """The detector that reads the masks. EdgekitError if a photo has none."""
        if not self.folder.is_dir():
            raise EdgekitError(f"{shown(self.folder)} is not a folder of masks.")
        missing = [photo for photo in photos if not self.path(photo).is_file()]
        if missing:
            raise EdgekitError(
                f"{shown(self.folder)} has no mask {printable(self.path(missing[0]).name)} for the photo "
                f"{printable(missing[0])} ({len(missing)} are missing)."
            )
        return _Masks(self)

    @property
    def anywhere(self) -> MaskFolder:
        """The same for a process with another current directory."""
        return replace(self, folder=self.folder.absolute())

    def path(self, photo: str) -> Path:
        return self.folder / f"{Path(photo).stem}{MASK_SUFFIX}"

    def sha256(self, photos: Sequence[str]) -> str:
        """The digest of the masks of these photos."""
        return sha256_of_bytes("".join(sha256_of(self.path(photo)) for photo in photos).encode())


@dataclass(frozen=True)
class ModelFile:
    """A .tflite or .onnx file that finds one group, judged under a name of one's own.

    FILE.json beside it says what it takes and gives: docs/literature.md.
    """

    name: str
    path: Path

    def __post_init__(self) -> None:
        _check_name(self.name)
        if self.path.suffix not in RUNTIMES:
            raise UnknownName("kind of model", self.path.suffix, RUNTIMES)

    def detector(self, photos: Sequence[str]) -> Detector:
        """The model, open. Raises EdgekitError for a description or a file that cannot be used."""
        described = read_json(self.description, DESCRIPTION, EdgekitError)
        runtime = RUNTIMES[self.path.suffix](self.path)
        if len(runtime.inputs) != 1:
            raise ConversionError(
                self.path.suffix[1:],
                "load",
                f"{shown(self.path)} has {len(runtime.inputs)} inputs; it must take one picture.",
            )
        return _Model(self.path, runtime, described)

    @property
    def anywhere(self) -> ModelFile:
        """The same for a process with another current directory."""
        return replace(self, path=self.path.absolute())

    @property
    def description(self) -> Path:
        return self.path.with_name(self.path.name + ".json")

    def sha256(self, photos: Sequence[str]) -> str:
        """The digest of the file and its description."""
        return sha256_of_bytes((sha256_of(self.path) + sha256_of(self.description)).encode())


External = MaskFolder | ModelFile


@dataclass(frozen=True)
class Described:
    """What a model takes and gives.

    size: height and width of its input, to which photos are stretched. layout: of input and output. mean, std: a
    float input is (RGB / 255 - mean) / std, a uint8 input the bytes. bgr: the input's channels are blue, green, red.
    output: name of the tensor, if there are several. values: of the output. channels: those that mean the group, or
    with `labels`, the values that do.
    """

    group: Literal["person", "skin", "hair", "clothes"]
    size: tuple[Side, Side]
    layout: Literal["NHWC", "NCHW"]
    values: Literal["probabilities", "logits", "labels"]
    channels: Annotated[tuple[Count, ...], Meta(min_length=1, max_length=255)]
    output: Text | None = None
    mean: tuple[Level, Level, Level] = (0.0, 0.0, 0.0)
    std: tuple[Spread, Spread, Spread] = (1.0, 1.0, 1.0)
    bgr: bool = False


DESCRIPTION: JsonKind[Described] = JsonKind(
    Described, "the description of a model", advice="docs/literature.md says what it holds"
)


@dataclass(frozen=True)
class _Masks:
    source: MaskFolder

    @property
    def group(self) -> str:
        return self.source.group

    def find(self, shown: Shown) -> SoftMask:
        path = self.source.path(shown.name)
        mask: SoftMask = mask_from_picture(path)[..., 0]
        if mask.shape != shown.image.shape[:2]:
            sizes = [f"{width}×{height}" for height, width in (mask.shape, shown.image.shape[:2])]
            raise ImageError(path, f"has {sizes[0]} pixels, but the label of {shown.name} has {sizes[1]}.")
        return mask


@dataclass(frozen=True)
class _Model:
    path: Path
    runtime: ForeignRuntime
    described: Described

    @property
    def group(self) -> str:
        return self.described.group

    def find(self, shown: Shown) -> Mask | SoftMask:
        planes = self._planes(self._output(self._input(shown.image)))
        shape = shown.image.shape[:2]
        if self.described.values == "labels":
            return self._labelled(planes[0], shape)
        return self._probability(planes, shape)

    def _input(self, image: Image) -> dict[str, NDArray[Any]]:
        described = self.described
        height, width = described.size
        (name, kind), *_ = self.runtime.inputs.items()
        pixels = np.asarray(Pillow.fromarray(image).resize((width, height), Pillow.Resampling.BILINEAR))
        if kind.dtype != np.uint8:
            levels = (pixels / np.float32(255) - np.array(described.mean)) / np.array(described.std)
            pixels = levels.astype(kind.dtype)
        elif (described.mean, described.std) != (Described.mean, Described.std):
            raise self._refused("takes bytes, so its description has neither `mean` nor `std`")
        if described.bgr:
            pixels = pixels[..., ::-1]
        if described.layout == "NCHW":
            pixels = pixels.transpose(2, 0, 1)
        return {name: np.ascontiguousarray(pixels[None])}

    def _output(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        outputs = self.runtime.run(inputs)
        name = self.described.output
        if name is None and len(outputs) > 1:
            raise self._refused(f"gives {', '.join(outputs)}; name one as `output`")
        if name is not None and name not in outputs:
            raise self._refused(f"gives no {name!r}; it gives {', '.join(outputs)}")
        return outputs[name] if name is not None else next(iter(outputs.values()))

    def _planes(self, output: NDArray[Any]) -> NDArray[Any]:
        """(1, …) in the model's layout as (channels, h, w)."""
        if output.ndim == 3:
            return output
        if output.ndim != 4:
            raise self._refused(f"gives a tensor of shape {output.shape}, which is no picture")
        first: NDArray[Any] = output[0]
        return first.transpose(2, 0, 1) if self.described.layout == "NHWC" else first

    def _labelled(self, labels: NDArray[Any], shape: tuple[int, ...]) -> Mask:
        mask = Pillow.fromarray(np.isin(labels, self.described.channels))
        return np.asarray(mask.resize((shape[1], shape[0]), Pillow.Resampling.NEAREST), bool)

    def _probability(self, planes: NDArray[Any], shape: tuple[int, ...]) -> SoftMask:
        channels = list(self.described.channels)
        if max(channels) >= len(planes):
            raise self._refused(f"gives {len(planes)} channels, so there is no channel {max(channels)}")
        if planes.dtype not in (np.float32, np.float16, np.uint8):
            raise self._refused(f"gives {planes.dtype}; convert it with an output of floats or bytes")
        values = torch.from_numpy(np.ascontiguousarray(planes, np.float32))
        if self.described.values == "logits":
            values = values.softmax(0) if len(values) > 1 else values.sigmoid()
        elif planes.dtype == np.uint8:
            values = values / 255
        summed = values[channels].sum(0)
        if not (summed.min() >= -1e-3 and summed.max() <= 1 + 1e-3):  # also refuses NaN
            raise self._refused("gives probabilities outside 0 to 1; are they `logits`?")
        planes_of_photo: SoftMask = resized(summed.clamp(0, 1)[None, None], shape)[0, 0].numpy()
        return planes_of_photo

    def _refused(self, problem: str) -> EdgekitError:
        return ConversionError(self.path.suffix[1:], "run", f"{shown(self.path)} {problem}.")


def parsed_masks(text: str) -> MaskFolder:
    """`NAME=FOLDER:GROUP` as a folder of masks. EdgekitError if it is not of that form."""
    name, equals, rest = text.partition("=")
    folder, colon, group = rest.rpartition(":")
    if not (equals and colon and folder):
        raise EdgekitError(
            f"`masks` {text!r} is not of the form NAME=FOLDER:GROUP, such as u2net=masks:person."
        )
    return MaskFolder(name, Path(folder), group)


def parsed_model(text: str) -> ModelFile:
    """`NAME=FILE` as a model. EdgekitError if it is not of that form."""
    name, equals, file = text.partition("=")
    if not (equals and file):
        raise EdgekitError(f"`model` {text!r} is not of the form NAME=FILE, such as u2net=u2net.onnx.")
    return ModelFile(name, Path(file))


def _check_name(name: str) -> None:
    if not name or printable(name, MOST_NAME_CHARS) != name:
        raise EdgekitError(
            f"The name {printable(name, MOST_NAME_CHARS)!r} of a model has to be one line of 1 to "
            f"{MOST_NAME_CHARS} printable characters."
        )
