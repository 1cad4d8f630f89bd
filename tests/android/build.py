"""Build the Android demo without Gradle, Google's SDK or a phone: classes, a signed APK, its dex read back.

    python -m tests.android.build --bundle FOLDER --out demo.apk

The Gradle project in `android_demo/` is what a developer builds. This proves what can be proved without it: that
the app's sources compile against published API types, and that the part without CameraX and LiteRT, with the
golden mask in the network's place, becomes an APK whose code still computes the same.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tests.android.api_stubs import UNNAMED, ApiTypes, android_imports, write_stubs
from tests.android.toolchain import (
    DEBIAN_PYTHON_MODULES,
    FRAMEWORK_RESOURCES,
    JAVA,
    PROJECT,
    ROOT,
    Toolchain,
    find_toolchain,
    jar,
    joined,
    kotlin_in,
    run,
)

HAND_MADE_STUBS = Path(__file__).parent / "stubs"
CORE = Path("core/src/main")
CORE_TESTS = Path("core/src/test")
APP = Path("app/src/main")
APP_TESTS = Path("app/src/androidTest")
OFFLINE = Path("offline")
GUIDE = ROOT / "docs" / "android.md"
VECTORS = ROOT / "tests" / "shared"
# The packages of the app that need neither CameraX nor LiteRT nor androidx.
OFFLINE_PACKAGES = ("benchmark", "bundle", "gl", "inference")
NOT_OFFLINE = ("inference/LiteRtSegmenter.kt", "inference/Segmenters.kt")
MIN_SDK, TARGET_SDK = "26", "29"  # Debian's framework resources are Android 10's
# In the JDK's ct.sym: releases the signature holds for (one character each), maybe a module, the class.
JAVA_8_SIGNATURE = re.compile(r"\w*8\w*/(?:[a-z.]+/)?(java/.+)\.sig")
CLASS_FILE_JAVA_8 = (52).to_bytes(2, "big")


@dataclass(frozen=True)
class Compiled:
    """Folders of classes. `stubs` is for compiling only."""

    stubs: Path
    core: Path
    core_tests: Path
    app: Path
    resources: Path


@dataclass(frozen=True)
class OfflineApk:
    """`readback`: the APK's dex as a jar again. `tests`: the core's tests, made to run with it."""

    apk: Path
    readback: Path
    tests: Path
    verification: str


def compile_core(tools: Toolchain, into: Path) -> tuple[Path, Path]:
    """The core module and its tests: (classes, test classes)."""
    tools.compile_kotlin(kotlin_in(CORE), [], into / "core")
    tools.compile_kotlin(
        kotlin_in(CORE_TESTS), [into / "core", *tools.junit], into / "core_tests", friends=into / "core"
    )
    return into / "core", into / "core_tests"


def compile_app(tools: Toolchain, into: Path, core: Path, core_tests: Path) -> Compiled:
    """All of the app, with CameraX, LiteRT, the instrumentation test and the guide's code, against stubs."""
    stubs = compile_stubs(tools, into)
    resources = link_resources(into, PROJECT / OFFLINE / "AndroidManifest.xml", bundle=None)
    generated = sorted((into / "generated").rglob("*.java"))
    tools.compile_java(generated, [], into / "resources")
    classpath = [core, stubs, into / "resources", *tools.junit]
    kotlin_stubs = sorted(HAND_MADE_STUBS.rglob("*.kt"))  # of classes that Kotlin sees as Kotlin
    sources = [*kotlin_in(APP, APP_TESTS), *kotlin_stubs, *_documented(into / "documented")]
    tools.compile_kotlin(sources, classpath, into / "app")
    return Compiled(stubs, core, core_tests, into / "app", resources)


