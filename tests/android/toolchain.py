"""The Java, Kotlin and Android tools of this machine, and a way to run them."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PROJECT = ROOT / "android_demo"
CACHE = ROOT / ".cache" / "android-tools"
DEBIAN_JAVA = Path("/usr/share/java")
FRAMEWORK_RESOURCES = Path("/usr/share/android-framework-res/framework-res.apk")
DEBIAN_PYTHON_MODULES = Path("/usr/lib/python3/dist-packages")  # enjarify has no package on PyPI

PROGRAMS = ("java", "javac", "javap", "keytool", "aapt2", "zipalign", "apksigner", "proguard")
# Short-lived compilers: no second collector thread, no slow optimising tier.
JAVA = ("java", "-Xmx900m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
# The oldest Kotlin among the app's: what its Gradle build takes, this newer compiler takes as that version.
KOTLIN_LANGUAGE = "2.2"
# dx knows no invokedynamic. Gradle's D8 does; the meaning of the classes is the same.
FOR_DX = ("-Xlambdas=class", "-Xsam-conversions=class", "-Xstring-concat=inline", "-jvm-default=disable")


class ToolMissing(Exception):
    """The machine lacks something; the text says what to run."""


class ToolFailed(Exception):
    """A tool ended with an error; the text is what it printed."""


@dataclass(frozen=True)
class Toolchain:
    """Everything is there. `kotlin`: the compiler's home. `types`: one folder of `.pyi` per package."""

    kotlin: Path
    dx: Path
    types: tuple[Path, ...]

    @property
    def kotlin_stdlib(self) -> Path:
        return self.kotlin / "lib" / "kotlin-stdlib.jar"

    @property
    def junit(self) -> tuple[Path, ...]:
        return (DEBIAN_JAVA / "junit4.jar", DEBIAN_JAVA / "hamcrest-core.jar")

    def compile_kotlin(
        self, sources: Sequence[Path], classpath: Sequence[Path], into: Path, friends: Path | None = None
    ) -> None:
        """Kotlin sources to classes; a warning is an error. `friends`: classes whose internals they see, as
        a module's tests do."""
        compiler = self.kotlin / "lib" / "kotlin-compiler.jar"
        command = [*JAVA, "-cp", str(compiler), "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"]
        command += [
            "-kotlin-home",
            str(self.kotlin),
            "-no-reflect",
            "-jvm-target",
            "1.8",
            "-Xjdk-release=8",
            *FOR_DX,
        ]
        command += ["-language-version", KOTLIN_LANGUAGE, "-api-version", KOTLIN_LANGUAGE, "-Werror"]
        command += ["-cp", joined([self.kotlin_stdlib, *classpath]), "-d", str(into), *map(str, sources)]
        run([*command, *([f"-Xfriend-paths={friends}"] if friends else [])])

    def compile_java(self, sources: Sequence[Path], classpath: Sequence[Path], into: Path) -> None:
        into.mkdir(parents=True, exist_ok=True)
        command = ["javac", "-nowarn", "-Xlint:none", "--release", "8", "-d", str(into)]
        run([*command, *(["-cp", joined(classpath)] if classpath else []), *map(str, sources)])


def find_toolchain() -> Toolchain:
    """ToolMissing says what to run."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    debian = (DEBIAN_JAVA / "junit4.jar", FRAMEWORK_RESOURCES, DEBIAN_PYTHON_MODULES / "enjarify")
    missing += [str(path) for path in debian if not path.exists()]
    if missing:
        raise ToolMissing(f"{', '.join(missing)}: run tools/install-system-packages.sh")
    kotlin = CACHE / "kotlin" / "package"
    dx = CACHE / "dx" / "package" / "framework" / "build-tools" / "android-metadata-generator.jar"
    types = tuple(sorted((CACHE / "types").glob("*")))
    if not (kotlin.exists() and dx.exists() and types):
        raise ToolMissing("the Kotlin compiler and API types: run python tools/fetch_android_tools.py")
    return Toolchain(kotlin, dx, types)


def run(command: Sequence[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """What the program printed on both streams; ToolFailed when it ends with an error."""
    ended = subprocess.run(
        command, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300
    )
    if ended.returncode != 0:
        raise ToolFailed(f"{Path(command[0]).name} ended with {ended.returncode}:\n{ended.stdout[-6000:]}")
    return ended.stdout


def joined(paths: Sequence[Path]) -> str:
    return ":".join(map(str, paths))


def kotlin_in(*folders: Path) -> list[Path]:
    """Every Kotlin file below these folders of the project, in one order."""
    return sorted(path for folder in folders for path in (PROJECT / folder).rglob("*.kt"))


def jar(classes: Path, into: Path) -> Path:
    """The class files below `classes` as a jar."""
    with zipfile.ZipFile(into, "w") as archive:
        for path in sorted(classes.rglob("*.class")):
            archive.write(path, path.relative_to(classes).as_posix())
    return into
