"""Find the known mistakes of colour look-up shaders in ESSL, MSL or WGSL of any origin.

Every rule traces the coordinate of a table's fetch back through the text to the fetches that it depends on.
That is no compiler, but enough for the shaders that people write. Each finding carries the ΔE2000 that the
mistake causes with the given table, simulated in numpy on random colours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edgekit.color.lut import Lut3D
from edgekit.errors import ShaderError
from edgekit.reading import read_bytes
from edgekit.shader.mistakes import (
    DeltaE,
    delta_e_of,
    half_texel,
    linear_input,
    mediump_strip,
    no_slice_interpolation,
    premultiplied,
)
from edgekit.shader.text import (
    Function,
    brackets_of,
    closing_parenthesis,
    functions_in,
    split_arguments,
    without_comments,
)

EXTENSIONS = {
    ".frag": "essl",
    ".glsl": "essl",
    ".fsh": "essl",
    ".essl": "essl",
    ".metal": "msl",
    ".wgsl": "wgsl",
}
# The pattern of a fetch, and the argument's index of its texture (None: before the dot) and of its coordinate.
FETCH_FORMS = {
    "essl": ((r"\b(?:texture|textureLod|texture2D|texture3D|texelFetch)\s*\(", 0, 1),),
    "msl": ((r"\b(\w+)\s*\.\s*sample\s*\(", None, 1), (r"\b(\w+)\s*\.\s*read\s*\(", None, 0)),
    "wgsl": (
        (r"\b(?:textureSample|textureSampleLevel)\s*\(", 0, 2),
        (r"\btextureLoad\s*\(", 0, 1),
    ),
}
EXACT_FETCH = re.compile(r"texelFetch|\bread\b|textureLoad")
VOLUMES = {
    "essl": r"\bsampler3D\s+(\w+)",
    "msl": r"\btexture3d\s*<[^>]*>\s*(\w+)",
    "wgsl": r"\b(\w+)\s*:\s*texture_3d\b",
}
LUT_NAME = re.compile(r"lut|look_?up|palette|grad(e|ing)|filter_?(tex|map)|colou?r_?(table|map|cube)", re.I)
FETCHED = "FETCHED"  # replaces each fetch in a traced expression
MAX_NAMES = 200  # traced for one coordinate; edgekit's longest text needs 30
MAX_CHAIN = 4  # dependent fetches traced back
# The largest known shaders have half as many bytes, and a tenth of the other counts.
MAX_BYTES = 128 * 1024
MAX_FUNCTIONS = 500
MAX_FETCHES = 300
MAX_CALLS = 5_000  # to functions that the text defines
MAX_ASSIGNMENTS = 5_000
MAX_EXPRESSION = 4_000  # characters of one expression; the rest is ignored
MAX_FOLLOWED = 3_000_000  # characters of expressions read while values are followed: about 3 s

LOW_PRECISION = {
    "essl": r"precision\s+(?:mediump|lowp)\s+float\s*;",
    "msl": r"\bhalf[24]?\b",
    "wgsl": r"\b(?:f16|vec[24]<f16>|vec[24]h)\b",
}
# Patterns of names declared in half precision, and of values constructed in it.
HALF_DECLARATIONS = {
    "msl": (r"\bhalf[24]?\s+(\w+)", r"\bhalf[24]?\s*\("),
    "wgsl": (r"\b(\w+)\s*:\s*(?:f16|vec[24]<f16>|vec[24]h)", r"\bvec[24]<f16>\s*\(|\bvec[24]h\s*\("),
}
TRANSFER_CURVE = re.compile(
    r"\bpow\s*\([^;]{0,200}?(?:2\.2|2\.4|0\.4545|0\.416)|\b\w*(?:to_?linear|lineari[sz]e|srgb_?to|to_?srgb|degamma)\w*\s*\(",
    re.I,
)
TIMES_ALPHA = re.compile(r"\*\s*\w+\s*\.\s*[aw]\b|\b\w+\s*\.\s*[aw]\s*\*")
OVER_ALPHA = re.compile(r"/\s*(?:max\s*\(\s*)?\w+\s*\.\s*[aw]\b")


@dataclass(frozen=True)
class ShaderFinding:
    """A mistake in a shader.

    rule: of RULES. delta_e00: the colour error of the mistake with the given table; None if no colour changes.
    """

    rule: str
    line: int
    message: str
    delta_e00: DeltaE | None


@dataclass(frozen=True)
class Fetch:
    """One read of a texture.

    offset: its position in the text. cone: the expressions that its coordinate depends on, back to other fetches.
    chain: the number of fetches in the longest sequence on which it depends.
    """

    texture: str
    function: Function
    offset: int
    coordinate: str
    is_volume: bool
    is_exact: bool
    cone: tuple[str, ...]
    chain: int

    @property
    def is_table(self) -> bool:
        """Whether the texture is 3-D, is named like a table, or is read at a slice computed from a fetched colour."""
        sliced = any("floor" in part for part in self.cone) and self.chain > 0
        return self.is_volume or sliced or LUT_NAME.search(self.texture) is not None

    def cone_has(self, pattern: str | re.Pattern[str]) -> bool:
        return any(re.search(pattern, part) for part in self.cone)


@dataclass(frozen=True)
class ShaderText:
    """A shader's text without comments, with its functions and fetches."""

    dialect: str
    text: str
    fetches: tuple[Fetch, ...]

    @property
    def tables(self) -> tuple[Fetch, ...]:
        return tuple(fetch for fetch in self.fetches if fetch.is_table)

    def line_of(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1


def check_file(path: Path, lut: Lut3D) -> list[ShaderFinding]:
    """The findings in the file, by line. ShaderError if it is not a shader, or reads no colour table."""
    data = read_bytes(path, MAX_BYTES, lambda sentence: ShaderError("lint", sentence))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ShaderError("lint", f"{path} cannot be read as text: {error}.") from error
    return check_text(text, dialect_of(text, path), lut, str(path))


def check_text(text: str, dialect: str, lut: Lut3D, where: str = "the text") -> list[ShaderFinding]:
    """The findings in the text, by line. dialect: essl, msl or wgsl. ShaderError if it reads no colour table."""
    shader = parse(text, dialect)
    if not shader.tables:
        raise ShaderError(
            dialect,
            f"{where} reads no colour table (no 3-D texture, none named like a lut), so nothing was checked.",
        )
    found = [finding for rule in RULES.values() for finding in rule(shader, lut)]
    return sorted(found, key=lambda finding: (finding.line, finding.rule))


def dialect_of(text: str, path: Path) -> str:
    """The dialect of a shader: by its extension, else by a word that only that language has."""
    if path.suffix.lower() in EXTENSIONS:
        return EXTENSIONS[path.suffix.lower()]
    for dialect, word in (("msl", "metal_stdlib"), ("wgsl", "@fragment"), ("essl", "sampler2D")):
        if word in text:
            return dialect
    raise ShaderError(
        "lint", f"{path} looks like neither ESSL, MSL nor WGSL; known: {', '.join(EXTENSIONS)}."
    )


def parse(text: str, dialect: str) -> ShaderText:
    """Parse a text into its fetches. ShaderError if it exceeds a limit on functions, fetches, calls or assignments."""
    text = without_comments(text)
    functions = functions_in(text)
    _check_count(dialect, "functions", len(functions), MAX_FUNCTIONS)
    volumes = set(re.findall(VOLUMES[dialect], text))
    flow = _Flow(dialect, functions)
    calls = [(function, *call) for function in functions for call in flow.calls_in(function.body)]
    _check_count(dialect, "fetches", len(calls), MAX_FETCHES)
    fetches = (flow.fetch(function, match, end, volumes) for function, match, end in calls)
    return ShaderText(dialect, text, tuple(sorted(fetches, key=lambda fetch: fetch.offset)))


def _check_count(dialect: str, items: str, found: int, most: int) -> None:
    if found > most:
        raise ShaderError(dialect, f"the text has {found} {items}; shaders with at most {most} are checked.")


@dataclass(frozen=True)
class _Origin:
    """An expression that gives a name its value, with its function and its position in that function's body."""

    expression: str
    function: Function
    position: int


ASSIGNMENT = re.compile(
    r"(?<![\w.])([A-Za-z_]\w*)(?:\s{0,9}\.\s{0,9}\w+)?\s{0,9}(?::[^=;]{0,200})?[-+*/]?=(?!=)\s*"
)
CALL = re.compile(r"\b(\w+)\s*\(")
RETURN = re.compile(rf"\breturn\b([^;]{{0,{MAX_EXPRESSION}}});")


class _Flow:
    """Traces values back through assignments, parameters and small functions.

    All look-ups are in tables that are built in one pass over the text.
    """

    def __init__(self, dialect: str, functions: list[Function]) -> None:
        self.dialect = dialect
        self.forms = [(re.compile(p), texture, at) for p, texture, at in FETCH_FORMS[dialect]]
        self.is_wgsl = dialect == "wgsl"
        self.fetching = [f.name for f in functions if next(self.calls_in(f.body), None) is not None]
        self.fetching_call = re.compile(rf"\b(?:{'|'.join(map(re.escape, self.fetching)) or '$^'})\s*\(")
        self.assigned = self._assignments(functions)
        self.passed = self._arguments_passed(functions)
        self.returned: dict[str, list[_Origin]] = {}
        for function in functions:
            found = [_Origin(m[1], function, m.start()) for m in RETURN.finditer(function.body)]
            self.returned.setdefault(function.name, []).extend(found)
        self.followed = 0

    def _assignments(self, functions: list[Function]) -> dict[tuple[int, str], list[_Origin]]:
        """The assignments to each (start of a function, name), in the order of the text."""
        found: dict[tuple[int, str], list[_Origin]] = {}
        count = 0
        for function in functions:
            for match in ASSIGNMENT.finditer(function.body):
                count += 1
                _check_count(self.dialect, "assignments", count, MAX_ASSIGNMENTS)
                end = function.body.find(";", match.end(), match.end() + MAX_EXPRESSION)
                if end >= 0:
                    origin = _Origin(function.body[match.end() : end], function, match.start())
                    found.setdefault((function.start, match[1]), []).append(origin)
        return found

    def _arguments_passed(self, functions: list[Function]) -> dict[tuple[str, int], list[_Origin]]:
        """The arguments that callers pass for each (function's name, parameter's index)."""
        names = {function.name for function in functions}
        found: dict[tuple[str, int], list[_Origin]] = {}
        count = 0
        for caller in functions:
            closed = brackets_of(caller.body)
            for match in CALL.finditer(caller.body):
                if match[1] not in names or match[1] == caller.name:
                    continue
                count += 1
                _check_count(self.dialect, "calls", count, MAX_CALLS)
                end = min(closed[match.end()], match.end() + MAX_EXPRESSION)
                for index, argument in enumerate(split_arguments(caller.body[match.end() : end])):
                    found.setdefault((match[1], index), []).append(_Origin(argument, caller, match.start()))
        return found

    def calls_in(self, text: str) -> Iterator[tuple[re.Match[str], int]]:
        """Every fetch in the text, and the index at which its arguments end."""
        closed = brackets_of(text)
        for pattern, _, _ in self.forms:
            for match in pattern.finditer(text):
                yield match, closed[match.end()]

    def fetch(self, function: Function, match: re.Match[str], end: int, volumes: set[str]) -> Fetch:
        texture, coordinate = self._arguments(function.body, match, end)
        cone, chain = self._cone(coordinate, function, match.start(), set(), 0)
        return Fetch(
            texture=texture,
            function=function,
            offset=function.start + match.start(),
            coordinate=coordinate,
            is_volume=texture in volumes,
            is_exact=EXACT_FETCH.search(match[0]) is not None,
            cone=tuple(cone),
            chain=chain,
        )

    def _arguments(self, text: str, match: re.Match[str], end: int) -> tuple[str, str]:
        arguments = split_arguments(text[match.end() : end])
        _, texture, at = next(form for form in self.forms if form[0].pattern == match.re.pattern)
        name = match[1] if texture is None else arguments[texture] if arguments else ""
        return name, arguments[at] if at < len(arguments) else ""

    def _cone(
        self, expression: str, function: Function, before: int, visited: set[str], depth: int
    ) -> tuple[list[str], int]:
        """Every expression that the value depends on, and the length of the longest chain of fetches in them.

        visited: "function.name" of every name traced so far, so that the recursion ends.
        """
        self.followed += len(expression)
        if self.followed > MAX_FOLLOWED:
            raise ShaderError(
                self.dialect, "the text is too entangled to follow its values; check a simpler one."
            )
        expression, chain = self._stopped_at_fetches(expression, function, before, depth)
        cone = [expression]
        for name in sorted(set(re.findall(r"(?<![\w.])([A-Za-z_]\w*)", expression))):
            key = f"{function.name}.{name}"
            if key not in visited and len(visited) < MAX_NAMES:
                visited.add(key)
                for origin in self._origins(name, function, before):
                    more, longer = self._cone(
                        origin.expression, origin.function, origin.position, visited, depth
                    )
                    cone += more
                    chain = max(chain, longer)
        return cone, chain

    def _stopped_at_fetches(
        self, expression: str, function: Function, before: int, depth: int
    ) -> tuple[str, int]:
        """The expression with each fetch replaced by FETCHED, and the length of the longest chain that ends in it."""
        chain = 0
        while (call := self._first_fetch(expression)) is not None:
            start, coordinate, end = call
            earlier = (
                self._cone(coordinate, function, before, set(), depth + 1)[1] if depth < MAX_CHAIN else 0
            )
            chain = max(chain, 1 + earlier)
            expression = f"{expression[:start]}{FETCHED}{expression[end + 1 :]}"
        return expression, chain

    def _first_fetch(self, expression: str) -> tuple[int, str, int] | None:
        """Start, coordinate and end of the first fetch, which may be a call to a function that fetches."""
        fetches = [
            (m.start(), self._arguments(expression, m, end)[1], end) for m, end in self.calls_in(expression)
        ]
        for match in self.fetching_call.finditer(expression):
            end = closing_parenthesis(expression, match.end())
            fetches.append((match.start(), expression[match.end() : end], end))
        return min(fetches, default=None)

    def _origins(self, name: str, function: Function, before: int) -> Iterator[_Origin]:
        """The origins of a name's value: earlier assignments, arguments of callers, values that a function returns."""
        for origin in self.assigned.get((function.start, name), ()):
            if origin.position < before:
                yield origin
        for index, parameter in enumerate(split_arguments(function.parameters[:MAX_EXPRESSION])):
            if name == self._parameter_name(parameter):
                yield from self.passed.get((function.name, index), ())
        if name != function.name:
            yield from self.returned.get(name, ())

    def _parameter_name(self, parameter: str) -> str:
        """The name declared by `vec3 c`, `float2 uv [[stage_in]]`, or WGSL's `c : vec3<f32>`."""
        words = re.findall(r"\w+", parameter.split("[[")[0])
        return words[0 if self.is_wgsl else -1] if words else ""


def _half_texel(shader: ShaderText, lut: Lut3D) -> Iterator[ShaderFinding]:
    """A table's coordinate needs a scale and an offset: (c·(N−1) + 0.5)/N."""
    for fetch in shader.tables:
        if fetch.is_exact:
            continue
        scaled = fetch.cone_has(r"[*/]") and fetch.cone_has(r"\+|\bfma\s*\(|\bmad\s*\(")
        offset = fetch.cone_has(r"0?\.5\b|\bhalf_?\w*|\bmix\s*\(") or fetch.cone_has(r"\b\w*offset\w*\b")
        if not (scaled and offset):
            yield ShaderFinding(
                "half-texel",
                shader.line_of(fetch.offset),
                f"{fetch.texture} is read at the bare colour: table point k lies at (k + 0.5)/N, so use "
                "c * ((N - 1.0) / N) + 0.5 / N.",
                delta_e_of(lut, half_texel),
            )


def _slice_interpolation(shader: ShaderText, lut: Lut3D) -> Iterator[ShaderFinding]:
    """A table laid out as slices needs two reads and a mix along the sliced axis."""
    for fetch in _strips(shader):
        if not fetch.cone_has(r"\b(?:floor|ceil|int|trunc|round)\b"):
            continue
        siblings = [f for f in _strips(shader) if f.texture == fetch.texture]
        mixed = re.search(r"\bmix\s*\(|\blerp\s*\(|\bfract\s*\(", shader.text)
        called_twice = (
            len(re.findall(rf"\b{fetch.function.name}\s*\(", shader.text)) > 2
        )  # with its definition
        if (len(siblings) < 2 and not called_twice) or not mixed:
            yield ShaderFinding(
                "slice-interpolation",
                shader.line_of(fetch.offset),
                f"{fetch.texture} is a table in slices, read in one slice only: read the next one too and "
                "mix by the fraction, or upload a 3-D texture.",
                delta_e_of(lut, no_slice_interpolation),
            )


def _mediump_strip(shader: ShaderText, lut: Lut3D) -> Iterator[ShaderFinding]:
    """A strip's coordinates need more than the ten bits of a half float."""
    strips = _strips(shader)
    low = re.search(LOW_PRECISION[shader.dialect], shader.text)
    if not strips or low is None:
        return
    coordinates = " ".join(part for fetch in strips for part in (fetch.coordinate, *fetch.cone))
    names = set(re.findall(r"\b[A-Za-z_]\w*", coordinates))
    if shader.dialect == "essl":
        guilty = names.isdisjoint(re.findall(r"\bhighp\s+vec[234]\s+(\w+)", shader.text))
    else:
        declared, made = HALF_DECLARATIONS[shader.dialect]
        guilty = bool(re.search(made, shader.text)) or not names.isdisjoint(re.findall(declared, shader.text))
    if guilty:
        yield ShaderFinding(
            "mediump-strip",
            shader.line_of(low.start()),
            f"the coordinates of {strips[0].texture} are computed with ten bits, a quarter texel of a "
            "512-wide table in slices: declare them highp (float, f32), or upload a 3-D texture.",
            delta_e_of(lut, mediump_strip),
        )


def _dependent_fetch(shader: ShaderText, lut: Lut3D) -> Iterator[ShaderFinding]:
    """A table's fetch depends on the camera's, which is unavoidable; a table that depends on two fetches is not."""
    for fetch in shader.tables:
        if fetch.chain >= 2:
            yield ShaderFinding(
                "dependent-fetch",
                shader.line_of(fetch.offset),
                f"{fetch.texture} waits for {fetch.chain} fetches, one after the other: bake tables that "
                "follow each other into one.",
                None,
            )


def _premultiplied_alpha(shader: ShaderText, lut: Lut3D) -> Iterator[ShaderFinding]:
    """A table is made for the colour itself, not for colour times alpha."""
    for fetch in shader.tables:
        if fetch.cone_has(TIMES_ALPHA) and not fetch.cone_has(OVER_ALPHA):
            yield ShaderFinding(
                "premultiplied-alpha",
                shader.line_of(fetch.offset),
                f"{fetch.texture} is read at a colour multiplied by its alpha: divide by alpha first and "
                "multiply the answer.",
                delta_e_of(lut, premultiplied),
            )


def _transfer_curve(shader: ShaderText, lut: Lut3D) -> Iterator[ShaderFinding]:
    """The tables of photo looks are indexed by encoded sRGB."""
    for fetch in shader.tables:
        if fetch.cone_has(TRANSFER_CURVE):
            yield ShaderFinding(
                "linear-srgb",
                shader.line_of(fetch.offset),
                f"{fetch.texture} is read at a colour that went through a transfer curve: the table is "
                "indexed by encoded colours, as the camera gives them.",
                delta_e_of(lut, linear_input),
            )


RULES: dict[str, Callable[[ShaderText, Lut3D], Iterator[ShaderFinding]]] = {
    "half-texel": _half_texel,
    "slice-interpolation": _slice_interpolation,
    "mediump-strip": _mediump_strip,
    "dependent-fetch": _dependent_fetch,
    "premultiplied-alpha": _premultiplied_alpha,
    "linear-srgb": _transfer_curve,
}


def _strips(shader: ShaderText) -> list[Fetch]:
    """The tables that are stored in a 2-D texture."""
    return [fetch for fetch in shader.tables if not fetch.is_volume]
