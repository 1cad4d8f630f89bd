"""Checkpoints: a folder in Hugging Face form, a hub id or the bundled default, checked before use.

Only safetensors are read: a pickle (`.bin`, `.pt`) can run code when it is opened.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.errors import WeightsError
from edgekit.files import sha256_of

if TYPE_CHECKING:
    import torch
    from transformers import MobileViTConfig

BUNDLED_FOLDER = Path(__file__).parent / "data" / "mobilevit-s-deeplabv3-parsing"
WEIGHTS_FILE = "model.safetensors"
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
GROUP_NAMES = ("skin", "hair", "clothes")

# Class names of the common human-parsing label sets (ATR, LIP), for checkpoints without a groups.json.
KNOWN_CLASSES: Mapping[str, tuple[str, ...]] = {
    "skin": ("Face", "Left-leg", "Right-leg", "Left-arm", "Right-arm", "Skin", "Torso-skin"),
    "hair": ("Hair",),
    "clothes": (
        "Hat", "Sunglasses", "Upper-clothes", "Skirt", "Pants", "Dress", "Belt", "Left-shoe", "Right-shoe",
        "Bag", "Scarf", "Glove", "Coat", "Socks", "Jumpsuits",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Groups:
    """Which class indices make up skin, hair and clothes; every other class is background."""

    skin: tuple[int, ...]
    hair: tuple[int, ...]
    clothes: tuple[int, ...]

    def items(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        return (("skin", self.skin), ("hair", self.hair), ("clothes", self.clothes))


@dataclass(frozen=True)
class Checkpoint:
    """A checked set of weights. `state_dict` holds float32 tensors under Hugging Face's names."""

    name: str
    folder: Path
    config: MobileViTConfig
    state_dict: Mapping[str, torch.Tensor]
    class_names: tuple[str, ...]
    groups: Groups
    bgr: bool  # the network was trained on BGR; the prepared model takes RGB
    sha256: str

    @property
    def size_default(self) -> int:
        """Side in pixels that the checkpoint was made for."""
        size: int = self.config.image_size  # type: ignore[assignment]
        return size


def load_checkpoint(source: str | Path | None = None) -> Checkpoint:
    """Weights from a folder, a hub id or (None) the bundled default.

    Raises WeightsError: not found, offline, a pickle, truncated, another architecture, tensors missing,
    unexpected or of the wrong shape, values that are not finite.
    """
    folder = _resolve(source)
    file = _weights_file(folder)
    config = _config(folder)
    state_dict = _tensors(file)
    _check_tensors(state_dict, config, file)
    class_names = _class_names(config)
    return Checkpoint(
        name=folder.name,
        folder=folder,
        config=config,
        state_dict=state_dict,
        class_names=class_names,
        groups=_groups(folder, class_names),
        bgr=_flips_channels(folder),
        sha256=sha256_of(file),
    )


def _resolve(source: str | Path | None) -> Path:
    if source is None:
        return BUNDLED_FOLDER
    path = Path(source)
    if path.is_dir():
        return path
    if path.is_file():
        _refuse_pickle(path)
        raise WeightsError(f"{path} is a file; pass the folder that holds config.json and {WEIGHTS_FILE}.")
    if _looks_like_hub_id(str(source)):
        return _download(str(source))
    raise WeightsError(f"{path} does not exist; pass a checkpoint folder or a hub id such as owner/name.")


def _looks_like_hub_id(text: str) -> bool:
    parts = text.split("/")
    return len(parts) == 2 and all(parts) and not text.startswith((".", "~")) and "\\" not in text


