"""An interrupted run on disk: tensors in safetensors, the rest in JSON, replaced together each epoch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import torch
from msgspec import Meta
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from edgekit.errors import EdgekitError
from edgekit.files import FolderKind, sha256_of_bytes, staged_folder, write_json
from edgekit.reading import JsonKind, check_regular_file, read_json
from edgekit.scores.scheme import Scheme
from edgekit.training.data import LabelledData
from edgekit.training.history import Epoch, Start
from edgekit.training.settings import Settings

STATE_FOLDER = "state"
TENSORS_FILE = "state.safetensors"
JSON_FILE = "state.json"
MOST_STATE_BYTES = 8 << 30  # four times float32 weights of half a billion parameters
MOMENTS = ("exp_avg", "exp_avg_sq")  # AdamW's, per parameter


@dataclass(frozen=True)
class FolderIdentity:
    """How a folder of the run counts. labels_sha256: of its label scheme; None for complete labels."""

    photos: int
    weight: float
    labels_sha256: str | None


@dataclass(frozen=True)
class RunIdentity:
    """What must not change for a run to be resumed: its settings, the weights it started from, its data.

    folders: how each folder counts; empty for one folder of complete labels and weight 1.
    """

    settings: Settings
    weights_sha256: str
    data_sha256: str
    folders: tuple[FolderIdentity, ...] = ()


@dataclass(frozen=True)
class _Written:
    """The JSON half of a state: the run's identity, its starting weights' scores and its epochs so far."""

    run: RunIdentity
    start: Start
    history: Annotated[tuple[Epoch, ...], Meta(min_length=1)]


WRITTEN = JsonKind(_Written, "the state of a training run", advice="delete its folder and start again")


def _files_of(state: Path) -> tuple[str, ...] | None:
    """The names of a state's files; None for a folder that is not a state."""
    try:
        read_json(state / JSON_FILE, WRITTEN, EdgekitError)
    except EdgekitError:
        return None
    return (TENSORS_FILE, JSON_FILE)


RUN_STATE = FolderKind("the state of a training run", _files_of)


def data_identity(names: Sequence[str]) -> str:
    """Digest of the file names trained and validated on."""
    return sha256_of_bytes("\0".join(names).encode())


def folder_identities(folders: Sequence[LabelledData]) -> tuple[FolderIdentity, ...]:
    """What distinguishes the folders of a run beside their file names."""
    if len(folders) == 1 and folders[0].scheme is None and folders[0].weight == 1:
        return ()
    return tuple(
        FolderIdentity(len(folder.pairs), folder.weight, _scheme_sha256(folder.scheme)) for folder in folders
    )


def _scheme_sha256(scheme: Scheme | None) -> str | None:
    if scheme is None:
        return None
    sets = {value: sorted(classes) for value, classes in sorted(scheme.sets.items())}
    return sha256_of_bytes(json.dumps(sets).encode())


def save(
    folder: Path,
    identity: RunIdentity,
    model: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
    start: Start,
    history: Sequence[Epoch],
) -> None:
    """Write the state after the last epoch in `history`, replacing an older one as a whole."""
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.state_dict().items()}
    for name, parameter in _trained(model):
        tensors |= {f"{moment}.{name}": optimizer.state[parameter][moment] for moment in MOMENTS}
    with staged_folder(folder / STATE_FOLDER, RUN_STATE, replace=True) as state:
        save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, state / TENSORS_FILE)
        write_json(
            state / JSON_FILE,
            {
                "run": asdict(identity),
                "start": start.to_json(),
                "history": [epoch.to_json() for epoch in history],
            },
        )


def restore(
    folder: Path,
    identity: RunIdentity,
    model: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> tuple[Start, list[Epoch]]:
    """Load an interrupted run into the models and the optimizer. Returns its start and its epochs so far.

    Raises EdgekitError: there is no state, it is damaged, or it belongs to another run.
    """
    state = folder / STATE_FOLDER
    if not state.is_dir():
        raise EdgekitError(
            f"{state} does not exist: there is no interrupted run to resume; run without `resume`."
        )
    written = read_json(state / JSON_FILE, WRITTEN, EdgekitError)
    history = list(written.history)
    check_regular_file(state / TENSORS_FILE, MOST_STATE_BYTES, EdgekitError)
    try:
        tensors = load_file(state / TENSORS_FILE)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise EdgekitError(f"{state} is damaged ({error}); delete it and start again.") from error
    require_same(written.run, identity, state)
    model.load_state_dict(_below("model.", tensors))
    average.load_state_dict(_below("average.", tensors))
    for name, parameter in _trained(model):
        moments = {moment: tensors[f"{moment}.{name}"].to(parameter.device) for moment in MOMENTS}
        optimizer.state[parameter] = {"step": torch.tensor(float(history[-1].step)), **moments}
    return written.start, history


def _trained(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]


def _below(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def require_same(before: RunIdentity, now: RunIdentity, state: Path) -> None:
    """EdgekitError that names every difference, unless both are the same run."""
    if changed := differences(before, now):
        raise EdgekitError(
            f"{state} is of another run ({changed}); resume with the same settings, or choose another `out`."
        )


def differences(one: RunIdentity, other: RunIdentity, first: str = "was", second: str = "is") -> str:
    """Every part of the identities that is not the same in both, as part of a sentence; empty if there is none."""
    flat, flat_other = _flat(one), _flat(other)
    changed = [key for key in {**flat, **flat_other} if flat.get(key) != flat_other.get(key)]
    return ", ".join(f"{key} {first} {flat.get(key)}, {second} {flat_other.get(key)}" for key in changed)


def _flat(run: RunIdentity) -> dict[str, str | int | float | None]:
    """Every part of the identity by name, short enough for a sentence."""
    digests = {"weights": run.weights_sha256[:12], "data": run.data_sha256[:12]}
    if run.settings.qat is not None:
        digests["qat"] = (
            f"recipe {sha256_of_bytes(json.dumps(run.settings.qat, sort_keys=True).encode())[:12]}"
        )
    folders: dict[str, str | int | float] = {}
    for i, folder in enumerate(run.folders, 1):
        folders[f"photos of folder {i}"] = folder.photos
        folders[f"weight of folder {i}"] = folder.weight
        folders[f"labels.json of folder {i}"] = (folder.labels_sha256 or "none")[:12]
    return {**asdict(run.settings), **digests, **folders}
