"""What several test modules need: a small checkpoint with random weights, the shipped one, and artifacts."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from edgekit.artifact import Artifact
from edgekit.files import sha256_of_bytes, write_whole
from edgekit.weights import Checkpoint, load_checkpoint

SHARED = Path(__file__).parent.parent.parent / "shared"

# A shell that starts pytest in the background makes every child ignore Ctrl-C, which some tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need a conversion are slow; those marked `shared` say why they are skipped without the photos."""
    has_photos = (SHARED / "data").is_dir()
    for item in items:
        if "artifacts" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("shared") and not has_photos:
            item.add_marker(pytest.mark.skip(reason=f"needs the shared photos in {SHARED}, which is absent"))


@pytest.fixture(scope="session")
def shared() -> Path:
    return SHARED


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the worker processes of this run share; what takes long is made once, under a lock."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "run"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def float_graphs(run_folder: Path) -> Iterator[Callable[..., bytes]]:
    """Keeps every float .tflite that a run makes: litert-torch takes 20 s for one, and the same weights, size and
    output give the same bytes. Returns the function that makes one anew.
    """
    from converters import tflite
    from converters.conversion import Conversion

    make = tflite.float_model

    def float_model(conversion: Conversion) -> bytes:
        checkpoint = conversion.checkpoint
        key = (
            checkpoint.sha256, checkpoint.groups, conversion.size, conversion.output, conversion.mask_shape,
            tuple(conversion.recipe.pool.items()),
        )  # fmt: skip
        kept = run_folder / f"{sha256_of_bytes(repr(key).encode())}.tflite"
        with FileLock(f"{kept}.lock"):
            if not kept.exists():
                write_whole(kept, make(conversion))
            return kept.read_bytes()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tflite, "float_model", float_model)
        yield make


@pytest.fixture(scope="session")
def checkpoint(float_graphs: object, run_folder: Path) -> Checkpoint:
    """A small checkpoint of ATR's 18 classes with random weights: of every block, a fraction of the channels."""
    from tests.support.checkpoints import seeded_checkpoint

    with FileLock(run_folder / "checkpoint.lock"):
        if not (run_folder / "seeded").exists():
            seeded_checkpoint(run_folder / "seeded")
    return load_checkpoint(run_folder / "seeded")


@pytest.fixture(scope="session")
def shipped(float_graphs: object) -> Checkpoint:
    """The bundled weights, for what is true of them alone (tests/test_shipped_weights.py)."""
    return load_checkpoint()


@pytest.fixture
def atr_folder(checkpoint: Checkpoint, tmp_path: Path) -> Path:
    """A copy of the small checkpoint's folder, to be changed."""
    return Path(shutil.copytree(checkpoint.folder, tmp_path / "atr"))


@pytest.fixture
def voc_folder(float_graphs: object, tmp_path: Path) -> Path:
    """A small checkpoint folder of VOC's 21 classes with random weights and no groups."""
    from tests.support.checkpoints import VOC_CLASSES, seeded_checkpoint

    return seeded_checkpoint(tmp_path / "voc", VOC_CLASSES, seed=4)


@pytest.fixture(scope="session")
def artifacts(checkpoint: Checkpoint, run_folder: Path) -> dict[str, Artifact]:
    """The small checkpoint at 128²: TFLite fp32 and Core ML fp16, converted once for the whole run."""
    from tests.support.conversions import float_artifacts

    with FileLock(run_folder / "artifacts.lock"):
        return float_artifacts(checkpoint, run_folder / "artifacts")


@pytest.fixture
def copied(artifacts: dict[str, Artifact], tmp_path: Path) -> dict[str, Artifact]:
    """The session's artifacts in a folder of the test's own, to be damaged."""
    return {target: copy_of(artifact, tmp_path) for target, artifact in artifacts.items()}


def copy_of(artifact: Artifact, folder: Path) -> Artifact:
    """An artifact and its manifest, copied into a folder."""
    path = folder / artifact.path.name
    (shutil.copytree if artifact.path.is_dir() else shutil.copy)(artifact.path, path)
    shutil.copy(artifact.manifest_path, path.with_name(path.name + ".json"))
    return replace(artifact, path=path)
