"""Image to tensor, calibration sets, observers and the recipe planner."""
