"""Options and fixtures. Without --device every test is skipped with NOT_RUN and the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.artifact import Artifact, artifacts_at
from edgekit.devices.device import Device
from edgekit.devices.registry import open_device
from edgekit.errors import EdgekitError


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("edgekit devices")
    group.addoption("--device", help="host, arm64, a phone's model or serial, as for edgekit bench")
    group.addoption("--runner", type=Path, help="benchmark_model built for the phone's ABI")
    group.addoption(
        "--artifact", type=Path, action="append", default=[], help="a .tflite; default: all in artifacts/"
    )
    group.addoption("--images", type=Path, help="folder of photos; default: one public-domain portrait")


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> Device:
    """The device of --device. Without the option tests are NOT_RUN; an unusable device is a failure, not a skip."""
    name = request.config.getoption("--device")
    if name is None:
        pytest.skip("NOT_RUN: no --device was given; edgekit devices lists them")
    return open_device(name, request.config.getoption("--runner"))


@pytest.fixture(scope="session")
def artifacts(request: pytest.FixtureRequest) -> list[Artifact]:
    """The .tflite artifacts to run."""
    try:
        found = artifacts_at(request.config.getoption("--artifact"))
    except EdgekitError as error:
        if request.config.getoption("--artifact"):
            raise
        pytest.skip(f"NOT_RUN: {error}")
    usable = [a for a in found if a.manifest.target == "tflite"]
    if not usable:
        pytest.skip("NOT_RUN: there is no .tflite artifact; edgekit convert --target tflite makes one")
    return usable


@pytest.fixture(scope="session")
def images(request: pytest.FixtureRequest) -> Path | None:
    folder: Path | None = request.config.getoption("--images")
    return folder
