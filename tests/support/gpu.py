"""Whether LiteRT's GPU backend can run here; tests that need it skip with the reason."""

from __future__ import annotations

import pytest

from edgekit.runtimes import swiftshader

needs_gpu = pytest.mark.skipif(
    swiftshader.library() is None,
    reason="needs Chromium's SwiftShader; tools/install-system-packages.sh installs it",
)
