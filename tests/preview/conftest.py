"""The small bundle that the bundle tests make."""

from tests.bundle.conftest import made

__all__ = ["made"]
