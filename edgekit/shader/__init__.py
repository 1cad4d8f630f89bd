"""The fused shader: one description as data, emitted to every dialect, decided by a numpy oracle."""
