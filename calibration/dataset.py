"""A calibration set: a folder's usable pictures, their coverage, and a manifest that identifies them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2lab

from edgekit import console
from edgekit.errors import CalibrationError, ImageError
from edgekit.files import sha256_of, sha256_of_bytes
from edgekit.images import (
    Fit,
    InputSize,
    Size,
    Skipped,
    fit_of,
    fitted,
    images_in,
    preprocessing_of,
    read_image,
)
from edgekit.segmenter import Segmenter
from edgekit.weights import Checkpoint

SEED = 20_240_601
BLACK_LEVEL = 8  # a picture whose brightest byte is below this counts as all black
BRIGHTNESS_EDGES = (85, 170)  # thirds of the byte range
CLOSE_UP_SHARE = 0.35  # of the frame covered by the person
FEWEST = 8  # with fewer pictures, single ones determine the ranges
# Individual typology angle strata (Chardon et al., Int. J. Cosmetic Science 13, 1991).
ITA_EDGES_DEG: Mapping[str, float] = {
    "very light": 55, "light": 41, "intermediate": 28, "tan": 10, "brown": -30, "dark": -180,
}  # fmt: skip
MIN_SKIN_PIXELS = 64

# (H, W, 3) uint8 sRGB to (h, w, 3) weights of skin, hair and clothes
Masks = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class CalibrationSet:
    """Pictures in a fixed order, decoded once as inputs of `size`, in which they lie as `fits` say.

    `coverage`: number of pictures per stratum, by property. `warnings`: sentences to print.
    """

    folder: Path
    size: InputSize
    files: Mapping[str, str]  # file name to sha256
    images: tuple[NDArray[np.uint8], ...]  # (height, width, 3) each
    fits: tuple[Fit, ...]
    skipped: tuple[Skipped, ...]
    coverage: Mapping[str, Mapping[str, int]]
    warnings: tuple[str, ...]

    def manifest(self) -> dict[str, object]:
        """The set as JSON: files with their sha256, seed, preprocessing, coverage and skipped pictures."""
        return {
            "files": dict(self.files),
            "seed": SEED,
            "preprocessing": preprocessing_of(self.size),
            "size": self.size.as_json,
            "coverage": {name: dict(counts) for name, counts in self.coverage.items()},
            "skipped": [asdict(item) for item in self.skipped],
        }

    @property
    def sha256(self) -> str:
        """Digest of the files' digests in order; equal for the same photos."""
        return sha256_of_bytes("".join(f"{digest}\n" for digest in self.files.values()).encode())


def read_calibration_set(
    folder: Path,
    size: Size,
    masks: Masks | None = None,
    limit: int | None = None,
    forbidden: Collection[str] = (),
) -> CalibrationSet:
    """Read at most `limit` usable pictures of a folder, in an order determined by their names and `SEED`.

    masks: the float model's own group mask, for person and skin-tone coverage. forbidden: sha256 of pictures that
    must not be calibrated on (the evaluation set). Raises CalibrationError if no picture is usable or one is forbidden.
    """
    skipped: list[Skipped] = []
    files: dict[str, str] = {}
    images: list[NDArray[np.uint8]] = []
    fits: list[Fit] = []
    size = InputSize.of(size)
    for path in _shuffled(images_in(folder)):
        if limit is not None and len(images) >= limit:
            break
        try:
            photo = read_image(path)  # before hashing, which would never end for a pipe
        except ImageError as error:
            skipped.append(Skipped(path.name, error.reason))
            continue
        fit = fit_of(photo.shape[:2], size)
        image = fitted(photo, fit)
        digest = sha256_of(path)
        if digest in forbidden:
            raise CalibrationError(f"{path} is also an evaluation picture; calibrate on other photos.")
        reason = (
            "is a duplicate"
            if digest in files.values()
            else "is all black"
            if image.max() < BLACK_LEVEL
            else ""
        )
        if reason:
            skipped.append(Skipped(path.name, reason))
            continue
        files[path.name] = digest
        images.append(image)
        fits.append(fit)
    if not images:
        raise CalibrationError(f"{folder} holds no usable picture ({len(skipped)} left out).")
    shown = [fit.shown(image) for fit, image in zip(fits, images, strict=True)]
    coverage = _coverage(shown, masks)
    warnings = _warnings(folder, len(images), coverage)
    return CalibrationSet(folder, size, files, tuple(images), tuple(fits), tuple(skipped), coverage, warnings)


