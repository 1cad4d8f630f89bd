"""Suites that run an artifact on a device and compare it with the reference."""
