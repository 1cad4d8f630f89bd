"""Options of `edgekit bench` from version 0.1, and their replacements.

They work for one more release and print their replacement on standard error. To remove them, delete this file and the
one call of `todays`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class OldOption:
    """A removed option.

    `words`: its replacement, with {} for its value; one that begins with a command goes before all other words.
    """

    words: tuple[str, ...]
    advice: str
    takes_value: bool = True

    @property
    def selects_command(self) -> bool:
        return not self.words[0].startswith("-")


def _set(name: str) -> OldOption:
    return OldOption(("--set", f"{name}={{}}"), f"--set {name}=VALUE")


OLD_OPTIONS = {
    "--placement": OldOption(("placement", "--phone", "{}"), "edgekit bench placement ARTIFACT --phone NAME"),
    "--app-report": OldOption(("report", "{}"), "edgekit bench report FILE"),
    "--app": OldOption(("app", "--package", "{}"), "edgekit bench app ARTIFACT --device PHONE"),
    "--device": OldOption(("farm", "--pool", "{}"), "edgekit bench farm ARTIFACT --pool ARN"),
    "--farm-app": OldOption(("--app", "{}"), "edgekit bench farm … --app APK"),
    "--farm-tests": OldOption(("--tests", "{}"), "edgekit bench farm … --tests APK"),
    "--profile": OldOption(("--set", "profile=yes"), "edgekit bench profile ARTIFACT", takes_value=False),
    "--frame": OldOption(("--set", "frame={}"), "edgekit bench frame ARTIFACT --camera WIDTHxHEIGHT"),
    "--csv": OldOption(("--set", "csv={}"), "--out FILE.csv"),
    "--plot": OldOption(("--set", "plot={}"), "--out FILE.svg"),
    **{f"--{name}": _set(name) for name in ("warmup", "timeout", "per-launch", "max-thermal", "cool-down")},
    "--tolerance": _set("tolerance"),
}
FARM = "farm:"  # a --device that begins so was a device farm's pool; any other is a device


def todays(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """(the arguments with removed options replaced, a sentence for each removed option)."""
    command: list[str] = []
    kept: list[str] = []
    notes: list[str] = []
    # A farm has a --timeout of its own.
    is_farm = any(word.removeprefix("--device=").startswith(FARM) for word in arguments)
    words = iter(arguments)
    for word in words:
        option, equals, value = word.partition("=")
        old = OLD_OPTIONS.get(option)
        if old is None or (command and old.selects_command) or (option == "--timeout" and is_farm):
            kept += [word, *words] if word == "--" else [word]
            continue
        if old.takes_value and not equals:
            following = next(words, None)
            if following is None:
                kept.append(word)
                break
            value = following
        if option == "--device" and not value.startswith(FARM):
            kept += [option, value]
            continue
        today = [part.replace("{}", value) for part in old.words]
        if old.selects_command:
            command = today
        else:
            kept += today
        notes.append(f"{option} will be removed in the next release; use {old.advice}")
    return command + kept, list(dict.fromkeys(notes))
