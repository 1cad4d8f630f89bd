"""Phones for tests: the genuine adb with a server, a home and a port of its own, and test doubles."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.devices.phone import Behaviour, Phone
from tests.support.tiny_tflite import write_tiny

STAND_IN = Path(__file__).parent / "benchmark_model.py"


@pytest.fixture(scope="session")
def adb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment of a private adb server. Its port lies above those adb scans for emulators (5555-5585)."""
    if shutil.which("adb") is None:
        pytest.skip("NOT RUN: adb is not installed; run tools/install-system-packages.sh")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("adb-home")
    env = {**os.environ, "HOME": str(home), "ANDROID_ADB_SERVER_PORT": str(port)}
    subprocess.run(["adb", "start-server"], env=env, check=True, capture_output=True, timeout=30)
    yield env
    subprocess.run(["adb", "kill-server"], env=env, check=False, capture_output=True, timeout=30)


@pytest.fixture
def adb_environment(adb_server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The test, and the code under test, talk to the private server; it forgets all phones afterwards."""
    for name in ("HOME", "ANDROID_ADB_SERVER_PORT"):
        monkeypatch.setenv(name, adb_server[name])
    yield
    subprocess.run(["adb", "disconnect"], check=False, capture_output=True, timeout=30)


Plug = Callable[..., Phone]


@pytest.fixture
def plug(adb_environment: None, tmp_path: Path) -> Iterator[Plug]:
    """plug(**behaviour): a phone that adb has been told of. Afterwards, nothing of it may still run."""
    phones: list[Phone] = []

    def plugged(**behaviour: object) -> Phone:
        phone = Phone(tmp_path / f"phone{len(phones)}", Behaviour(**behaviour))  # type: ignore[arg-type]
        phones.append(phone)
        subprocess.run(["adb", "connect", phone.serial], check=False, capture_output=True, timeout=30)
        return phone

    yield plugged
    # A killed program's shell needs a moment to see it and end.
    deadline = time.monotonic() + 5
    while (alive := [line for p in phones for line in p.alive()]) and time.monotonic() < deadline:
        time.sleep(0.05)
    for phone in phones:
        phone.close()
    assert not alive, "processes outlived their test"


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """benchmark_model's stand-in as a program."""
    program = tmp_path / "benchmark_model"
    program.write_text(f"#!{sys.executable}\n{STAND_IN.read_text()}")
    program.chmod(0o755)
    return program


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny(tmp_path / "tiny-512-fp32.tflite", "LOGISTIC")
