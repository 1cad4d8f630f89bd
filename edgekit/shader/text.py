"""Parse shader text: calls, functions, and the number of texture fetches per pixel."""

from __future__ import annotations

import re
from dataclasses import dataclass

# A function's head in ESSL and MSL (`type name(...) {`) or WGSL (`fn name(...) -> type {`).
FUNCTION = re.compile(r"\b(?:fn\s+|(?:void|uint|float|vec|half)\w*\s+)(\w+)\s*\(")
COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)  # an unclosed one reaches to the end
BODY = re.compile(r"\s*(?:->[^{;]{0,200})?\{")  # from the head to the body's brace, with WGSL's return type


@dataclass(frozen=True)
class Function:
    """A function of a shader text; `start` is the offset of its body in the text."""

    name: str
    parameters: str
    body: str
    start: int


def without_comments(text: str) -> str:
    """The text with comments blanked, so that offsets and lines stay the same."""
    return COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def closing_parenthesis(text: str, start: int, pair: str = "()") -> int:
    """The index of the bracket that closes the one just before `start`; the text's end if there is none."""
    depth = 1
    for index in range(start, len(text)):
        depth += (text[index] == pair[0]) - (text[index] == pair[1])
        if depth == 0:
            return index
    return len(text)


def split_arguments(text: str) -> list[str]:
    """Split arguments at their top-level commas: `a, f(b, c)` → ["a", "f(b, c)"]."""
    depth, parts, start = 0, [], 0
    for index, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
    parts.append(text[start:].strip())
    return [part for part in parts if part]


def brackets_of(text: str, pair: str = "()") -> dict[int, int]:
    """Map the index after each opening bracket to that of its closing bracket, or to the text's end if it has none."""
    closed: dict[int, int] = {}
    opened: list[int] = []
    for index, character in enumerate(text):
        if character == pair[0]:
            opened.append(index + 1)
        elif character == pair[1] and opened:
            closed[opened.pop()] = index
    return closed | dict.fromkeys(opened, len(text))


def functions_in(text: str) -> list[Function]:
    """Every function definition in a text without comments, in order. Functions do not nest."""
    parentheses, braces = brackets_of(text), brackets_of(text, "{}")
    found: list[Function] = []
    free = 0  # where the last body ended
    for match in FUNCTION.finditer(text):
        if match.start() < free:
            continue
        close = parentheses[match.end()]
        brace = BODY.match(text, close + 1)
        if brace is not None:
            free = braces[brace.end()]
            found.append(Function(match[1], text[match.end() : close], text[brace.end() : free], brace.end()))
    return found


def fetches_of(text: str, entry: str, fetch_calls: tuple[str, ...]) -> int:
    """The number of texture reads in one run of `entry`, counted in the text through every function that it calls.

    Both sides of a branch count, so this is the most a pixel can fetch. Loops are not unrolled: edgekit
    emits none.
    """
    functions = {function.name: function.body for function in functions_in(without_comments(text))}

    def count(name: str) -> int:
        body = functions[name]
        own = sum(len(re.findall(rf"(?:(?<!\w)|(?=\.)){re.escape(call)}", body)) for call in fetch_calls)
        called = [other for other in re.findall(r"\b(\w+)\s*\(", body) if other in functions]
        return own + sum(count(other) for other in called)

    return count(entry)
