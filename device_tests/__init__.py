"""Artifacts on a device against PyTorch and against this machine: `pytest device_tests --device NAME`."""
