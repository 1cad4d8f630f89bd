"""Checkpoints: a folder in Hugging Face's format, a hub id or the bundled default, checked before use.

Only safetensors are read: a pickle (`.bin`, `.pt`) can run code when it is opened.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from edgekit.errors import UNPRINTABLE, WeightsError, printable
from edgekit.files import sha256_of
from edgekit.reading import Count, JsonKind, check_regular_file, declared, read_bytes, read_json, shown

if TYPE_CHECKING:
    import torch
    from transformers import MobileViTConfig

BUNDLED_FOLDER = Path(__file__).parent / "data" / "mobilevit-s-deeplabv3-parsing"
WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "README.md"
MOST_CARD_BYTES = 1 << 20
CARD_METADATA = re.compile(rb"\s*---\r?\n(.*?)\r?\n---\s", re.DOTALL)
LONGEST_LICENSE = 200
MOST_WEIGHTS_BYTES = 2 << 30  # half a billion parameters; MobileViT-S has 6 million
MOST_CLASSES = 255  # labels are bytes, and 255 means "not labelled"
LISTED_KEYS = 4  # in an error
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
    """The class indices of skin, hair and clothes; every other class is background."""

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
        """The side, in pixels, of the input that the checkpoint was made for."""
        size: int = self.config.image_size  # type: ignore[assignment]
        return size


def load_checkpoint(source: str | Path | None = None) -> Checkpoint:
    """Load and check weights from a folder, a hub id or (None) the bundled default.

    Raises WeightsError: not found, offline, a pickle, truncated, another architecture, tensors missing,
    unexpected or of the wrong shape, values that are not finite.
    """
    try:
        folder = _resolve(source)
        file = _weights_file(folder)
    except OSError as error:
        raise WeightsError(f"{shown(source)} cannot be read: {error.strerror}.") from error
    config = _config(folder)
    class_names = _class_names(config)
    groups, bgr = _groups(folder, class_names), _flips_channels(folder)
    state_dict = _tensors(file)
    _check_tensors(state_dict, config, file)
    return Checkpoint(
        name=folder.name,
        folder=folder,
        config=config,
        state_dict=state_dict,
        class_names=class_names,
        groups=groups,
        bgr=bgr,
        sha256=sha256_of(file),
    )


@dataclass(frozen=True)
class _CardMetadata:
    """The metadata of a model card, as far as they say under which terms the weights may be used."""

    license: object = None
    license_name: object = None


def license_of(folder: Path) -> str | None:
    """The licence that a checkpoint's model card states: `license_name` of its metadata, or else `license`.

    None without a card, without metadata, or if they name no licence. WeightsError: metadata that are not YAML.
    """
    card = folder / CARD_FILE
    if not card.is_file():
        return None
    found = CARD_METADATA.match(read_bytes(card, MOST_CARD_BYTES, WeightsError))
    if found is None:
        return None
    try:
        stated = msgspec.yaml.decode(found[1], type=_CardMetadata)
    except msgspec.DecodeError as error:
        raise WeightsError(f"{shown(card)}: its metadata, between the lines ---, are not YAML.") from error
    names = (name for name in (stated.license_name, stated.license) if isinstance(name, str))
    return next((printable(name, LONGEST_LICENSE) for name in names if name), None)


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


Width = Annotated[int, Meta(ge=1, le=4096)]
Ratio = Annotated[float, Meta(gt=0, le=16)]
Share = Annotated[float, Meta(ge=0, le=1)]
ClassName = Annotated[str, Meta(min_length=1, max_length=200)]


@dataclass(frozen=True)
class _WrittenConfig:
    """config.json, as far as the model depends on it; the defaults are MobileViTConfig's."""

    id2label: Annotated[Mapping[Count, ClassName], Meta(min_length=1, max_length=MOST_CLASSES)] | None = None
    num_labels: Annotated[int, Meta(ge=1, le=MOST_CLASSES)] = 2
    num_channels: int = 3
    image_size: Width | Annotated[tuple[Width, ...], Meta(min_length=2, max_length=2)] = 256
    patch_size: int = 2
    hidden_sizes: Annotated[tuple[Width, ...], Meta(min_length=3, max_length=3)] = (144, 192, 240)
    neck_hidden_sizes: Annotated[tuple[Width, ...], Meta(min_length=7, max_length=7)] = (
        16, 32, 64, 96, 128, 160, 640,
    )  # fmt: skip
    num_attention_heads: Width = 4
    mlp_ratio: Ratio = 2.0
    expand_ratio: Ratio = 4.0
    hidden_act: str = "silu"
    conv_kernel_size: int = 3
    output_stride: int = 32
    hidden_dropout_prob: Share = 0.1
    attention_probs_dropout_prob: Share = 0.0
    classifier_dropout_prob: Share = 0.1
    initializer_range: Share = 0.02
    layer_norm_eps: Annotated[float, Meta(gt=0, le=1)] = 1e-5
    qkv_bias: bool = True
    aspp_out_channels: Width = 256
    atrous_rates: Annotated[tuple[Annotated[int, Meta(ge=1, le=512)], ...], Meta(min_length=3, max_length=3)] = (
        6, 12, 18,
    )  # fmt: skip
    aspp_dropout_prob: Share = 0.1
    semantic_loss_ignore_index: Annotated[int, Meta(ge=-(1 << 31), lt=1 << 31)] = 255

    def __post_init__(self) -> None:
        for name, known in (
            ("output_stride", (8, 16, 32)), ("patch_size", (2,)), ("hidden_act", ("silu",)),
            ("num_channels", (3,)), ("conv_kernel_size", (3,)),
        ):  # fmt: skip
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} is {printable(str(getattr(self, name)), 40)}; edgekit supports "
                    f"{' or '.join(map(str, known))}"
                )
        if isinstance(self.image_size, tuple) and self.image_size[0] != self.image_size[1]:
            raise ValueError("image_size is not square")
        if any(width % self.num_attention_heads for width in self.hidden_sizes):
            raise ValueError("hidden_sizes are not multiples of num_attention_heads")
        if sorted(self.labels) != list(range(len(self.labels))):
            raise ValueError("id2label does not name the classes 0, 1, 2 and so on")
        if any(UNPRINTABLE.search(name) for name in self.labels.values()):
            raise ValueError("a name in id2label holds control characters")

    @property
    def labels(self) -> dict[int, str]:
        """The class names by index; without id2label, Hugging Face's own."""
        return dict(self.id2label or {i: f"LABEL_{i}" for i in range(self.num_labels)})


