"""Where edgekit keeps what it can make or fetch again."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_cache_path


def cache(name: str) -> Path:
    """The user's cache folder of that name; it may not exist yet."""
    return user_cache_path("edgekit", appauthor=False) / name
