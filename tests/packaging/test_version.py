"""The version is stated once and needs no installed metadata."""

from __future__ import annotations

import json
import platform
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import edgekit
from edgekit.artifact import tool_versions
from edgekit.weights import BUNDLED_FOLDER, license_of
from tests.support.cli import edgekit as run

ROOT = Path(__file__).parent.parent.parent


def test_pyproject_takes_the_version_from_the_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in settings["project"]
    assert settings["project"]["dynamic"] == ["version"]
    assert settings["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "edgekit._version.__version__"}


def test_a_source_tree_without_metadata_knows_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    known = metadata.version

    def version(name: str) -> str:
        if name == "edgekit":
            raise metadata.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(metadata, "version", version)
    assert tool_versions("numpy") == {"edgekit": edgekit.__version__, "numpy": known("numpy")}
    assert run("--version").out == f"edgekit {edgekit.__version__}\n"


def test_doctor_says_what_a_bug_report_needs() -> None:
    found = json.loads(run("doctor", "--json").out)
    assert found["edgekit"] == edgekit.__version__
    assert found["python"] == platform.python_version()
    assert sys.platform in found["platform"].lower() or sys.platform == "darwin"
    assert found["weights"] == {"name": BUNDLED_FOLDER.name, "license": license_of(BUNDLED_FOLDER)}


def test_the_changelog_describes_the_version() -> None:
    headings = [
        line for line in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines() if line[:3] == "## "
    ]
    assert headings[0] == "## Unreleased"
    assert headings[1].split()[1] == edgekit.__version__
