"""Writing a bundle: artifacts, styles and the golden pictures into one folder, and that folder into a zip."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgekit._version import __version__
from edgekit.artifact import Artifact
from edgekit.bundles.format import (
    APP_TARGETS,
    BUNDLE_FILE,
    GPU,
    Accelerated,
    Bundle,
    Control,
    FileEntry,
    Golden,
    GoldenPicture,
    Segmenter,
    StyleEntry,
    first_repeated,
    json_of,
)
from edgekit.bundles.golden import GOLDEN_CONTROLS, golden_pictures, vectors
from edgekit.bundles.reading import BUNDLE, OpenBundle, check_entries, read_bundle
from edgekit.color.controls import CONTROL_RANGES
from edgekit.color.layers import Look
from edgekit.color.look import look_of
from edgekit.color.styles import STYLES
from edgekit.errors import BundleError, printable
from edgekit.files import (
    files_in,
    json_text,
    sha256_of,
    sha256_of_bytes,
    staged_folder,
    write_whole,
)
from edgekit.images import text_of_shape
from edgekit.shader.compose import describe, refinement_named
from edgekit.shader.description import DESCRIPTION_FILE, ShaderDescription, write_description
from edgekit.shader.modes import DEFAULT_REFINEMENT
from edgekit.targets import target_named

# What the demo apps and the preview draw with; WGSL is for WebGPU pages.
DIALECTS = ("essl300", "essl300-external", "msl", "wgsl")
# One of each family, strong enough to be told apart.
DEFAULT_STYLES = ("dramatic", "natural", "vibrant", "rich-contrast", "cozy", "gold", "stark-bw")
GIVEN_MASK_MAX_LEVELS = 2  # hardware trilinear filtering in 8-bit fractions (docs/shader.md)
END_TO_END_DELTA_E00_P95 = 1.0  # the parity gate's bound for int8
ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # no clock: the same bundle gives the same bytes


STYLE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class BundleContents:
    """What goes in. styles: presets and looks' .json files. default_style: one of them. image: (H, W, 3) uint8 sRGB;
    weights: (h, w, 3), what the reference gives for it. license: of the network's weights, if their card states one.
    """

    artifacts: Sequence[Artifact]
    styles: Sequence[str]
    default_style: str
    image: NDArray[np.uint8]
    weights: NDArray[np.floating]
    refinement: str = DEFAULT_REFINEMENT
    license: str | None = None


def write_bundle(contents: BundleContents, folder: Path, force: bool = False) -> OpenBundle:
    """Write the bundle whole and read it back. BundleError for artifacts or styles that do not go together."""
    styles = [_bundled(spelt) for spelt in contents.styles]
    names = [style.entry.name for style in styles]
    if first_repeated(names) is not None:
        raise BundleError("A style is named twice; name each once.")
    _check(contents)
    default = names[contents.styles.index(contents.default_style)]
    with staged_folder(folder, BUNDLE, replace=force) as temporary:
        for artifact in contents.artifacts:
            _put_artifact(artifact, temporary)
        descriptions = {
            style.entry.name: _put_style(style, contents.refinement, temporary) for style in styles
        }
        golden = _put_golden(contents, default, descriptions, temporary)
        manifest = contents.artifacts[0].manifest
        bundle = Bundle(
            name=manifest.name,
            edgekit_version=__version__,
            segmenters=_segmenters(contents.artifacts),
            class_names=manifest.class_names,
            groups=manifest.groups,
            styles=tuple(style.entry for style in styles),
            default_style=default,
            controls=tuple(Control(c.name, c.minimum, c.maximum, c.default) for c in CONTROL_RANGES),
            golden=golden,
            files=_listed(temporary),
            license=contents.license,
        )
        check_entries(bundle.files)
        (temporary / BUNDLE_FILE).write_text(json_of(bundle), encoding="utf-8")
    return read_bundle(folder)


def zip_bundle(bundle: OpenBundle, path: Path, force: bool = False) -> None:
    """The bundle as a zip, entries at its root, stored: the same bundle gives the same bytes."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as pack:
        for name in (BUNDLE_FILE, *(entry.path for entry in bundle.bundle.files)):
            info = zipfile.ZipInfo(name, ZIP_DATE)
            info.external_attr = 0o644 << 16
            pack.writestr(info, (bundle.folder / name).read_bytes())
    write_whole(path, archive.getvalue(), replace=force)


