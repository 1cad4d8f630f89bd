from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.color.formats import READERS, read_lut, write_lut
from edgekit.color.formats.picture import table_from_hald, table_from_lookup, write_hald
from edgekit.color.interpolation import tetrahedral
from edgekit.color.lut import Lut3D
from edgekit.errors import LutError
from tests.color.samples import IDENTITY_2, baked, bent_lut, colours, rough_lut

SHARED_LUTS = Path(__file__).parents[3] / "shared" / "luts"


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_cube_reads_back_exactly(tmp_path: Path) -> None:
    lut = Lut3D(rough_lut(6).table * 3 - 1, (-0.5, 0.0, 0.25), (1.5, 1.0, 4.0), "Höhe 7")
    write_lut(tmp_path / "t.cube", lut)
    back = read_lut(tmp_path / "t.cube")
    assert (back.table == lut.table).all()
    assert (back.domain_min, back.domain_max, back.title) == (lut.domain_min, lut.domain_max, lut.title)


def test_a_title_cannot_break_the_file(tmp_path: Path) -> None:
    write_lut(tmp_path / "t.cube", Lut3D(rough_lut(2).table, title='a"\nLUT_3D_SIZE 9\r\x00b'))
    assert read_lut(tmp_path / "t.cube").size == 2


def test_cube_rows_are_red_fastest(tmp_path: Path) -> None:
    rows = [f"{i / 10} 0 0" for i in range(8)]
    path = written(tmp_path, "t.cube", "\n".join(["LUT_3D_SIZE 2", *rows]))
    table = read_lut(path).table
    assert table[1, 0, 0, 0] == pytest.approx(0.1)
    assert table[0, 1, 0, 0] == pytest.approx(0.2)
    assert table[0, 0, 1, 0] == pytest.approx(0.4)


def test_comments_blank_lines_bom_and_windows_line_ends(tmp_path: Path) -> None:
    text = '﻿# made by hand\r\nTITLE "x y"\r\n\r\nLUT_3D_SIZE 2\r\n' + IDENTITY_2.replace("\n", "\r\n\r\n")
    lut = read_lut(written(tmp_path, "t.CUBE", text))
    assert lut.title == "x y"
    assert (lut.table == Lut3D.identity(2).table).all()


def test_the_resolve_range_is_a_domain(tmp_path: Path) -> None:
    text = "LUT_3D_SIZE 2\nLUT_3D_INPUT_RANGE -0.5 2\n" + IDENTITY_2
    lut = read_lut(written(tmp_path, "t.cube", text))
    assert lut.domain_min == (-0.5,) * 3 and lut.domain_max == (2.0,) * 3


def test_a_shaper_is_composed_as_opencolorio_does(tmp_path: Path) -> None:
    import PyOpenColorIO as ocio

    curve = "".join(f"{(i / 64) ** 0.5:.7f} {(i / 64) ** 0.7:.7f} {(i / 64):.7f}\n" for i in range(65))
    cube = baked(bent_lut(9), "resolve_cube").split("\n", 1)[1]
    text = f"LUT_1D_SIZE 65\nLUT_1D_INPUT_RANGE 0 1\nLUT_3D_SIZE 9\nLUT_3D_INPUT_RANGE 0 1\n{curve}{cube}"
    path = written(tmp_path, "t.cube", text)
    transform = ocio.FileTransform(str(path), interpolation=ocio.INTERP_TETRAHEDRAL)
    theirs = np.ascontiguousarray(colours() * 0.96 + 0.03, np.float32)
    ours = tetrahedral(read_lut(path).table, theirs)
    ocio.Config.CreateRaw().getProcessor(transform).getDefaultCPUProcessor().applyRGB(theirs)
    assert np.abs(ours - theirs).max() < 0.004  # the composed table has 65 points


def test_a_1d_table_alone_becomes_curves(tmp_path: Path) -> None:
    rows = "".join(f"{(i / 16) ** 2} {i / 16} {1 - i / 16}\n" for i in range(17))
    lut = read_lut(written(tmp_path, "t.cube", f"LUT_1D_SIZE 17\n{rows}"))
    assert tetrahedral(lut.table, np.array([0.5, 0.25, 0.75])) == pytest.approx([0.25, 0.25, 0.25], abs=1e-6)


