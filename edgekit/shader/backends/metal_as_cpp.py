"""MSL compiled as C++ against metal_shim.h and run on the CPU."""

from __future__ import annotations

import ctypes as c
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgekit.files import sha256_of_bytes
from edgekit.shader.backends.backend import BackendMissing, Drawn, Job
from edgekit.shader.description import DialectText
from edgekit.shader.oracle import Frame
from edgekit.shader.upload import texels_of, uniform_block

SHIM = Path(__file__).with_name("metal_shim.h")

# The rasteriser: one call of the fragment function for every pixel's centre, rounded as unorm8 stores.
DRIVER = """
#undef fragment
#undef vertex
#undef constant
struct Slot { const float* data; int w, h, depth; };
extern "C" void run(const Slot* slots, const void* block, unsigned char* out, int W, int H) {
  Params params;
  std::memcpy(&params, block, sizeof params);
@TEXTURES@  for (int y = 0; y < H; ++y) for (int x = 0; x < W; ++x) {
    VertexOut in;
    in.uv = float2((x + .5f) / W, (y + .5f) / H);
    float4 r = @ENTRY@(in, @NAMES@, params);
    for (int k = 0; k < 4; ++k) {
      float v = std::clamp(r.d[k], 0.f, 1.f);
      out[(size_t(y) * W + x) * 4 + k] = (unsigned char)std::lrintf(v * 255);
    }
  }
}
"""


class Slot(c.Structure):
    _fields_ = [("data", c.c_void_p), ("w", c.c_int), ("h", c.c_int), ("depth", c.c_int)]


class MetalAsCpp:
    dialect = "msl"

    def __init__(self) -> None:
        compiler = shutil.which("g++")
        if compiler is None:
            raise BackendMissing("g++ is missing.")
        self.compiler = compiler
        self.folder = tempfile.TemporaryDirectory(prefix="edgekit-msl-")
        shutil.copyfile(SHIM, Path(self.folder.name) / "metal_stdlib")
        version = subprocess.run([compiler, "-dumpfullversion"], capture_output=True, text=True, check=True)
        self.device = f"MSL as C++, g++ {version.stdout.strip()}"
        self.libraries: dict[str, c.CDLL] = {}

    def draw(self, jobs: Sequence[Job]) -> list[Drawn]:
        return [self._draw_one(frame, text) for frame, text in jobs]

    def close(self) -> None:
        self.folder.cleanup()

    def _draw_one(self, frame: Frame, text: DialectText) -> Drawn:
        library = self._library(frame, text)
        textures = [texels_of(frame, texture) for texture in frame.description.textures]
        floats = [
            np.ascontiguousarray(t, np.float32) / np.float32(255.0 if t.dtype == np.uint8 else 1.0)
            for t in textures
        ]
        slots = (Slot * len(floats))(
            *(Slot(f.ctypes.data, f.shape[-2], f.shape[-3], f.shape[0] if f.ndim == 4 else 1) for f in floats)
        )
        out = np.zeros((frame.height, frame.width, 4), np.uint8)
        library.run(slots, uniform_block(frame), c.c_void_p(out.ctypes.data), frame.width, frame.height)
        return out

    def _library(self, frame: Frame, text: DialectText) -> c.CDLL:
        source = text.text_of(text.fragment) + _driver(frame, text)
        key = sha256_of_bytes(source.encode())
        if key not in self.libraries:
            path = Path(self.folder.name) / f"{key}.cpp"
            path.write_text(source)
            library = path.with_suffix(".so")
            command = [self.compiler, "-std=c++17", "-O1", "-w", "-shared", "-fPIC", "-I", self.folder.name]
            done = subprocess.run(
                [*command, "-o", str(library), str(path)], capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise RuntimeError(f"g++ refuses the shader: {done.stderr[:2000]}")
            self.libraries[key] = c.CDLL(str(library))
        return self.libraries[key]


def _driver(frame: Frame, text: DialectText) -> str:
    textures = frame.description.textures
    lines = "".join(
        f"  texture{t.dimension}<float> {t.name}; "
        f"{t.name}.s = storage{{slots[{i}].data, slots[{i}].w, slots[{i}].h, slots[{i}].depth}};\n"
        for i, t in enumerate(textures)
    )
    names = ", ".join(t.name for t in textures)
    driver = DRIVER.replace("@TEXTURES@", lines).replace("@NAMES@", names)
    return driver.replace("@ENTRY@", text.fragment.entry)
