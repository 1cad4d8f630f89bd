"""Hostile LUT files: whatever the bytes, a table or a LutError, in bounded time and memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edgekit.color.formats import READERS
from tests.color.fuzzing import SEEDS, peak_bytes_of, read_or_refuse

BOUNDED = settings(
    max_examples=60,
    deadline=2000,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
TEXT_FORMATS = (".cube", ".3dl", ".csp", ".clf")
NUMBERS = st.sampled_from(
    [
        "0",
        "1",
        "-1",
        "0.5",
        "2",
        "3",
        "nan",
        "inf",
        "-inf",
        "1e308",
        "1e-320",
        "2147483648",
        "1_0",
        "٣",
        "0x10",
    ]
)
KEYWORDS = st.sampled_from(
    [
        "LUT_3D_SIZE",
        "LUT_1D_SIZE",
        "DOMAIN_MIN",
        "LUT_3D_INPUT_RANGE",
        "CSPLUTV100",
        "3D",
        "1D",
        "Mesh",
        "#",
        "\0",
    ]
)
WORDS = NUMBERS | KEYWORDS | st.sampled_from(["BEGIN METADATA", "END METADATA"])
LINES = st.lists(st.lists(WORDS, max_size=5).map(" ".join), max_size=20).map("\n".join)


@pytest.mark.slow
@pytest.mark.parametrize("extension", READERS)
@BOUNDED
@given(content=st.binary(max_size=400))
@example(content=b"")
@example(content=b"\xff" * 64)
def test_binary_junk(tmp_path: Path, extension: str, content: bytes) -> None:
    assert read_or_refuse(tmp_path / f"t{extension}", content) is None


@pytest.mark.parametrize("extension", TEXT_FORMATS)
@BOUNDED
@given(text=LINES)
def test_lines_of_known_words(tmp_path: Path, extension: str, text: str) -> None:
    lut = read_or_refuse(tmp_path / f"t{extension}", text.encode())
    assert lut is None or np.isfinite(lut.table).all()


@pytest.mark.parametrize("extension", SEEDS)
@BOUNDED
@given(data=st.data())
def test_a_good_file_with_damage(tmp_path: Path, extension: str, data: st.DataObject) -> None:
    content = bytearray(SEEDS[extension]())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        junk = data.draw(st.binary(max_size=6) | NUMBERS.map(str.encode))
        content[at : at + data.draw(st.integers(0, 8))] = junk
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    read_or_refuse(tmp_path / f"t{extension}", bytes(content))


@pytest.mark.parametrize("extension", SEEDS)
def test_the_undamaged_seed_is_read(tmp_path: Path, extension: str) -> None:
    assert read_or_refuse(tmp_path / f"t{extension}", SEEDS[extension]()) is not None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.cube", b"LUT_3D_SIZE 129\n" + b"0 0 0\n" * 1000),
        ("t.cube", b"LUT_1D_SIZE 65536\nLUT_3D_SIZE 129\n0 0 0\n"),
        ("t.csp", b"CSPLUTV100\n3D\n" + b"2\n0 1\n0 1\n" * 3 + b"129 129 129\n0 0 0\n"),
        (
            "t.clf",
            b'<ProcessList id="t" compCLFversion="3"><LUT3D><Array dim="129 129 129 3">0 </Array></LUT3D>',
        ),
        ("t.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02\0\0\0"),
    ],
)
def test_a_declared_size_allocates_nothing(tmp_path: Path, name: str, content: bytes) -> None:
    assert peak_bytes_of(tmp_path / name, content) < 4 * 2**20
