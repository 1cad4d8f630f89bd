"""The app's GL code out of the APK, run on the JVM over Mesa: `gles_on_mesa/` stands in for Android's classes."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from tests.android.build import OfflineApk, java_home
from tests.android.toolchain import JAVA, Toolchain, joined, run

SHIM = Path(__file__).parent / "gles_on_mesa"


@dataclass(frozen=True)
class Drawn:
    """What DrawGolden.java found. `delta_e00_p95`: of the mask, by GoldenProof; `driver`: its name in the app;
    `resized_levels`: after a photo of another shape; `external_levels`: as from a camera; `drawn_levels`: of a picture
    drawn over as drawn_1, from one that is all background; `drawn_change`: from the golden; `alive`: GL objects that
    nothing deleted; `timed`: draws with a time; `ms`: their sum; `again`: a buffer came twice."""

    context: bool
    driver: str = ""
    delta_e00_p95: float = 100.0
    levels: int = 255
    resized_levels: int = 255
    external_levels: int = 255
    drawn_levels: int = 255
    drawn_change: int = -1
    alive: int = -1
    waited_equals: bool = False
    polled_equals: bool = False
    again: bool = True
    clock: str = ""
    timed: int = 0
    ms: float = 0.0


def build_shim(tools: Toolchain, apk: OfflineApk, into: Path) -> tuple[Path, Path]:
    """(classes, native library)."""
    library = into / "libgles_on_jvm.so"
    include = java_home() / "include"
    compiler = ["g++", "-std=c++17", "-shared", "-fPIC", f"-I{include}", f"-I{include / 'linux'}"]
    run([*compiler, str(SHIM / "gles.cpp"), "-o", str(library), "-lEGL", "-lGLESv2"])
    tools.compile_java(sorted(SHIM.glob("*.java")), [apk.readback], into / "classes")
    return into / "classes", library


def draw_golden(shim: tuple[Path, Path], apk: OfflineApk, bundle: Path, version: str | None = None) -> Drawn:
    """Draw the bundle's golden picture with the classes read back from the APK's dex.

    version: of OpenGL ES, for a driver that calls itself so and has no extensions.
    """
    classes, library = shim
    command = [*JAVA, f"-Dedgekit.gles={library}"]
    command += [] if version is None else [f"-Dedgekit.gles.version={version}"]
    command += ["-cp", joined([classes, apk.readback]), "DrawGolden"]
    env = {**os.environ, "EGL_PLATFORM": "surfaceless", "LP_NUM_THREADS": "1"}
    return Drawn(**json.loads(run([*command, str(bundle)], env=env)))
