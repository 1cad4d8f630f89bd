"""Histograms of hue, saturation and value of labelled skin, by skin tone, beside everything that is not skin.

    python -m benchmarks.skin_histograms SET [SET …] [--photos 200] [--out docs/images/skin-hsv.png]

A SET is a folder with images/ and labels/, never one that is for evaluation. Every photo counts alike, however much
skin it shows. Needs matplotlib (`pip install 'edgekit[train]'`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit.console import track
from edgekit.errors import CalibrationError
from edgekit.files import staged_file
from edgekit.images import Folder, Picture
from edgekit.scores.baselines import hsv_around_red
from edgekit.scores.masks import TrueMask
from edgekit.scores.scheme import Scheme, scheme_of
from edgekit.scores.strata import LEAST_SKIN_SHARE, ita_deg
from edgekit.weights import load_checkpoint

BINS = 64  # of four of 256 levels; a number that does not divide them makes combs
OTHER = "not skin"
# Two of the six strata of skin tone in each: 41° and 10° are cut-offs of Chardon et al.
TONES = (
    ("light skin (ITA > 41°)", 41.0),
    ("tan skin (10° to 41°)", 10.0),
    ("brown and dark skin (ITA < 10°)", -90.0),
)
COLOURS = {OTHER: "0.6", TONES[0][0]: "#e8a87c", TONES[1][0]: "#b5713f", TONES[2][0]: "#5b3216"}
PLANES = ("hue in degrees", "saturation", "value")
HSV_THRESHOLDS = ((0.0, 50.0), (0.23, 0.68), None)  # of `skin_by_hsv`


@dataclass
class Histograms:
    """Shares of the pixels of hue, saturation and value by kind of pixel, (3, BINS), summed over photos."""

    shares: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    photos: dict[str, int] = field(default_factory=dict)

    def add(self, picture: Picture, skin: TrueMask) -> None:
        """Count one photo: its skin under the name of its tone, and the rest. Hardly any skin counts for nothing."""
        if skin.inside.sum() < max(1.0, LEAST_SKIN_SHARE * skin.inside.size):
            return
        tone = next(name for name, least in TONES if ita_deg(picture.image[skin.inside]) >= least)
        planes = hsv_around_red(picture.image)
        for name, mask in ((tone, skin.inside), (OTHER, skin.counted & ~skin.inside)):
            if mask.any():
                self.shares[name] = self.shares.get(name, 0.0) + shares_of(planes[:, mask])
                self.photos[name] = self.photos.get(name, 0) + 1

    def mean(self, name: str) -> NDArray[np.float64]:
        """(3, BINS), each row of sum 1: the mean over the photos."""
        return self.shares[name] / self.photos[name]


def shares_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of the pixels in every bin of [0, 1]: (3, n) to (3, BINS)."""
    bins = np.minimum((values * BINS).astype(np.int64), BINS - 1)
    return np.stack([np.bincount(row, minlength=BINS) / row.size for row in bins])


def counted(
    folders: Iterable[Path], class_names: Sequence[str], skin: Sequence[int], photos: int
) -> Histograms:
    """The histograms of labelled photos, spread evenly through each folder."""
    found = Histograms()
    for folder in folders:
        scheme = scheme_of(folder / "labels", class_names)
        told = scheme or Scheme.of_classes(class_names)
        if not told.tells(skin):
            raise CalibrationError(f"The labels of {folder} do not tell skin apart.")
        pictures = Folder(
            folder / "images", folder / "labels", len(class_names), scheme.sets if scheme else None
        )
        names = pictures.labelled[:: max(1, len(pictures.labelled) // photos)][:photos]
        for picture in track(pictures.pictures(names), len(names), folder.name):
            assert picture.labels is not None  # `names` have one
            found.add(picture, TrueMask.of(picture.labels, told, skin))
    if not found.photos:
        raise CalibrationError("No photo shows labelled skin.")
    return found


def drawn(found: Histograms, out: Path) -> None:
    """Draw the figure: a curve for each kind of pixel, and the classical thresholds as a band."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.4), layout="constrained")
    for plane, (axes, title) in enumerate(zip(figure.subplots(1, 3), PLANES, strict=True)):
        low, high = (-180, 180) if plane == 0 else (0, 1)
        edges = np.linspace(low, high, BINS + 1)
        for name in (name for name in COLOURS if name in found.photos):
            label = f"{name}, {found.photos[name]} photos"
            axes.stairs(100 * found.mean(name)[plane], edges, color=COLOURS[name], label=label, linewidth=1.6)
        if band := HSV_THRESHOLDS[plane]:
            axes.axvspan(*band, color="0.92", zorder=0)
        axes.set(xlabel=title, ylabel="% of pixels" if plane == 0 else None, xlim=(low, high))
        if plane == 2:
            axes.legend(fontsize=7, loc="upper left")
    with staged_file(out, replace=True) as file:
        figure.savefig(file, format="png", dpi=110)


def main() -> None:
    """Count and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", metavar="SET", type=Path, nargs="+")
    parser.add_argument("--photos", type=int, default=200, help="photos of each set")
    parser.add_argument("--out", type=Path, default=Path("docs/images/skin-hsv.png"))
    options = parser.parse_args()
    checkpoint = load_checkpoint()
    drawn(
        counted(options.folders, checkpoint.class_names, checkpoint.groups.skin, options.photos), options.out
    )


if __name__ == "__main__":
    main()
