"""Bundles: one folder (or zip) with everything an app needs to draw, and nothing it must trust blindly."""
