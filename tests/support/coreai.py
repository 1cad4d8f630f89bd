"""Whether Core AI's packages are installed; tests that need them skip with the reason."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

needs_coreai = pytest.mark.skipif(
    find_spec("coreai_torch") is None or find_spec("coreai") is None,
    reason="needs the packages of the extra `coreai`: pip install 'edgekit[coreai]'",
)
