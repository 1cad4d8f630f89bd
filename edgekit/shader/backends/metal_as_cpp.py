"""MSL compiled as C++ against metal_shim.h and run on the CPU."""

from __future__ import annotations

import ctypes as c
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit.files import sha256_of_bytes
from edgekit.shader.backends.backend import BackendMissing, Drawn, Job
from edgekit.shader.description import DialectText, Stage
from edgekit.shader.oracle import Frame, Pixels, texels_of
from edgekit.shader.upload import uniform_block

SHIM = Path(__file__).with_name("metal_shim.h")

# The rasteriser: one call of the fragment function for every pixel's centre.
DRIVER = """
#undef fragment
#undef vertex
#undef constant
struct Slot { const float* data; int w, h, depth; };
extern "C" void run(const Slot* slots, const void* block, float* out, int W, int H) {
  Params params;
  std::memcpy(&params, block, sizeof params);
@TEXTURES@  for (int y = 0; y < H; ++y) for (int x = 0; x < W; ++x) {
    VertexOut in;
    in.uv = float2((x + .5f) / W, (y + .5f) / H);
    float4 r = @ENTRY@(in, @NAMES@, params);
    for (int k = 0; k < 4; ++k) out[(size_t(y) * W + x) * 4 + k] = r.d[k];
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
        floats = {
            texture.name: _floats(texels_of(frame, texture))
            for texture in frame.description.textures
            if texture.role != "blurred"
        }
        for each, stages in zip(frame.description.passes, text.passes, strict=True):
            drawn = self._run(frame, text, stages.fragment, floats, frame.drawn_shape(each.target))
            floats[each.target] = drawn.astype(np.float16).astype(np.float32)
        drawn = self._run(frame, text, text.fragment, floats, (frame.height, frame.width))
        return np.asarray(np.rint(np.clip(drawn, 0.0, 1.0) * 255.0), np.uint8)

    def _run(
        self,
        frame: Frame,
        text: DialectText,
        fragment: Stage,
        floats: Mapping[str, NDArray[np.float32]],
        shape: tuple[int, int],
    ) -> NDArray[np.float32]:
        """What a fragment function returns, (height, width, 4). floats: slot → texels."""
        source = text.text_of(fragment)
        used = {name: texels for name, texels in floats.items() if f" {name} [[texture(" in source}
        library = self._library(frame, source, fragment.entry, list(used))
        slots = (Slot * len(used))(
            *(
                Slot(f.ctypes.data, f.shape[-2], f.shape[-3], f.shape[0] if f.ndim == 4 else 1)
                for f in used.values()
            )
        )
        out = np.zeros((*shape, 4), np.float32)
        library.run(slots, uniform_block(frame), c.c_void_p(out.ctypes.data), shape[1], shape[0])
        return out

    def _library(self, frame: Frame, text: str, entry: str, slots: Sequence[str]) -> c.CDLL:
        source = text + _driver(frame, entry, slots)
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


def _driver(frame: Frame, entry: str, slots: Sequence[str]) -> str:
    lines = "".join(
        f"  texture{frame.description.texture(name).dimension}<float> {name}; "
        f"{name}.s = storage{{slots[{i}].data, slots[{i}].w, slots[{i}].h, slots[{i}].depth}};\n"
        for i, name in enumerate(slots)
    )
    driver = DRIVER.replace("@TEXTURES@", lines).replace("@NAMES@", ", ".join(slots))
    return driver.replace("@ENTRY@", entry)


def _floats(texels: Pixels) -> NDArray[np.float32]:
    """Texels as a texture unit reads them."""
    return np.ascontiguousarray(texels, np.float32) / np.float32(255.0 if texels.dtype == np.uint8 else 1.0)
