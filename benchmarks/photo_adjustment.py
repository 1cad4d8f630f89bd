"""A published set of retouched photos, as its papers measure it: mean CIELAB L2 on test photos.

    python -m benchmarks.photo_adjustment ORIGINALS EFFECT [EFFECT …] --test NAMES.txt [--regions 3]

ORIGINALS and each EFFECT are folders of photos with the same names, before and after a retoucher's work; NAMES.txt has
the names of the test photos, a line each, with or without their suffix. Tables are fitted to the other photos as `lut
fit --regions` does, with the bundled parser's masks; then the CPU engine draws the test photos, and the L2 distance to
the retouched ones is averaged over pixels, then over photos. This is the protocol of Yan et al. (ACM TOG 2016), who
learned three effects from 70 of 115 photos and tested on 45. Photos are compared at 512 px a side.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from skimage.color import rgb2lab

from benchmarks import harness
from edgekit.color.controls import GROUPS, NO_CONTROLS
from edgekit.color.engine import styled_pixels
from edgekit.color.fit_regions import Pair, fit_regions
from edgekit.color.layers import Layer, Look
from edgekit.console import quiet_libraries, track
from edgekit.errors import CalibrationError
from edgekit.fitting import pairs_of_files, read_pair
from edgekit.segmenter import Segmenter
from edgekit.weights import load_checkpoint

COLUMNS = ("effect", "regions found", "input", "one table", "one table a group", "regions")


def main() -> None:
    """Fit and measure every effect, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("originals", type=Path)
    parser.add_argument("effects", type=Path, nargs="+")
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--regions", type=int, default=3, choices=range(1, len(GROUPS) + 1))
    options = parser.parse_args()
    with quiet_libraries():
        segmenter = Segmenter(load_checkpoint())
    names = names_in(options.test)
    rows = [
        row(effect, *divided(options.originals, effect, names, segmenter), options.regions)
        for effect in options.effects
    ]
    print(f"`{harness.command()}`: {len(names)} test photos. {harness.machine('numpy', 'scipy')}.\n")
    print(harness.table(COLUMNS, rows))


def names_in(path: Path) -> set[str]:
    """The names in a list, without suffixes."""
    lines = path.read_text("utf-8").splitlines()
    return {Path(line.strip()).stem for line in lines if line.strip()}


def divided(
    originals: Path, effect: Path, names: set[str], segmenter: Segmenter
) -> tuple[list[Pair], list[Pair]]:
    """Pairs to fit to, and the named ones to test on. Raises CalibrationError for a name that no photo has."""
    files = {before.stem: (before, after) for before, after in pairs_of_files(originals, effect)}
    if missing := sorted(names - files.keys()):
        raise CalibrationError(f"{originals} has no photo {missing[0]} ({len(missing)} are missing).")
    pairs = {
        name: read_pair(*pair, segmenter) for name, pair in track(files.items(), len(files), effect.name)
    }
    return (
        [pair for name, pair in pairs.items() if name not in names],
        [pair for name, pair in pairs.items() if name in names],
    )


def row(effect: Path, fitting: Sequence[Pair], testing: Sequence[Pair], regions: int) -> tuple[str, ...]:
    """The effect's distances, as cells."""
    found = fit_regions(fitting, regions)
    return (
        effect.name,
        "; ".join(", ".join(groups) for groups in found.regions),
        f"{mean_l2(testing, None):.2f}",
        *(f"{mean_l2(testing, found.layers[name]):.2f}" for name in COLUMNS[3:]),
    )


def mean_l2(pairs: Sequence[Pair], layers: tuple[Layer, ...] | None) -> float:
    """The mean over photos of the mean CIELAB distance to the retouched one, of the look or of the photo itself."""
    distances = []
    for pair in pairs:
        drawn = pair.before
        if layers is not None:
            drawn = np.asarray(styled_pixels(pair.before, Look(layers), NO_CONTROLS, pair.weights), np.uint8)
        distances.append(float(np.linalg.norm(rgb2lab(drawn) - rgb2lab(pair.after), axis=-1).mean()))
    return float(np.mean(distances))


if __name__ == "__main__":
    main()
