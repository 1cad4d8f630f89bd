"""What a bundle holds, as `bundle.json` says it (`schema/bundle.schema.json`, version in SCHEMA_VERSION)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated

from msgspec import Meta

from edgekit.errors import BundleError, printable
from edgekit.files import json_text
from edgekit.images import shape_from_text
from edgekit.reading import Count, JsonKind, Sha256, Text, parsed_json

SCHEMA = "edgekit/bundle"
SCHEMA_VERSION = 1
BUNDLE_FILE = "bundle.json"
APP_TARGETS = ("coreml", "tflite")  # whose artifacts the apps run
GPU = "gpu"
# A phone reads all of it into memory or a cache: the largest network edgekit converts stays far below.
MOST_FILE_BYTES = 64 << 20
MOST_BUNDLE_BYTES = 256 << 20
MOST_JSON_BYTES = 1 << 20

# Control characters, lone surrogates, and what changes the direction of text: a name must not steer what shows it.
STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

LARGEST_SIDE = 16384  # px: the largest texture that a GPU of today takes
Pixels = Annotated[int, Meta(ge=1, le=LARGEST_SIDE)]
ShapeText = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}\Z")]
Levels = Annotated[int, Meta(ge=0, le=255)]
DeltaE = Annotated[float, Meta(gt=0, le=100)]  # 100 is black against white


@dataclass(frozen=True)
class Accelerated:
    """An artifact of the same network and sizes that a GPU takes; it may be the segmenter's own, stored once."""

    accelerator: Annotated[str, Meta(pattern=rf"^({GPU})\Z")]
    path: Text
    manifest: Text
    recipe: Text


@dataclass(frozen=True)
class Segmenter:
    """The artifact that every device runs, and those that a device may be faster with.

    Paths are relative to the bundle; sizes in pixels: a square's side, or rows x columns.
    """

    target: Annotated[str, Meta(pattern=rf"^({'|'.join(APP_TARGETS)})\Z")]
    path: Text
    manifest: Text
    input_size: Pixels | ShapeText
    mask_size: Pixels | ShapeText
    recipe: Text
    minimum_os: Text
    accelerated: tuple[Accelerated, ...] = ()

    @property
    def artifacts(self) -> tuple[Segmenter | Accelerated, ...]:
        """What has a path and a manifest in the bundle."""
        return (self, *self.accelerated)


@dataclass(frozen=True)
class StyleEntry:
    """One style; `description` is its ShaderDescription."""

    name: Text
    title: Text
    description: Text


@dataclass(frozen=True)
class Control:
    """One slider."""

    name: Text
    minimum: float
    maximum: float
    default: float


@dataclass(frozen=True)
class GoldenPicture:
    """A PNG and the sha256 of its decoded RGBA bytes, first row on top, so that decoders can be trusted."""

    path: Text
    width: Pixels
    height: Pixels
    rgba8_sha256: Sha256


@dataclass(frozen=True)
class Golden:
    """image + mask drawn in `style` with `uniforms` gives `styled`: within `given_mask_max_levels` of 255 when
    the app uses this mask, and with a 95th percentile of ΔE2000 below `end_to_end_delta_e00_p95` over the whole
    picture when it segments `image` itself."""

    style: Text
    uniforms: Mapping[str, float]
    image: GoldenPicture
    mask: GoldenPicture
    styled: GoldenPicture
    given_mask_max_levels: Levels
    end_to_end_delta_e00_p95: DeltaE
    vectors: Text


@dataclass(frozen=True)
class FileEntry:
    path: Text
    size_bytes: Count
    sha256: Sha256


@dataclass(frozen=True)
class Bundle:
    """`files` lists every file but bundle.json, sorted by path. `license`: of the weights, if their card states one."""

    name: Text
    edgekit_version: Text
    segmenters: Annotated[tuple[Segmenter, ...], Meta(min_length=1)]
    class_names: Annotated[tuple[Text, ...], Meta(min_length=1)]
    groups: Mapping[str, tuple[Count, ...]]
    styles: Annotated[tuple[StyleEntry, ...], Meta(min_length=1)]
    default_style: Text
    controls: tuple[Control, ...]
    golden: Golden
    files: Annotated[tuple[FileEntry, ...], Meta(min_length=1)]
    license: Text | None = None

    def style(self, name: str) -> StyleEntry:
        for style in self.styles:
            if style.name == name:
                return style
        raise BundleError(
            f"The bundle holds no style {printable(name, 80)!r}; it holds {_names(self.styles)}."
        )

    def segmenter(self, target: str) -> Segmenter:
        for segmenter in self.segmenters:
            if segmenter.target == target:
                return segmenter
        known = ", ".join(s.target for s in self.segmenters)
        raise BundleError(f"The bundle holds no segmenter for {target}; it holds {known}.")


INDEX = JsonKind(
    Bundle,
    "the index of an edgekit bundle",
    schema=SCHEMA,
    version=("schema_version", SCHEMA_VERSION),
    limit_bytes=MOST_JSON_BYTES,
)


def json_of(bundle: Bundle) -> str:
    """The text of bundle.json, checked against its declaration."""
    values = asdict(bundle)
    for segmenter in values["segmenters"]:
        if not segmenter["accelerated"]:
            del segmenter["accelerated"]  # so that readers from before the field take the bundle
    if bundle.license is None:
        del values["license"]  # likewise
    text = json_text({"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **values})
    parsed(text.encode(), BUNDLE_FILE)
    return text


def parsed(data: bytes, where: str) -> Bundle:
    """bundle.json as a Bundle. BundleError: not JSON, another schema or version, or not of its form."""
    bundle = parsed_json(data, where, INDEX, BundleError)
    if steering := next(filter(STEERING.search, _texts(asdict(bundle))), None):
        raise BundleError(f"{where} holds a text with control characters: {printable(steering, 80)!r}.")
    for kind, names in (
        ("style", [style.name for style in bundle.styles]),
        ("control", [control.name for control in bundle.controls]),
        ("segmenter for", [segmenter.target for segmenter in bundle.segmenters]),
        *(("accelerator", [one.accelerator for one in each.accelerated]) for each in bundle.segmenters),
    ):
        if (twice := first_repeated(names)) is not None:
            raise BundleError(f"{where} lists the {kind} {printable(twice, 80)!r} twice.")
    for control in bundle.controls:
        if not (control.minimum < control.maximum and control.minimum <= control.default <= control.maximum):
            raise BundleError(
                f"{where}: the default of the control {printable(control.name, 80)!r} is outside its range."
            )
    for segmenter in bundle.segmenters:
        for size in (segmenter.input_size, segmenter.mask_size):
            if max(shape_from_text("size", str(size))) > LARGEST_SIDE:
                raise BundleError(f"{where}: a size of {size} has a side of more than {LARGEST_SIDE} pixels.")
    if set(bundle.golden.uniforms) != {control.name for control in bundle.controls}:
        raise BundleError(f"{where}: the golden picture's uniforms are not the bundle's controls.")
    if any(index >= len(bundle.class_names) for group in bundle.groups.values() for index in group):
        raise BundleError(f"{where}: a group has a class that class_names has not.")
    bundle.style(bundle.default_style)
    bundle.style(bundle.golden.style)
    return bundle


def first_repeated(names: Iterable[str]) -> str | None:
    """The first name that was there before, or None."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _texts(value: object) -> Iterator[str]:
    """Every text and key in a value of lists and mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(key)
            yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)


def _names(styles: tuple[StyleEntry, ...]) -> str:
    return printable(", ".join(style.name for style in styles))
