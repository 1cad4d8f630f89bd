"""Compile-only Java stubs of Android's classes, written from published API types.

The types are PyPI's `chaquopy-stubs-android`, generated from API level 36's android.jar. A member appears in a
stub only when it appears there with these parameters, so code that compiles against the stubs calls what
exists. What the types do not carry: constants' values, nullability, which classes are
interfaces (see `_is_interface`), and whether a returned `int` is a Java long (see LONG_RETURNS).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

PRIMITIVES = {
    "jint": "int", "jlong": "long", "jfloat": "float", "jdouble": "double", "jboolean": "boolean",
    "jbyte": "byte", "jshort": "short", "jchar": "char",
}  # fmt: skip
ARRAYS = {f"JavaArrayJ{name[1:].capitalize()}": f"{java}[]" for name, java in PRIMITIVES.items()}
PLAIN_RETURNS = {"int": "int", "bool": "boolean", "float": "float", "str": "String", "None": "void"}
# android.jar: `public static native long glFenceSync(int condition, int flags)`, and times in milliseconds.
LONG_RETURNS = frozenset(
    {
        "android.opengl.GLES30.glFenceSync", "android.view.InputEvent.getEventTime",
        "android.view.KeyEvent.getEventTime", "android.view.MotionEvent.getDownTime",
        "android.view.MotionEvent.getEventTime",
    }
)  # fmt: skip
# Types that members used by the app take or return without being imported anywhere.
UNNAMED = (
    "android.app.Application", "android.content.Context", "android.content.ContextWrapper",
    "android.content.Intent", "android.content.res.Resources", "android.os.Bundle", "android.os.BaseBundle",
    "android.util.DisplayMetrics", "android.view.Display", "android.view.KeyEvent",
    "android.view.View.OnClickListener", "android.view.View.OnTouchListener", "android.view.ViewParent",
    "android.view.ViewGroup.LayoutParams", "android.view.Window", "android.view.WindowManager",
    "android.view.WindowManager.LayoutParams", "android.widget.FrameLayout.LayoutParams",
    "android.widget.LinearLayout.LayoutParams", "android.widget.SeekBar.OnSeekBarChangeListener",
    "android.graphics.Bitmap.Config", "android.graphics.BitmapFactory.Options",
    "android.graphics.ColorSpace.Named", "android.graphics.Rect", "android.os.Build.VERSION",
    "android.graphics.SurfaceTexture.OnFrameAvailableListener", "android.opengl.GLSurfaceView.Renderer",
    "android.hardware.display.DisplayManager.DisplayListener", "android.Manifest.permission",
    "android.util.Size", "android.app.Instrumentation",
)  # fmt: skip


def android_imports(sources: Iterable[Path]) -> set[str]:
    """Every class of `android.*` and `javax.microedition.*` that Kotlin sources import."""
    pattern = re.compile(r"^import ((?:android|javax\.microedition)\.[\w.]+)$", re.MULTILINE)
    return {name for source in sources for name in pattern.findall(source.read_text(encoding="utf-8"))}


class ApiTypes:
    """Published types: folders of `<package>-stubs` trees, as wheels unpack."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = tuple(roots)

    @cache  # noqa: B019  # lives as long as one build
    def classes_of(self, package: str) -> dict[str, ast.ClassDef]:
        top, *rest = package.split(".")
        found: dict[str, ast.ClassDef] = {}
        for root in self.roots:
            path = root.joinpath(f"{top}-stubs", *rest, "__init__.pyi")
            if path.exists():
                body = ast.parse(path.read_text(encoding="utf-8")).body
                found.update((node.name, node) for node in body if isinstance(node, ast.ClassDef))
        return found

    def find(self, name: str) -> ast.ClassDef | None:
        """The class `android.view.View.OnClickListener`, or None where nothing is published."""
        package, classes = split(name)
        node = self.classes_of(package).get(classes[0])
        for nested in classes[1:]:
            inner = [] if node is None else node.body
            node = next((n for n in inner if isinstance(n, ast.ClassDef) and n.name == nested), None)
        return node


