"""What the Android tests share: one toolchain, one bundle, one compilation of everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.bundles.reading import OpenBundle
from tests.android.build import Compiled, OfflineApk, build_apk, compile_app, compile_core
from tests.android.sample_bundle import write_sample_bundle
from tests.android.toolchain import Toolchain, ToolMissing, find_toolchain


@pytest.fixture(scope="session")
def tools() -> Toolchain:
    try:
        return find_toolchain()
    except ToolMissing as missing:
        pytest.skip(f"the Android tools are not all there: {missing}")


@pytest.fixture(scope="session")
def android_bundle(tmp_path_factory: pytest.TempPathFactory) -> OpenBundle:
    return write_sample_bundle(tmp_path_factory.mktemp("android"))


@pytest.fixture(scope="session")
def core(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The core module's classes and its tests'."""
    return compile_core(tools, tmp_path_factory.mktemp("core"))


@pytest.fixture(scope="session")
def compiled(tools: Toolchain, core: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return compile_app(tools, tmp_path_factory.mktemp("app"), *core)


@pytest.fixture(scope="session")
def apk(
    tools: Toolchain,
    compiled: Compiled,
    android_bundle: OpenBundle,
    tmp_path_factory: pytest.TempPathFactory,
) -> OfflineApk:
    into = tmp_path_factory.mktemp("apk")
    return build_apk(tools, compiled.core, compiled.core_tests, compiled.stubs, android_bundle.folder, into)
