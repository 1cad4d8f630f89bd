"""The fused shader: one description as data, emitted in every dialect and checked against a numpy oracle."""