def split(name: str) -> tuple[str, list[str]]:
    """android.view.View.OnClickListener → ("android.view", ["View", "OnClickListener"])."""
    parts = name.split(".")
    first = next(i for i, part in enumerate(parts) if part[0].isupper())
    return ".".join(parts[:first]), parts[first:]


def write_stubs(types: ApiTypes, names: Iterable[str], into: Path) -> list[Path]:
    """Java sources for these classes, the ones they are nested in and extend. LookupError: not published."""
    known = _with_outer_and_bases(types, names)
    paths = []
    for name in sorted(known):
        package, classes = split(name)
        if len(classes) == 1:
            path = into.joinpath(*package.split("."), f"{classes[0]}.java")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"package {package};\n{_Emitter(types, known).emit(name)}\n", encoding="utf-8")
            paths.append(path)
    return paths


def _with_outer_and_bases(types: ApiTypes, names: Iterable[str]) -> set[str]:
    known: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in known:
            continue
        if types.find(name) is None:
            raise LookupError(f"{name} is not in the published API types")
        known.add(name)
        if len(split(name)[1]) > 1:
            waiting.append(name.rpartition(".")[0])
        base = _superclass(types, name)
        if base is not None:
            waiting.append(base)
    return known


def _superclass(types: ApiTypes, name: str) -> str | None:
    """The one base that is a class of Android's; its bases are listed by name, interfaces among them."""
    node = types.find(name)
    assert node is not None
    if _is_interface(node):
        return None
    for base in node.bases:
        written = ast.unparse(base).split("[")[0]
        qualified = (
            written
            if written.split(".")[0] in ("android", "javax", "java")
            else f"{split(name)[0]}.{written}"
        )
        if qualified.startswith("java."):
            continue
        found = types.find(qualified)
        if found is not None and not _is_interface(found):
            return qualified
    return None


def _is_interface(node: ast.ClassDef) -> bool:
    """Interfaces have no constructor, no class as a base, and methods without names for their parameters:
    class files keep those only beside code."""
    methods = [m for m in node.body if isinstance(m, ast.FunctionDef)]
    if any(m.name == "__init__" for m in methods) or not methods:
        return False
    own = [m for m in methods if not _is_static(m)]
    parameters = [a.arg for m in own for a in (*m.args.posonlyargs, *m.args.args)[1:]]
    return bool(own) and any(re.fullmatch(r"arg\d+", p) for p in parameters) and len(own) < 40


def _is_static(method: ast.FunctionDef) -> bool:
    return any(ast.unparse(decorator) == "staticmethod" for decorator in method.decorator_list)


class _Unpublished(Exception):
    """A member mentions a type that is not among the stubs."""