def _check(contents: BundleContents) -> None:
    if not contents.artifacts:
        raise BundleError("A bundle needs an artifact; convert one first.")
    if not contents.styles:
        raise BundleError("A bundle needs a style; name at least one.")
    if contents.default_style not in contents.styles:
        raise BundleError(f"The default style {contents.default_style!r} is not among those bundled.")
    first = contents.artifacts[0].manifest
    for artifact in contents.artifacts:
        manifest = artifact.manifest
        if manifest.output != "groups":
            raise BundleError(
                f"{artifact.path} delivers {manifest.output}; an app needs groups (convert with `output` groups)."
            )
        if manifest.weights_sha256 != first.weights_sha256:
            raise BundleError(
                f"{artifact.path} was made from other weights than {contents.artifacts[0].path}."
            )
    for target in {artifact.manifest.target for artifact in contents.artifacts}:
        if target not in APP_TARGETS:
            raise BundleError(f"A bundle holds artifacts for {' and '.join(APP_TARGETS)}, not for {target}.")
        _check_pair([artifact for artifact in contents.artifacts if artifact.manifest.target == target])


def _check_pair(artifacts: Sequence[Artifact]) -> None:
    """BundleError unless these artifacts of one target are one, or one with int8 weights and a float one for GPUs."""
    target = target_named(artifacts[0].manifest.target)
    if target.gpu_recipe is None and len(artifacts) > 1:
        raise BundleError(f"Two artifacts are for {target.name}; a bundle holds one for it.")
    forms = ["int8 weights" if a.manifest.recipe.quantises else "float weights" for a in artifacts]
    if (twice := first_repeated(forms)) is not None:
        raise BundleError(
            f"Two artifacts for {target.name} have {twice}; a bundle holds one with int8 weights and one with float "
            "weights for GPUs, or one of them."
        )
    if first_repeated(a.path.name for a in artifacts) is not None:
        raise BundleError(f"Two artifacts are called {artifacts[0].path.name}; rename one, and its manifest.")
    if len({(a.manifest.size, a.manifest.outputs[0].shape) for a in artifacts}) > 1:
        raise BundleError(
            f"The artifacts for {target.name} have other sizes of input or mask; convert both with the same."
        )


def _put_artifact(artifact: Artifact, folder: Path) -> None:
    place = folder / "segmenter" / artifact.path.name
    place.parent.mkdir(exist_ok=True)
    if artifact.path.is_dir():
        shutil.copytree(artifact.path, place)
    else:
        shutil.copyfile(artifact.path, place)
    shutil.copyfile(artifact.manifest_path, place.with_name(artifact.manifest_path.name))


def _segmenters(artifacts: Sequence[Artifact]) -> tuple[Segmenter, ...]:
    """One segmenter per target, in the order in which the artifacts name them."""
    targets = dict.fromkeys(artifact.manifest.target for artifact in artifacts)
    return tuple(_segmenter([a for a in artifacts if a.manifest.target == target]) for target in targets)


def _segmenter(artifacts: Sequence[Artifact]) -> Segmenter:
    """One target's entry. The CPU gets the artifact with int8 weights where there is one, and a GPU never does."""
    ordered = sorted(artifacts, key=lambda artifact: not artifact.manifest.recipe.quantises)
    manifest, last = ordered[0].manifest, ordered[-1]
    has_gpu = target_named(manifest.target).gpu_recipe is not None and not last.manifest.recipe.quantises
    accelerated = Accelerated(GPU, *_places(last), last.manifest.recipe_name)
    path, manifest_path = _places(ordered[0])
    return Segmenter(
        target=manifest.target,
        path=path,
        manifest=manifest_path,
        input_size=manifest.size,
        mask_size=text_of_shape(*manifest.outputs[0].height_and_width),
        recipe=manifest.recipe_name,
        minimum_os=manifest.minimum_os,
        accelerated=(accelerated,) if has_gpu else (),
    )