@dataclass(frozen=True)
class _WrittenGroups:
    skin: tuple[str, ...] = ()
    hair: tuple[str, ...] = ()
    clothes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _WrittenPreprocessor:
    do_normalize: bool | None = False
    do_flip_channel_order: bool | None = True


OBJECT = JsonKind(dict[str, object], "a JSON object")
CONFIG = JsonKind(_WrittenConfig, "the configuration of a MobileViT that edgekit supports", open=True)
GROUPS = JsonKind(_WrittenGroups, "a list of class names for each group")
PREPROCESSOR = JsonKind(_WrittenPreprocessor, "the configuration of an image processor", open=True)


def _config(folder: Path) -> MobileViTConfig:
    """The configuration, made from checked fields only; transformers gets nothing else of the file."""
    from transformers import MobileViTConfig

    file = folder / "config.json"
    values = read_json(file, OBJECT, WeightsError)
    if values.get("model_type") != "mobilevit":
        raise WeightsError(
            f"{shown(file)} describes a {printable(repr(values.get('model_type')), 40)} model; "
            "edgekit supports MobileViTForSemanticSegmentation ('mobilevit')."
        )
    written = declared(values, shown(file), CONFIG, WeightsError)
    side = written.image_size
    return MobileViTConfig(
        architectures=["MobileViTForSemanticSegmentation"],
        dtype="float32",
        id2label=written.labels,
        label2id={name: index for index, name in written.labels.items()},
        image_size=side if isinstance(side, int) else side[0],
        **{
            field.name: getattr(written, field.name)
            for field in fields(written)
            if field.name not in ("id2label", "num_labels", "image_size")
        },
    )


def _class_names(config: MobileViTConfig) -> tuple[str, ...]:
    by_index = {int(index): str(name) for index, name in (config.id2label or {}).items()}
    return tuple(by_index[index] for index in sorted(by_index))


