"""Bundles that every reader must refuse: one small good bundle, and a table of what is done to it.

`write_cases` puts them into a folder; the readers (Python, Kotlin, Swift, JavaScript) read each and report what became
of it, and `problems` compares the reports with the table.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np

from edgekit.artifact import Manifest, TensorSpec
from edgekit.bundles.format import SCHEMA, SCHEMA_VERSION, STEERING, Control
from edgekit.bundles.writing import DIALECTS
from edgekit.color.controls import CONTROL_RANGES
from edgekit.color.layers import Layer, Look
from edgekit.files import json_text, sha256_of_bytes
from edgekit.recipes import recipe_named
from edgekit.shader.backends.cases import swirl_lut, warm_lut
from edgekit.shader.compose import describe
from edgekit.shader.description import write_description

GOOD = "good"
STYLE_FILE = "styles/warm/shader.json"
NETWORK = b"not a network"
FOR_GPU = "segmenter/parser-fp16.tflite"
MOST_SENTENCE_CHARS = 2000
MOST_MS = 5000  # of one case, on a busy machine; a quadratic reader takes minutes

# index: bundle.json alone shows it. files: reading every listed file does. folder: only who can list the folder sees
# it, which a page over HTTP cannot. style: a style's description shows it. accelerated: only a reader of the artifacts
# for GPUs meets it.
Shows = Literal["index", "files", "folder", "style", "accelerated"]


@dataclass
class Draft:
    """A bundle before it is written. text: what stands in bundle.json instead of the index. links: path → target."""

    index: dict[str, Any]
    files: dict[str, bytes]
    text: bytes | None = None
    links: dict[str, str] = field(default_factory=dict)
    pipes: list[str] = field(default_factory=list)

    def list_all(self) -> None:
        """Make `files` in the index true again."""
        self.index["files"] = [_entry(path, data) for path, data in sorted(self.files.items())]

    def entry(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in self.index["files"] if one["path"] == path)
        return found

    def write(self, folder: Path) -> None:
        for path, data in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        for path, target in self.links.items():
            (folder / path).symlink_to(target)
        for path in self.pipes:
            os.mkfifo(folder / path)
        text = json.dumps(self.index).encode() if self.text is None else self.text
        (folder / "bundle.json").write_bytes(text)


class Case(TypedDict):
    """One row of cases.json."""

    name: str
    folder: str


@dataclass(frozen=True)
class Hostile:
    """change: what is done to the good bundle. shows: what a reader must look at to see it."""

    change: Callable[[Draft], object]
    shows: Shows = "index"


class Reading(TypedDict):
    """What a reader reports of one case. sentence: its refusal, None where it accepted everything."""

    name: str
    sentence: str | None
    ms: float


def good_draft(folder: Path) -> Draft:
    """A bundle for both targets with one style. `folder` is for work, and is left empty."""
    files = {
        "golden/image.png": b"image",
        "golden/mask.png": b"mask",
        "golden/styled.png": b"styled",
        "golden/vectors.json": b"{}",
        "segmenter/parser.tflite": NETWORK,
        "segmenter/parser.tflite.json": _manifest("tflite"),
        "segmenter/parser-fp16.tflite": NETWORK,
        "segmenter/parser-fp16.tflite.json": _manifest("tflite"),
        "segmenter/parser.mlpackage/Manifest.json": b"{}",
        "segmenter/parser.mlpackage/Data/model.mlmodel": NETWORK,
        "segmenter/parser.mlpackage.json": _manifest("coreml"),
    }
    layers = (
        Layer(("background", "hair"), warm_lut(3), source="blurred"),
        Layer(("skin",), swirl_lut(2), 0.5),
        Layer(("clothes",), source="picture"),
    )
    look = Look(layers, "Warm", np.full((2, 5, 3), 90, np.uint8))
    path = write_description(describe(look, dialects=DIALECTS), folder / "style")
    for file in sorted(path.parent.iterdir()):
        files[f"styles/warm/{file.name}"] = file.read_bytes()
        file.unlink()
    path.parent.rmdir()

    def segmenter(target: str, suffix: str, system: str) -> dict[str, Any]:
        place = f"segmenter/parser.{suffix}"
        return {
            "target": target, "path": place, "manifest": f"{place}.json", "input_size": 128, "mask_size": 32,
            "recipe": "w8a8", "minimum_os": system,
        }  # fmt: skip

    def picture(name: str) -> dict[str, Any]:
        return {"path": f"golden/{name}.png", "width": 5, "height": 3, "rgba8_sha256": "0" * 64}

    gpu = {"accelerator": "gpu", "path": FOR_GPU, "manifest": f"{FOR_GPU}.json", "recipe": "fp16"}
    index = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "name": "parser",
        "edgekit_version": "0.1.0",
        "segmenters": [
            {**segmenter("tflite", "tflite", "Android 8"), "accelerated": [gpu]},
            segmenter("coreml", "mlpackage", "iOS 16"),
        ],
        "class_names": ["Background", "Face", "Hair"],
        "groups": {"skin": [1], "hair": [2], "clothes": []},
        "styles": [{"name": "warm", "title": "Warm", "description": STYLE_FILE}],
        "default_style": "warm",
        "controls": [asdict(Control(c.name, c.minimum, c.maximum, c.default)) for c in CONTROL_RANGES],
        "golden": {
            "style": "warm",
            "uniforms": {
                "intensity": 1,
                "tone": 0.25,
                "warmth": -0.5,
                "skin_protection": 0.75,
                "color": -0.25,
                "grain": 0.5,
            },
            "image": picture("image"),
            "mask": picture("mask"),
            "styled": picture("styled"),
            "given_mask_max_levels": 2,
            "end_to_end_delta_e00_p95": 1.0,
            "vectors": "golden/vectors.json",
        },
    }
    draft = Draft(index, files)
    draft.list_all()
    return draft


def write_cases(folder: Path) -> Path:
    """Into `folder`, the good bundle and one for each row of HOSTILE, in folders that `folder/cases.json` names."""
    folder.mkdir(parents=True)
    good = good_draft(folder)
    changes = {GOOD: Hostile(lambda draft: None), **HOSTILE}
    for at, hostile in enumerate(changes.values()):
        draft = copy.deepcopy(good)
        hostile.change(draft)
        (folder / f"{at:03}").mkdir()
        draft.write(folder / f"{at:03}")
    cases = [{"name": name, "folder": f"{at:03}"} for at, name in enumerate(changes)]
    (folder / "cases.json").write_text(json.dumps(cases))
    return folder


def problems(
    readings: list[Reading], shown: tuple[Shows, ...] = ("index", "files", "folder", "style", "accelerated")
) -> list[str]:
    """What the readings have against them. shown: what this reader looks at."""
    by_name = {reading["name"]: reading for reading in readings}
    found = [f"{name} was not read" for name in (GOOD, *HOSTILE) if name not in by_name]
    if (sentence := by_name[GOOD]["sentence"]) is not None:
        found.append(f"the good bundle was refused: {sentence}")
    for name, reading in by_name.items():
        sentence = reading["sentence"]
        if name != GOOD and sentence is None and HOSTILE[name].shows in shown:
            found.append(f"{name} was accepted")
        if sentence is not None and not (
            0 < len(sentence) <= MOST_SENTENCE_CHARS and not STEERING.search(sentence)
        ):
            found.append(f"{name}: no clean sentence: {sentence[:300]!r}")
        if reading["ms"] > MOST_MS:
            found.append(f"{name} took {reading['ms']:.0f} ms")
    return found


def _entry(path: str, data: bytes) -> dict[str, Any]:
    return {"path": path, "size_bytes": len(data), "sha256": sha256_of_bytes(data)}


def _manifest(target: str) -> bytes:
    def tensor(name: str, side: int, channels: tuple[str, ...]) -> TensorSpec:
        return TensorSpec(name, (1, side, side, len(channels)), "uint8", "NHWC", (0.0, 255.0), channels)

    image = tensor("image", 128, ("red", "green", "blue"))
    mask = tensor("groups", 32, ("skin", "hair", "clothes", "background"))
    manifest = Manifest(
        target, "parser", 128, "groups", "w8a8", recipe_named("w8a8"), (image,), (mask,), {},
        ("Background", "Face", "Hair"), {"skin": (1,), "hair": (2,), "clothes": ()}, "stretch/1",
        sha256_of_bytes(NETWORK), None, "any", {}, sha256_of_bytes(NETWORK), len(NETWORK),
    )  # fmt: skip
    return json_text({**asdict(manifest), "recipe": recipe_named("w8a8").to_json()}).encode()


# ---- what is done ---------------------------------------------------------------------------------------


def _set(place: str, value: object) -> Callable[[Draft], None]:
    """Put a value at a place of the index, such as `golden/image/width`."""

    def change(draft: Draft) -> None:
        _put(draft.index, place, value)

    return change


def _range(minimum: float, maximum: float, default: float) -> Callable[[Draft], None]:
    """The range and default of the first control."""
    return _set(
        "controls/0", {"name": "intensity", "minimum": minimum, "maximum": maximum, "default": default}
    )


def _without(place: str) -> Callable[[Draft], None]:
    def change(draft: Draft) -> None:
        *above, last = place.split("/")
        del _at(draft.index, above)[last]

    return change


def _twice(key: str) -> Callable[[Draft], None]:
    """The first item of a list, once more."""
    return lambda draft: draft.index[key].append(dict(draft.index[key][0]))


def _gpu_twice(draft: Draft) -> None:
    draft.index["segmenters"][0]["accelerated"] *= 2


def _literal(place: str, text: str) -> Callable[[Draft], None]:
    """Text that json.dumps does not write, at a place of the index: NaN, 12.0, 1e999."""

    def change(draft: Draft) -> None:
        _put(draft.index, place, "@@")
        draft.text = json.dumps(draft.index).replace('"@@"', text).encode()

    return change


def _text(text: bytes) -> Callable[[Draft], None]:
    """bundle.json is this."""

    def change(draft: Draft) -> None:
        draft.text = text

    return change


def _path(path: str, other: str | None = None) -> Callable[[Draft], None]:
    """One more listed file, and another whose path collides with it. On disk where a file system can hold them."""

    def change(draft: Draft) -> None:
        for one in filter(None, (path, other)):
            if not one.startswith(("/", "..")) and "\0" not in one and one.isprintable():
                draft.files[one] = b"more"
            if one not in [entry["path"] for entry in draft.index["files"]]:
                draft.index["files"].append(_entry(one, b"more"))

    return change


def _only_listed(path: str) -> Callable[[Draft], None]:
    """A path that no file is written for: it leads out of the folder, or is none."""
    return lambda draft: draft.index["files"].append(_entry(path, b"more"))


def _file(path: str, **changes: object) -> Callable[[Draft], None]:
    return lambda draft: draft.entry(path).update(changes)


def _on_disk(path: str, data: bytes | None) -> Callable[[Draft], None]:
    """Another content than the listed one; None: no file."""

    def change(draft: Draft) -> None:
        if data is None:
            del draft.files[path]
        else:
            draft.files[path] = data

    return change


def _link(draft: Draft) -> None:
    draft.files.pop("golden/mask.png")
    draft.links["golden/mask.png"] = "image.png"


def _pipe(draft: Draft) -> None:
    """Listed with the size that a pipe has, so that only its kind tells."""
    draft.files.pop("golden/mask.png")
    draft.index["files"] = [e for e in draft.index["files"] if e["path"] != "golden/mask.png"]
    draft.index["files"].append(_entry("golden/mask.png", b""))
    draft.pipes.append("golden/mask.png")


def _too_much(draft: Draft) -> None:
    """Each file below the limit, all of them above it."""
    draft.index["files"] += [{**_entry(f"big{i}", b""), "size_bytes": 60 << 20} for i in range(5)]


def _doubled_key(draft: Draft) -> None:
    text = json.dumps(draft.index)
    draft.text = text.replace('"name": "parser"', '"name": "parser", "name": "parser"', 1).encode()


def _described(change: Callable[[Any], object]) -> Callable[[Draft], None]:
    """The style's description changed, listed as it is then."""

    def by(draft: Draft) -> None:
        value = json.loads(draft.files[STYLE_FILE])
        change(value)
        _relisted(draft, json.dumps(value).encode())

    return by


