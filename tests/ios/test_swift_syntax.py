"""Every Swift file parses. tree-sitter sees syntax only: names and types are test_swift_toolchain's."""

from __future__ import annotations

import re

import pytest
import tree_sitter
import tree_sitter_swift

from tests.ios.conftest import IOS_DEMO

SOURCES = sorted(IOS_DEMO.rglob("*.swift"))
PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_swift.language()))
# The words that crash an app where an error belongs.
FORCED = re.compile(r"\btry!|\bas!|[\w)\]]!(?=[.\s,)\]]|$)", re.MULTILINE)


def syntax_errors(text: str) -> list[str]:
    """`line:column` of everything that is no Swift or that is missing."""
    found = []
    stack = [PARSER.parse(text.encode()).root_node]
    while stack:
        node = stack.pop()
        if node.type == "ERROR" or node.is_missing:
            found.append(f"{node.start_point.row + 1}:{node.start_point.column + 1}")
        stack.extend(node.children)
    return sorted(found)


def forced(text: str) -> list[str]:
    """Force unwraps, casts and tries, outside comments and texts."""
    code = re.sub(r"//.*|\"(?:[^\"\\]|\\.)*\"", "", text)
    return FORCED.findall(code)


def test_there_are_sources() -> None:
    assert {"EdgekitCore", "EdgekitDemo", "EdgekitDemoTests"} <= {
        path.relative_to(IOS_DEMO).parts[0] for path in SOURCES
    }


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_parses_and_forces_nothing(path) -> None:
    text = path.read_text(encoding="utf-8")
    assert syntax_errors(text) == []
    assert forced(text) == []


@pytest.mark.parametrize(
    ("whole", "broken"),
    [
        ("func draw(in view: MTKView) {", "func draw(in view MTKView) {"),
        ("guard let machine, let frame", "guard let machine let frame"),
        ("case .success(let (frame, times)):", "case .success(let (frame, times):"),
    ],
)
def test_a_broken_file_is_found(whole: str, broken: str) -> None:
    text = (IOS_DEMO / "EdgekitDemo" / "App" / "DemoController.swift").read_text(encoding="utf-8")
    assert whole in text
    assert syntax_errors(text.replace(whole, broken))


@pytest.mark.parametrize("line", ["let a = b!.c", "f(a!)", "try! f()", "x as! Y", "let a = b[0]!"])
def test_a_forced_unwrap_is_found(line: str) -> None:
    assert forced(f"// not! here\n{line}\n")
    assert not forced('a != b; !c; "d! e"; f(!g)')
