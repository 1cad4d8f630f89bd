"""Hand-made stubs of androidx.activity, androidx.lifecycle and ListenableFuture against published types.

Their generics matter to Kotlin, so they are written by hand; PyPI's stub wheels tell whether what they declare
exists. CameraX, LiteRT and androidx.test have no such wheels: nothing here vouches for those stubs.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from tests.android.api_stubs import ApiTypes
from tests.android.toolchain import run

CHECKED = ("androidx/activity", "androidx/lifecycle", "com/google/common/util/concurrent")
UNCHECKED = ("androidx/camera", "androidx/core", "androidx/test", "com/google/ai/edge/litert")
METHOD = re.compile(
    r"(?:public|protected) (?P<modifiers>[\w ]*?)(?:<[^(]*> )?[\w.$<>?, \[\]]+ (?P<name>\w+)\((?P<parameters>.*)\)"
)


@dataclass(frozen=True, order=True)
class Problem:
    type_name: str
    member: str


def stub_problems(types: ApiTypes, classes: Path) -> list[Problem]:
    """Classes and methods of the hand-made stubs that are not published with as many parameters."""
    paths = [path for package in CHECKED for path in sorted((classes / package).rglob("*.class"))]
    # javap heads every class with its file's name when it is given several.
    said = run(["javap", "-protected", "-sysinfo", *map(str, paths)])
    declared = re.split(r"^Classfile ", said, flags=re.MULTILINE)[1:]
    assert len(declared) == len(paths)
    return [
        p
        for path, text in zip(paths, declared, strict=True)
        for p in _problems_of(types, path, text, classes)
    ]


def _problems_of(types: ApiTypes, path: Path, declared: str, classes: Path) -> list[Problem]:
    name = path.relative_to(classes).with_suffix("").as_posix().replace("/", ".").replace("$", ".")
    node = types.find(name)
    if node is None:
        return [Problem(name, "the class itself")]
    published = _methods(node)
    return [
        Problem(name, f"{m['name']}({_count(m['parameters'])} parameters)")
        for m in METHOD.finditer(declared)
        if (m["name"], _count(m["parameters"])) not in published
    ]


def _methods(node: ast.ClassDef) -> set[tuple[str, int]]:
    return {
        (m.name, len([*m.args.posonlyargs, *m.args.args]) - 1)
        for m in node.body
        if isinstance(m, ast.FunctionDef)
    }


def _count(parameters: str) -> int:
    """Parameters of a Java signature; a comma inside <…> separates none."""
    outer = re.sub(r"<[^<>]*>", "", re.sub(r"<[^<>]*>", "", parameters))
    return len([p for p in outer.split(",") if p.strip()])
