"""The version, stated here alone: pyproject.toml reads it from this line, and it needs no installed metadata."""

__version__ = "0.1.0"
