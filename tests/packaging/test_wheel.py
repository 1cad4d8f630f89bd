"""The wheel and the sdist: what they hold, and that the wheel alone works where there is no checkout.

Both are built, without network, from a copy of the files that git knows. The wheel is installed into a virtual
environment that sees the dependencies of the running one but not its edgekit; its commands run as processes in a
folder that is empty but for a photo: the README's five, in order as a reader would, and what follows from them.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest
from skimage.data import astronaut
from skimage.io import imsave

from edgekit import __version__
from edgekit.preview.litert_js import FILES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("calibration", "converters", "edgekit")
BESIDE_THE_PACKAGES = frozenset(
    {"CHANGELOG.md", "LICENSE", "MANIFEST.in", "NOTICE", "README.md", "constraints.txt", "pyproject.toml"}
)
WRITTEN_BY_SETUPTOOLS = frozenset({"PKG-INFO", "setup.cfg"})
README_MADE = {
    "demo": "demo-out/report.html",
    "convert": "artifacts",
    "parity-check": "artifacts",
    "style": "styled/photo.jpg",
    "shader": "shader",
}
OUTER_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "XDG_CACHE_HOME")


@dataclass(frozen=True)
class Distributions:
    """A copy of the files that git knows, and what was built from it."""

    tree: Path
    wheel: Path
    sdist: Path

    @property
    def package_files(self) -> set[str]:
        """Every file of the three packages, by its path in the repository."""
        paths = (path for package in PACKAGES for path in (self.tree / package).rglob("*") if path.is_file())
        return {path.relative_to(self.tree).as_posix() for path in paths if "__pycache__" not in path.parts}


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel, and the empty folder in which its commands run."""

    python: Path
    folder: Path
    environment: Mapping[str, str]

    @property
    def command(self) -> str:
        return str(self.python.with_name("edgekit"))

    def edgekit(self, *arguments: str, timeout_s: float = 1800) -> dict[str, object]:
        """Run `edgekit arguments… --json` and return its JSON; it must exit with 0 and print no traceback."""
        ran = subprocess.run(
            [self.command, *arguments, "--json"], capture_output=True, text=True, cwd=self.folder,
            env=self.environment, timeout=timeout_s, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, f"edgekit {' '.join(arguments)}\n{ran.stderr}"
        assert "Traceback" not in ran.stderr
        assert "site-packages" not in ran.stderr  # no library's own warnings
        printed: dict[str, object] = json.loads(ran.stdout)
        return printed


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    tree, built = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("built")
    for name in _files_in_git():
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    ran = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", built, tree],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return Distributions(tree, next(built.glob("*.whl")), next(built.glob("*.tar.gz")))


def _files_in_git() -> list[str]:
    """What a commit of everything here would hold: tracked files, and new ones that are not ignored."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout, which says which files belong to the repository")
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    return listed.stdout.split("\0")[:-1]


@pytest.fixture(scope="module")
def installed(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    place = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place / "venv"], check=True)
    python = place / "venv/bin/python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index",
         "--disable-pip-version-check", distributions.wheel],
        check=True,
    )  # fmt: skip
    (site_packages,) = (place / "venv/lib").glob("python*/site-packages")
    # A folder that a .pth file names comes after the environment's own, and no .pth file in it is read: not
    # that of the running environment's editable edgekit either.
    outer = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (site_packages / "dependencies.pth").write_text("\n".join(outer) + "\n", encoding="utf-8")
    (place / "home").mkdir()
    (place / "empty").mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in OUTER_VARIABLES}
    environment |= {"HOME": str(place / "home"), "PYTHONNOUSERSITE": "1"}
    return Installed(python, place / "empty", environment)


def readme_commands() -> list[list[str]]:
    """The arguments of the commands in the README's block under "Five commands"."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Five commands")[1]
    block = re.search(r"```sh\n(.*?)```", section, re.S)
    assert block is not None
    return [shlex.split(line, comments=True)[1:] for line in block[1].splitlines()]


@pytest.fixture(scope="module")
def printed(installed: Installed) -> dict[str, dict[str, object]]:
    """What each of the README's commands printed."""
    imsave(installed.folder / "photo.jpg", astronaut()[:, 64:448], check_contrast=False)
    return {arguments[0]: installed.edgekit(*arguments) for arguments in readme_commands()}


@pytest.fixture(scope="module")
def tflite(printed: dict[str, object], installed: Installed) -> str:
    """The TFLite artifact that the demo made."""
    (made,) = (installed.folder / "demo-out").glob("*.tflite")
    return str(made)


@pytest.fixture(scope="module")
def bundle(tflite: str, installed: Installed) -> Path:
    """The folder of a bundle of the demo's TFLite artifact."""
    printed = installed.edgekit("bundle", "--artifact", tflite, "--style", "vibrant", "--out", "bundle")
    assert [row["passed"] for row in printed["golden"]] == [True]  # type: ignore[attr-defined]
    return installed.folder / "bundle"


def test_the_wheel_holds_the_packages_files_and_nothing_else(distributions: Distributions) -> None:
    info = f"edgekit-{__version__}.dist-info/"
    with zipfile.ZipFile(distributions.wheel) as archive:
        names = {name for name in archive.namelist() if not name.startswith(info)}
        assert names == distributions.package_files
        for name in names:
            assert archive.read(name) == (distributions.tree / name).read_bytes(), name
        for name in ("LICENSE", "NOTICE"):
            assert archive.read(f"{info}licenses/{name}") == (ROOT / name).read_bytes()


def test_the_sdist_holds_what_the_wheel_is_built_from(distributions: Distributions) -> None:
    """`python -m build` made the wheel from this sdist, so that nothing is missing; here, that nothing is too much."""
    with tarfile.open(distributions.sdist) as archive:
        members = (PurePosixPath(member.name) for member in archive.getmembers() if member.isfile())
        names = {str(member.relative_to(f"edgekit-{__version__}")) for member in members}
    written = {name for name in names if name.startswith("edgekit.egg-info/")} | WRITTEN_BY_SETUPTOOLS
    assert names - written == distributions.package_files | BESIDE_THE_PACKAGES


def test_the_installed_packages_are_what_runs(installed: Installed) -> None:
    program = f"import {', '.join(PACKAGES)}\n" + "\n".join(f"print({name}.__file__)" for name in PACKAGES)
    ran = subprocess.run(
        [installed.python, "-c", program], capture_output=True, text=True, cwd=installed.folder,
        env=installed.environment, check=True,
    )  # fmt: skip
    files = [Path(line) for line in ran.stdout.splitlines()]
    assert [file.parent.name for file in files] == list(PACKAGES)
    assert all(file.is_relative_to(installed.python.parent.parent) for file in files), files
    version = subprocess.run(
        [installed.command, "--version"],
        capture_output=True,
        text=True,
        env=installed.environment,
        check=True,
    )
    assert version.stdout == f"edgekit {__version__}\n"


def test_the_five_commands_of_the_readme_work(
    printed: dict[str, dict[str, object]], installed: Installed
) -> None:
    assert list(printed) == list(README_MADE)
    assert all((installed.folder / made).exists() for made in README_MADE.values())
    demo, checked = printed["demo"], printed["parity-check"]
    assert demo["passed"] is True and checked["passed"] is True
    assert "PASSED" in (installed.folder / str(demo["report"])).read_text(encoding="utf-8")
    assert (installed.folder / str(demo["overlay"])).is_file()
    (photo,) = printed["style"]["photos"]  # type: ignore[misc]
    assert (photo["width"], photo["height"]) == (384, 512)


def test_preview_serves_the_page_and_the_bundle(bundle: Path, installed: Installed, tmp_path: Path) -> None:
    for name in FILES:  # a folder that looks like LiteRT.js, so that nothing is fetched
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    process = subprocess.Popen(
        [installed.command, "preview", str(bundle), "--port", "0", "--no-browser", "--litert-js", str(tmp_path),
         "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=installed.folder,
        env=installed.environment,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        lines: list[str] = []
        while not lines or lines[-1] != "}\n":
            lines.append(process.stdout.readline())
            assert lines[-1], process.communicate()[1]
        url = json.loads("".join(lines))["url"]
        with urllib.request.urlopen(url, timeout=30) as answer:
            assert b"</html>" in answer.read()
        with urllib.request.urlopen(f"{url}bundle/bundle.json", timeout=30) as answer:
            assert answer.read() == (bundle / "bundle.json").read_bytes()
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in errors