@pytest.mark.parametrize(
    ("extension", "form", "tolerance"),
    [
        (".cube", "resolve_cube", 2e-6),
        (".cube", "iridas_cube", 2e-6),
        (".3dl", "flame", 2e-4),  # 12-bit codes
        (".3dl", "lustre", 2e-4),
        (".csp", "cinespace", 2e-6),
        (".clf", "CLF", 2e-6),
    ],
)
def test_what_opencolorio_writes_is_read(tmp_path: Path, extension: str, form: str, tolerance: float) -> None:
    lut, rgb = bent_lut(9), colours()
    read = read_lut(written(tmp_path, f"t{extension}", baked(lut, form)))
    assert np.abs(tetrahedral(read.table, rgb) - tetrahedral(lut.table, rgb)).max() < tolerance


def test_a_clf_chain_is_sampled(tmp_path: Path) -> None:
    text = """<?xml version="1.0" encoding="UTF-8"?>
<ProcessList id="t" compCLFversion="3"><Matrix inBitDepth="32f" outBitDepth="32f">
<Array dim="3 3">0 1 0  0 0 1  0.5 0 0</Array></Matrix></ProcessList>"""
    lut = read_lut(written(tmp_path, "t.clf", text))
    assert tetrahedral(lut.table, np.array([0.2, 0.4, 0.6])) == pytest.approx([0.4, 0.6, 0.1], abs=1e-6)


@pytest.mark.parametrize("level", [2, 6, 8])
def test_a_hald_image_reads_back(tmp_path: Path, level: int) -> None:
    lut = bent_lut(level**2)
    write_hald(tmp_path / "t.png", lut, level)
    back = read_lut(tmp_path / "t.png")
    assert back.size == level**2
    assert np.abs(back.table - lut.table).max() < 1 / 65535


def test_a_lookup_picture_is_told_from_a_hald_image(tmp_path: Path) -> None:
    lut = bent_lut(64)
    tiles = np.zeros((512, 512, 3), np.uint8)
    codes = np.rint(lut.table * 255).astype(np.uint8)
    for blue in range(64):
        y, x = 64 * (blue // 8), 64 * (blue % 8)
        tiles[y : y + 64, x : x + 64] = codes[:, :, blue].transpose(1, 0, 2)
    Image.fromarray(tiles).save(tmp_path / "t.png")
    assert np.abs(read_lut(tmp_path / "t.png").table - lut.table).max() < 1 / 255
    rgb = tiles.astype(np.float32) / np.float32(255)
    assert np.abs(table_from_lookup(rgb) - table_from_hald(rgb)).max() > 0.5


def test_a_rough_512_picture_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (512, 512, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "t.png")
    with pytest.raises(LutError, match="neither"):
        read_lut(tmp_path / "t.png")


def test_an_unknown_hald_level_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LutError, match="level"):
        write_hald(tmp_path / "t.png", bent_lut(4), 12)


