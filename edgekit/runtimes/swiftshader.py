"""SwiftShader: the Vulkan driver that every Chromium carries, which computes what a GPU would on this machine's CPU."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

LIBRARY = "libvk_swiftshader.so"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FOLDERS = (
    "/usr/lib/chromium", "/usr/lib/chromium-browser", "/usr/lib64/chromium-browser", "/opt/google/chrome",
    "/snap/chromium/current/usr/lib/chromium-browser",
)  # fmt: skip
PLAYWRIGHT = ".cache/ms-playwright/chromium*/chrome-linux*"  # below the user's home


def library() -> Path | None:
    """The driver's library, of an installed Chromium or of Playwright's; None if there is none."""
    return next((folder / LIBRARY for folder in _folders() if (folder / LIBRARY).is_file()), None)


def _folders() -> Iterator[Path]:
    for program in PROGRAMS:
        if (found := shutil.which(program)) is not None:
            yield Path(found).resolve().parent
    yield from map(Path, FOLDERS)
    yield from sorted(Path.home().glob(PLAYWRIGHT), reverse=True)  # the newest first


def environment(driver: Path, folder: Path) -> dict[str, str]:
    """Variables that make SwiftShader a process's only Vulkan device; its description is written into `folder`."""
    described = {
        "file_format_version": "1.0.0",
        "ICD": {"library_path": str(driver), "api_version": "1.0.5"},
    }
    path = folder / "swiftshader.json"
    path.write_text(json.dumps(described))
    return {"VK_ICD_FILENAMES": str(path), "VK_DRIVER_FILES": str(path)}
