"""Scores: labels compared with labels, over any number of photos."""
