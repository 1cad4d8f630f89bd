"""Options and fixtures. Without --device every test is skipped with NOT_RUN and the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.artifact import Artifact, artifacts_at
from edgekit.devices.registry import open_device
from edgekit.devices.runtime import opener_on
from edgekit.errors import EdgekitError
from edgekit.runtimes import Opener, opener_of


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("edgekit devices")
    group.addoption("--device", help="host, arm64, a phone's model or serial, as for edgekit bench")
    group.addoption(
        "--runtime", help="instead of a device, a runtime of this machine: litert-gpu, litert-fp16"
    )
    group.addoption("--runner", type=Path, help="benchmark_model built for the phone's ABI")
    group.addoption(
        "--artifact", type=Path, action="append", default=[], help="a .tflite; default: all in artifacts/"
    )
    group.addoption("--images", type=Path, help="folder of photos; default: one public-domain portrait")


@pytest.fixture(scope="session")
def there(request: pytest.FixtureRequest) -> Opener:
    """Opens artifacts on the device of --device, or in the runtime of --runtime.

    Without either, tests are NOT_RUN; an unusable device is a failure, not a skip.
    """
    runtime, name = (request.config.getoption(option) for option in ("--runtime", "--device"))
    if runtime is not None:
        return opener_of(runtime)
    if name is None:
        pytest.skip("NOT_RUN: no --device was given; edgekit devices lists them")
    return opener_on(open_device(name, request.config.getoption("--runner")))


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
