"""What checkpoints see in portraits, to be looked at: label maps side by side, without the photos' pixels.

    python -m benchmarks.portraits --photos DIR --out FILE.png [--with-photos] [NAME=WEIGHTS …]

One row a photo (the bundled astronaut first), one column a checkpoint. The label maps alone may be published;
`--with-photos` lays them over the photos, for looking at them here.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from calibration.pictures import Folder, Picture, astronaut
from edgekit.console import quiet_libraries, say
from edgekit.overlay import overlay, palette
from edgekit.parity.compare import Reference
from edgekit.weights import Checkpoint, load_checkpoint

HEIGHT_PX = 240  # of one row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("weights", nargs="*", help="NAME=FOLDER (default: the bundled checkpoint)")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--with-photos", action="store_true")
    options = parser.parse_args()
    with quiet_libraries():
        checkpoints = [load_checkpoint(given.rpartition("=")[2] or None) for given in options.weights or [""]]
    pictures = [astronaut(), *Folder(options.photos, None, len(checkpoints[0].class_names))]
    columns = [[seen(checkpoint, p, options.with_photos) for p in pictures] for checkpoint in checkpoints]
    rows = [np.concatenate(cells, axis=1) for cells in zip(*columns, strict=True)]
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 4), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    Image.fromarray(np.concatenate(padded)).save(options.out, optimize=True)
    say(f"{options.out}: {', '.join(p.name for p in pictures)}")


def seen(checkpoint: Checkpoint, picture: Picture, with_photo: bool) -> NDArray[np.uint8]:
    """(HEIGHT_PX, w, 3): the labels, in the photo's own shape."""
    expected = Reference(checkpoint).expect(picture, checkpoint.size_default)
    height, width = picture.image.shape[:2]
    if with_photo:
        side = checkpoint.size_default  # without the legend beside it, which would be squeezed
        drawn = overlay(expected.image, expected.labels, checkpoint.class_names).crop((0, 0, side, side))
    else:
        drawn = Image.fromarray(palette(len(checkpoint.class_names))[expected.labels])
    small = drawn.convert("RGB").resize((round(HEIGHT_PX * width / height), HEIGHT_PX))
    return np.asarray(small, np.uint8)


if __name__ == "__main__":
    main()
