"""Colour: look-up tables, their file formats, styles as code, and the engine that applies them here."""
