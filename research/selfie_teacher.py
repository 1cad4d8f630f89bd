"""Partial labels, person or background, from MediaPipe's selfie segmenter, where it is sure.

    python -m research.selfie_teacher PHOTOS OUT
    python -m research.selfie_teacher people/train/images OUT --labels people/train/labels

Without labels, OUT becomes a folder for `edgekit finetune --data`: copies of the photos, labels whose value 0 is the
background and 1 a person, and the labels.json that says so. Pixels of which the segmenter is not sure are not labelled,
and photos in which it is sure of nobody are left out. It takes bags for background and a hard shadow for a person, so
look at the labels; it is meant for portraits. With labels, OUT gets those of the photos, but a person is not
labelled where they say background: bystanders, of which parsing data label one only.

The segmenter is `selfie_segmentation.tflite` (MediaPipe, Apache-2.0) from the npm package
@shiguredo/virtual-background; npm, as it is set up on this machine, fetches it. It takes 15 ms a photo.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from edgekit import console
from edgekit.files import FolderKind, staged_folder, write_json
from edgekit.images import SCHEME_FILE, images_in, labels_beside, read_image, read_labels
from edgekit.scores.metrics import IGNORE
from edgekit.scores.scheme import BACKGROUND
from edgekit.weights import load_checkpoint
from tools.fetch_android_tools import NpmPackage, fetch_npm, require_npm

MODEL = "package/dist/selfie_segmentation.tflite"
PACKAGE = NpmPackage(
    "@shiguredo/virtual-background",
    "2023.2.0",
    "nvJAsf29ThXMN7tEvlvZ45MeIoXW2uoJxvBwsesYInjoSy0RASQr7qxrLMglX2yyztOeYZqJknQBttjJTGH/QA==",
    "selfie",
    (MODEL,),
)
SIDE = 256  # px, of its input and output
SURE = (0.05, 0.95)  # of the background below, of a person above
LEAST_SHARE = 0.01  # of the photo that a person must fill
PERSON = 1
LABELS = FolderKind("a folder of partial labels", lambda folder: None)  # never replaced
Matte = Callable[
    [NDArray[np.uint8]], NDArray[np.float32]
]  # (H, W, 3) sRGB to (H, W) in [0, 1], 1 is a person


def segmenter(file: Path) -> Matte:
    """The segmenter in LiteRT; its matte is resized to the photo."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(file))
    interpreter.allocate_tensors()
    (image,), (matte,) = interpreter.get_input_details(), interpreter.get_output_details()

    def run(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
        small = Image.fromarray(photo).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        interpreter.set_tensor(image["index"], np.asarray(small, np.float32)[None] / 255)
        interpreter.invoke()
        found = Image.fromarray(interpreter.get_tensor(matte["index"])[0, :, :, 0])
        return np.asarray(found.resize((photo.shape[1], photo.shape[0]), Image.Resampling.BILINEAR))

    return run


def sure_labels(matte: NDArray[np.float32]) -> NDArray[np.uint8] | None:
    """(H, W) labels: BACKGROUND, PERSON or not labelled; None if nobody is surely there."""
    low, high = SURE
    labels = np.full(matte.shape, IGNORE, np.uint8)
    labels[matte < low], labels[matte > high] = BACKGROUND, PERSON
    return labels if (labels == PERSON).mean() >= LEAST_SHARE else None


def without_bystanders(labels: NDArray[np.uint8], matte: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The (H, W) labels, not labelled where they say background and the matte shows a person for sure."""
    return np.where((labels == BACKGROUND) & (matte > SURE[1]), np.uint8(IGNORE), labels)


def main(
    photos: Annotated[Path, typer.Argument(help="Folder of photos.")],
    out: Annotated[Path, typer.Argument(help="A new folder.")],
    labels: Annotated[
        Path | None, typer.Option(help="Labels of the photos, to take bystanders out of.")
    ] = None,
) -> None:
    """Write partial labels of the photos, or the given ones without bystanders."""
    require_npm()
    with tempfile.TemporaryDirectory() as temporary, staged_folder(out, LABELS, replace=False) as folder:
        fetch_npm(PACKAGE, Path(temporary))
        matte_of = segmenter(Path(temporary) / MODEL)
        written = (
            _relabelled(photos, labels, folder, matte_of) if labels else _labelled(photos, folder, matte_of)
        )
    console.say(f"{out}: {written} photos")


def _labelled(photos: Path, folder: Path, matte_of: Matte) -> int:
    """Write photos and labels in which the segmenter sees somebody. Returns their number."""
    for name in ("images", "labels"):
        (folder / name).mkdir()
    names = load_checkpoint().class_names
    write_json(folder / SCHEME_FILE, {str(BACKGROUND): [names[0]], str(PERSON): list(names[1:])})
    written = 0
    images = images_in(photos)
    for path in console.track(images, len(images), "labelling"):
        labels = sure_labels(matte_of(read_image(path)))
        if labels is not None:
            shutil.copyfile(path, folder / "images" / path.name)
            Image.fromarray(labels).save(folder / "labels" / f"{path.stem}.png")
            written += 1
    return written


def _relabelled(photos: Path, labels: Path, folder: Path, matte_of: Matte) -> int:
    """Write the labels of the photos without bystanders. Returns their number."""
    pairs = labels_beside(images_in(photos), labels)
    for image, label in console.track(pairs.items(), len(pairs), "labelling"):
        found = without_bystanders(read_labels(label), matte_of(read_image(image)))
        Image.fromarray(found).save(folder / label.name)
    return len(pairs)


if __name__ == "__main__":
    typer.run(main)
