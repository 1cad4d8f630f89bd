"""Where an artifact can run: this machine, emulated arm64, Android phones, Apple devices."""
