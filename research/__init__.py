"""How the bundled weights were made. Not part of the wheel; nothing imports it."""
