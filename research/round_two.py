"""The second round of the bundled weights: eight sets of photos, seven with labels of sets of classes.

    python -m research.round_two pack DATA sets.zip
    python -m research.round_two train DATA OUT --minutes 300 --rate 2
    python -m research.round_two train sets.zip OUT --minutes 12 --rate 200 --batch 32 --workers 14
    python -m research.round_two held-out DATA OUT && python -m benchmarks.sets OUT bundled=

DATA holds a folder for each of SETS, with train/images, train/labels and labels.json (people: classes.json). Nothing
else of it is read, least of all the photos that the result is judged with. Training is `edgekit finetune` on all sets
by weight, at the shapes in which phones take photos; light, middle and dark skin are drawn as often as photos allow; a
fifteenth of each folder validates, and the best epoch is kept. Every epoch can be resumed from: the same command goes
on after an interruption.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from edgekit import console
from edgekit.commands.finetune import weighted
from edgekit.files import FolderKind, staged_file, staged_folder
from edgekit.images import images_in, path_of, read_image, read_labels
from edgekit.training.data import checked_folder, split
from edgekit.training.finetuning import WEIGHT_BOUNDS, finetune
from edgekit.training.state import STATE_FOLDER
from edgekit.weights import Checkpoint, load_checkpoint
from research.skin_tones import linked_by_skin_tone

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)

# Samples of each set in an epoch. Street photos keep what the weights know; faces have the best labels; portraits and
# half bodies have many backgrounds and many people; hair, skin and persons show what the others do not.
SETS: Mapping[str, int] = {
    "people": 550,
    "faces": 500,
    "portraits": 400,
    "halfbody": 300,
    "hair": 200,
    "skin": 150,
    "persons": 250,
    "synthetic_faces": 50,
}
TONED = (
    "people",
    "faces",
    "halfbody",
    "skin",
)  # those whose labels show skin, each a folder for each skin tone
MOST_TURNS = (
    3.0  # that an epoch draws a photo: few are of dark skin, and the network would learn them by heart
)
SIZES = ("384", "448x320", "512x320", "320x448")  # upright 3:4 and 9:16, lying 4:3, with about as many pixels
STREET = "people"  # packed whole
PHOTOS = "train"
SCHEME_FILES = ("classes.json", "labels.json")
JPEG_QUALITY = 80
MIB = 1 << 20
HELD_OUT = FolderKind("held-out photos", lambda folder: None)  # never replaced
ENTRY_BYTES = 300  # of a file in a zip archive: two headers with its name


@dataclass(frozen=True)
class Entry:
    """A file of the archive."""

    name: str
    data: bytes


@app.command()
def pack(
    data: Annotated[Path, typer.Argument(help="Folder with a folder for each set.")],
    out: Annotated[Path, typer.Argument(help="The archive, a .zip.")],
    side: Annotated[int, typer.Option(help="Longest side of the copies in pixels.")] = 384,
    most_mib: Annotated[int, typer.Option(help="Size of the archive at most.")] = 64,
) -> None:
    """Write smaller copies of the training photos and their labels, the street photos and as many others as fit."""
    places = photos_to_pack(data)
    room, kept = most_mib * MIB, 0
    with (
        staged_file(out, replace=False) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive,
    ):
        for entry in scheme_files(data):
            archive.writestr(entry.name, entry.data)
            room -= len(entry.data) + ENTRY_BYTES
        for name, image in console.track(places, len(places), "packing"):
            entries = copies(name, image, side)
            room -= sum(len(entry.data) + ENTRY_BYTES for entry in entries)
            if room < 0:
                break
            for entry in entries:
                archive.writestr(entry.name, entry.data)
            kept += 1
    console.say(f"{out}: {kept} of {len(places)} photos, {out.stat().st_size / MIB:.1f} MiB")


def photos_to_pack(data: Path) -> list[tuple[str, Path]]:
    """Every set's name with each of its training photos: the street's first, then the other sets in step."""
    found = []
    for name in SETS:
        images = images_in(data / name / PHOTOS / "images")
        shuffled = sorted(images, key=name_hash)
        place = 0.0 if name == STREET else 1.0
        found += [(place + i / len(shuffled), name, path) for i, path in enumerate(shuffled)]
    return [(name, path) for _, name, path in sorted(found)]


def scheme_files(data: Path) -> list[Entry]:
    """The class list and the label schemes."""
    files = [Path(name) / file for name in SETS for file in SCHEME_FILES]
    return [Entry(file.as_posix(), (data / file).read_bytes()) for file in files if (data / file).is_file()]


def copies(name: str, image: Path, side: int) -> list[Entry]:
    """A photo of a set as JPEG and its label as PNG, both at most `side` pixels; none if it has no label."""
    label = image.parent.parent / "labels" / f"{image.stem}.png"
    if not label.is_file():
        return []
    photo, truth = read_image(image), read_labels(label)
    place = f"{name}/{PHOTOS}"
    return [
        Entry(
            f"{place}/images/{image.stem}.jpg",
            _encoded(photo, side, Image.Resampling.LANCZOS, "JPEG", quality=JPEG_QUALITY),
        ),
        Entry(
            f"{place}/labels/{image.stem}.png",
            _encoded(truth, side, Image.Resampling.NEAREST, "PNG", optimize=True),
        ),
    ]


def _encoded(
    pixels: NDArray[np.uint8], side: int, resampling: Image.Resampling, kind: str, **options: int
) -> bytes:
    """The picture in a file of this kind, made smaller until no side is longer than `side` pixels."""
    picture = Image.fromarray(pixels)
    scale = min(1.0, side / max(picture.size))
    small = picture.resize([max(1, round(scale * length)) for length in picture.size], resampling)
    stream = io.BytesIO()
    small.save(stream, kind, **options)
    return stream.getvalue()


@app.command()
def train(
    data: Annotated[Path, typer.Argument(help="Folder with a folder for each set, or what `pack` wrote.")],
    out: Annotated[Path, typer.Argument(help="Folder for the checkpoint.")],
    minutes: Annotated[float, typer.Option(help="Time for training and validation.")],
    rate: Annotated[
        float,
        typer.Option(help="Photos per second, of which the number of epochs follows; a trial prints it."),
    ],
    weights: Annotated[str | None, typer.Option(help="Checkpoint to continue from; the bundled one.")] = None,
    more: Annotated[
        list[str] | None, typer.Option(help="DIR:WEIGHT, a further folder, as `edgekit finetune --data`.")
    ] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="A set to train on, repeatable; all.")
    ] = None,
    samples: Annotated[int, typer.Option(help="Photos per epoch, without the further folders.")] = 2150,
    size: Annotated[list[str] | None, typer.Option(help="As `edgekit finetune --size`.")] = None,
    val_size: str = "512",
    batch: int = 8,
    lr: float = 4e-4,
    qat: Annotated[str | None, typer.Option(help="As `edgekit finetune --qat`.")] = None,
    class_jaccard: float = 0.5,
    freeze: str | None = None,
    seed: int = 0,
    workers: int = 0,
) -> None:
    """Continue from the bundled weights on all sets, for about so many minutes; resumes what was interrupted."""
    checkpoint = load_checkpoint(weights)
    with unpacked(data) as found, tempfile.TemporaryDirectory(prefix="edgekit-") as links:
        folders = {
            **weights_of(found, sets or SETS, samples, checkpoint, Path(links)),
            **weighted(more or ()),
        }
        epochs = max(1, int(minutes * 60 * rate / samples))
        trained = finetune(
            checkpoint,
            folders,
            out,
            epochs=epochs,
            size=size or SIZES,
            val_size=val_size,
            batch=batch,
            lr=lr,
            qat=qat,
            class_jaccard=class_jaccard,
            freeze=freeze,
            seed=seed,
            workers=workers,
            resume=(out / STATE_FOLDER).is_dir(),
        )
    steps, seconds = trained.history[-1].step, sum(epoch.seconds for epoch in trained.history)
    console.say(f"{batch * steps / seconds:.2f} photos per second, validation included")


@contextmanager
def unpacked(data: Path) -> Iterator[Path]:
    """The folder of sets itself, or what `pack` wrote in a temporary folder."""
    if data.is_dir():
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        with zipfile.ZipFile(data) as archive:
            archive.extractall(folder)
        yield Path(folder)


def weights_of(
    data: Path, sets: Iterable[str], samples: int, checkpoint: Checkpoint, links: Path
) -> dict[Path, float]:
    """The training folders of each of the sets, with the weights that give its share of the samples of an epoch.

    Sets that show skin are split by skin tone into folders of links; every tone gets an equal part of their share, but
    no photo more than MOST_TURNS turns.
    """
    shares = {name: SETS[name] for name in sets}
    total, found = sum(shares.values()), {}
    for name, share in shares.items():
        parts = parts_of(data / name / PHOTOS, checkpoint, links / name)
        wanted = samples * share / total / len(parts)
        for part in parts:
            found[part] = float(np.clip(wanted / len(_photos(part)), WEIGHT_BOUNDS[0], MOST_TURNS))
    return found


def parts_of(folder: Path, checkpoint: Checkpoint, links: Path) -> list[Path]:
    """The folders that a set's photos are drawn from: of links, one for each skin tone, if its labels show skin."""
    if folder.parent.name not in TONED:
        return [folder]
    return linked_by_skin_tone(folder, checkpoint.class_names, checkpoint.groups.skin, links)


