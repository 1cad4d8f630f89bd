"""Write ios_demo/EdgekitDemo.xcodeproj: `python -m tools.xcode_project` after a source file came or went.

The file list is the folders' content, and every identifier is derived from what it names, so the same files
give the same project; a test compares it with the committed one. Needs pbxproj (in the dev extra).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from pbxproj import XcodeProject

from edgekit.files import write_whole

IOS_DEMO = Path(__file__).parents[1] / "ios_demo"
PROJECT = "EdgekitDemo.xcodeproj"
APP, TESTS, CORE = "EdgekitDemo", "EdgekitDemoTests", "EdgekitCore"
# What `edgekit bundle --into ios_demo` places; copied as a folder, because the app reads it as it is.
BUNDLE_FOLDER = "Resources/edgekit"
# Xcode 15's format, the first with local Swift packages as objects of their own.
OBJECT_VERSION = "60"
FILE_TYPES = {".swift": "sourcecode.swift", ".metal": "sourcecode.metal", ".plist": "text.plist.xml"}
COMPILED = (".swift", ".metal")

Value = str | list[str] | dict[str, "Value"]
Objects = dict[str, dict[str, Value]]

COMMON = {
    "CLANG_ENABLE_MODULES": "YES",
    "IPHONEOS_DEPLOYMENT_TARGET": "16.0",
    "SDKROOT": "iphoneos",
    "SWIFT_VERSION": "5.0",
    "TARGETED_DEVICE_FAMILY": "1,2",
}
BY_CONFIGURATION = {
    "Debug": {
        "DEBUG_INFORMATION_FORMAT": "dwarf",
        "ENABLE_TESTABILITY": "YES",
        "ONLY_ACTIVE_ARCH": "YES",
        "SWIFT_ACTIVE_COMPILATION_CONDITIONS": "DEBUG",
        "SWIFT_OPTIMIZATION_LEVEL": "-Onone",
    },
    "Release": {
        "DEBUG_INFORMATION_FORMAT": "dwarf-with-dsym",
        "SWIFT_COMPILATION_MODE": "wholemodule",
        "SWIFT_OPTIMIZATION_LEVEL": "-O",
        "VALIDATE_PRODUCT": "YES",
    },
}
APP_SETTINGS = {
    "CODE_SIGN_STYLE": "Automatic",
    "CURRENT_PROJECT_VERSION": "1",
    "GENERATE_INFOPLIST_FILE": "NO",
    "INFOPLIST_FILE": f"{APP}/Info.plist",
    "LD_RUNPATH_SEARCH_PATHS": "$(inherited) @executable_path/Frameworks",
    "MARKETING_VERSION": "0.1",
    "PRODUCT_BUNDLE_IDENTIFIER": "dev.edgekit.demo",
    "PRODUCT_NAME": "$(TARGET_NAME)",
}
TEST_SETTINGS = {
    "BUNDLE_LOADER": "$(TEST_HOST)",
    "CODE_SIGN_STYLE": "Automatic",
    "GENERATE_INFOPLIST_FILE": "YES",
    "PRODUCT_BUNDLE_IDENTIFIER": "dev.edgekit.demo.tests",
    "PRODUCT_NAME": "$(TARGET_NAME)",
    "TEST_HOST": f"$(BUILT_PRODUCTS_DIR)/{APP}.app/{APP}",
}

WORKSPACE = """<?xml version="1.0" encoding="UTF-8"?>
<Workspace
   version = "1.0">
   <FileRef
      location = "self:">
   </FileRef>
</Workspace>
"""


def identifier(kind: str, name: str) -> str:
    """24 hexadecimal digits, as Xcode's, that depend on nothing but what they stand for."""
    return hashlib.sha256(f"{kind}:{name}".encode()).hexdigest()[:24].upper()


