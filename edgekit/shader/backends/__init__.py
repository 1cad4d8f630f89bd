"""Run emitted shader text on real compilers, for tests and benchmarks: one file per backend.

Each draws the same frames as `edgekit.shader.oracle.render` and returns 8-bit pixels. Debian packages:
`tools/install-system-packages.sh`; WGSL needs pip's `wgpu` too.
"""

from __future__ import annotations

from collections.abc import Callable

from edgekit.shader.backends.backend import Backend, BackendMissing
from edgekit.shader.backends.chromium_webgl2 import ChromiumWebgl2
from edgekit.shader.backends.mesa_essl import MesaEssl, MesaEsslExternal
from edgekit.shader.backends.metal_as_cpp import MetalAsCpp
from edgekit.shader.backends.wgpu_wgsl import WgpuWgsl

BACKENDS: dict[str, Callable[[], Backend]] = {
    "mesa-essl": MesaEssl,
    "mesa-essl-external": MesaEsslExternal,
    "chromium-webgl2": ChromiumWebgl2,
    "metal-as-cpp": MetalAsCpp,
    "wgpu-wgsl": WgpuWgsl,
}

__all__ = ["BACKENDS", "Backend", "BackendMissing"]
