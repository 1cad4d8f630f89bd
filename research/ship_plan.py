"""Put a planned recipe and its activation ranges into the bundled checkpoint, so that `convert` needs no photos.

python research/calibration_frames.py PHOTOS DIR
edgekit plan --calibration DIR --out recipe.json
python research/ship_plan.py recipe.json DIR [BLOCK …]

Further blocks are taken back to float: margin on photos that did not judge the plan.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from calibration.dataset import calibration_set
from calibration.planning import PICTURES_MOST, split
from calibration.ranges import observe
from converters.conversion import Conversion
from edgekit.console import quiet_libraries, say
from edgekit.files import write_json
from edgekit.images import InputSize
from edgekit.recipes import CALIBRATION_FILE, PLANNED_FOLDER, RECIPE_FILE, ranges_path, read_recipe
from edgekit.targets import ALL, targets_named
from edgekit.weights import BUNDLED_FOLDER, load_checkpoint

NAME = "planned"


def main() -> None:
    plan = read_recipe(Path(sys.argv[1]))
    recipe = replace(plan, name=NAME, blocks={**plan.blocks, **dict.fromkeys(sys.argv[3:], "float")})
    with quiet_libraries():
        checkpoint = load_checkpoint()
    folder = BUNDLED_FOLDER / PLANNED_FOLDER
    conversion = Conversion(checkpoint, InputSize.of(checkpoint.size_default), recipe)
    whole = calibration_set(Path(sys.argv[2]), checkpoint, conversion.size, PICTURES_MOST)
    seen, _ = split(whole)  # the same pictures that gave the planner its ranges
    write_json(folder / RECIPE_FILE, recipe.to_json(), replace=True)
    write_json(folder / CALIBRATION_FILE, whole.manifest(), replace=True)
    for target in targets_named(ALL):
        path = ranges_path(BUNDLED_FOLDER, target)
        observe(target, conversion, seen, [recipe.observer])[recipe.observer].save(path, replace=True)
        say(f"wrote {path}")


if __name__ == "__main__":
    main()