def _tensors(file: Path) -> dict[str, torch.Tensor]:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    check_regular_file(file, MOST_WEIGHTS_BYTES, WeightsError)
    try:
        loaded = load_file(file)
    # KeyError, AttributeError: dtypes that torch or safetensors does not know
    except (SafetensorError, OSError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        raise WeightsError(f"{shown(file)} is damaged or truncated ({printable(str(error))}).") from error
    wrong = [
        key for key, value in loaded.items()
        if not value.is_floating_point() and not key.endswith("num_batches_tracked")
    ]  # fmt: skip
    if wrong:
        key = min(wrong)
        raise WeightsError(
            f"{shown(file)}: {printable(key)} holds {loaded[key].dtype} values, not floating-point numbers "
            f"({len(wrong)} such)."
        )
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
            f"{shown(file)} does not fit its config.json: {_listed('missing', missing)}, "
            f"{_listed('unexpected', unexpected)}."
        )
    wrong = [key for key in needed if state_dict[key].shape != expected[key].shape]
    if wrong:
        key = min(wrong)
        raise WeightsError(
            f"{shown(file)}: {key} has shape {tuple(state_dict[key].shape)}, but its config.json requires "
            f"{tuple(expected[key].shape)} ({len(wrong)} such)."
        )
    bad = [key for key in needed if not bool(torch.isfinite(state_dict[key]).all())]
    if bad:
        raise WeightsError(f"{shown(file)}: {min(bad)} holds values that are not finite ({len(bad)} such).")


def _listed(adjective: str, keys: Sequence[str]) -> str:
    """A count of keys with the first few: `2 missing (a, b)`."""
    if not keys:
        return f"no {adjective} keys"
    more = f" and {len(keys) - LISTED_KEYS} more" if len(keys) > LISTED_KEYS else ""
    return f"{len(keys)} {adjective} ({', '.join(printable(key, 80) for key in keys[:LISTED_KEYS])}{more})"


def _groups(folder: Path, class_names: Sequence[str]) -> Groups:
    file = folder / "groups.json"
    if not os.path.lexists(file):
        return groups_from_known_names(class_names)
    written = read_json(file, GROUPS, WeightsError)
    return _groups_from_names(written, class_names, file)


def groups_from_known_names(class_names: Sequence[str]) -> Groups:
    """Groups of the classes that KNOWN_CLASSES names, for a checkpoint without a groups.json."""
    known = {group: {name.lower() for name in names} for group, names in KNOWN_CLASSES.items()}
    return Groups(
        **{g: tuple(i for i, n in enumerate(class_names) if n.lower() in known[g]) for g in GROUP_NAMES}
    )


def _groups_from_names(written: _WrittenGroups, class_names: Sequence[str], file: Path) -> Groups:
    """Groups by class index. WeightsError: a class that the checkpoint does not have, or one in two groups."""
    index = {name: i for i, name in enumerate(class_names)}
    taken: dict[str, str] = {}
    for group in GROUP_NAMES:
        for name in getattr(written, group):
            printed = printable(name, 80)
            if name not in index:
                raise WeightsError(f"{shown(file)}: class {printed!r} in group {group!r} is not in id2label.")
            if name in taken:
                raise WeightsError(
                    f"{shown(file)}: class {printed!r} is in both {taken[name]!r} and {group!r}."
                )
            taken[name] = group
    return Groups(**{g: tuple(sorted(index[n] for n, t in taken.items() if t == g)) for g in GROUP_NAMES})


def require_skin(groups: Groups, class_names: Sequence[str], folder: Path) -> None:
    """WeightsError if no class is skin, because the `groups` output could then not protect skin."""
    if not groups.skin:
        raise WeightsError(
            f"{folder} has no skin class (its {len(class_names)} classes: {', '.join(class_names[:6])}, …), "
            "so `output` groups is impossible; add a groups.json that names one, or use `output` labels "
            "or logits."
        )


def _flips_channels(folder: Path) -> bool:
    """Whether the network was trained on BGR."""
    file = folder / "preprocessor_config.json"
    if not os.path.lexists(file):
        return True  # MobileViTImageProcessor's default
    written = read_json(file, PREPROCESSOR, WeightsError)
    if written.do_normalize:
        raise WeightsError(
            f"{shown(file)}: do_normalize is set; MobileViT takes [0, 1] without mean and std."
        )
    return bool(written.do_flip_channel_order)
