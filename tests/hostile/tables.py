"""Hostile inputs, generated from tables: what stands where a file, a folder, a number or a place is expected.

Every input runs in a current directory of its own, `work`, beside `kit`, the good files (tests/hostile/kit.py).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer

from edgekit.artifact import manifest_path_of
from edgekit.cli import app
from edgekit.files import sha256_of, size_bytes_of, write_json
from tests.support.hostile import TEXTS, UNREADABLE, mutants

Make = Callable[[Path], object]  # puts the hostile thing into the current directory, which it gets
REFUSED = frozenset({2, 3})
ANY = frozenset({0, 1, 2, 3})  # where the input may be taken: what counts is what happens to everything else


@dataclass(frozen=True)
class Input:
    """One command line, and what has to be made before it. codes: the exit codes that are right.

    process: run as a process of its own. words: a refusal has to name one of them.
    """

    kind: str
    name: str
    command: tuple[str, ...]
    make: Make = lambda work: None
    codes: frozenset[int] = REFUSED
    process: bool = False
    words: tuple[str, ...] = ()


def inputs() -> list[Input]:
    """All of them, in one fixed order, each with a name of its own."""
    found = [
        *_files(), *_checkpoint_files(), *_json_texts(), *_folders(), *_artifacts(), *_bundles(), *_names(),
        *_numbers(), *_words(), *_places(), *_processes(),
    ]  # fmt: skip
    assert len({one.name for one in found}) == len(found)
    return found


CK = ("--weights", "../kit/checkpoint")
PHOTO, MASK = "../kit/photo.png", ("--mask", "../kit/mask.png")
STYLE = ("--style", "warm")
FIT = ("lut", "fit", "../kit/photo.png", "../kit/edited.png", "--out", "fit.cube", "--size", "9")
HERE = "{}"  # in a command: where the hostile file stands


@dataclass(frozen=True)
class Slot:
    """An argument or option that takes a file. good: the kit's file of this kind."""

    kind: str
    good: str
    command: tuple[str, ...]

    def at(self, path: str) -> tuple[str, ...]:
        return tuple(word.replace(HERE, path) for word in self.command)

    @property
    def name(self) -> str:
        return " ".join(self.command).replace("../kit/", "").replace(HERE, f"<{Path(self.good).name}>")


PICTURES, LUTS, SMALL = "photos and masks", "LUT files", "recipes, baselines, reports, shader files"
SLOTS = (
    Slot(PICTURES, "photo.png", ("style", HERE, *STYLE, *MASK)),
    Slot(PICTURES, "photo.jpg", ("style", HERE, *STYLE, *CK)),
    Slot(PICTURES, "mask.png", ("style", PHOTO, *STYLE, "--mask", HERE)),
    Slot(PICTURES, "photo.png", ("lut", "fit", HERE, *FIT[3:])),
    Slot(PICTURES, "edited.png", (*FIT[:3], HERE, *FIT[4:])),
    Slot(PICTURES, "mask.png", (*FIT, "--mask", HERE)),
    *(
        Slot(LUTS, f"lut{suffix}", ("style", PHOTO, "--lut", HERE, *MASK))
        for suffix in (".cube", ".3dl", ".csp", ".clf", ".png", ".bmp")
    ),
    Slot(LUTS, "lut.cube", ("style", PHOTO, "--lut", "../kit/lut.cube", "--skin-lut", HERE, *MASK)),
    Slot(LUTS, "lut.csp", ("shader", "--lut", HERE)),
    Slot(SMALL, "shader/fused.frag", ("shader", "--check", HERE)),
    Slot(SMALL, "shader/fused.metal", ("shader", "--check", HERE)),
    Slot(SMALL, "recipe.json", ("convert", "--target", "coreml", *CK, "--recipe", HERE, "--size", "100")),
    Slot(SMALL, "recipe.json", ("finetune", "--data", "nowhere", "--out", "ft", *CK, "--qat", HERE)),
    Slot(SMALL, "baseline.json", ("bench", "nowhere.tflite", "--baseline", HERE)),
    Slot(SMALL, "app-report.json", ("bench", "report", HERE)),
    Slot(SMALL, "parity-report.json", ("parity-check", "nowhere.tflite", *CK, "--baseline", HERE)),
    Slot(SMALL, "shard.json", ("merge", HERE)),
    Slot(SMALL, "evaluation-shard.json", ("merge", HERE)),
)
JSON_SLOTS = tuple(slot for slot in SLOTS if slot.good.endswith(".json"))


