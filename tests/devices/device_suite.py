"""`pytest device_tests`, started as a user starts it: by its path, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def device_suite(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable, "-m", "pytest", "device_tests", "-q", "-p", "no:cacheprovider", *map(str, arguments)
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT)
