"""Every error that edgekit raises on purpose: one sentence with the problem, its place and the next step.

The command line prints the sentence and exits with 3; `--debug` shows the traceback and the cause.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

MOST_SENTENCE_CHARS = 2000  # a list of every style or block takes 900
# Terminal escapes, control characters, line and paragraph separators, bidirectional marks, and lone surrogates (bytes
# of a file name that are not UTF-8).
UNPRINTABLE = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
    "|[\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str, most: int = 200) -> str:
    """The text as one line that is safe on a terminal: no escapes or control characters, at most `most` characters."""
    line = " ".join(UNPRINTABLE.sub("", text[: 20 * most]).split())
    return line if len(line) <= most else line[: most - 1] + "…"


class EdgekitError(Exception):
    """Base of every error edgekit raises on purpose. `str(error)` is the user's sentence, safe on a terminal."""

    def __init__(self, sentence: str = "") -> None:
        super().__init__(printable(sentence, MOST_SENTENCE_CHARS))


class MissingDependency(EdgekitError):
    """An optional package is not installed."""

    def __init__(self, package: str, needed_for: str, extra: str | None = None) -> None:
        self.package = package
        line = f"pip install 'edgekit[{extra}]'" if extra else f"pip install {package}"
        super().__init__(f"{needed_for} needs the package {package}; install it with: {line}")


class MissingProgram(MissingDependency):
    """A program that pip does not install cannot be found. `advice`: how to get it."""

    def __init__(self, program: str, needed_for: str, advice: str) -> None:
        self.package = program
        EdgekitError.__init__(self, f"{needed_for} needs the program {program}; {advice}.")


class WeightsError(EdgekitError):
    """A checkpoint is missing, damaged, refused or of another architecture."""


class CalibrationError(EdgekitError):
    """Images, labels or a calibration set cannot be used."""


class ImageError(CalibrationError):
    """One picture cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}")


class LutError(EdgekitError):
    """A colour look-up table cannot be read, made or written."""

    def __init__(self, path: Path | None, line: int | None, reason: str) -> None:
        self.path, self.line, self.reason = path, line, reason
        place = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(f"{place}{reason}")


class UnknownName(EdgekitError):
    """An unknown name; the sentence lists the known ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        guess = get_close_matches(name, self.known, n=1)
        hint = f" Did you mean {guess[0]!r}?" if guess else ""
        super().__init__(f"There is no {kind} {name!r}; known: {', '.join(self.known)}.{hint}")


class ConversionError(EdgekitError):
    """A model cannot be converted, or an artifact cannot be used."""

    def __init__(self, target: str, stage: str, reason: str) -> None:
        self.target, self.stage, self.reason = target, stage, reason
        super().__init__(f"{target}, {stage}: {reason}")


class UnsupportedOperator(ConversionError):
    """An artifact holds an operator that edgekit does not define."""

    def __init__(self, target: str, operator: str, name: str = "") -> None:
        self.operator = operator
        at = f" (output {name!r})" if name else ""
        super().__init__(
            target, "operators", f"operator {operator!r}{at} is not one edgekit emits or can evaluate"
        )


class ShaderError(EdgekitError):
    """A shader cannot be described, emitted or read in one dialect."""

    def __init__(self, dialect: str, reason: str) -> None:
        self.dialect, self.reason = dialect, reason
        super().__init__(f"{dialect}: {reason}")


class BundleError(EdgekitError):
    """A bundle is incomplete, damaged or unsafe."""


class DeviceError(EdgekitError):
    """A device cannot be found, reached or trusted."""


class NoDevice(DeviceError):
    """No usable device has the requested name."""


class AdbFailed(DeviceError):
    """adb, or a command run through it, failed."""


class UnreadableOutput(DeviceError):
    """A device's output is not the expected report."""