MALFORMED = [
    ("t.cube", "", None, "empty"),
    ("t.cube", "# nothing\n", None, "ends before"),
    ("t.cube", "LUT_3D_SIZE 2\n", None, "ends before"),
    ("t.cube", "LUT_3D_SIZE 2\n" + IDENTITY_2[:-6], None, "after 7 of 8"),
    ("t.cube", "LUT_3D_SIZE 2\n" + IDENTITY_2 + "0 0 0\n", 10, "more rows"),
    ("t.cube", "LUT_3D_SIZE 2\n" + IDENTITY_2.replace("0 1 0", "0 nan 0"), 4, "finite"),
    ("t.cube", "LUT_3D_SIZE 2\n" + IDENTITY_2.replace("0 1 0", "0 1e999 0"), 4, "finite"),
    ("t.cube", "LUT_3D_SIZE 2\n" + IDENTITY_2.replace("0 1 0", "0 1e30 0"), 4, "out of range"),
    ("t.cube", "LUT_3D_SIZE 2\n" + IDENTITY_2.replace("0 1 0", "0 1_0 0"), 4, "decimal"),
    ("t.cube", "LUT_3D_SIZE 2\n" + IDENTITY_2.replace("0 1 0", "0 1"), 4, "found 2"),
    ("t.cube", "LUT_3D_SIZE 2\n" + IDENTITY_2.replace("0 1 0", "0 1 x"), 4, "not 3 numbers"),
    ("t.cube", "\nLUT_3D_SIZE 2147483648\n0 0 0\n", 2, "2 to 129"),
    ("t.cube", "LUT_3D_SIZE 130\n0 0 0\n", 1, "2 to 129"),
    ("t.cube", "LUT_3D_SIZE -2\n0 0 0\n", 1, "2 to 129"),
    ("t.cube", "LUT_3D_SIZE 2.0\n0 0 0\n", 1, "2 to 129"),
    ("t.cube", "LUT_3D_SIZE\n0 0 0\n", 1, "2 to 129"),
    ("t.cube", "LUT_1D_SIZE 99999999\n0 0 0\n", 1, "65536"),
    ("t.cube", "LUT_3D_SIZE 2\nLUT_3D_SIZE 2\n", 2, "twice"),
    ("t.cube", "0 0 0\n", 1, "before LUT_3D_SIZE"),
    ("t.cube", "LUT_4D_SIZE 2\n", 1, "unknown keyword"),
    ("t.cube", "LUT_3D_SIZE 2\nDOMAIN_MIN 0 0\n", 2, "expected 3"),
    ("t.cube", "LUT_3D_SIZE 2\nDOMAIN_MIN 0 2 0\n" + IDENTITY_2, None, "domain"),
    ("t.cube", "LUT_3D_SIZE 2\nLUT_3D_INPUT_RANGE 1 1\n" + IDENTITY_2, 2, "empty"),
    ("t.cube", "LUT_3D_SIZE 2\nDOMAIN_MIN 0 0 0\nLUT_3D_INPUT_RANGE 0 1\n" + IDENTITY_2, None, "keep one"),
    ("t.cube", "LUT_1D_SIZE 2\nDOMAIN_MAX 0 1 1\n0 0 0\n1 1 1\n", None, "domain"),
    ("t.cube", b"LUT_3D_SIZE 2\n0 0 0\n\0\1\2", 3, "zero byte"),
    ("t.cube", "x" * 5000, 1, "longer than"),
    ("t.3dl", "0 1023\n0 0 0\n", None, "not N³"),
    ("t.3dl", "0 512 1023\n" + "0 0 0\n" * 9, None, "not N³"),
    ("t.3dl", "0 1023\n" + "0 0 0.5\n" * 8, 2, "whole numbers"),
    ("t.3dl", "0 1023\n0 0\n", 2, "expected 3"),
    ("t.3dl", "0 " * 200 + "\n0 0 0\n", 1, "shaper"),
    ("t.3dl", "LUT_3D_SIZE 2147483647\n" + IDENTITY_2, 1, "whole numbers"),
    ("t.3dl", "# Truelight Cube v2.0\n# width 2147483647 9 9\n# InputLUT\n0 0 0\n", None, "not N³"),
    ("t.csp", "CSPLUTV200\n3D\n", 1, "CSPLUTV100"),
    ("t.csp", "CSPLUTV100\n4D\n", 2, "1D or 3D"),
    ("t.csp", "CSPLUTV100\n3D\nBEGIN METADATA\nno end\n", None, "ends before"),
    ("t.csp", "CSPLUTV100\n3D\n2147483648\n", 3, "0 to 512"),
    ("t.csp", "CSPLUTV100\n3D\n2\n0 1\n0 nan\n", 5, "finite"),
    ("t.csp", "CSPLUTV100\n3D\n" + "2\n0 1\n0 1\n" * 3 + "2147483648 2 2\n", 12, "2 to 129"),
    ("t.csp", "CSPLUTV100\n3D\n" + "2\n0 1\n0 1\n" * 3 + "2 2\n", 12, "3 sizes"),
    ("t.csp", "CSPLUTV100\n3D\n" + "2\n0 1\n0 1\n" * 3 + "2 2 2\n" + IDENTITY_2[:-6], None, "after 7 of 8"),
    ("t.csp", "CSPLUTV100\n3D\n" + "2\n0 1\n0 1\n" * 3 + "2 2 2\n" + IDENTITY_2 + "0 0 0\n", 21, "more rows"),
    ("t.csp", "CSPLUTV100\n3D\n" + "2\n1 0\n0 1\n" * 3 + "2 2 2\n" + IDENTITY_2, 4, "do not rise"),
    ("t.clf", "<ProcessLis/>", 1, "ProcessList"),
    ("t.clf", b"\xff\xfe<\0P\0", None, "UTF-8"),
    ("t.clf", '<?xml version="1.0" encoding="utf-16"?><ProcessList/>', 1, "encoding"),
    ("t.clf", '<!DOCTYPE x [<!ENTITY a "b">]>\n<ProcessList/>', 1, "stands alone"),
    ("t.clf", '<ProcessList>\n<Reference path="/etc/passwd"/></ProcessList>', 2, "stands alone"),
    ("t.clf", '<ProcessList>\n<Array dim="2147483648 2 2 3">0</Array></ProcessList>', 2, "array size"),
    ("t.clf", '<ProcessList><Array dim="999 999 999 3">0</Array></ProcessList>', 1, "array size"),
    ("t.clf", '<ProcessList><Array dim="-2 2 2 3">0</Array></ProcessList>', 1, "array size"),
    ("t.clf", "<ProcessList>" + '<Array dim="2 3"/>' * 65 + "</ProcessList>", None, "65 arrays"),
    ("t.clf", '<ProcessList id="t" compCLFversion="3">\n<Matrix>', None, "OpenColorIO"),
    ("t.png", b"\x89PNG\r\n\x1a\n broken", None, "not a readable picture"),
    # found by fuzzing: OpenCV allocates the 3.7 GB that this chunk declares
    (
        "t.png",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x08\0\0\0\x08\x10\x02\0\0\0\xe8\x66\x2c\x2a\xdc\x9b\0\0gIDATB`",
        None,
        "not a readable picture",
    ),
    ("t.xyz", "anything", None, "not one of"),
]


@pytest.mark.parametrize(("name", "content", "line", "reason"), MALFORMED)
def test_a_malformed_file_is_refused_with_its_line(
    tmp_path: Path, name: str, content: str | bytes, line: int | None, reason: str
) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(LutError, match=reason) as caught:
        read_lut(path)
    assert caught.value.path == path
    if line is not None:
        assert caught.value.line == line


@pytest.mark.parametrize("size", [(300, 512), (512, 300), (511, 511), (3000, 3000), (1, 1)])
def test_a_picture_of_another_size_is_refused_unread(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size).save(tmp_path / "t.png")
    with pytest.raises(LutError, match="pixels, not"):
        read_lut(tmp_path / "t.png")


def test_a_truncated_picture_is_refused(tmp_path: Path) -> None:
    write_hald(tmp_path / "t.png", rough_lut(16), 4)
    whole = (tmp_path / "t.png").read_bytes()
    (tmp_path / "t.png").write_bytes(whole[: len(whole) // 3])
    with pytest.raises(LutError, match=r"damaged|readable"):
        read_lut(tmp_path / "t.png")


def test_a_lossy_picture_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "t.png", format="JPEG")
    with pytest.raises(LutError, match="PNG, BMP"):
        read_lut(tmp_path / "t.png")


@pytest.mark.parametrize("extension", READERS)
def test_only_ordinary_files_are_opened(tmp_path: Path, extension: str) -> None:
    pipe = tmp_path / f"pipe{extension}"
    os.mkfifo(pipe)  # opening it would wait for ever
    folder = tmp_path / f"folder{extension}"
    folder.mkdir()
    for path in (pipe, folder, tmp_path / f"missing{extension}", Path(f"/dev/../nul\0{extension}")):
        with pytest.raises(LutError):
            read_lut(path)


@pytest.mark.parametrize("extension", READERS)
def test_a_huge_file_is_refused_unread(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"t{extension}"
    with path.open("wb") as stream:
        stream.truncate(200 * 2**20)  # sparse: no disk, but a reader that trusts it takes the memory
    with pytest.raises(LutError, match="no LUT needs more"):
        read_lut(path)


def test_dollar_signs_in_a_path_mean_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "$HOME %PATH% ${USER}"
    folder.mkdir()
    assert read_lut(written(folder, "$HOME.clf", baked(bent_lut(3), "CLF"))).size == 3


@pytest.mark.shared
@pytest.mark.skipif(not SHARED_LUTS.is_dir(), reason="the third-party LUTs are not beside the checkout")
def test_published_luts_are_read() -> None:
    sizes = {path.name: read_lut(path).size for path in SHARED_LUTS.iterdir() if path.suffix in READERS}
    assert sizes["PunchOverlay.cube"] == 32
    assert sizes["pillowlut_hald.6.hefe.png"] == 36
    assert sizes["gpuimage3_lookup_miss_etikate.png"] == 64
    assert len(sizes) >= 10
