"""Photos and closer cuts of them, to calibrate on: parsing photos are full-body, and people take portraits too.

python research/calibration_frames.py people/calibration /tmp/frames [portraits]

Every photo is copied; of every second one (by name), the upper middle square, 35 % of its height wide, is written
beside it: about head and shoulders where the person fills the frame. Real portraits (`portrait_photos.py` fetches
some) are copied as they are.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from PIL import Image

from edgekit.console import say
from edgekit.images import images_in, read_image

SHARE = 2
SIDE = 0.35  # of the photo's height


def main() -> None:
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True)  # a folder of its own: FileExistsError rather than a mixture
    photos = images_in(source)
    for i, path in enumerate(photos):
        shutil.copyfile(path, out / path.name)
        if i % SHARE == 0:
            photo = read_image(path)
            height, width = photo.shape[:2]
            side = min(width, round(SIDE * height))
            left = (width - side) // 2
            Image.fromarray(photo[:side, left : left + side]).save(out / f"{path.stem}-closer.png")
    portraits = [path for folder in sys.argv[3:] for path in images_in(Path(folder))]
    for path in portraits:
        shutil.copyfile(path, out / path.name)
    say(f"{out}: {len(photos)} photos, {-(-len(photos) // SHARE)} cuts and {len(portraits)} portraits")


if __name__ == "__main__":
    main()
