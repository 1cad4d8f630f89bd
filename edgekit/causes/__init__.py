"""Causes: why an artifact loses what it loses, which change would cure it, and the gain measured after making it."""