def _places(artifact: Artifact) -> tuple[str, str]:
    """Where the artifact and its manifest lie in the bundle."""
    return f"segmenter/{artifact.path.name}", f"segmenter/{artifact.manifest_path.name}"


@dataclass(frozen=True)
class _Bundled:
    """A style of the bundle: its entry in the index, and what it draws."""

    entry: StyleEntry
    look: Look


def _bundled(spelt: str) -> _Bundled:
    """A preset, or a look's .json file, under the name that apps show and folders have."""
    look = look_of(spelt)
    if spelt in STYLES:
        name, title = spelt, STYLES[spelt].title
    else:
        name = title = look.title
    if not STYLE_NAME.fullmatch(name):
        raise BundleError(
            f"{printable(name, 80)!r} cannot be a style's name; give the file a name of letters and digits."
        )
    return _Bundled(StyleEntry(name, title, f"styles/{name}/{DESCRIPTION_FILE}"), look)


def _put_style(style: _Bundled, refinement: str, folder: Path) -> ShaderDescription:
    description = describe(
        style.look,
        title=style.entry.title,
        refinement=refinement_named(refinement),
        dialects=DIALECTS,
    )
    write_description(description, folder / "styles" / style.entry.name)
    return description


def _put_golden(
    contents: BundleContents, style: str, descriptions: Mapping[str, ShaderDescription], folder: Path
) -> Golden:
    place = folder / "golden"
    place.mkdir()
    pictures = golden_pictures(descriptions[style], contents.image, contents.weights)
    textures = {
        f"styles/{name}/{texture.file}": sha256_of_bytes(texture.data)
        for name, description in descriptions.items()
        for texture in description.textures
        if texture.data is not None
    }
    (place / "vectors.json").write_text(json_text(vectors(descriptions, textures)), encoding="utf-8")
    return Golden(
        style=style,
        uniforms={c.name: getattr(GOLDEN_CONTROLS, c.name) for c in CONTROL_RANGES},
        image=_put_picture(pictures.image, "image", folder),
        mask=_put_picture(pictures.mask, "mask", folder),
        styled=_put_picture(pictures.styled, "styled", folder),
        given_mask_max_levels=GIVEN_MASK_MAX_LEVELS,
        end_to_end_delta_e00_p95=END_TO_END_DELTA_E00_P95,
        vectors="golden/vectors.json",
    )


def _put_picture(rgba: NDArray[np.uint8], name: str, folder: Path) -> GoldenPicture:
    """An opaque RGBA PNG without colour profile: decoders that convert nothing give these bytes."""
    path = f"golden/{name}.png"
    Image.fromarray(rgba, "RGBA").save(folder / path, optimize=False, compress_level=6)
    height, width = rgba.shape[:2]
    return GoldenPicture(path, width, height, sha256_of_bytes(rgba.tobytes()))


def _listed(folder: Path) -> tuple[FileEntry, ...]:
    return tuple(
        FileEntry(path.relative_to(folder).as_posix(), path.stat().st_size, sha256_of(path))
        for path in files_in(folder)
    )


# Where each demo project expects its bundle; both places are in the project's .gitignore.
PROJECT_PLACES = {
    "app/src/main": "app/src/main/assets/edgekit",
    "EdgekitDemo": "EdgekitDemo/Resources/edgekit",
}


def place_in_project(project: Path) -> Path:
    """The bundle's folder in a copy of android_demo or ios_demo. BundleError for any other folder."""
    for mark, place in PROJECT_PLACES.items():
        if (project / mark).is_dir():
            return project / place
    raise BundleError(
        f"{project} is neither a copy of android_demo nor of ios_demo; use `out` for other apps."
    )