class _Emitter:
    def __init__(self, types: ApiTypes, known: set[str]) -> None:
        self.types, self.known = types, known

    def emit(self, name: str) -> str:
        node = self.types.find(name)
        assert node is not None
        package, classes = split(name)
        is_interface = _is_interface(node)
        base = _superclass(self.types, name)
        kind = "interface" if is_interface else "class"
        static = "static " if len(classes) > 1 else ""
        head = f"public {static}{kind} {classes[-1]}{f' extends {base}' if base else ''} {{"
        members = {} if is_interface else {(classes[-1], ""): f"  protected {classes[-1]}() {{}}"}
        for member in node.body:
            try:
                key, line = self._member(member, name, package, is_interface)
            except _Unpublished:
                continue
            if key == (classes[-1], "") or key not in members:
                members[key] = line
        nested = [self.emit(n) for n in sorted(self.known) if n.rpartition(".")[0] == name]
        return "\n".join([head, *members.values(), *nested, "}"])

    def _member(
        self, member: ast.stmt, name: str, package: str, is_interface: bool
    ) -> tuple[tuple[str, str], str]:
        if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
            return self._field(member, member.target.id, package, is_interface)
        if isinstance(member, ast.FunctionDef):
            return self._method(member, name, package, is_interface)
        raise _Unpublished

    def _field(
        self, field: ast.AnnAssign, name: str, package: str, is_interface: bool
    ) -> tuple[tuple[str, str], str]:
        annotation = field.annotation
        is_static = (
            isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "typing.ClassVar"
        )
        if is_static:
            assert isinstance(annotation, ast.Subscript)
            annotation = annotation.slice
        java = self._type(annotation, package, is_return=True)
        empty = {"boolean": "false", "int": "0", "float": "0"}.get(java, "null")
        value = f" = {empty}" if is_interface else ""
        return (name, "field"), f"  public {'static ' if is_static else ''}{java} {name}{value};"

    def _method(
        self, method: ast.FunctionDef, name: str, package: str, is_interface: bool
    ) -> tuple[tuple[str, str], str]:
        class_name = split(name)[1][-1]
        is_static = _is_static(method)
        written = [*method.args.posonlyargs, *method.args.args][0 if is_static else 1 :]
        java = [self._type(a.annotation, package, is_return=False) for a in written]
        if method.args.vararg is not None:
            java.append(self._type(method.args.vararg.annotation, package, is_return=False) + "...")
        parameters = ", ".join(f"{kind} a{i}" for i, kind in enumerate(java))
        if method.name == "__init__":
            return (class_name, ",".join(java)), f"  public {class_name}({parameters}) {{}}"
        returned = self._type(method.returns, package, is_return=True)
        if f"{name}.{method.name}" in LONG_RETURNS:
            returned = "long"
        key = (method.name, ",".join(java))
        if is_interface and not is_static:
            return key, f"  {returned} {method.name}({parameters});"
        static = "static " if is_static else ""
        body = '{ throw new RuntimeException("stub"); }'
        return key, f"  public {static}{returned} {method.name}({parameters}) {body}"

    def _type(self, annotation: ast.expr | None, package: str, is_return: bool) -> str:
        """The Java type of a parameter or result. `int | java.jint | …` is a primitive."""
        assert annotation is not None
        choices = [part.strip() for part in ast.unparse(annotation).strip("'").split(" | ")]
        for choice in choices:
            if choice.startswith("java.j") and choice.split(".")[-1] in PRIMITIVES:
                return PRIMITIVES[choice.split(".")[-1]]
        first = choices[0]
        if first == "str" or (is_return and first in PLAIN_RETURNS):
            return PLAIN_RETURNS[first]
        if first.split(".")[-1] in ARRAYS:
            return ARRAYS[first.split(".")[-1]]
        if first.startswith("java.chaquopy.JavaArray["):
            inner = ast.parse(first[first.index("[") + 1 : -1], mode="eval").body
            return self._type(inner, package, is_return) + "[]"
        return self._class(ast.parse(first, mode="eval").body, package)

    def _class(self, annotation: ast.expr, package: str) -> str:
        """A class by name. Type arguments are kept for java.* classes; Android's stubs have none."""
        arguments: list[ast.expr] = []
        if isinstance(annotation, ast.Subscript):
            inner = annotation.slice
            arguments = list(inner.elts) if isinstance(inner, ast.Tuple) else [inner]
            annotation = annotation.value
        written = ast.unparse(annotation)
        if written.startswith("java.") and not written.startswith("java.chaquopy"):
            try:
                kept = ", ".join(self._class(argument, package) for argument in arguments)
            except _Unpublished:
                kept = ""  # a type variable: the raw class
            return f"{written}<{kept}>" if kept else written
        is_qualified = written.split(".")[0] in ("android", "androidx", "javax", "org", "dalvik", "typing")
        qualified = written if is_qualified else f"{package}.{written}"
        if qualified not in self.known:
            raise _Unpublished
        return qualified
