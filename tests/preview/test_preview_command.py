"""`edgekit preview` as a process: it serves, says where, and ends at Ctrl-C; refusals are one sentence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from edgekit.bundles.reading import OpenBundle
from edgekit.bundles.writing import zip_bundle
from edgekit.preview.litert_js import FILES
from tests.support.cli import edgekit

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def litert(tmp_path: Path) -> Path:
    """A folder that looks like LiteRT.js, so that nothing is fetched."""
    for name in FILES:
        path = tmp_path / "litert" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "litert"


@pytest.mark.parametrize("zipped", [False, True])
def test_serves_a_bundle_until_interrupted(
    made: OpenBundle, litert: Path, tmp_path: Path, zipped: bool
) -> None:
    bundle = made.folder
    if zipped:
        bundle = tmp_path / "bundle.zip"
        zip_bundle(made, bundle)
    command = [
        sys.executable,
        "-m",
        "edgekit",
        "preview",
        str(bundle),
        "--port",
        "0",
        "--no-browser",
        "--json",
    ]
    process = subprocess.Popen(
        [*command, "--litert-js", str(litert)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    try:
        lines = []
        while not lines or lines[-1] != "}\n":
            lines.append(process.stdout.readline())
            assert lines[-1], process.communicate()
        said = json.loads("".join(lines))
        with urllib.request.urlopen(f"{said['url']}bundle/bundle.json", timeout=10) as answer:
            assert answer.read() == (made.folder / "bundle.json").read_bytes()
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert f"at {said['url']} (Ctrl-C stops it)" in errors


def test_a_damaged_bundle_is_refused_before_it_is_served(damaged: Path, litert: Path) -> None:
    (damaged / "golden/mask.png").write_bytes(b"x")
    ran = edgekit("preview", damaged, "--litert-js", litert, "--no-browser")
    assert ran.code == 3
    assert "golden/mask.png has 1 bytes" in ran.err


def test_what_is_no_bundle_is_refused(tmp_path: Path, litert: Path) -> None:
    ran = edgekit("preview", tmp_path, "--litert-js", litert, "--no-browser")
    assert ran.code == 3
    assert "holds no bundle.json" in ran.err
