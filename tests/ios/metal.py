"""The app's Metal texts compiled as C++ through the shader tests' shim, and run."""

from __future__ import annotations

import ctypes as c
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.files import sha256_of_bytes
from edgekit.shader.backends.metal_as_cpp import SHIM, Slot
from edgekit.shader.description import ShaderDescription
from edgekit.shader.oracle import Frame, texels_of

# Called for every pixel's centre; `block` is what setFragmentBytes hands over.
DRIVER = """
#undef fragment
#undef vertex
#undef constant
struct Slot { const float* data; int w, h, depth; };
extern "C" void run(const Slot* slots, const void* block, unsigned char* out, int W, int H) {
  @BLOCK@ params;
  std::memcpy(&params, block, sizeof params);
@TEXTURES@  for (int y = 0; y < H; ++y) for (int x = 0; x < W; ++x) {
    @VARYING@ in;
    in.uv = float2((x + .5f) / W, (y + .5f) / H);
    float4 r = @ENTRY@(in, @NAMES@, params);
    for (int k = 0; k < 4; ++k)
      out[(size_t(y) * W + x) * 4 + k] = (unsigned char)std::lrintf(std::clamp(r.d[k], 0.f, 1.f) * 255);
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
        self, text: str, entry: Entry, texels: list[NDArray[np.uint8]], block: bytes, size: tuple[int, int]
    ) -> NDArray[np.uint8]:
        """texels: (H, W, 4) or (N, N, N, 4). size: height, width. Returns (height, width, 4)."""
        floats = [np.ascontiguousarray(t, np.float32) / np.float32(255.0) for t in texels]
        slots = (Slot * len(floats))(
            *(Slot(f.ctypes.data, f.shape[-2], f.shape[-3], f.shape[0] if f.ndim == 4 else 1) for f in floats)
        )
        out = np.zeros((*size, 4), np.uint8)
        self._compiled(text, entry).run(slots, block, c.c_void_p(out.ctypes.data), size[1], size[0])
        return out

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


def fused(description: ShaderDescription) -> tuple[str, Entry]:
    """The bundle's own MSL text and its fragment function, textures in the order of their MSL index."""
    text = description.dialect("msl")
    index = {b.name: b.msl_index for b in description.bindings if b.kind == "texture"}
    slots = sorted(description.textures, key=lambda texture: index[texture.name] or 0)
    textures = tuple((texture.name, texture.dimension) for texture in slots)
    return text.text_of(text.fragment), Entry(text.fragment.entry, "VertexOut", "Params", textures)


def texels(
    description: ShaderDescription, image: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> list[NDArray[np.uint8]]:
    """What the app binds, in the order of `fused`."""
    frame = Frame(description, {"u_image": image, "u_mask": mask}, *image.shape[:2])
    by_name = {texture.name: texels_of(frame, texture) for texture in description.textures}
    return [np.asarray(by_name[name], np.uint8) for name, _ in fused(description)[1].textures]


def levels(first: np.ndarray, second: np.ndarray) -> int:
    """The largest difference of colour, in levels of 255."""
    return int(np.abs(first[..., :3].astype(int) - np.rint(second[..., :3]).astype(int)).max())
