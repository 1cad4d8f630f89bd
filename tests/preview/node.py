"""The page's logic in Node: its modules need no browser."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NODE = shutil.which("node")
IN_NODE = [
    pytest.mark.system,
    pytest.mark.skipif(NODE is None, reason="needs node; tools/install-system-packages.sh installs it"),
]


def node(*arguments: object, **environment: Path) -> subprocess.CompletedProcess[str]:
    """Run Node with these arguments and, added to the environment, these paths."""
    assert NODE is not None
    return subprocess.run(
        [NODE, *map(str, arguments)],
        env={**os.environ, **{name: str(path) for name, path in environment.items()}},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
