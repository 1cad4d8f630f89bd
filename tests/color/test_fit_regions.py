"""Looks learned from edits that treat regions differently: tables, divisions and their errors."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.color.controls import GROUPS, NO_CONTROLS
from edgekit.color.engine import styled_pixels
from edgekit.color.fit_regions import Pair, Pixels, Regions, divisions, fit_regions
from edgekit.color.layers import Layer, Look
from edgekit.color.look_file import read_look
from edgekit.color.lut import Lut3D
from edgekit.color.styles import STYLES
from edgekit.errors import LutError
from edgekit.weights import Checkpoint
from tests.support.cli import edgekit
from tests.support.pictures import picture

VIVID, GREY = STYLES["vibrant"].luts()["hair"], STYLES["stark-bw"].luts()["hair"]
POPPED: Regions = (("skin", "hair", "clothes"), ("background",))


def weights(height: int, width: int) -> np.ndarray:
    """Four groups side by side, with soft edges between them; hair is a narrow one."""
    centres, spread = np.array([0.2, 0.42, 0.6, 0.9]), np.array([0.13, 0.05, 0.11, 0.17])
    x = (np.arange(width) + 0.5) / width
    scores = np.exp(-0.5 * ((x[:, None] - centres) / spread) ** 2) + 1e-9
    shares = scores / scores.sum(axis=1, keepdims=True)
    return np.broadcast_to(shares[:, :3], (height, width, 3)).astype(np.float32).copy()


def edited(seed: int, tables: tuple[Lut3D, ...], regions: Regions) -> Pair:
    before, mask = picture(96, 128, seed), weights(96, 128)
    look = Look(tuple(Layer(groups, lut) for groups, lut in zip(regions, tables, strict=True)))
    return Pair(before, styled_pixels(before, look, NO_CONTROLS, mask), mask)


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    return [edited(seed, (VIVID, GREY), POPPED) for seed in range(4)]


def test_divisions_are_all_and_each_once() -> None:
    counts = [len(set(divisions(GROUPS, count))) for count in range(1, 5)]
    assert counts == [1, 7, 6, 1]  # Stirling numbers of the second kind
    assert POPPED in set(divisions(GROUPS, 2))
    assert all(sorted(sum(regions, ())) == sorted(GROUPS) for regions in divisions(GROUPS, 3))


def test_thinned_pixels_are_from_all_photos() -> None:
    colours = np.repeat(np.linspace(0, 1, 5), 100)[:, None] * np.ones(3)
    thinned = Pixels(colours, colours, np.ones((500, 4)), 5).thinned(120)
    assert len(thinned.before) == 100 and thinned.photos == 5
    assert np.unique(thinned.before, return_counts=True)[1].tolist() == [60] * 5


@pytest.mark.slow
def test_the_division_and_its_tables_are_found_again(pairs: list[Pair]) -> None:
    found = fit_regions(pairs, 2, size=9)
    assert found.regions == POPPED and found.unseen == ()
    errors = {name: error.lab_l2_after for name, error in found.errors.items()}
    assert errors["regions"] < 0.5 * errors["one table"]
    assert errors["regions"] < 1.1 * errors["one table a group"]
    # On a photo that was not seen: as near as a table of nine points can be.
    other = edited(9, (VIVID, GREY), POPPED)
    drawn = styled_pixels(other.before, Look(found.layers["regions"]), NO_CONTROLS, other.weights)
    assert np.abs(drawn.astype(int) - other.after).mean() < 4


@pytest.mark.slow
def test_strokes_that_no_table_explains_bend_the_tables_little(pairs: list[Pair]) -> None:
    clean = fit_regions(pairs, 2, size=9)
    generator = np.random.default_rng(3)
    spoilt = []
    for pair in pairs:
        after = pair.after.copy()
        after[generator.random(after.shape[:2]) < 0.1] = (255, 0, 255)
        spoilt.append(replace(pair, after=after))
    bent = fit_regions(spoilt, 2, size=9)
    assert bent.regions == POPPED
    other = edited(9, (VIVID, GREY), POPPED)
    drawn = [
        styled_pixels(other.before, Look(found.layers["regions"]), NO_CONTROLS, other.weights).astype(int)
        for found in (clean, bent)
    ]
    towards_magenta = np.abs(drawn[0] - (255, 0, 255)).mean()
    assert (
        np.abs(drawn[0] - drawn[1]).mean() < 0.02 * towards_magenta
    )  # their mean would go a tenth of the way


def test_what_does_not_go_together_is_refused(pairs: list[Pair]) -> None:
    with pytest.raises(LutError, match="one size"):
        fit_regions([replace(pairs[0], after=pairs[0].after[:, :-1])], 2)
    bald = [replace(pair, weights=pair.weights * (1, 0, 0)) for pair in pairs]
    with pytest.raises(LutError, match=r"show 2 regions \(skin, background\), not 3"):
        fit_regions(bald, 3)
    assert fit_regions(bald, 1, size=9).unseen == ("hair", "clothes")
    with pytest.raises(LutError, match="too few pixels"):
        tiny = [
            replace(p, before=p.before[:9, :9], after=p.after[:9, :9], weights=p.weights[:9, :9])
            for p in pairs
        ]
        fit_regions(tiny, 1)


@pytest.mark.slow
def test_the_command_writes_a_look_that_style_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Checkpoint, pairs: list[Pair]
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("before", "after"):
        (tmp_path / folder).mkdir()
    for i, pair in enumerate(pairs):
        Image.fromarray(pair.before).save(f"before/{i}.png")
        Image.fromarray(pair.after).save(f"after/{i}.png")
    fit = ("lut", "fit", "before", "after", "--regions", "1", "--weights", checkpoint.folder)
    ran = edgekit(*fit, "--out", "mine.json", "--json")
    assert ran.code == 0, ran
    report = json.loads(ran.out)
    assert [row["path"] for row in report["luts"]] == ["mine-1.cube"]
    look = read_look(tmp_path / "mine.json")
    assert look.layers[0].lut.size == 33
    assert sorted(look.layers[0].regions) == sorted(report["luts"][0]["regions"])
    assert set(report["errors"]) == {"regions", "one table", "one table a group"}
    assert "exists already" in edgekit(*fit, "--out", "mine.json").sentence
    assert edgekit("style", "before/0.png", "--style", "mine.json", "--weights", checkpoint.folder).code == 0
    (tmp_path / "after/2.png").unlink()
    assert "has no edited version of 2.png (1 are missing)" in edgekit(*fit, "--out", "m.json").sentence
    assert edgekit(*fit, "--out", "m.cube").sentence.endswith("give --out that extension.")
    assert edgekit("lut", "fit", "a", "b", "--out", "c.cube", "--weights", "x").code == 2
