"""The app's Metal texts compiled as C++ through the shader tests' shim, and run."""

from __future__ import annotations

import ctypes as c
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.files import sha256_of_bytes
from edgekit.shader.backends.metal_as_cpp import SHIM, Slot
from edgekit.shader.description import ShaderDescription
from edgekit.shader.oracle import Frame, Pixels, texels_of

# Called for every pixel's centre; `block` is what setFragmentBytes hands over.
DRIVER = """
#undef fragment
#undef vertex
#undef constant
struct Slot { const float* data; int w, h, depth; };
extern "C" void run(const Slot* slots, const void* block, float* out, int W, int H) {
  @BLOCK@ params;
  std::memcpy(&params, block, sizeof params);
@TEXTURES@  for (int y = 0; y < H; ++y) for (int x = 0; x < W; ++x) {
    @VARYING@ in;
    in.uv = float2((x + .5f) / W, (y + .5f) / H);
    float4 r = @ENTRY@(in, @NAMES@, params);
    for (int k = 0; k < 4; ++k) out[(size_t(y) * W + x) * 4 + k] = r.d[k];
  }
}
"""


@dataclass(frozen=True)
class Entry:
    """A fragment function: its name, what it takes per pixel, its block's type, its textures in order."""

    name: str
    varying: str
    block: str
    textures: tuple[tuple[str, str], ...]  # name, 2d or 3d


class MetalRunner:
    """Compiles MSL texts into `folder` and draws with them."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("g++")
        if compiler is None:
            pytest.skip("g++ is missing; run tools/install-system-packages.sh.")
        self.compiler = compiler
        self.folder = folder
        shutil.copyfile(SHIM, folder / "metal_stdlib")

    def draw(
        self, text: str, entry: Entry, texels: Sequence[Pixels], block: bytes, size: tuple[int, int]
    ) -> NDArray[np.uint8]:
        """texels: (H, W, 4) or (N, N, N, 4), bytes or floats. size: height, width. Returns (height, width, 4)."""
        drawn = self.run(text, entry, texels, block, size)
        return np.asarray(np.rint(np.clip(drawn, 0.0, 1.0) * 255.0), np.uint8)

    def run(
        self, text: str, entry: Entry, texels: Sequence[Pixels], block: bytes, size: tuple[int, int]
    ) -> NDArray[np.float32]:
        """What the fragment function returns, (height, width, 4)."""
        floats = [
            np.ascontiguousarray(t, np.float32) / np.float32(255.0 if t.dtype == np.uint8 else 1.0)
            for t in texels
        ]
        slots = (Slot * len(floats))(
            *(Slot(f.ctypes.data, f.shape[-2], f.shape[-3], f.shape[0] if f.ndim == 4 else 1) for f in floats)
        )
        out = np.zeros((*size, 4), np.float32)
        self._compiled(text, entry).run(slots, block, c.c_void_p(out.ctypes.data), size[1], size[0])
        return out

    def draw_style(
        self,
        description: ShaderDescription,
        texels: Mapping[str, Pixels],
        block: bytes,
        size: tuple[int, int],
        passes: Sequence[DrawnPass] | None = None,
    ) -> NDArray[np.uint8]:
        """The style's passes, and the picture. texels: by slot. passes: None is what the description says."""
        slots: dict[str, Pixels] = dict(texels)
        for each in described_passes(description, texels) if passes is None else passes:
            entry = _entry(description, each.text, each.entry)
            assert set(each.textures) >= {name for name, _ in entry.textures}
            read = [slots[name] for name, _ in entry.textures]
            slots[each.target] = self.run(each.text, entry, read, block, each.size).astype(np.float16)
        text, entry = fused(description)
        return self.draw(text, entry, [slots[name] for name, _ in entry.textures], block, size)

    def _compiled(self, text: str, entry: Entry) -> c.CDLL:
        source = self.folder / f"{entry.name}-{sha256_of_bytes(text.encode())}.cpp"
        library = source.with_suffix(".so")
        if not library.exists():
            source.write_text(text + _driver(entry))
            command = [self.compiler, "-std=c++17", "-O2", "-w", "-shared", "-fPIC", "-I", str(self.folder)]
            done = subprocess.run(
                [*command, "-o", str(library), str(source)], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr[:2000]
        return c.CDLL(str(library))


def _driver(entry: Entry) -> str:
    declared = "".join(
        f"  texture{dimension}<float> {name}; "
        f"{name}.s = storage{{slots[{i}].data, slots[{i}].w, slots[{i}].h, slots[{i}].depth}};\n"
        for i, (name, dimension) in enumerate(entry.textures)
    )
    replaced = DRIVER.replace("@TEXTURES@", declared).replace("@ENTRY@", entry.name)
    replaced = replaced.replace("@VARYING@", entry.varying).replace("@BLOCK@", entry.block)
    return replaced.replace("@NAMES@", ", ".join(name for name, _ in entry.textures))


@dataclass(frozen=True)
class DrawnPass:
    """A draw before the fused one: its text and fragment function, the slots that it draws and reads, and its height
    and width."""

    text: str
    entry: str
    target: str
    textures: tuple[str, ...]
    size: tuple[int, int]


def described_passes(description: ShaderDescription, texels: Mapping[str, Pixels]) -> list[DrawnPass]:
    """The passes as the oracle draws them."""
    frame, text = Frame(description, texels, 1, 1), description.dialect("msl")
    return [
        DrawnPass(
            text.text_of(stages.fragment),
            stages.fragment.entry,
            each.target,
            each.textures,
            frame.drawn_shape(each.target),
        )
        for each, stages in zip(description.passes, text.passes, strict=True)
    ]


def fused(description: ShaderDescription) -> tuple[str, Entry]:
    """The bundle's own MSL text and its fragment function."""
    text = description.dialect("msl")
    source = text.text_of(text.fragment)
    return source, _entry(description, source, text.fragment.entry)


def _entry(description: ShaderDescription, text: str, name: str) -> Entry:
    """The fragment function with the textures that it takes, in the order of their MSL index."""
    index = {b.name: b.msl_index for b in description.bindings if b.kind == "texture"}
    slots = sorted(description.textures, key=lambda texture: index[texture.name] or 0)
    taken = tuple((t.name, t.dimension) for t in slots if f" {t.name} [[texture({index[t.name]})]]" in text)
    return Entry(name, "VertexOut", "Params", taken)


def texels(
    description: ShaderDescription, image: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> dict[str, Pixels]:
    """What the app binds, by slot, but for what its passes draw."""
    frame = Frame(description, {"u_image": image, "u_mask": mask}, *image.shape[:2])
    return {t.name: texels_of(frame, t) for t in description.textures if t.role != "blurred"}


def levels(first: np.ndarray, second: np.ndarray) -> int:
    """The largest difference of colour, in levels of 255."""
    return int(np.abs(first[..., :3].astype(int) - np.rint(second[..., :3]).astype(int)).max())
