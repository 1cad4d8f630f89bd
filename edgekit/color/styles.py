"""The style presets: each has one grade for skin and one for everything else.

There are four looks, five undertones and eight moods. Most presets keep skin nearly unchanged; an undertone
moves it by a stated amount in a stated direction; black and white removes its colour. `SkinPromise` bounds
the change of skin by each preset, and `edgekit.color.skin` measures it.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.color.controls import GROUPS, SKIN
from edgekit.color.grade import DEFAULT_SIZE, Grade, Tint, lut_from_grade
from edgekit.color.lut import Lut3D
from edgekit.errors import UnknownName


@dataclass(frozen=True)
class SkinPromise:
    """Bounds on the CIELAB hue and lightness change of the skin locus, at neutral tone and warmth.

    max_hue_deg is None for black and white, which has no hue.
    """

    max_hue_deg: float | None
    max_lightness: float


KEPT = SkinPromise(max_hue_deg=3.0, max_lightness=5.0)
MOVED = SkinPromise(max_hue_deg=15.0, max_lightness=5.0)
COLOURLESS = SkinPromise(max_hue_deg=None, max_lightness=10.0)


@dataclass(frozen=True)
class Style:
    """A named look: one grade for everything, one for skin."""

    name: str
    title: str
    description: str
    family: str  # look, undertone or mood
    everything: Grade
    skin: Grade
    promise: SkinPromise = KEPT

    def luts(self, size: int = DEFAULT_SIZE) -> dict[str, Lut3D]:
        """The table of every group; all groups but skin share one object."""
        everything = lut_from_grade(self.everything, size, self.title)
        skin = lut_from_grade(self.skin, size, f"{self.title}, skin")
        return {group: skin if group == SKIN else everything for group in GROUPS}


def style_named(name: str) -> Style:
    """The preset of that name; UnknownName lists the known ones."""
    if name not in STYLES:
        raise UnknownName("style", name, STYLES)
    return STYLES[name]


_ALL = (
    Style(
        "rich-contrast",
        "Rich Contrast",
        "Deep shadows, firm midtones, fuller colour.",
        "look",
        Grade(brightness=-0.26, contrast=0.78, chroma=0.14, vibrance=0.15, shadows=Tint(265, 0.010)),
        Grade(contrast=0.16, chroma=0.03),
    ),
    Style(
        "vibrant",
        "Vibrant",
        "Bright and vivid, the muted colours most of all.",
        "look",
        Grade(brightness=0.12, contrast=0.26, chroma=0.22, vibrance=0.70),
        Grade(brightness=0.05, contrast=0.06, chroma=0.06),
    ),
    Style(
        "warm",
        "Warm",
        "Golden light, as in the last hour of the day.",
        "look",
        Grade(
            brightness=0.05, contrast=0.12, chroma=0.05, midtones=Tint(72, 0.034), highlights=Tint(85, 0.014)
        ),
        Grade(brightness=0.03, contrast=0.05, chroma=0.05),
    ),
    Style(
        "cool",
        "Cool",
        "Clear northern light, blue in shadow and sky.",
        "look",
        Grade(
            brightness=0.02, contrast=0.15, chroma=0.02, midtones=Tint(245, 0.030), shadows=Tint(255, 0.014)
        ),
        Grade(contrast=0.05, chroma=-0.05),
    ),
    Style(
        "cool-rose",
        "Cool Rose",
        "Skin toward rose; surroundings a little cooler.",
        "undertone",
        Grade(brightness=0.04, contrast=0.10, midtones=Tint(305, 0.020), highlights=Tint(330, 0.008)),
        Grade(brightness=0.04, hue_turn_deg=-14.0),
        MOVED,
    ),
    Style(
        "neutral",
        "Neutral",
        "Skin and surroundings with less cast of any kind.",
        "undertone",
        Grade(brightness=0.03, contrast=0.06, chroma=-0.18),
        Grade(brightness=0.03, chroma=-0.14),
    ),
    Style(
        "rose-gold",
        "Rose Gold",
        "Skin toward a warm pink; surroundings softly warm.",
        "undertone",
        Grade(brightness=0.04, contrast=0.08, midtones=Tint(35, 0.022), highlights=Tint(50, 0.008)),
        Grade(brightness=0.03, chroma=0.10, hue_turn_deg=-9.0),
        MOVED,
    ),
    Style(
        "gold",
        "Gold",
        "Skin toward gold; surroundings sunlit.",
        "undertone",
        Grade(brightness=0.04, contrast=0.10, midtones=Tint(88, 0.032)),
        Grade(brightness=0.03, chroma=0.10, hue_turn_deg=9.0),
        MOVED,
    ),
    Style(
        "amber",
        "Amber",
        "Skin toward a deeper, bronzed orange.",
        "undertone",
        Grade(brightness=-0.12, contrast=0.16, chroma=0.05, midtones=Tint(62, 0.036)),
        Grade(brightness=-0.10, contrast=0.04, chroma=0.20, hue_turn_deg=4.0),
        MOVED,
    ),
    Style(
        "natural",
        "Natural",
        "A light hand: open shadows, honest colour.",
        "mood",
        Grade(brightness=0.08, contrast=-0.10, vibrance=0.12),
        Grade(brightness=0.04),
    ),
    Style(
        "luminous",
        "Luminous",
        "Bright and airy, light pouring in.",
        "mood",
        Grade(brightness=0.42, contrast=-0.10, vibrance=0.18, highlights=Tint(90, 0.010)),
        Grade(brightness=0.10, chroma=0.03),
    ),
    Style(
        "dramatic",
        "Dramatic",
        "Low key: dark surroundings, teal shadows, light on the face.",
        "mood",
        Grade(
            brightness=-0.85,
            contrast=0.15,
            whites=0.10,
            chroma=-0.18,
            shadows=Tint(215, 0.026),
            highlights=Tint(215, 0.010),
        ),
        Grade(brightness=-0.04, contrast=0.18),
    ),
    Style(
        "quiet",
        "Quiet",
        "Muted and soft, blacks lifted as on old paper.",
        "mood",
        Grade(
            brightness=0.02, contrast=-0.20, fade=0.06, whites=0.04, chroma=-0.40, shadows=Tint(150, 0.012)
        ),
        Grade(contrast=-0.08, whites=0.01, chroma=-0.10),
    ),
    Style(
        "cozy",
        "Cozy",
        "Lamp light: amber highlights, brown shadows.",
        "mood",
        Grade(
            brightness=-0.12,
            contrast=0.05,
            fade=0.03,
            whites=0.03,
            chroma=-0.06,
            shadows=Tint(45, 0.024),
            midtones=Tint(62, 0.022),
            highlights=Tint(75, 0.026),
        ),
        Grade(brightness=-0.02, chroma=0.06),
    ),
    Style(
        "ethereal",
        "Ethereal",
        "Pale and dreamlike, lilac shadows, soft light.",
        "mood",
        Grade(
            brightness=0.30,
            contrast=-0.32,
            fade=0.09,
            chroma=-0.28,
            shadows=Tint(300, 0.028),
            highlights=Tint(340, 0.010),
        ),
        Grade(brightness=0.08, contrast=-0.06, chroma=-0.06),
    ),
    Style(
        "muted-bw",
        "Muted B&W",
        "Black and white on soft paper.",
        "mood",
        Grade(brightness=0.06, contrast=-0.15, fade=0.07, whites=0.05, chroma=-1.0),
        Grade(brightness=0.06, contrast=-0.06, fade=0.03, whites=0.02, chroma=-1.0),
        COLOURLESS,
    ),
    Style(
        "stark-bw",
        "Stark B&W",
        "Black and white with deep blacks and bright faces.",
        "mood",
        Grade(brightness=-0.26, contrast=0.90, chroma=-1.0),
        Grade(brightness=0.04, contrast=0.30, chroma=-1.0),
        COLOURLESS,
    ),
)
STYLES: dict[str, Style] = {style.name: style for style in _ALL}