def calibration_set(
    folder: Path,
    checkpoint: Checkpoint,
    size: InputSize,
    limit: int | None = None,
    evaluation: Path | None = None,
) -> CalibrationSet:
    """Read the pictures of a folder, with coverage by the float model's own mask; prints skipped ones and warnings.

    Raises CalibrationError when one of them is also in the folder `evaluation`.
    """
    masks = Segmenter(checkpoint, size=size).groups if checkpoint.groups.skin else None
    console.say(f"reading the calibration pictures in {folder} and measuring their coverage …")
    with console.quiet_libraries():
        forbidden = frozenset() if evaluation is None else sha256_of_images(evaluation)
        found = read_calibration_set(folder, size, masks, limit, forbidden)
    for item in found.skipped:
        console.say(f"left out {item.name}: {item.reason}")
    for warning in found.warnings:
        console.say(f"warning: {warning}")
    return found


def sha256_of_images(folder: Path) -> frozenset[str]:
    """Digests of the pictures in a folder, to keep them out of calibration."""
    return frozenset(sha256_of(path) for path in images_in(folder) if path.is_file())


def _shuffled(paths: list[Path]) -> list[Path]:
    order = np.random.default_rng(SEED).permutation(len(paths))
    return [paths[i] for i in order]


def _coverage(images: list[NDArray[np.uint8]], masks: Masks | None) -> dict[str, Counter[str]]:
    brightness: Counter[str] = Counter({"dark": 0, "middle": 0, "bright": 0})
    framing: Counter[str] = Counter({"no person": 0, "full body": 0, "close-up": 0})
    tones: Counter[str] = Counter(dict.fromkeys(ITA_EDGES_DEG, 0))
    for image in images:
        brightness[("dark", "middle", "bright")[int(np.digitize(image.mean(), BRIGHTNESS_EDGES))]] += 1
        if masks is None:
            continue
        weights = masks(image)  # (h, w, 3)
        person = float((weights.sum(-1) > 0.5).mean())
        framing["no person" if person < 0.01 else "full body" if person < CLOSE_UP_SHARE else "close-up"] += 1
        tone = skin_tone(image, weights[..., 0])
        if tone is not None:
            tones[tone] += 1
    return {"brightness": brightness} | ({} if masks is None else {"framing": framing, "skin tone": tones})


def skin_tone(image: NDArray[np.uint8], skin: NDArray[np.float32]) -> str | None:
    """Stratum of a picture's median skin colour by ITA = atan((L* − 50) / b*); None if it shows too little skin.

    image: (H, W, 3) uint8 sRGB; skin: (h, w) weights in [0, 1], of every H/h-th pixel in both directions.
    """
    step = image.shape[0] // skin.shape[0]
    pixels = image[step // 2 :: step, step // 2 :: step][: skin.shape[0], : skin.shape[1]][skin > 0.5]
    if len(pixels) < MIN_SKIN_PIXELS:
        return None
    lightness, _, yellow = np.median(rgb2lab(pixels[None] / 255.0)[0], axis=0)
    angle = float(np.degrees(np.arctan2(lightness - 50, yellow)))
    return next(name for name, edge in ITA_EDGES_DEG.items() if angle > edge)


def _warnings(folder: Path, n: int, coverage: Mapping[str, Mapping[str, int]]) -> tuple[str, ...]:
    found = []
    if n < FEWEST:
        found.append(
            f"only {n} usable picture(s) in {folder}: single ones determine the ranges; use at least {FEWEST}"
        )
    framing = coverage.get("framing", {})
    if framing and framing["no person"] == n:
        found.append(f"the float model finds no person in any picture of {folder}")
    for name, counts in coverage.items():
        empty = [stratum for stratum, count in counts.items() if count == 0 and stratum != "no person"]
        if empty:
            found.append(f"no picture covers {name}: {', '.join(empty)}")
    return tuple(found)