@dataclass
class Tree:
    """The objects of the project as they are added."""

    objects: Objects = field(default_factory=dict)

    def add(self, isa: str, name: str, /, **fields: Value) -> str:
        key = identifier(isa, name)
        assert key not in self.objects, f"{isa} {name} twice"
        self.objects[key] = {"isa": isa, **fields}
        return key

    def group(self, folder: Path, root: Path) -> str:
        """A group for the folder, its files and its folders' groups; the folder's name is its path."""
        inside = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
        children = []
        for path in inside:
            relative = path.relative_to(root).as_posix()
            if path.is_dir() and path.name != Path(BUNDLE_FOLDER).parent.name:
                children.append(self.group(path, root))
            elif path.suffix in FILE_TYPES:
                children.append(
                    self.add(
                        "PBXFileReference",
                        relative,
                        lastKnownFileType=FILE_TYPES[path.suffix],
                        path=path.name,
                        sourceTree="<group>",
                    )
                )
        if folder.name == APP:
            children.append(
                self.add(
                    "PBXFileReference",
                    BUNDLE_FOLDER,
                    lastKnownFileType="folder",
                    path=BUNDLE_FOLDER,
                    sourceTree="<group>",
                )
            )
        name = folder.relative_to(root).as_posix()
        return self.add("PBXGroup", name, children=children, path=folder.name, sourceTree="<group>")

    def phase(self, isa: str, target: str, files: list[str]) -> str:
        return self.add(
            isa, target, buildActionMask="2147483647", files=files, runOnlyForDeploymentPostprocessing="0"
        )

    def build_file(self, target: str, name: str, /, **reference: Value) -> str:
        return self.add("PBXBuildFile", f"{target}:{name}", **reference)

    def configurations(self, owner: str, settings: dict[str, str], with_common: bool = False) -> str:
        keys = []
        for name, own in BY_CONFIGURATION.items():
            merged: dict[str, Value] = {**settings, **({**COMMON, **own} if with_common else {})}
            keys.append(self.add("XCBuildConfiguration", f"{owner}:{name}", buildSettings=merged, name=name))
        return self.add(
            "XCConfigurationList",
            owner,
            buildConfigurations=keys,
            defaultConfigurationIsVisible="0",
            defaultConfigurationName="Release",
        )


def compiled_files(root: Path, target: str) -> list[str]:
    """Paths below `root` of what the target compiles, in order."""
    return sorted(p.relative_to(root).as_posix() for p in (root / target).rglob("*") if p.suffix in COMPILED)


def project_text(root: Path = IOS_DEMO) -> str:
    """The text of project.pbxproj for the files that lie in `root`."""
    tree = Tree()
    package = tree.add("XCLocalSwiftPackageReference", CORE, relativePath=CORE)
    dependency = tree.add("XCSwiftPackageProductDependency", CORE, productName=CORE)
    products = {
        name: tree.add(
            "PBXFileReference",
            file,
            explicitFileType=kind,
            includeInIndex="0",
            path=file,
            sourceTree="BUILT_PRODUCTS_DIR",
        )
        for name, file, kind in (
            (APP, f"{APP}.app", "wrapper.application"),
            (TESTS, f"{TESTS}.xctest", "wrapper.cfbundle"),
        )
    }
    product_group = tree.add(
        "PBXGroup", "Products", children=list(products.values()), name="Products", sourceTree="<group>"
    )
    groups = [tree.group(root / name, root) for name in (APP, TESTS)]
    main = tree.add("PBXGroup", "main", children=[*groups, product_group], sourceTree="<group>")
    app = _app_target(tree, root, products[APP], dependency)
    tests = _test_target(tree, root, products[TESTS], app)
    project = tree.add(
        "PBXProject",
        APP,
        attributes={"BuildIndependentTargetsInParallel": "YES", "LastUpgradeCheck": "1500"},
        buildConfigurationList=tree.configurations("project", {}, with_common=True),
        compatibilityVersion="Xcode 15.0",
        developmentRegion="en",
        hasScannedForEncodings="0",
        knownRegions=["en", "Base"],
        mainGroup=main,
        packageReferences=[package],
        productRefGroup=product_group,
        projectDirPath="",
        projectRoot="",
        targets=[app, tests],
    )
    plist = {
        "archiveVersion": "1",
        "classes": {},
        "objectVersion": OBJECT_VERSION,
        "objects": tree.objects,
        "rootObject": project,
    }
    return f"{XcodeProject(plist, str(root / PROJECT / 'project.pbxproj'))!r}\n"


def _sources(tree: Tree, root: Path, target: str) -> str:
    files = [
        tree.build_file(target, path, fileRef=identifier("PBXFileReference", path))
        for path in compiled_files(root, target)
    ]
    return tree.phase("PBXSourcesBuildPhase", target, files)


def _app_target(tree: Tree, root: Path, product: str, dependency: str) -> str:
    bundle = tree.build_file(APP, BUNDLE_FOLDER, fileRef=identifier("PBXFileReference", BUNDLE_FOLDER))
    core = tree.build_file(APP, CORE, productRef=dependency)
    return tree.add(
        "PBXNativeTarget",
        APP,
        buildConfigurationList=tree.configurations(APP, APP_SETTINGS),
        buildPhases=[
            _sources(tree, root, APP),
            tree.phase("PBXFrameworksBuildPhase", APP, [core]),
            tree.phase("PBXResourcesBuildPhase", APP, [bundle]),
        ],
        buildRules=[],
        dependencies=[],
        name=APP,
        packageProductDependencies=[dependency],
        productName=APP,
        productReference=product,
        productType="com.apple.product-type.application",
    )