def _documented(into: Path) -> list[Path]:
    """Every Kotlin block of the integration guide as a file."""
    into.mkdir()
    blocks = re.findall(r"^```kotlin\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    paths = [into / f"Documented{i}.kt" for i in range(len(blocks))]
    for path, block in zip(paths, blocks, strict=True):
        path.write_text(block, encoding="utf-8")
    return paths


def compile_stubs(tools: Toolchain, into: Path) -> Path:
    sources = kotlin_in(APP, APP_TESTS, OFFLINE)
    java = write_stubs(ApiTypes(tools.types), {*android_imports(sources), *UNNAMED}, into / "stub_sources")
    hand_made = sorted(HAND_MADE_STUBS.rglob("*.java"))
    tools.compile_java([*java, *hand_made], tools.junit, into / "stubs")
    return into / "stubs"


def link_resources(into: Path, manifest: Path, bundle: Path | None) -> Path:
    """An APK without code: manifest, resources and, under assets/edgekit, the bundle."""
    into.mkdir(parents=True, exist_ok=True)
    compiled, linked = into / "resources.zip", into / "resources.apk"
    run(["aapt2", "compile", "--dir", str(PROJECT / APP / "res"), "-o", str(compiled)])
    command = [
        "aapt2",
        "link",
        "-o",
        str(linked),
        "-I",
        str(FRAMEWORK_RESOURCES),
        "--manifest",
        str(manifest),
    ]
    command += [
        "--min-sdk-version",
        MIN_SDK,
        "--target-sdk-version",
        TARGET_SDK,
        "--java",
        str(into / "generated"),
    ]
    if bundle is not None:
        shutil.copytree(bundle, into / "assets" / "edgekit")
        command += ["-A", str(into / "assets")]
    run([*command, str(compiled)])
    return linked


def build_apk(
    tools: Toolchain, core: Path, core_tests: Path, stubs: Path, bundle: Path, into: Path
) -> OfflineApk:
    """The offline APK, signed with a key made for it, and its code read back from the dex."""
    into.mkdir(parents=True, exist_ok=True)
    resources = link_resources(into, PROJECT / OFFLINE / "AndroidManifest.xml", bundle)
    tools.compile_kotlin(_offline_sources(), [core, stubs], into / "app")
    app_jar, tests_jar = _shrink(tools, [core, into / "app"], core_tests, stubs, into)
    dex = into / "classes.dex"
    run(
        [*JAVA, "-cp", str(tools.dx), "com.android.dx.command.Main", "--dex", f"--output={dex}", str(app_jar)]
    )
    with zipfile.ZipFile(resources, "a") as archive:
        archive.write(dex, "classes.dex")
    apk = into / "demo.apk"
    verification = _align_and_sign(resources, apk, into)
    return OfflineApk(apk, _read_back(apk, into), tests_jar, verification)


def _offline_sources() -> list[Path]:
    app = PROJECT / APP / "kotlin" / "dev" / "edgekit" / "demo"
    left_out = {app / path for path in NOT_OFFLINE}
    chosen = [path for package in OFFLINE_PACKAGES for path in sorted((app / package).glob("*.kt"))]
    return [path for path in chosen if path not in left_out] + kotlin_in(OFFLINE)


def _shrink(tools: Toolchain, program: list[Path], tests: Path, stubs: Path, into: Path) -> tuple[Path, Path]:
    """(app, tests) as jars of Java 7 class files, which is what dx reads, with what they use of Kotlin's
    library. Nothing of the app or its core is dropped or renamed."""
    app_jar, tests_jar = into / "app.jar", into / "tests.jar"
    library = _java_8_api(into / "java-8-api.jar")
    test_names = sorted({path.name.split("$")[0].removesuffix(".class") for path in tests.rglob("*.class")})
    test_filter = ",".join(f"**/{name}.class,**/{name}$*.class" for name in test_names)
    not_tests = ",".join(f"!{pattern}" for pattern in test_filter.split(","))
    rules = [
        *(f"-injars {jar(folder, into / f'{folder.name}-in.jar')}" for folder in program),
        f"-injars {tools.kotlin_stdlib}(**.class,!META-INF/**,!module-info.class)",
        f"-injars {jar(tests, into / 'tests-in.jar')}",
        f"-outjars {app_jar}({not_tests})",
        f"-outjars {tests_jar}",
        f"-libraryjars {library}",
        f"-libraryjars {jar(stubs, into / 'stubs-in.jar')}",
        *(f"-libraryjars {path}" for path in tools.junit),
        "-target 1.7",
        "-dontobfuscate",
        "-dontoptimize",
        "-keepattributes *Annotation*,Signature,InnerClasses,EnclosingMethod,Exceptions",
        "-keep class dev.edgekit.** { *; }",
        "-dontnote **",
        # Kotlin's library names newer Java classes behind checks, and annotations nobody ships.
        "-dontwarn kotlin.**,org.jetbrains.**,org.junit.**,org.hamcrest.**",
    ]
    (into / "rules.pro").write_text("\n".join(rules) + "\n", encoding="utf-8")
    run(["proguard", f"@{into / 'rules.pro'}"], env={**os.environ, "JAVA_HOME": str(java_home())})
    return app_jar, tests_jar


def _java_8_api(into: Path) -> Path:
    """Java 8's API as class files that ProGuard 6 can read: the JDK keeps it as signatures for `--release 8`."""
    with (
        zipfile.ZipFile(java_home() / "lib" / "ct.sym") as signatures,
        zipfile.ZipFile(into, "w") as library,
    ):
        for name in signatures.namelist():
            found = JAVA_8_SIGNATURE.fullmatch(name)
            if found is not None and f"{found[1]}.class" not in library.NameToInfo:
                data = signatures.read(name)
                library.writestr(f"{found[1]}.class", data[:6] + CLASS_FILE_JAVA_8 + data[8:])
    return into


def java_home() -> Path:
    java = shutil.which("java")
    assert java is not None  # the toolchain was found
    return Path(java).resolve().parent.parent


def _align_and_sign(unsigned: Path, apk: Path, into: Path) -> str:
    """Returns what apksigner's verification says."""
    key, aligned = into / "key.p12", into / "aligned.apk"
    make_key = [
        "keytool",
        "-genkeypair",
        "-keystore",
        str(key),
        "-storetype",
        "PKCS12",
        "-storepass",
        "android",
    ]
    run(
        [
            *make_key,
            "-alias",
            "demo",
            "-keyalg",
            "RSA",
            "-keysize",
            "2048",
            "-validity",
            "2",
            "-dname",
            "CN=demo",
        ]
    )
    run(["zipalign", "-f", "-p", "4", str(unsigned), str(aligned)])
    sign = ["apksigner", "sign", "--ks", str(key), "--ks-pass", "pass:android", "--min-sdk-version", MIN_SDK]
    run([*sign, "--out", str(apk), str(aligned)])
    return run(["apksigner", "verify", "--verbose", "--min-sdk-version", MIN_SDK, str(apk)])


def _read_back(apk: Path, into: Path) -> Path:
    """The dex of the APK as Java classes again; a method that does not translate is an error."""
    readback = into / "readback.jar"
    env = {**os.environ, "PYTHONPATH": str(DEBIAN_PYTHON_MODULES)}
    said = run(
        ["/usr/bin/python3", "-O", "-m", "enjarify.main", "-f", "-o", str(readback), str(apk)], env=env
    )
    if " 0 classes had errors" not in said:
        raise ValueError(f"the dex does not translate back: {said}")
    return readback


def junit_command(
    tools: Toolchain, classpath: list[Path], tests: Path, bundle: Path, vectors: Path = VECTORS
) -> list[str]:
    """Run every test class among `tests` (a folder of classes) on the JVM."""
    names = sorted(
        path.relative_to(tests).with_suffix("").as_posix().replace("/", ".")
        for path in tests.rglob("*Test.class")
    )
    command = [*JAVA, f"-Dedgekit.bundle={bundle}", f"-Dedgekit.vectors={vectors}"]
    return [*command, "-cp", joined([*classpath, *tools.junit]), "org.junit.runner.JUnitCore", *names]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    tools = find_toolchain()
    with tempfile.TemporaryDirectory() as temporary:
        into = Path(temporary)
        core, tests = compile_core(tools, into)
        stubs = compile_stubs(tools, into)
        made = build_apk(tools, core, tests, stubs, arguments.bundle, into / "apk")
        shutil.copy(made.apk, arguments.out)
    print(made.verification, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