def _files() -> Iterator[Input]:
    """Something else than a file, and damaged files, in every slot."""
    for slot in SLOTS:
        suffix = Path(slot.good).suffix
        path = f"x{suffix}"
        for form, make in UNREADABLE.items():
            yield Input(slot.kind, f"{form} in {slot.name}", slot.at(path), _in(path, make))
        yield Input(slot.kind, f"empty in {slot.name}", slot.at(path), _in(path, Path.touch))
        for form, damage in DAMAGES.items():
            make = _damaged(slot.good, path, damage)
            lenient = form == "flipped" or suffix in (".frag", ".metal")
            codes = ANY if lenient else REFUSED
            yield Input(slot.kind, f"{form} in {slot.name}", slot.at(path), make, codes)
        yield Input(slot.kind, f"300 characters in {slot.name}", slot.at("n" * 300 + suffix))


def _flipped(data: bytes) -> bytes:
    edited = bytearray(data)
    for i in range(1, 9):
        edited[len(data) * i // 9] ^= 0x5A
    return bytes(edited)


DAMAGES: Mapping[str, Callable[[bytes], bytes]] = {
    "truncated": lambda data: data[: len(data) // 2],
    "flipped": _flipped,
    "junk": lambda data: bytes(range(256)) * 8,
}


def _in(path: str, make: Callable[[Path], object]) -> Make:
    return lambda work: make(work / path)


def _kit(work: Path) -> Path:
    return work.parent / "kit"


def _damaged(good: str, path: str, damage: Callable[[bytes], bytes]) -> Make:
    return lambda work: (work / path).write_bytes(damage((_kit(work) / good).read_bytes()))


# ---- folders: checkpoints, photos, labels, training data ----------------------------------------------


def _copied(folder: str, name: str) -> Make:
    """A copy of one of the kit's folders, without one file."""

    def make(work: Path) -> None:
        shutil.copytree(_kit(work) / folder, work / folder)
        (work / folder / name).unlink()

    return make


def _with(first: Make, then: Make) -> Make:
    def make(work: Path) -> None:
        first(work)
        then(work)

    return make


@dataclass(frozen=True)
class Inside:
    """A file inside of a folder that a command takes. optional: it may be absent."""

    kind: str
    folder: str
    file: str
    command: tuple[str, ...]
    optional: bool = False
    codes: frozenset[int] = REFUSED


CHECKPOINT = ("convert", "--target", "coreml", "--size", "100", "--weights", "checkpoint")
SETS, CHECKPOINTS = "photo, label and training folders", "checkpoint files"
EVALUATE = ("evaluate", *CK, "--no-baselines")
INSIDE = (
    Inside(CHECKPOINTS, "checkpoint", "config.json", CHECKPOINT),
    Inside(CHECKPOINTS, "checkpoint", "groups.json", CHECKPOINT, True),
    Inside(CHECKPOINTS, "checkpoint", "preprocessor_config.json", CHECKPOINT, True),
    Inside(CHECKPOINTS, "checkpoint", "model.safetensors", CHECKPOINT),
    Inside(SETS, "photos", "one.png", (*EVALUATE, "--images", "photos", "--labels", "../kit/labels"), codes=ANY),
    Inside(SETS, "labels", "one.png", (*EVALUATE, "--images", "../kit/photos", "--labels", "labels"), codes=ANY),
    Inside(SETS, "data", "classes.json", ("finetune", "--data", "data", "--out", "ft", *CK, "--epochs", "0")),
    Inside(SETS, "data", "images/one.png", ("finetune", "--data", "data", "--out", "ft", *CK, "--epochs", "0")),
    Inside(SETS, "data", "labels/one.png", ("finetune", "--data", "data", "--out", "ft", *CK, "--epochs", "0")),
)  # fmt: skip


def _checkpoint_files() -> Iterator[Input]:
    for inside in INSIDE:
        path = f"{inside.folder}/{inside.file}"
        around = _copied(inside.folder, inside.file)
        for form, make in UNREADABLE.items():
            codes = REFUSED | {3} if not (inside.optional and form == "absent") else ANY
            yield Input(
                inside.kind, f"{form} as {path}", inside.command, _with(around, _in(path, make)),
                codes | inside.codes,
            )  # fmt: skip
        yield Input(
            inside.kind, f"empty as {path}", inside.command, _with(around, _in(path, Path.touch)), inside.codes
        )  # fmt: skip
        for form, damage in DAMAGES.items():
            make = _with(around, _damaged(path, path, damage))
            codes = ANY if form == "flipped" else inside.codes
            yield Input(inside.kind, f"{form} as {path}", inside.command, make, codes)


FOLDER_SLOTS: Mapping[str, tuple[str, ...]] = {
    "convert --calibration": ("convert", "--target", "tflite", *CK, "--recipe", "w8a8", "--calibration", "x"),
    "convert --weights": ("convert", "--target", "coreml", "--weights", "./x"),
    "parity-check --images": ("parity-check", "../kit/a.tflite", *CK, "--images", "x"),
    "parity-check --labels": ("parity-check", "../kit/a.tflite", *CK, "--images", "../kit/photos", "--labels", "x"),
    "evaluate --images": (*EVALUATE, "--images", "x", "--labels", "../kit/labels"),
    "evaluate --labels": (*EVALUATE, "--images", "../kit/photos", "--labels", "x"),
    "plan --calibration": ("plan", *CK, "--calibration", "x"),
    "plan --labels": ("plan", *CK, "--calibration", "../kit/photos", "--labels", "x"),
    "plan --evaluation": ("plan", *CK, "--calibration", "../kit/photos", "--evaluation", "x"),
    "style PHOTOS": ("style", "x", *STYLE, *MASK),
    "finetune --data": ("finetune", "--data", "x", "--out", "ft", *CK),
    "finetune --unlabelled": (
        "finetune", "--data", "../kit/data", "--out", "ft", *CK, "--qat", "w8a8", "--unlabelled", "x",
    ),
    "bundle --into": ("bundle", "--artifact", "../kit/a.tflite", *CK, "--into", "x"),
    "preview BUNDLE": ("preview", "x", "--no-browser"),
    "parity-check ARTIFACT": ("parity-check", "x", *CK),
}  # fmt: skip
NO_FOLDERS: Mapping[str, Callable[[Path], object]] = {
    **{form: UNREADABLE[form] for form in ("pipe", "socket", "endless", "dangling", "loop", "absent")},
    "a file": lambda path: path.write_text("mine"),
    "an empty folder": Path.mkdir,
    "a folder of pipes": lambda path: (path.mkdir(), os.mkfifo(path / "one.png"), os.mkfifo(path / "two.jpg")),
    "a folder of junk": lambda path: (path.mkdir(), (path / "one.png").write_bytes(b"junk" * 99)),
    "a folder of names that are no text": lambda path: (
        path.mkdir(), Path(os.fsdecode(os.fsencode(path) + b"/\xff.png")).write_bytes(b"junk" * 99),
    ),
    "a folder of links to itself": lambda path: (path.mkdir(), (path / "one.png").symlink_to(".")),
}  # fmt: skip


def _folders() -> Iterator[Input]:
    for option, command in FOLDER_SLOTS.items():
        for form, make in NO_FOLDERS.items():
            codes = REFUSED
            if option == "plan --evaluation" or (option == "finetune --unlabelled" and form != "absent"):
                continue  # with these the work could begin
            yield Input(SETS, f"{form} for {option}", command, _in("x", make), codes)


# ---- JSON ----------------------------------------------------------------------------------------------

EDITS = 12  # of the thousands that tests/test_hostile_files.py makes and reads without a command line


def _json_texts() -> Iterator[Input]:
    texts = {name: text for name, text in TEXTS.items() if name not in ("nothing", "too large")}
    for slot in JSON_SLOTS:
        for name, text in texts.items():
            make = _in("x.json", lambda path, text=text: path.write_bytes(text))  # type: ignore[misc]
            yield Input("JSON texts and values", f"{name} in {slot.name}", slot.at("x.json"), make)
        for i in range(EDITS):
            make = _edited(slot.good, "x.json", i)
            yield Input("JSON texts and values", f"edit {i} in {slot.name}", slot.at("x.json"), make, ANY)
    for inside in INSIDE:
        if not inside.file.endswith(".json"):
            continue
        path, around = f"{inside.folder}/{inside.file}", _copied(inside.folder, inside.file)
        for name, text in texts.items():
            make = _with(around, _in(path, lambda p, text=text: p.write_bytes(text)))  # type: ignore[misc]
            codes = ANY if inside.optional and name == "an object" else REFUSED
            yield Input("JSON texts and values", f"{name} as {path}", inside.command, make, codes)
        for i in range(EDITS):
            make = _with(around, _edited(path, path, i))
            yield Input("JSON texts and values", f"edit {i} as {path}", inside.command, make, ANY)


def _edited(good: str, path: str, i: int) -> Make:
    """The i-th of EDITS edits, spread evenly over all that `mutants` makes."""

    def make(work: Path) -> None:
        value = json.loads((_kit(work) / good).read_bytes())
        edits = [edited for _, edited in mutants(value)]
        (work / path).write_text(json.dumps(edits[len(edits) * i // EDITS]))

    return make


# ---- artifacts and bundles ---------------------------------------------------------------------------------

ARTIFACTS, BUNDLES = "artifacts and manifests", "bundles, as folder and as zip"
QUICK = ("--runs", "5", "--seconds", "0.01", "--set", "warmup=1")
USES: Mapping[str, tuple[str, ...]] = {
    "parity-check": ("parity-check", HERE, *CK),
    "bench": ("bench", HERE, *QUICK),
    "bench placement": ("bench", "placement", HERE, "--phone", "Pixel 6"),
    "style --artifact": ("style", PHOTO, *STYLE, "--artifact", HERE),
    "bundle": ("bundle", "--artifact", HERE, *CK, *STYLE),
}


def _artifact(change: Callable[[Path], object], name: str = "a.tflite") -> Make:
    """A copy of an artifact and its manifest in the current directory, then changed."""

    def make(work: Path) -> None:
        good = _kit(work) / name
        (shutil.copytree if good.is_dir() else shutil.copy)(good, work / name)
        shutil.copy(manifest_path_of(good), work)
        change(work / name)

    return make


def vouched(path: Path) -> None:
    """Make the manifest fit the bytes, so that only their content is wrong."""
    manifest = manifest_path_of(path)
    value = json.loads(manifest.read_text())
    write_json(manifest, value | {"sha256": sha256_of(path), "size_bytes": size_bytes_of(path)}, replace=True)


def _bytes(start: float, junk: bytes) -> Callable[[Path], object]:
    """Junk at a share of the file's length, and a manifest that fits."""

    def change(path: Path) -> None:
        data = bytearray(path.read_bytes())
        at = int(start * len(data))
        data[at : at + len(junk)] = junk[: len(data) - at]
        path.write_bytes(data)
        vouched(path)

    return change


def _value(*keys: str | int, by: Any) -> Callable[[Path], object]:
    """One value of the manifest replaced."""

    def change(path: Path) -> None:
        manifest = manifest_path_of(path)
        value = json.loads(manifest.read_text())
        part = value
        for key in keys[:-1]:
            part = part[key]
        part[keys[-1]] = by
        manifest.write_text(json.dumps(value))

    return change


def _only_bytes(data: bytes) -> Callable[[Path], object]:
    return lambda path: (path.write_bytes(data), vouched(path))


CHANGES: Mapping[str, Callable[[Path], object]] = {
    "no manifest": lambda path: manifest_path_of(path).unlink(),
    "a pipe as manifest": lambda path: (manifest_path_of(path).unlink(), os.mkfifo(manifest_path_of(path))),
    "bytes changed": lambda path: path.write_bytes(_flipped(path.read_bytes())),
    "no bytes": _only_bytes(b""),
    "junk": _only_bytes(b"junk" * 999),
    "a header alone": _only_bytes(b"\x1c\0\0\0TFL3" + bytes(99)),
    "truncated": lambda path: (path.write_bytes(path.read_bytes()[:99_999]), vouched(path)),
    "another version": _value("schema_version", by=2),
    "another target": _value("target", by="coreml"),
    "a size of 12.0": _value("size_bytes", by=12.0),
    "a side of 1000000": _value("size", by=1_000_000),
    "taps of nothing": _value("taps", by={"logits": "no such tensor"}),
    "no taps": _value("taps", by={}),
    "inputs of another shape": _value("inputs", 0, "shape", by=[1, 192, 192, 3]),
    "outputs of another shape": _value("outputs", 0, "shape", by=[1, 8, 8, 4]),
    "another layout": _value("outputs", 0, "layout", by="NCHW"),
    "a range upside down": _value("outputs", 0, "range", by=[255, 0]),
    "another output": _value("output", by="logits"),
    "another type": _value("outputs", 0, "dtype", by="float32"),
}
# Bytes that flatbuffer readers follow: the root, the tables after it, operators near the end.
PLACES = (0.0, 0.000_002, 0.000_01, 0.000_1, 0.9, 0.99, 0.999)


def _artifacts() -> Iterator[Input]:
    for use, command in USES.items():
        slot = Slot(ARTIFACTS, "a.tflite", command)
        for form, make in UNREADABLE.items():
            yield Input(ARTIFACTS, f"{form} for {use}", slot.at("x.tflite"), _in("x.tflite", make))
        if use == "bundle":  # it takes seconds before it comes to the artifact
            continue
        for name, change in CHANGES.items():
            lenient = use in ("bench", "bench placement") or name in MAYBE_RIGHT
            yield Input(
                ARTIFACTS, f"{name} for {use}", slot.at("a.tflite"), _artifact(change),
                ANY if lenient else REFUSED,
            )  # fmt: skip
        for place in PLACES:
            change = _bytes(place, b"\xff\xff\xff\x7f" * 4)
            yield Input(
                ARTIFACTS, f"a broken model at {place:g} for {use}", slot.at("a.tflite"), _artifact(change), ANY
            )  # fmt: skip
    yield Input(
        ARTIFACTS, "junk for bundle", Slot(ARTIFACTS, "a.tflite", USES["bundle"]).at("a.tflite"),
        _artifact(CHANGES["junk"]),
    )  # fmt: skip
    for name, change in PACKAGE_CHANGES.items():
        for use in ("parity-check", "style --artifact", "bundle"):
            if use == "bundle" and name not in ("a pipe", "a link to a folder", "an endless file"):
                continue
            yield Input(
                ARTIFACTS, f"a package with {name} for {use}",
                Slot(ARTIFACTS, "a.mlpackage", USES[use]).at("a.mlpackage"), _artifact(change, "a.mlpackage"),
                ANY if name in MAYBE_RIGHT else REFUSED,
            )  # fmt: skip


# Taken by commands that do not use what was changed.
MAYBE_RIGHT = {
    "taps of nothing", "no taps", "another type", "another layout", "outputs of another shape", "another output",
    "inputs of another shape", "flipped weights",
}  # fmt: skip
MODEL = "Data/com.apple.CoreML/model.mlmodel"
BLOB = "Data/com.apple.CoreML/weights/weight.bin"
PACKAGE_CHANGES: Mapping[str, Callable[[Path], object]] = {
    "a pipe": lambda path: (os.mkfifo(path / "Data" / "pipe"), vouched(path)),
    "a link to a folder": lambda path: ((path / "Data" / "link").symlink_to("../.."), vouched(path)),
    "an endless file": lambda path: ((path / "Data" / "zero").symlink_to("/dev/zero"), vouched(path)),
    "no model": lambda path: ((path / MODEL).unlink(), vouched(path)),
    "a truncated model": lambda path: ((path / MODEL).write_bytes(b"\x08\x01" * 40), vouched(path)),
    "no weights": lambda path: ((path / BLOB).unlink(), vouched(path)),
    "truncated weights": lambda path: ((path / BLOB).write_bytes(b"\0" * 999), vouched(path)),
    "flipped weights": lambda path: (
        (path / BLOB).write_bytes(_flipped((path / BLOB).read_bytes())), vouched(path),
    ),
    "a deep manifest": lambda path: ((path / "Manifest.json").write_bytes(b"[" * 99_999), vouched(path)),
}  # fmt: skip


def _bundle(change: Callable[[Path], object]) -> Make:
    def make(work: Path) -> None:
        shutil.copytree(_kit(work) / "bundle", work / "bundle")
        change(work / "bundle")

    return make


def _zip(change: Callable[[bytes], bytes]) -> Make:
    return lambda work: (work / "x.zip").write_bytes(change((_kit(work) / "bundle.zip").read_bytes()))


def _spoilt(*parts: str, data: bytes = b"junk") -> Callable[[Path], object]:
    return lambda folder: (folder / Path(*parts)).write_bytes(data)


def _replaced(name: str, make: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda folder: ((folder / name).unlink(), make(folder / name))


BUNDLE_CHANGES: Mapping[str, Callable[[Path], object]] = {
    "an unlisted file": _spoilt("more.txt"),
    "a changed picture": _spoilt("golden", "image.png"),
    "a changed description": _spoilt("styles", "warm", "shader.json", data=b"{}"),
    "a missing picture": lambda folder: (folder / "golden" / "mask.png").unlink(),
    "a linked picture": lambda folder: (
        (folder / "golden" / "mask.png").unlink(), (folder / "golden" / "mask.png").symlink_to("image.png"),
    ),
    "a pipe": lambda folder: os.mkfifo(folder / "pipe"),
    "a link to itself": lambda folder: (folder / "styles" / "again").symlink_to("."),
    **{f"{name} as index": _spoilt("bundle.json", data=text) for name, text in TEXTS.items() if name != "too large"},
    **{f"{form} as index": _replaced("bundle.json", make) for form, make in UNREADABLE.items()},
}  # fmt: skip


def _bundles() -> Iterator[Input]:
    def preview(path: str) -> tuple[str, ...]:
        return ("preview", path, "--no-browser", "--port", "0")

    for name, change in BUNDLE_CHANGES.items():
        yield Input(BUNDLES, f"a bundle with {name}", preview("bundle"), _bundle(change))
    for i in range(EDITS):
        make = _bundle(
            lambda folder, i=i: _edited("bundle/bundle.json", "bundle/bundle.json", i)(folder.parent)  # type: ignore[misc]
        )
        yield Input(BUNDLES, f"a bundle with edit {i}", preview("bundle"), make)
    for form, make in UNREADABLE.items():
        yield Input(BUNDLES, f"{form} as zip", preview("x.zip"), _in("x.zip", make))
    for form, damage in DAMAGES.items():
        yield Input(BUNDLES, f"{form} zip", preview("x.zip"), _zip(damage))
    for i in range(EDITS):
        share = (i + 0.5) / EDITS

        def flip(data: bytes, share: float = share) -> bytes:
            at = int(share * len(data))
            return data[:at] + bytes(b ^ 0xFF for b in data[at : at + 40]) + data[at + 40 :]

        yield Input(BUNDLES, f"a zip flipped at {share:.2f}", preview("x.zip"), _zip(flip))


# ---- names -------------------------------------------------------------------------------------------------

NAMES: Mapping[str, str] = {
    "a line break": "a\nb",
    "an escape": "\x1b[31mred\x1b[0m",
    "bytes that are no text": "\udcff\udcfe",
    "a title sequence": "\x1b]0;mine\x07",
    "right to left": "\u202egnp",
    "an option": "-x",
    "250 characters": "n" * 240,
}


def _names() -> Iterator[Input]:
    """Good files under names that deceive a terminal, and names that no file has."""
    for slot in SLOTS:
        if slot.kind == LUTS and slot.good not in ("lut.cube", "lut.clf"):
            continue
        for form, stem in NAMES.items():
            path = f"./{stem}{Path(slot.good).suffix}"
            make = _damaged(slot.good, path, bytes)
            yield Input("names", f"{form} in {slot.name}", slot.at(path), make, ANY)
    for form, stem in NAMES.items():
        if form != "an option":
            yield Input("names", f"{form} as checkpoint", ("convert", "--weights", stem))
            yield Input("names", f"{form} as style", ("style", PHOTO, "--style", stem, *MASK))
            yield Input("names", f"{form} as target", ("convert", *CK, "--target", stem))
            yield Input("names", f"{form} as artifact", ("bench", stem))
            yield Input(
                "names", f"{form} as phone", ("bench", "placement", "../kit/a.tflite", "--phone", stem)
            )
            yield Input("names", f"{form} as device", ("bench", "../kit/a.tflite", "--device", stem))
            yield Input("names", f"{form} as command", (stem,))
            yield Input("names", f"{form} as dialect", ("shader", *STYLE, "--dialect", stem))
            yield Input("names", f"{form} as option", ("convert", f"--{stem}"))


# ---- numbers -----------------------------------------------------------------------------------------------

NUMBERS = ("nan", "inf", "-inf", "1e999", "-1", "0", "9" * 5000, "²", "1_0", "", "0x10", "٣")
NEVER = frozenset(NUMBERS) - {"-1", "0", "1_0", "٣"}  # no option takes these; Python reads the last two
POOL = "arn:aws:devicefarm:us-west-2:123456789012:devicepool:a/b"
# A command line for each command with numbers that ends, with an error or quickly, whatever the number.
BASES: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("convert",): ("convert", *CK, "--target", "tflite", "--recipe", "w8a8", "--calibration", "nowhere"),
    ("plan",): ("plan", *CK, "--calibration", "nowhere", "--labels", "nowhere"),
    ("parity-check",): ("parity-check", "nowhere.tflite", *CK),
    ("style",): ("style", PHOTO, *STYLE, *MASK),
    ("lut", "fit"): FIT,
    ("preview",): ("preview", "nowhere", "--no-browser"),
    ("finetune",): ("finetune", "--data", "nowhere", "--out", "ft", *CK),
    ("bench",): ("bench", "nowhere.tflite"),
    ("bench", "profile"): ("bench", "profile", "nowhere.tflite"),
    ("bench", "frame"): ("bench", "frame", "nowhere.tflite"),
    ("bench", "app"): ("bench", "app", "../kit/a.tflite", "--device", "nophone"),
    ("bench", "farm"): ("bench", "farm", "../kit/a.tflite", "--pool", POOL, "--app", "x", "--tests", "y"),
}
SETTINGS = ("warmup", "timeout", "per-launch", "max-thermal", "cool-down", "tolerance")


def numeric_options() -> Iterator[tuple[tuple[str, ...], str]]:
    """(command, option) of every option that takes a number, as the command line itself declares them."""

    def walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
        for parameter in command.params:
            annotation = getattr(parameter.type_descriptor, "annotation", None)
            if annotation in (int, float) or parameter.metavar in ("N", "S"):
                yield path, max(parameter.opts, key=len)
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, (*path, name))

    yield from walk(typer.main.get_command(app), ())


def _numbers() -> Iterator[Input]:
    for path, option in numeric_options():
        for number in NUMBERS:
            shown = number if len(number) < 9 else f"{len(number)} digits"
            yield Input(
                "numbers", f"{' '.join(path)} {option} {shown!r}", (*BASES[path], f"{option}={number}"),
                codes=REFUSED if number in NEVER else ANY, words=(option,) if number in NEVER else (),
            )  # fmt: skip
    for setting in SETTINGS:
        for number in NUMBERS:
            shown = number if len(number) < 9 else f"{len(number)} digits"
            command = ("bench", "nowhere.tflite", "--set", f"{setting}={number}")
            words = (setting,) if number in NEVER else ()
            yield Input("numbers", f"bench --set {setting}={shown}", command, words=words)
    for size in ("0x0", "99999x99999", "٣٣x٣٣", "1920x", "nanxnan", "9" * 5000 + "x10"):
        command = ("bench", "frame", "nowhere.tflite", "--camera", size)
        yield Input("numbers", f"bench frame --camera {size[:20]}", command)


WRONG_WORDS = (
    ("convert", *CK, "--output", "mask"), ("convert", *CK, "--recipe", "w3"), ("convert", *CK, "--target", ""),
    ("style", PHOTO, *STYLE, *MASK, "--refinement", "best"), ("style", PHOTO, "--style", ""),
    ("shader", *STYLE, "--dialect", ""), ("shader", *STYLE, "--dialect", ",,"), ("shader", "--style", ""),
    ("shader", *STYLE, "--encoding", "x" * 99_999), ("shader", *STYLE, "--interpolation", "cubic"),
    ("bundle", "--artifact", "../kit/a.tflite", *CK, "--style", ","), ("styles", "x" * 99_999),
    ("bundle", "--artifact", "../kit/a.tflite", *CK, *STYLE, "--default-style", "cool"),
    ("bundle", "--artifact", "../kit/a.tflite", *CK, "--style", "warm,warm"),
    ("bench", "../kit/a.tflite", "--accelerator", "tpu"), ("bench", "../kit/a.tflite", "--set", "x=1"),
    ("bench", "../kit/a.tflite", "--set", "warmup"), ("bench", "placement", "../kit/a.tflite", "--phone", ""),
    ("bench", "../kit/a.tflite", "--device", ""), 
    ("bench", "farm", "x.tflite", "--pool", "x", "--app", "x", "--tests", "y"),
    ("bench", "farm", "x.tflite", "--farm", "x" * 99_999, "--app", "x", "--tests", "y"),
    ("bench", "farm", "x.tflite", "--farm", "firebase", "--project", "x", "--bucket", "../y",
     "--device", "model=" + "x" * 99_999, "--app", "x", "--tests", "y"),
    ("finetune", "--data", "../kit/data", "--out", "ft", *CK, "--decay", "linear"),
    ("finetune", "--data", "x", "--out", "ft", "--unlabelled", "x"),
    ("lut",), ("lut", "mix"), ("convert", "more", "words"), ("parity-check", "a" * 99_999),
    ("style", "", *STYLE, *MASK),
    ("convert", "--weights", ""), ("convert", "--weights", "owner/name/more"), ("preview", ""), ("bench", ""),
)  # fmt: skip


def _words() -> Iterator[Input]:
    for i, command in enumerate(WRONG_WORDS):
        yield Input("words", f"word {i}: {' '.join(command)[:60]}", command)


# ---- places ------------------------------------------------------------------------------------------------

FIT_TO = (*FIT[:4], "--size", "9")
WRITERS: Mapping[str, tuple[str, ...]] = {
    "style --out": ("style", PHOTO, *STYLE, *MASK, "--out", HERE),
    "shader --out": ("shader", *STYLE, "--dialect", "msl", "--out", HERE),
    "styles --save": ("styles", "warm", "--save", HERE),
    "lut fit --out": (*FIT_TO, "--out", HERE),
    "lut fit --out .cube": (*FIT_TO, "--out", HERE + ".cube"),
    "bench --out": ("bench", "../kit/a.tflite", *QUICK, "--out", HERE),
    "bench --out .svg": ("bench", "../kit/a.tflite", *QUICK, "--out", HERE + ".svg"),
    "bench report --out": ("bench", "report", "../kit/app-report.json", "--out", HERE),
    "plan --out": ("plan", *CK, "--calibration", "nowhere", "--out", HERE),
    "parity-check --report": ("parity-check", "../kit/a.tflite", *CK, "--min-agreement", "0", "--report", HERE),
    "bundle --out": ("bundle", "--artifact", "../kit/a.tflite", *CK, *STYLE, "--out", HERE),
    "convert --out": ("convert", *CK, "--recipe", "w8a8", "--calibration", "nowhere", "--out", HERE),
    "finetune --out": ("finetune", "--data", "nowhere", *CK, "--out", HERE),
    "preview --litert-js": ("preview", "nowhere", "--no-browser", "--litert-js", HERE),
}  # fmt: skip
PLACE_NAMES: Mapping[str, str] = {
    "here": ".",
    "above": "..",
    "the root": "/",
    "the kernel's": "/proc/self/x",
    "a device": "/dev/null",
    "a device's folder": "/dev/null/x",
    "my file": "thesis.txt",
    "my folder": "holiday",
    "in my file": "thesis.txt/x",
    "the inputs": "../kit",
    "a dangling link": "dangling",
    "a looping link": "loop",
    "a link to my file": "link",
    "a pipe": "pipe",
    "300 characters": "n" * 300,
    "a line break": "a\nb",
    "an escape": "\x1b[31mred",
    "no UTF-8": "\udcff",
    "nothing": "",
}


def _my_things(work: Path) -> None:
    (work / "dangling").symlink_to("nowhere/at/all")
    (work / "loop").symlink_to("loop")
    (work / "link").symlink_to("thesis.txt")
    os.mkfifo(work / "pipe")


def _places() -> Iterator[Input]:
    for writer, command in WRITERS.items():
        for form, place in PLACE_NAMES.items():
            for force in ((), ("--force",)) if form in FORCED and writer != "preview --litert-js" else ((),):
                slow = writer in ("bundle --out", "parity-check --report", "bench --out", "bench --out .svg")
                if slow and form in SPARED:
                    continue
                yield Input(
                    "destinations", " ".join([writer, form, *force]),
                    (*(word.replace(HERE, place) for word in command), *force), _my_things, ANY,
                )  # fmt: skip


FORCED = ("here", "above", "my folder", "in my file", "the inputs", "a device", "a looping link")
SPARED = (
    "a line break",
    "an escape",
    "no UTF-8",
    "a dangling link",
    "a device",
)  # may be written, in seconds


# ---- processes of their own -------------------------------------------------------------------------------


def _processes() -> Iterator[Input]:
    """Those that would hang or crash a process, once more as what a user starts."""
    chosen = [
        *(one for one in _files() if one.name.startswith(("pipe in", "endless in")))
    ][::4]  # fmt: skip
    chosen += [
        one for one in _artifacts() if "a broken model" in one.name and one.name.endswith("parity-check")
    ]
    chosen += [one for one in _bundles() if one.name in ("pipe as zip", "a bundle with a pipe")]
    chosen += [
        Input("", "threads without end", ("bench", "../kit/a.tflite", "--threads", "99999")),
        Input("", "seconds without end", ("bench", "../kit/a.tflite", "--seconds", "inf")),
        Input("", "a reader that is gone", ("styles", "--json")),
    ]
    for one in chosen:
        codes = one.codes if one.name != "a reader that is gone" else ANY
        yield replace(one, kind="real processes", name=f"process: {one.name}", process=True, codes=codes)