def _described_as(text: bytes) -> Callable[[Draft], None]:
    return lambda draft: _relisted(draft, text)


def _texture(**changes: object) -> Callable[[Draft], None]:
    def change(value: Any) -> None:
        next(texture for texture in value["textures"] if texture["file"]).update(changes)

    return _described(change)


def _picture(**changes: object) -> Callable[[Draft], None]:
    def change(value: Any) -> None:
        next(texture for texture in value["textures"] if texture["role"] == "picture").update(changes)

    return _described(change)


def _in_description(place: str, value: object) -> Callable[[Draft], None]:
    return _described(lambda description: _put(description, place, value))


def _description_literal(place: str, text: str) -> Callable[[Draft], None]:
    def change(draft: Draft) -> None:
        value = json.loads(draft.files[STYLE_FILE])
        _put(value, place, "@@")
        _relisted(draft, json.dumps(value).replace('"@@"', text).encode())

    return change


def _empty_table(draft: Draft) -> None:
    """2^64 texels of nothing: their product is 0 where 64 bits overflow."""
    path = next(path for path in draft.files if path.endswith(".rgba8"))
    draft.files[path] = b""
    draft.list_all()
    size = [1 << 22, 1 << 21, 1 << 21]
    _texture(file=path.rpartition("/")[2], size=size, sha256=sha256_of_bytes(b""))(draft)


