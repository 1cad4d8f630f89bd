"""Calibration sets, observers, activation ranges and the recipe planner."""
