"""What a bundle holds, as `bundle.json` says it (`schema/bundle.schema.json`, version in SCHEMA_VERSION)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from edgekit.errors import BundleError
from edgekit.files import json_text
from edgekit.schemas import first_problem

SCHEMA = "edgekit/bundle"
SCHEMA_VERSION = 1
BUNDLE_FILE = "bundle.json"
# A phone reads all of it into memory or a cache: the largest network edgekit converts stays far below.
MOST_FILE_BYTES = 64 << 20
MOST_BUNDLE_BYTES = 256 << 20
MOST_JSON_BYTES = 1 << 20


@dataclass(frozen=True)
class Segmenter:
    """One artifact. Paths are relative to the bundle; sizes in pixels a side."""

    target: str
    path: str
    manifest: str
    input_size: int
    mask_size: int
    recipe: str
    minimum_os: str


@dataclass(frozen=True)
class StyleEntry:
    """One style; `description` is its ShaderDescription."""

    name: str
    title: str
    description: str


@dataclass(frozen=True)
class Control:
    """One slider."""

    name: str
    minimum: float
    maximum: float
    default: float


@dataclass(frozen=True)
class GoldenPicture:
    """A PNG and the sha256 of its decoded RGBA bytes, first row on top, so that decoders can be trusted."""

    path: str
    width: int
    height: int
    rgba8_sha256: str


@dataclass(frozen=True)
class Golden:
    """image + mask drawn in `style` with `uniforms` gives `styled`: within `given_mask_max_levels` of 255 when
    the app uses this mask, and with a 95th percentile of ΔE2000 below `end_to_end_delta_e00_p95` over the whole
    picture when it segments `image` itself."""

    style: str
    uniforms: Mapping[str, float]
    image: GoldenPicture
    mask: GoldenPicture
    styled: GoldenPicture
    given_mask_max_levels: int
    end_to_end_delta_e00_p95: float
    vectors: str


@dataclass(frozen=True)
class FileEntry:
    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Bundle:
    """`files` lists every file but bundle.json, sorted by path."""

    name: str
    edgekit_version: str
    segmenters: tuple[Segmenter, ...]
    class_names: tuple[str, ...]
    groups: Mapping[str, tuple[int, ...]]
    styles: tuple[StyleEntry, ...]
    default_style: str
    controls: tuple[Control, ...]
    golden: Golden
    files: tuple[FileEntry, ...]

    def style(self, name: str) -> StyleEntry:
        for style in self.styles:
            if style.name == name:
                return style
        raise BundleError(f"The bundle holds no style {name!r}; it holds {_names(self.styles)}.")

    def segmenter(self, target: str) -> Segmenter:
        for segmenter in self.segmenters:
            if segmenter.target == target:
                return segmenter
        known = ", ".join(s.target for s in self.segmenters)
        raise BundleError(f"The bundle holds no segmenter for {target}; it holds {known}.")


def json_of(bundle: Bundle) -> str:
    """The text of bundle.json, checked against the schema."""
    text = json_text({"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **asdict(bundle)})
    _check(json.loads(text), BUNDLE_FILE)
    return text


def parsed(text: str, where: str) -> Bundle:
    """bundle.json as a Bundle. BundleError: not JSON, another schema or version, or not of its form."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{where} is not JSON ({error}).") from error
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise BundleError(f"{where} is not the index of an edgekit bundle.")
    if value.get("schema_version") != SCHEMA_VERSION:
        raise BundleError(
            f"{where} has schema version {value.get('schema_version')}; this edgekit reads {SCHEMA_VERSION}."
        )
    _check(value, where)
    golden = value["golden"]
    pictures = {name: GoldenPicture(**golden[name]) for name in ("image", "mask", "styled")}
    bundle = Bundle(
        name=value["name"],
        edgekit_version=value["edgekit_version"],
        segmenters=tuple(Segmenter(**v) for v in value["segmenters"]),
        class_names=tuple(value["class_names"]),
        groups={group: tuple(indices) for group, indices in value["groups"].items()},
        styles=tuple(StyleEntry(**v) for v in value["styles"]),
        default_style=value["default_style"],
        controls=tuple(Control(**v) for v in value["controls"]),
        golden=Golden(**{**golden, **pictures}),
        files=tuple(FileEntry(**v) for v in value["files"]),
    )
    bundle.style(bundle.default_style)
    bundle.style(bundle.golden.style)
    return bundle


def _check(value: object, where: str) -> None:
    problem = first_problem(value, "edgekit.bundles", "bundle")
    if problem is not None:
        raise BundleError(f"{where} does not follow bundle schema {SCHEMA_VERSION} {problem}.")


def _names(styles: tuple[StyleEntry, ...]) -> str:
    return ", ".join(style.name for style in styles)
