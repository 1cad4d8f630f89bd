"""`--repro DIR`: a folder that shows an artifact's fault alone, for a bug report."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.artifact import Artifact, manifest_path_of
from edgekit.errors import EdgekitError
from edgekit.files import FolderKind, files_in, staged_folder, write_json, write_whole
from edgekit.images import Picture
from edgekit.model.reference import ReferenceSegmenter
from edgekit.parity.blame import Explanation
from edgekit.reading import JsonKind, read_json
from edgekit.scores.runners import TorchRunner
from edgekit.weights import Checkpoint

INDEX, PHOTO, RECIPE, EXPECTED, SCRIPT = "repro.json", "photo.png", "recipe.json", "expected.npy", "show.py"

# {artifact} is the file's name. The folder needs edgekit and nothing else.
TEXT = '''"""{cause}"""
from pathlib import Path
import numpy as np
from edgekit.artifact import read_artifact
from edgekit.images import read_input
from edgekit.scores.runners import artifact_runner
here = Path(__file__).parent
artifact = read_artifact(here / {artifact!r})
logits = artifact_runner(artifact).run(read_input(here / "photo.png", artifact.manifest.size)).logits
expected = np.load(here / "expected.npy")  # Hugging Face's, (classes, h, w)
print("max |Δlogit|", abs(logits - expected).max(), "label agreement", (logits.argmax(0) == expected.argmax(0)).mean())
'''


@dataclass(frozen=True)
class Index:
    """What `repro.json` holds: the artifact's name, the cause that was found, and every other file."""

    artifact: str
    cause: str
    files: tuple[str, ...]
    version: int = 1


KIND = JsonKind(Index, "the index of a repro", version=("version", 1))


def _files(folder: Path) -> tuple[str, ...] | None:
    try:
        return (INDEX, *read_json(folder / INDEX, KIND, EdgekitError).files)
    except EdgekitError:
        return None


REPRO = FolderKind("a repro", _files)


def write_repro(
    path: Path,
    artifact: Artifact,
    checkpoint: Checkpoint,
    picture: Picture,
    found: Explanation,
    *,
    replace: bool = False,
) -> None:
    """Write the artifact, its recipe, one photo, Hugging Face's logits for it and a script that shows the difference.

    Raises EdgekitError for a folder in the way.
    """
    name, size = artifact.path.name, artifact.manifest.input_size
    with staged_folder(path, REPRO, replace=replace) as folder:
        copy = shutil.copytree if artifact.path.is_dir() else shutil.copyfile
        copy(artifact.path, folder / name)
        shutil.copyfile(artifact.manifest_path, manifest_path_of(folder / name))
        Image.fromarray(picture.image).save(folder / PHOTO)
        write_json(folder / RECIPE, artifact.manifest.recipe.to_json())
        expected = TorchRunner(size, ReferenceSegmenter(checkpoint)).run(picture.at(size)).logits
        np.save(folder / EXPECTED, expected)
        cause = found.cause.replace("\\", "/").replace('"', "'")
        write_whole(folder / SCRIPT, TEXT.format(cause=cause, artifact=name))
        names = tuple(file.relative_to(folder).as_posix() for file in files_in(folder))
        write_json(folder / INDEX, asdict(Index(name, found.cause, names)))
