"""The committed Xcode project is what the script writes, and holds exactly the files of the folders."""

from __future__ import annotations

import plistlib
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from pbxproj import XcodeProject

from tests.ios.conftest import IOS_DEMO
from tools.xcode_project import APP, BUNDLE_FOLDER, CORE, PROJECT, TESTS, compiled_files, project_files

COMMITTED = IOS_DEMO / PROJECT


@pytest.fixture(scope="module")
def project() -> XcodeProject:
    return XcodeProject.load(str(COMMITTED / "project.pbxproj"))


def paths_of(project: XcodeProject) -> dict[str, str]:
    """Identifier → path below ios_demo of every file reference in the groups."""
    found: dict[str, str] = {}

    def walk(key: str, folder: Path) -> None:
        item = project.objects[key]
        place = folder / item.path if "path" in item else folder
        if item.isa == "PBXGroup":
            for child in item.children:
                walk(child, place)
        elif item.sourceTree == "<group>":
            found[key] = place.as_posix()

    walk(project.objects[project.rootObject].mainGroup, Path())
    return found


def phase_files(project: XcodeProject, target: str, isa: str) -> list[str]:
    paths = paths_of(project)
    phases = [project.objects[key] for key in project.get_target_by_name(target).buildPhases]
    (phase,) = [phase for phase in phases if phase.isa == isa]
    return sorted(paths[project.objects[key].fileRef] for key in phase.files)


def test_the_script_writes_the_committed_files() -> None:
    committed = {
        path.relative_to(COMMITTED).as_posix(): path.read_text(encoding="utf-8")
        for path in COMMITTED.rglob("*")
        if path.is_file() and "xcuserdata" not in path.parts
    }
    assert project_files() == committed, "run python -m tools.xcode_project"


def test_a_new_file_changes_the_project(tmp_path: Path) -> None:
    for name in (APP, TESTS):
        shutil.copytree(IOS_DEMO / name, tmp_path / name)
    same = project_files(tmp_path)
    assert same == project_files()
    (tmp_path / APP / "App" / "New.swift").write_text("\n")
    assert project_files(tmp_path)["project.pbxproj"] != same["project.pbxproj"]


def test_a_placed_bundle_changes_nothing(tmp_path: Path) -> None:
    for name in (APP, TESTS):
        shutil.copytree(IOS_DEMO / name, tmp_path / name)
    place = tmp_path / APP / BUNDLE_FOLDER
    place.mkdir(parents=True, exist_ok=True)
    (place / "bundle.json").write_text("{}")
    assert project_files(tmp_path) == project_files()


def test_round_trip(project: XcodeProject, tmp_path: Path) -> None:
    project.save(str(tmp_path / "project.pbxproj"))
    text = (tmp_path / "project.pbxproj").read_text(encoding="utf-8")
    assert text == (COMMITTED / "project.pbxproj").read_text(encoding="utf-8")


@pytest.mark.parametrize("target", [APP, TESTS])
def test_every_source_is_compiled_and_nothing_else(project: XcodeProject, target: str) -> None:
    listed = phase_files(project, target, "PBXSourcesBuildPhase")
    assert listed == compiled_files(IOS_DEMO, target)
    assert listed
    assert all((IOS_DEMO / path).is_file() for path in listed)


def test_the_bundle_and_the_package_are_in_the_app(project: XcodeProject) -> None:
    assert phase_files(project, APP, "PBXResourcesBuildPhase") == [f"{APP}/{BUNDLE_FOLDER}"]
    root = project.objects[project.rootObject]
    (package,) = [project.objects[key] for key in root.packageReferences]
    assert package.relativePath == CORE
    assert (IOS_DEMO / CORE / "Package.swift").is_file()
    (dependency,) = project.get_target_by_name(APP).packageProductDependencies
    assert project.objects[dependency].productName == CORE


def test_no_identifier_dangles(project: XcodeProject) -> None:
    keys = set(project.get_ids())
    text = (COMMITTED / "project.pbxproj").read_text(encoding="utf-8")
    for key in keys:
        assert text.count(key) >= 2, f"{key} ({project.objects[key].isa}) is used by nothing"


def test_settings(project: XcodeProject) -> None:
    settings = [
        configuration.buildSettings
        for configuration in project.objects.get_objects_in_section("XCBuildConfiguration")
    ]
    targets = {setting["IPHONEOS_DEPLOYMENT_TARGET"] for setting in settings if "SDKROOT" in setting}
    assert targets == {"16.0"}
    assert not any("DEVELOPMENT_TEAM" in setting for setting in settings)
    plist = plistlib.loads((IOS_DEMO / APP / "Info.plist").read_bytes())
    assert plist["NSCameraUsageDescription"]
    assert len(plist["UISupportedInterfaceOrientations"]) == 4


def test_the_scheme_names_the_targets(project: XcodeProject) -> None:
    scheme = ET.parse(COMMITTED / "xcshareddata" / "xcschemes" / f"{APP}.xcscheme")
    named = {
        (reference.get("BlueprintName"), reference.get("BlueprintIdentifier"))
        for reference in scheme.iter("BuildableReference")
    }
    assert named == {
        (APP, project.get_target_by_name(APP).get_id()),
        (TESTS, project.get_target_by_name(TESTS).get_id()),
        (f"{CORE}Tests", f"{CORE}Tests"),
    }