def _test_target(tree: Tree, root: Path, product: str, app: str) -> str:
    """Loaded into the app, which already holds EdgekitCore: linking it again would make every type twice."""
    proxy = tree.add(
        "PBXContainerItemProxy",
        TESTS,
        containerPortal=identifier("PBXProject", APP),
        proxyType="1",
        remoteGlobalIDString=app,
        remoteInfo=APP,
    )
    dependency = tree.add("PBXTargetDependency", TESTS, target=app, targetProxy=proxy)
    return tree.add(
        "PBXNativeTarget",
        TESTS,
        buildConfigurationList=tree.configurations(TESTS, TEST_SETTINGS),
        buildPhases=[
            _sources(tree, root, TESTS),
            tree.phase("PBXFrameworksBuildPhase", TESTS, []),
            tree.phase("PBXResourcesBuildPhase", TESTS, []),
        ],
        buildRules=[],
        dependencies=[dependency],
        name=TESTS,
        productName=TESTS,
        productReference=product,
        productType="com.apple.product-type.bundle.unit-test",
    )


def scheme_text() -> str:
    """The shared scheme: builds and runs the app, tests the app and the package."""
    app = _buildable(identifier("PBXNativeTarget", APP), f"{APP}.app", APP, f"container:{PROJECT}")
    tests = _buildable(identifier("PBXNativeTarget", TESTS), f"{TESTS}.xctest", TESTS, f"container:{PROJECT}")
    core_tests = _buildable(f"{CORE}Tests", f"{CORE}Tests", f"{CORE}Tests", f"container:{CORE}")
    launcher = (
        'selectedDebuggerIdentifier = "Xcode.DebuggerFoundation.Debugger.LLDB" '
        'selectedLauncherIdentifier = "Xcode.IDEFoundation.Launcher.LLDB"'
    )
    testables = "".join(
        f'<TestableReference skipped = "NO">{t}</TestableReference>' for t in (tests, core_tests)
    )
    runnable = f'<BuildableProductRunnable runnableDebuggingMode = "0">{app}</BuildableProductRunnable>'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Scheme LastUpgradeVersion = "1500" version = "1.7">\n'
        '<BuildAction parallelizeBuildables = "YES" buildImplicitDependencies = "YES"><BuildActionEntries>'
        '<BuildActionEntry buildForTesting = "YES" buildForRunning = "YES" buildForProfiling = "YES" '
        f'buildForArchiving = "YES" buildForAnalyzing = "YES">{app}</BuildActionEntry>'
        "</BuildActionEntries></BuildAction>\n"
        f'<TestAction buildConfiguration = "Debug" {launcher} shouldUseLaunchSchemeArgsEnv = "YES">'
        f"<Testables>{testables}</Testables></TestAction>\n"
        f'<LaunchAction buildConfiguration = "Debug" {launcher} launchStyle = "0" '
        f'useCustomWorkingDirectory = "NO" allowLocationSimulation = "NO">{runnable}</LaunchAction>\n'
        '<ProfileAction buildConfiguration = "Release" shouldUseLaunchSchemeArgsEnv = "YES" '
        f'useCustomWorkingDirectory = "NO">{runnable}</ProfileAction>\n'
        '<AnalyzeAction buildConfiguration = "Debug"></AnalyzeAction>\n'
        '<ArchiveAction buildConfiguration = "Release" revealArchiveInOrganizer = "YES"></ArchiveAction>\n'
        "</Scheme>\n"
    )


def _buildable(key: str, product: str, target: str, container: str) -> str:
    return (
        f'<BuildableReference BuildableIdentifier = "primary" BlueprintIdentifier = "{key}" '
        f'BuildableName = "{product}" BlueprintName = "{target}" ReferencedContainer = "{container}">'
        "</BuildableReference>"
    )


def project_files(root: Path = IOS_DEMO) -> dict[str, str]:
    """Path below the .xcodeproj → text of every file that belongs to it."""
    return {
        "project.pbxproj": project_text(root),
        "project.xcworkspace/contents.xcworkspacedata": WORKSPACE,
        f"xcshareddata/xcschemes/{APP}.xcscheme": scheme_text(),
    }


def main() -> None:
    for name, text in project_files().items():
        path = IOS_DEMO / PROJECT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text, replace=True)


if __name__ == "__main__":
    main()
