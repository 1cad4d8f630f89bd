"""The strict reader: which files are opened at all, which JSON is accepted, and what a refusal says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from edgekit.errors import BundleError, EdgekitError, printable
from edgekit.reading import Count, JsonKind, check_regular_file, parsed_json, read_bytes, read_json
from tests.support.hostile import UNREADABLE, within


@dataclass(frozen=True)
class Part:
    n: Count


@dataclass(frozen=True)
class Thing:
    name: Annotated[str, Meta(min_length=1)]
    mode: Literal["a", "b"] = "a"
    parts: tuple[Part, ...] = ()
    named: Mapping[str, Part] = field(default_factory=dict)
    share: float = 0.5
    anything: object = None
    version: int = 1


THING = JsonKind(Thing, "a thing", version=("version", 1), advice="make it again")
OPEN = JsonKind(Thing, "a thing", open=True)
WHOLE = JsonKind(Part, "a part", schema="part/1", complete=True)


def read(text: str | bytes, kind: JsonKind[Thing] = THING) -> Thing:
    return parsed_json(text.encode() if isinstance(text, str) else text, "f.json", kind, BundleError)


def refusal(text: str | bytes, kind: JsonKind[Thing] = THING) -> str:
    with pytest.raises(BundleError) as caught:
        read(text, kind)
    return str(caught.value)


def test_what_follows_its_declaration_is_read() -> None:
    text = '{"version": 1, "name": "x", "parts": [{"n": 3}], "named": {"k": {"n": 0}}, "anything": {"a": [null]}}'
    assert read(text) == Thing("x", "a", (Part(3),), {"k": Part(0)}, anything={"a": [None]})


def test_a_whole_number_may_stand_for_a_float_and_for_nothing_else() -> None:
    share = read('{"version": 1, "name": "x", "share": 1}').share
    assert share == 1.0 and isinstance(share, float)
    with pytest.raises(BundleError, match="at share: expected float, got bool"):
        read('{"version": 1, "name": "x", "share": true}')


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"version": 2}', "f.json has version 2; this edgekit reads 1; make it again."),
        ('{"version": 1.0}', "f.json is not a thing (it states no version); make it again."),
        ('{"version": true}', "f.json is not a thing (it states no version); make it again."),
        ("{}", "f.json is not a thing (it states no version); make it again."),
        ("[]", "f.json is not a thing (it holds no JSON object); make it again."),
        ("", "f.json is not JSON (input data was truncated); make it again."),
        (b"\xff\xfe", "f.json is not JSON (invalid character (byte 0)); make it again."),
        (b'"\xff"', "f.json is not UTF-8 text; make it again."),
        ('{"a": NaN}', "f.json is not JSON (invalid character (byte 6)); make it again."),
        ('{"a": -Infinity}', "f.json is not JSON (invalid character (byte 7)); make it again."),
        (
            '{"version": 1, "version": 1}',
            "f.json is not JSON (the key 'version' is there twice); make it again.",
        ),
        (
            '{"version": 1, "name": "x", "zz": 1}',
            "f.json is not a thing (at zz: unknown field; known: name, mode, parts, named, share, anything, "
            "version); make it again.",
        ),
        (
            '{"version": 1, "name": "x", "parts": [{"n": 1}, {"n": 12.0}]}',
            "f.json is not a thing (at parts/1/n: expected int, got float); make it again.",
        ),
        (
            '{"version": 1, "name": "x", "parts": [{"n": 1}, {"n": 1, "u": 2}]}',
            "f.json is not a thing (at parts/1/u: unknown field; known: n); make it again.",
        ),
        (
            '{"version": 1, "name": "x", "named": {"k": {"n": -1}}}',
            "f.json is not a thing (at named/…/n: expected int >= 0); make it again.",
        ),
        ('{"version": 1}', "f.json is not a thing (object missing required field name); make it again."),
    ],
)
def test_a_refusal_names_the_place_and_what_to_do(text: str | bytes, sentence: str) -> None:
    assert refusal(text) == sentence


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"version": 1, "name": "x", "anything": ' + "[" * 70 + "]" * 70 + "}",
        '{"version": 1, "name": "x", "anything": ' + '{"a":' * 200 + "1" + "}" * 200 + "}",
        '{"version": 1, "name": "x", "anything": ' + "1" * 5000 + "}",
        '{"version": 1, "name": "x", "anything": ' + "1" * 30 + "}",
        '{"version": 1, "name": "x", "share": 1e999}',
        '{"version": 1, "name": "x", "mode": "' + "z" * 900_000 + '"}',
        '{"version": 1, "name": "x", "' + "z" * 900_000 + '": 1}',
        '{"version": "' + "9" * 900_000 + '"}',
        '{"version": 1, "name": "\\ud800"}',
        '{"version": 1, "name": "x", "\\u001b[31mred\\u202e\\n": 1}',
    ],
)
def test_a_refusal_is_one_short_printable_line(text: str) -> None:
    sentence = refusal(text)
    assert len(sentence) < 300 and sentence.isprintable()


def test_an_open_kind_leaves_out_what_it_does_not_know() -> None:
    assert read('{"name": "x", "zz": 1, "parts": [{"n": 1, "u": 2}]}', OPEN) == Thing("x", parts=(Part(1),))


def test_schema_and_completeness() -> None:
    def part(text: str) -> Part:
        return parsed_json(text.encode(), "f.json", WHOLE, BundleError)

    assert part('{"schema": "part/1", "n": 1}') == Part(1)
    for text, words in (
        ('{"n": 1}', "it states no schema"),
        ('{"schema": "part/2", "n": 1}', "its schema is 'part/2', not 'part/1'"),
    ):
        with pytest.raises(BundleError, match=words):
            part(text)
    whole = JsonKind(Thing, "a thing", complete=True)
    assert "at mode: missing field" in refusal('{"name": "x"}', whole)


def test_an_error_of_the_types_own_check_is_the_callers_error() -> None:
    @dataclass(frozen=True)
    class Even:
        n: int

        def __post_init__(self) -> None:
            if self.n % 2:
                raise EdgekitError(f"{self.n} is odd.")

    with pytest.raises(BundleError, match=r"f is not an even number \(3 is odd\)\."):
        parsed_json(b'{"n": 3}', "f", JsonKind(Even, "an even number"), BundleError)


# ---- files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", UNREADABLE)
def test_only_regular_files_of_bounded_size_are_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.json"
    UNREADABLE[kind](path)
    for action in (
        lambda: read_bytes(path, 1000, BundleError),
        lambda: check_regular_file(path, 1000, BundleError),
        lambda: read_json(path, THING, BundleError),
    ):
        error = within(5, action)
        assert isinstance(error, BundleError) and "x.json" in str(error)
        assert len(str(error)) < 300 and str(error).isprintable()


@pytest.mark.parametrize("name", ["n" * 300, "a\0b", "\ud800", "\udcff", "line\nbreak\x1b[31m"])
def test_names_that_no_file_has(tmp_path: Path, name: str) -> None:
    with pytest.raises(BundleError) as caught:
        read_bytes(tmp_path / name, 1000, BundleError)
    assert len(str(caught.value)) < 300 and str(caught.value).isprintable()


def test_a_name_that_is_not_utf8_is_read_all_the_same(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.json"))
    path.write_bytes(b"x" * 1000)
    assert read_bytes(path, 1000, BundleError) == b"x" * 1000
    with pytest.raises(BundleError, match="has 1000 bytes, more than the 999 that are allowed"):
        read_bytes(path, 999, BundleError)


# ---- words --------------------------------------------------------------------------------------------


@given(st.text(max_size=300))
def test_every_error_is_printable_whatever_it_names(text: str) -> None:
    sentence = str(EdgekitError(f"{text} does not exist."))
    assert "\n" not in sentence and "\x1b" not in sentence
    sentence.encode()


def test_an_error_of_900_000_characters_is_cut() -> None:
    assert len(str(EdgekitError("x" * 900_141))) == 2000
    assert printable("\x1b[31mred\x1b[0m\tand\nblue", 10) == "red and b…"
