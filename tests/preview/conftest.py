"""The small bundle and its copy that the bundle tests use."""

from tests.bundles.conftest import damaged, made

__all__ = ["damaged", "made"]