def _other_table(draft: Draft) -> None:
    """A table that is listed as it is, and not the one that the description means."""
    path = next(path for path in draft.files if path.endswith(".rgba8"))
    draft.files[path] = bytes(len(draft.files[path]))
    draft.list_all()


def _changed_source(value: Any) -> None:
    for dialect in value["dialects"]:
        for source in dialect["sources"]:
            source["text"] += " "


def _relisted(draft: Draft, text: bytes) -> None:
    draft.files[STYLE_FILE] = text
    draft.list_all()


def _at(value: Any, keys: list[str]) -> Any:
    for key in keys:
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def _put(value: Any, place: str, new: object) -> None:
    *above, last = place.split("/")
    inner = _at(value, above)
    inner[int(last) if isinstance(inner, list) else last] = new


_NESTED = (
    b'{"schema": "edgekit/bundle", "schema_version": 1, "name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
)
_NESTED_OBJECTS = (
    b'{"schema": "edgekit/bundle", "schema_version": 1, "name": '
    + b'{"a":' * 100_000
    + b"1"
    + b"}" * 100_000
    + b"}"
)
_MANY = list(range(0, 3)) * 100_000  # 900 kB with a comma and a space each

HOSTILE: Mapping[str, Hostile] = {
    # the text
    "no text": Hostile(_text(b"")),
    "half a text": Hostile(_text(b'{"schema": "edgekit/bundle", "schema_version": 1')),
    "a list": Hostile(_text(b"[]")),
    "null": Hostile(_text(b"null")),
    "not UTF-8": Hostile(_text(b'{"schema": "edgekit/bundle", "schema_version": 1, "name": "\xff"}')),
    "lists nested 100,000 deep": Hostile(_text(_NESTED)),
    "objects nested 100,000 deep": Hostile(_text(_NESTED_OBJECTS[: 1 << 20])),
    "an index above 1 MiB": Hostile(_text(b" " * ((1 << 20) + 1))),
    "a key twice": Hostile(_doubled_key),
    # schema and version
    "another schema": Hostile(_set("schema", "edgekit/other")),
    "no schema": Hostile(_without("schema")),
    "an unknown version": Hostile(_set("schema_version", 2)),
    "version 0": Hostile(_set("schema_version", 0)),
    "a version that is a text": Hostile(_set("schema_version", "1")),
    "a version that is true": Hostile(_set("schema_version", True)),
    "a version that is a float": Hostile(_literal("schema_version", "1.0")),
    "no version": Hostile(_without("schema_version")),
    # missing and of another type
    **{
        f"no {place}": Hostile(_without(place))
        for place in (
            "name", "edgekit_version", "segmenters", "class_names", "groups", "styles", "default_style", "controls",
            "golden", "files", "golden/uniforms", "golden/given_mask_max_levels", "golden/end_to_end_delta_e00_p95",
            "golden/vectors", "golden/styled", "golden/uniforms/warmth", "segmenters/0/minimum_os",
            "segmenters/0/mask_size", "styles/0/title", "controls/0/default", "files/0/sha256",
        )
    },
    **{
        f"empty {place}": Hostile(_set(place, [])) for place in ("segmenters", "class_names", "styles", "files")
    },
    "a name that is a number": Hostile(_set("name", 5)),
    "a name that is nothing": Hostile(_set("name", "")),
    "a name of 1,001 characters": Hostile(_set("name", "x" * 1001)),
    "styles that are a text": Hostile(_set("styles", "warm")),
    "an unknown target": Hostile(_set("segmenters/0/target", "onnx")),
    # artifacts for GPUs
    **{
        f"accelerated/0/{key} {name}": Hostile(_set(f"segmenters/0/accelerated/0/{key}", value), "accelerated")
        for key, name, value in (
            ("accelerator", "that is not known", "tpu"), ("accelerator", "that is a number", 5),
            ("path", "that is not listed", "segmenter/none.tflite"), ("path", "that is nothing", ""),
            ("path", "that climbs out", "../parser.tflite"), ("path", "that is a number", 5),
            ("manifest", "that is not listed", "segmenter/none.json"), ("manifest", "that is a list", []),
            ("recipe", "with a control character", "fp\x07"), ("recipe", "that is null", None),
        )
    },
    **{
        f"no accelerated/0/{key}": Hostile(_without(f"segmenters/0/accelerated/0/{key}"), "accelerated")
        for key in ("accelerator", "path", "manifest", "recipe")
    },
    "accelerated that is an object": Hostile(_set("segmenters/0/accelerated", {}), "accelerated"),
    "accelerated that is null": Hostile(_set("segmenters/0/accelerated", None), "accelerated"),
    "accelerated of texts": Hostile(_set("segmenters/0/accelerated", ["gpu"]), "accelerated"),
    "300,000 integers in accelerated": Hostile(_set("segmenters/0/accelerated", _MANY), "accelerated"),
    "an accelerator twice": Hostile(_gpu_twice, "accelerated"),
    # lists of 300,000
    **{
        f"300,000 integers in {place}": Hostile(_set(place, _MANY))
        for place in ("class_names", "files", "styles", "segmenters", "controls", "name", "golden", "groups")
    },
    "300,000 classes in a group": Hostile(_set("groups/skin", [7] * 300_000)),
    # sizes
    **{
        f"a size of {text}": Hostile(_literal("files/0/size_bytes", text))
        for text in (
            "5.0", "5e0", "-1", "1e999", "NaN", "true", '"5"', "null", str((64 << 20) + 1), str(2**53), str(10**30),
        )
    },
    "five files of 60 MiB": Hostile(_too_much),
    **{
        f"{place} of {text}": Hostile(_literal(place, text))
        for place in ("segmenters/0/input_size", "segmenters/1/mask_size", "golden/image/width", "golden/mask/height")
        for text in ("0", "-128", "128.0", "128.5", "16385", str(2**40))
    },
    **{
        f"{place} of {text}": Hostile(_literal(place, text))
        for place in ("segmenters/0/input_size", "segmenters/1/mask_size")
        for text in (
            '"128"', '"128x"', '"x128"', '"0x128"', '"0128x128"', '"128X128"', '" 128x128"', '"128x128x3"',
            '"128x16385"', '"128x-128"', '"\\uff11\\uff12\\uff18x128"', "[128, 128]",
        )
    },
    # tolerances
    **{
        f"given_mask_max_levels of {text}": Hostile(_literal("golden/given_mask_max_levels", text))
        for text in ("-1", "2.0", "256", "1e9", "NaN", "Infinity", str(2**31))
    },
    **{
        f"end_to_end_delta_e00_p95 of {text}": Hostile(_literal("golden/end_to_end_delta_e00_p95", text))
        for text in ("0", "-1", "100.5", "1e308", "1e999", "NaN", "Infinity", "-Infinity", "null", '"1"')
    },
    "a uniform that is NaN": Hostile(_literal("golden/uniforms/tone", "NaN")),
    "a uniform that is a text": Hostile(_set("golden/uniforms/tone", "1")),
    # controls
    "a range upside down": Hostile(_range(1, 0, 0.5)),
    "a range of nothing": Hostile(_range(1, 1, 1)),
    "a default beyond its range": Hostile(_set("controls/0/default", 2)),
    "a range to infinity": Hostile(_literal("controls/0/maximum", "1e999")),
    "a default that is NaN": Hostile(_literal("controls/0/default", "NaN")),
    # twice
    "a style twice": Hostile(_twice("styles")),
    "a control twice": Hostile(_twice("controls")),
    "a segmenter twice": Hostile(_twice("segmenters")),
    "a file twice": Hostile(_twice("files")),
    # names that point nowhere
    "a default style that is not listed": Hostile(_set("default_style", "cool")),
    "a golden style that is not listed": Hostile(_set("golden/style", "cool")),
    "a description that is not listed": Hostile(_set("styles/0/description", "styles/cool/shader.json")),
    "a description that leads out": Hostile(_set("styles/0/description", "../good/styles/warm/shader.json")),
    "an artifact that is not listed": Hostile(_set("segmenters/0/path", "segmenter/other.tflite")),
    "a manifest that is not listed": Hostile(_set("segmenters/0/manifest", "segmenter/other.json")),
    "vectors that are not listed": Hostile(_set("golden/vectors", "golden/other.json")),
    "a picture that is not listed": Hostile(_set("golden/image/path", "golden/other.png")),
    "a group of a class that is not there": Hostile(_set("groups/skin", [3])),
    "a group of a negative class": Hostile(_set("groups/skin", [-1])),
    "a group of a float": Hostile(_literal("groups/skin", "[1.0]")),
    # paths
    **{
        f"the path {path!r}": Hostile(_only_listed(path))
        for path in (
            "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/.", "a\\b", "C:/x", "C:x", "", "a/", "a\0b", "..",
            "a:\u0301b", "..\u0301/../x", "../\u0301x", "a\nb", "a\x1b[31m", "\u202egnp.exe", "a\u0085b", "x" * 1001,
            "bundle.json", "BUNDLE.json",
        )
    },
    "paths that differ in case": Hostile(_path("golden/MASK.png")),
    "folders that differ in case": Hostile(_path("Golden/mask.png")),
    "paths that differ in the form of an accent": Hostile(_path("styles/caf\u00e9", "styles/cafe\u0301")),
    "paths that differ in case and accent": Hostile(_path("styles/CAF\u00c9", "styles/cafe\u0301")),
    "paths that differ in \u00df and SS": Hostile(_path("stra\u00dfe", "STRASSE")),
    "a path that is also a folder": Hostile(_only_listed("golden")),
    "a path that is also a folder of another case": Hostile(_only_listed("GOLDEN")),
    # hashes
    **{
        f"a sha256 of {what}": Hostile(_file("golden/image.png", sha256=value))
        for what, value in (
            ("capitals", sha256_of_bytes(b"image").upper()), ("63 digits", "0" * 63), ("65 digits", "0" * 65),
            ("nothing", ""), ("another alphabet", "g" * 64), ("a number", 0), ("digits and a newline", "0" * 64 + "\n"),
            ("digits of full width", "\uff10" * 64),
        )
    },
    "pixels with a sha256 of capitals": Hostile(_set("golden/mask/rgba8_sha256", "A" * 64)),
    # control characters and escapes
    **{
        f"an escape in {place}": Hostile(_set(place, value))
        for place in (
            "name", "edgekit_version", "segmenters/0/recipe", "segmenters/0/minimum_os", "class_names/0",
            "styles/0/title", "controls/0/name",
        )
        for value in ("\x1b]0;owned\x07\x1b[31mred",)
    },
    **{
        f"{name} in a title": Hostile(_set("styles/0/title", f"a{character}b"))
        for name, character in (
            ("a newline", "\n"), ("a tab", "\t"), ("a NUL", "\0"), ("a C1 control", "\x9b"), ("an override", "\u202e"),
            ("an isolate", "\u2066"), ("a line separator", "\u2028"), ("an Arabic mark", "\u061c"),
            ("half a pair", "\ud800"),
        )
    },
    "an escape in a style's name": Hostile(
        lambda draft: (
            _set("styles/0/name", "\x1b[31m")(draft),
            _set("default_style", "\x1b[31m")(draft),
            _set("golden/style", "\x1b[31m")(draft),
        )
    ),
    "an escape in a style that is not there": Hostile(_set("default_style", "\x1b[31m\u202e" + "x" * 900)),
    "an escape in a key": Hostile(_set("groups", {"skin": [1], "\x1b[31m": [1]})),
    "an escape in the schema": Hostile(_set("schema", "\x1b[31m\n")),
    # files
    "a file that is missing": Hostile(_on_disk("golden/mask.png", None), "files"),
    "a file that is changed": Hostile(_on_disk("golden/mask.png", b"MASK"), "files"),
    "a file that is longer": Hostile(_on_disk("golden/mask.png", b"mask and more"), "files"),
    "a file that is shorter": Hostile(_on_disk("golden/mask.png", b"mas"), "files"),
    "a file of nothing": Hostile(_on_disk("golden/mask.png", b""), "files"),
    "a sha256 of another file": Hostile(_file("golden/mask.png", sha256=sha256_of_bytes(b"image")), "files"),
    "a file that is not listed": Hostile(_on_disk("golden/more.png", b"more"), "folder"),
    "a hidden file that is not listed": Hostile(_on_disk("golden/.more", b""), "folder"),
    "an escape in a file's name": Hostile(_on_disk("golden/\x1b[31m", b"more"), "folder"),
    "a link": Hostile(_link, "folder"),
    "a pipe": Hostile(_pipe, "folder"),
    # a style's description
    "a description that is not JSON": Hostile(_described_as(b"{"), "style"),
    "a description nested 100,000 deep": Hostile(_described_as(b"[" * 100_000), "style"),
    "a description of an unknown version": Hostile(_in_description("schema_version", 2), "style"),
    "a description of a version that is a float": Hostile(_description_literal("schema_version", "1.0"), "style"),
    "a description of another schema": Hostile(_in_description("schema", "\x1b[31m"), "style"),
    "a description without textures": Hostile(_described(lambda value: value.pop("textures")), "style"),
    "a description with an empty texture": Hostile(_in_description("textures/0", {}), "style"),
    "a description of 300,000 textures": Hostile(_in_description("textures", [1] * 300_000), "style"),
    **{
        f"a table of {size}": Hostile(_texture(size=size), "style")
        for size in (
            None, [], [1 << 20] * 3, [2**31] * 3, [3, 3], [3, 3, 4], [-3, -3, 3], [0, 0, 0], [3.0, 3.0, 3.0],
            [1e300, 3, 3], [3, 3, 3, 1], "333", [True, True, 27],
        )
    },
    "a table whose texels overflow": Hostile(_empty_table, "style"),
    "a table in a file elsewhere": Hostile(_texture(file="../../golden/image.png"), "style"),
    "a table in a file with an escape": Hostile(_texture(file="\x1b[31m"), "style"),
    "a table in a file that is not there": Hostile(_texture(file="none.rgba8"), "style"),
    "a table of another format": Hostile(_texture(format="rgba32float"), "style"),
    "a table of another sha256": Hostile(_texture(sha256="0" * 64), "style"),
    "a table without a sha256": Hostile(_texture(sha256=None), "style"),
    "a table that is another": Hostile(_other_table, "style"),
    # the second picture and the passes
    **{
        f"a picture of {size}": Hostile(_picture(size=size), "style")
        for size in (None, [], [5], [2, 2], [5, 2, 1], [10, 1.0], [-5, -2], [1 << 31, 1 << 31], [True, 10])
    },
    "a picture of another sha256": Hostile(_picture(sha256="0" * 64), "style"),
    "a picture in a file elsewhere": Hostile(_picture(file="../../golden/image.png"), "style"),
    "a picture of another format": Hostile(_picture(format="rgba16float"), "style"),
    **{
        f"a pass with the {key} {value!r}": Hostile(_in_description(f"passes/0/{key}", value), "style")
        for key, value in (
            ("target", "u_mask"), ("target", "u_none"), ("target", "u_blurred"), ("target", None),
            ("longest_side", 0), ("longest_side", -256), ("longest_side", "256"), ("longest_side", None),
            ("textures", []), ("textures", ["u_none"]), ("textures", ["u_blurred_x"]), ("textures", ["u_blurred"]),
            ("textures", "u_image"), ("textures", [1]), ("name", "other"),
        )
    },
    "a pass of a float": Hostile(_description_literal("passes/0/longest_side", "256.0"), "style"),
    "no passes": Hostile(_in_description("passes", []), "style"),
    "passes in another order": Hostile(_described(lambda value: value["passes"].reverse()), "style"),
    "a dialect without its passes": Hostile(_in_description("dialects/0/passes", []), "style"),
    "a pass without its text": Hostile(_in_description("dialects/0/passes/0/fragment/file", "none.frag"), "style"),
    "a texture of an unknown role": Hostile(_texture(role="shadow"), "style"),
    "a shader text that was changed": Hostile(_described(_changed_source), "style"),
    "a description without sources": Hostile(_in_description("dialects/0/sources", []), "style"),
    "a strength that is NaN": Hostile(_description_literal("layers/0/strength", "NaN"), "style"),
    "a strength of 1e300": Hostile(_description_literal("layers/0/strength", "1e300"), "style"),
    "a uniform of an unknown type": Hostile(_in_description("uniforms/0/type", "mat4"), "style"),
    "a uniform beyond the block": Hostile(_in_description("uniforms/0/offset_bytes", 1 << 20), "style"),
    "a uniform before the block": Hostile(_in_description("uniforms/0/offset_bytes", -16), "style"),
    "a uniform at a float": Hostile(_description_literal("uniforms/0/offset_bytes", "16.0"), "style"),
    "a uniform block of 2 GB": Hostile(_in_description("uniform_block_size_bytes", (1 << 31) - 16), "style"),
    "a uniform block of 1e300 bytes": Hostile(_description_literal("uniform_block_size_bytes", "1e300"), "style"),
}  # fmt: skip
