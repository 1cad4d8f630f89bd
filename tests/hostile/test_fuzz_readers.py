"""Valid files of every kind with several random edits at once: read, or refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hostile import mutants
from tests.support.valid_files import CASES, sentence

BOUNDED = settings(max_examples=60, deadline=None, database=None, derandomize=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
# What a byte or a few of a file become: junk, and what has a meaning in JSON.
PIECES = st.binary(max_size=4) | st.sampled_from(
    [
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"-",
        b"1e999",
        b"NaN",
        b"null",
        b"\\u0000",
        b"\\ud800",
        b"\xff",
    ]
)
HERE = "HERE"


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASES)
def test_values_put_in_several_places(kind: str, tmp_path: Path) -> None:
    one = CASES[kind](tmp_path)

    @BOUNDED
    @given(st.data())
    def run(data: st.DataObject) -> None:
        value: Any = json.loads(valid)
        for _ in range(data.draw(st.integers(1, 3))):
            places = list(mutants(value, wrong=(HERE,))) if isinstance(value, (dict, list)) else []
            if not places:
                break
            _, edited = data.draw(st.sampled_from(places))
            text = json.dumps(edited).replace(json.dumps(HERE), json.dumps(data.draw(VALUES)))
            value = json.loads(text)
        one.file.write_text(json.dumps(value))
        sentence(one)

    valid = one.file.read_bytes()
    run()


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASES)
def test_bytes_replaced_moved_and_cut(kind: str, tmp_path: Path) -> None:
    one = CASES[kind](tmp_path)

    @BOUNDED
    @given(st.data())
    def run(data: st.DataObject) -> None:
        content = bytearray(valid)
        for _ in range(data.draw(st.integers(1, 4))):
            start, end = sorted(data.draw(st.integers(0, len(content))) for _ in range(2))
            match data.draw(st.sampled_from(["replace", "repeat", "cut", "end"])):
                case "replace":
                    content[start : start + 1] = data.draw(PIECES)
                case "repeat":
                    content[start:start] = content[start:end]
                case "cut":
                    del content[start : min(end, start + 40)]
                case "end":
                    del content[end:]
        one.file.write_bytes(content)
        sentence(one)

    valid = one.file.read_bytes()
    run()