def _download(hub_id: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted = ["config.json", "preprocessor_config.json", "groups.json", WEIGHTS_FILE]
    try:
        return Path(snapshot_download(hub_id, allow_patterns=wanted))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise WeightsError(
            f"{hub_id} could not be fetched from the hub (offline, misspelt or private?); "
            "download it elsewhere and pass its folder as `weights`."
        ) from error


def _refuse_pickle(path: Path) -> None:
    if path.suffix in PICKLE_SUFFIXES:
        raise WeightsError(
            f"{path} is a pickle, which can run code when opened; save the model with "
            "save_pretrained(…, safe_serialization=True) and pass that folder."
        )


def _weights_file(folder: Path) -> Path:
    file = folder / WEIGHTS_FILE
    if file.is_file():
        return file
    for path in sorted(folder.iterdir()):
        _refuse_pickle(path)
    raise WeightsError(f"{folder} has no {WEIGHTS_FILE}; save the model with save_pretrained.")


def _read_json(path: Path) -> dict[str, object]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read as JSON ({error}).") from error
    if not isinstance(value, dict):
        raise WeightsError(f"{path} does not hold a JSON object.")
    return value


def _config(folder: Path) -> MobileViTConfig:
    from transformers import MobileViTConfig

    values = _read_json(folder / "config.json")
    if values.get("model_type") != "mobilevit":
        raise WeightsError(
            f"{folder / 'config.json'} describes a {values.get('model_type')!r} model; "
            "edgekit takes MobileViTForSemanticSegmentation ('mobilevit')."
        )
    config = MobileViTConfig.from_dict(values)
    if config.output_stride not in (8, 16, 32) or config.patch_size != 2 or config.hidden_act != "silu":
        raise WeightsError(
            f"{folder / 'config.json'}: edgekit takes output_stride 8, 16 or 32, patch_size 2 and hidden_act "
            f"silu; this has {config.output_stride}, {config.patch_size} and {config.hidden_act}."
        )
    return config


def _class_names(config: MobileViTConfig) -> tuple[str, ...]:
    by_index = {int(index): str(name) for index, name in (config.id2label or {}).items()}
    return tuple(by_index[index] for index in sorted(by_index))


def _tensors(file: Path) -> dict[str, torch.Tensor]:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        loaded = load_file(file)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{file} is damaged or truncated ({error}).") from error
    return {k: v.to(torch.float32) if v.is_floating_point() else v for k, v in loaded.items()}


def _check_tensors(state_dict: Mapping[str, torch.Tensor], config: MobileViTConfig, file: Path) -> None:
    import torch
    from transformers import MobileViTForSemanticSegmentation

    with torch.device("meta"):
        expected = MobileViTForSemanticSegmentation(config).state_dict()
    needed = {key for key in expected if not key.endswith("num_batches_tracked")}
    missing = sorted(needed - state_dict.keys())
    unexpected = sorted(state_dict.keys() - expected.keys())
    if missing or unexpected:
        raise WeightsError(
            f"{file} does not fit its config.json: {_named('missing', missing)}, "
            f"{_named('unexpected', unexpected)}."
        )
    wrong = [key for key in needed if state_dict[key].shape != expected[key].shape]
    if wrong:
        key = min(wrong)
        raise WeightsError(
            f"{file}: {key} has shape {tuple(state_dict[key].shape)}, its config.json asks for "
            f"{tuple(expected[key].shape)} ({len(wrong)} such)."
        )
    bad = [key for key in needed if not bool(torch.isfinite(state_dict[key]).all())]
    if bad:
        raise WeightsError(f"{file}: {min(bad)} holds values that are not finite ({len(bad)} such).")


def _named(what: str, keys: Sequence[str], shown: int = 4) -> str:
    if not keys:
        return f"no {what} keys"
    more = f" and {len(keys) - shown} more" if len(keys) > shown else ""
    return f"{len(keys)} {what} ({', '.join(keys[:shown])}{more})"


def _groups(folder: Path, class_names: Sequence[str]) -> Groups:
    file = folder / "groups.json"
    if not file.is_file():
        return groups_from_known_names(class_names)
    return groups_from_names(_read_json(file), class_names, file)


def groups_from_known_names(class_names: Sequence[str]) -> Groups:
    """Groups of the classes that KNOWN_CLASSES names, for a class list without a groups.json."""
    known = {group: {name.lower() for name in names} for group, names in KNOWN_CLASSES.items()}
    return Groups(
        **{g: tuple(i for i, n in enumerate(class_names) if n.lower() in known[g]) for g in GROUP_NAMES}
    )


def groups_from_names(values: Mapping[str, object], class_names: Sequence[str], file: Path) -> Groups:
    """Groups from `{"skin": [class name, …], "hair": …, "clothes": …}`; WeightsError names what is wrong."""
    unknown = sorted(set(values) - set(GROUP_NAMES))
    if unknown:
        raise WeightsError(f"{file}: {unknown[0]!r} is not a group; known: {', '.join(GROUP_NAMES)}.")
    index = {name: i for i, name in enumerate(class_names)}
    taken: dict[str, str] = {}
    for group, names in values.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise WeightsError(f"{file}: {group!r} must be a list of class names.")
        for name in names:
            if name not in index:
                raise WeightsError(f"{file}: class {name!r} in group {group!r} is not in id2label.")
            if name in taken:
                raise WeightsError(f"{file}: class {name!r} is in both {taken[name]!r} and {group!r}.")
            taken[name] = group
    return Groups(**{g: tuple(sorted(index[n] for n, t in taken.items() if t == g)) for g in GROUP_NAMES})


def require_skin(groups: Groups, class_names: Sequence[str], folder: Path) -> None:
    """WeightsError when no class is skin: the `groups` output would protect nothing."""
    if not groups.skin:
        raise WeightsError(
            f"{folder} has no skin class (its {len(class_names)} classes: {', '.join(class_names[:6])}, …), "
            "so `output` groups is impossible; add a groups.json that names one, or use `output` labels "
            "or logits."
        )


def _flips_channels(folder: Path) -> bool:
    file = folder / "preprocessor_config.json"
    if not file.is_file():
        return True  # MobileViTImageProcessor's default
    values = _read_json(file)
    if values.get("do_normalize"):
        raise WeightsError(f"{file}: do_normalize is set; MobileViT takes [0, 1] without mean and std.")
    return bool(values.get("do_flip_channel_order", True))