@app.command()
def held_out(
    data: Annotated[Path, typer.Argument(help="Folder with a folder for each set.")],
    out: Annotated[Path, typer.Argument(help="Folder for links to the photos and their labels.")],
    photos: Annotated[int, typer.Option(help="Photos of a set at most.")] = 40,
) -> None:
    """Link each set's photos that `train` only validated with, as the eval folders that `benchmarks.sets` judges.

    Street photos that the first round trained on are left out: it split their folder as a whole.
    """
    checkpoint = load_checkpoint()
    with (
        tempfile.TemporaryDirectory(prefix="edgekit-") as links,
        staged_folder(out, HELD_OUT, replace=False) as staged,
    ):
        for name in SETS:
            folder = data / name / PHOTOS
            parts = parts_of(folder, checkpoint, Path(links) / name)
            chosen = [each for part in parts for each in validating(part, checkpoint)]
            if name == STREET:
                first_round = {each.stem for each in validating(folder, checkpoint)}
                chosen = [each for each in chosen if each.stem in first_round]
            for photo in sorted(chosen, key=name_hash)[:photos]:
                for file in (photo, photo.parent.parent / "labels" / f"{photo.stem}.png"):
                    link = staged / name / "eval" / file.parent.name / file.name
                    link.parent.mkdir(parents=True, exist_ok=True)
                    link.symlink_to(file.resolve())
            for scheme in SCHEME_FILES:
                if (data / name / scheme).is_file():
                    (staged / name / scheme).symlink_to((data / name / scheme).resolve())


def validating(folder: Path, checkpoint: Checkpoint) -> list[Path]:
    """The photos of a training folder that `edgekit finetune` validates with."""
    return [path_of(pair.image) for pair in split(checked_folder(folder, checkpoint.class_names).pairs)[1]]


def name_hash(photo: Path) -> str:
    """An order of photos that has nothing to do with what they show."""
    return sha256(photo.stem.encode()).hexdigest()


def _photos(folder: Path) -> Sequence[Path]:
    return images_in(folder / "images")


if __name__ == "__main__":
    app()
