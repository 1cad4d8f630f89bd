"""The small bundle and its copy that the bundle tests use."""

from tests.bundle.conftest import damaged, made

__all__ = ["damaged", "made"]
