"""What is printed where, and that nothing printed steers the terminal."""

from __future__ import annotations

import io

import pytest
from rich.table import Table

from edgekit import console
from edgekit.cli import spelled
from tests.support.cli import edgekit


@pytest.mark.slow
def test_results_and_notes_have_streams_of_their_own() -> None:
    ran = edgekit("styles")
    assert ran.code == 0 and "vibrant" in ran.out and ran.err == ""
    ran = edgekit("styles", "--json")
    assert ran.out.startswith("{") and "vibrant" in ran.out
    assert edgekit("styles").out != ""  # --json before does not linger


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain  text, ü", "plain  text, ü"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("two\nlines\tand tabs", "two lines and tabs"),
        ("\x1b]0;title\x07name", "name"),
        ("ab\u202ecd", "abcd"),
        ("bad\udcff name", "bad name"),
    ],
)
def test_a_line_is_harmless(text: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    console.show(text)
    console.say(text)
    captured = capsys.readouterr()
    assert captured.out == captured.err == f"{shown}\n"


def test_a_long_line_keeps_its_ends() -> None:
    line = console.clean("begin" + "x" * 900_000 + "end")
    assert len(line) < 2010 and line.startswith("begin") and line.endswith("end")


def test_a_piped_table_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stdout", stream)
    table = Table(*(f"column number {i} with a long title" for i in range(12)))
    table.add_row(*("a value that is long" for _ in range(12)))
    console.expect_json(False)
    console.print_table(table)
    assert "…" not in stream.getvalue() and "column number 11 with a long title" in stream.getvalue()


def test_parameters_are_spelled_as_options() -> None:
    assert spelled("pass `force` to replace it, or choose another `out`.") == (
        "pass --force to replace it, or choose another --out."
    )
    assert spelled("`mask_size` and `nothing_known`") == "--mask-size and nothing_known"


def test_the_innermost_work_says_what_an_interruption_keeps() -> None:
    with (
        pytest.raises(KeyboardInterrupt) as caught,
        console.interruptible(lambda: "outer"),
        console.interruptible(lambda: "inner"),
    ):
        raise KeyboardInterrupt
    assert console.kept_by(caught.value) == "inner"
    assert console.kept_by(KeyboardInterrupt()) == "nothing half-written was left."


def test_a_muted_process_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    console.mute(True)
    try:
        console.say("a")
        console.show("b")
        console.print_json({"c": 1})
        assert list(console.track([1, 2], 2, "d")) == [1, 2]
    finally:
        console.mute(False)
    console.say("e")
    assert capsys.readouterr() == ("", "e\n")
