"""A look for the apps, in which every region is treated in another way, and what draws it in a view of the vectors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgekit.shader.description import ShaderDescription
from edgekit.shader.transforms import Matrix3, sensor_from_view
from tests.support.pictures import picture


def four_region_look(path: Path) -> Path:
    """Write a look that styles skin, blurs hair, shows a picture for clothes, and blurs the background into a table.

    The picture is of another shape than any photo, and is cut to fill it.
    """
    Image.fromarray(picture(70, 131, seed=5)).save(path.with_name("pattern.png"))
    layers = [
        {"regions": ["background"], "style": "cool", "source": "blurred"},
        {"regions": ["skin"], "style": "cozy", "strength": 0.6},
        {"regions": ["hair"], "source": "blurred"},
        {"regions": ["clothes"], "style": "stark-bw", "source": "picture", "strength": 0.8},
    ]
    head = {"schema": "edgekit/look", "schema_version": 1}
    path.write_text(json.dumps({**head, "layers": layers, "blur": 0.03, "picture": "pattern.png"}))
    return path


def drawn_look(path: Path) -> Path:
    """Write a look that blurs what a user draws as it does the background, and styles skin."""
    layers = [
        {"regions": ["background", "drawn_1"], "style": "cool", "source": "blurred"},
        {"regions": ["skin"], "style": "cozy"},
    ]
    path.write_text(json.dumps({"schema": "edgekit/look", "schema_version": 1, "layers": layers}))
    return path


def sensor_picture(view: Mapping[str, int]) -> NDArray[np.uint8]:
    """A small opaque picture, (H, W, 4), of the shape of a view's sensor, on which a blur depends."""
    height, width = view["sensor_height"] // 20, view["sensor_width"] // 20
    return np.concatenate([picture(height, width), np.full((height, width, 1), 255, np.uint8)], -1)


def picture_from_view(description: ShaderDescription, view: Mapping[str, int]) -> Matrix3 | None:
    """The picture_from_output of a view; None without a second picture."""
    for texture in description.textures_with("picture"):
        assert texture.size is not None
        output = (view["view_width"], view["view_height"])
        return sensor_from_view((texture.size[0], texture.size[1]), 0, False, output)
    return None
