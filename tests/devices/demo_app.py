"""A stand-in for the demo app on a test double of a phone: `am`, `pm` and `pidof` as the phone answers.

Install it with `install_app`; the texts of `am` are those of Android 14. What it does wrong is its `mode`.
"""

import json
import os
import shlex
import sys
from pathlib import Path

PACKAGE = "dev.edgekit.demo"
ACTION = "dev.edgekit.demo.BENCHMARK"
EXTRAS = {"run_id", "artifact_sha256", "accelerator", "runs", "seconds", "warmup_runs", "threads"}
STAGES_MS = {"camera": 1.5, "resize": 0.5, "segmenter": 20.0, "refinement": 2.0, "shader": 3.0}


def install_app(root: Path, mode: str = "measures") -> None:
    """Put the app on a phone whose files are below root. mode: what happens after the start."""
    (root / "app").mkdir()
    (root / "app/mode").write_text(mode)
    (root / f"sdcard/Android/data/{PACKAGE}/files").mkdir(parents=True)
    for name in ("am", "pm", "pidof"):
        program = root / "system/bin" / name
        program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, __file__, name])} "$@"\n')
        program.chmod(0o755)


def am(root: Path, mode: str, arguments: list[str]) -> int:
    running = root / "app/running"
    if arguments[0] == "force-stop":
        running.unlink(missing_ok=True)
        return 0
    plain, given = _extras(arguments)
    assert plain == ["start", "-W", "-S", "-a", ACTION, "-p", PACKAGE], plain
    assert set(given) == EXTRAS, given
    (root / "app/intent.json").write_text(json.dumps(given))
    print(f"Stopping: {PACKAGE}\nStarting: Intent {{ act={ACTION} pkg={PACKAGE} (has extras) }}")
    if mode == "has no benchmark":
        print("Error: Activity not started, unable to resolve Intent { act=… flg=0x10000000 }")
        return 0  # as before Android 9
    print("Status: ok\nLaunchState: COLD\nTotalTime: 412\nWaitTime: 420\nComplete")
    running.touch()
    _measure(root / f"sdcard/Android/data/{PACKAGE}/files/edgekit-app-bench-{given['run_id']}", mode, given)
    if mode == "crashes":
        running.unlink()
    return 0


def _extras(arguments: list[str]) -> tuple[list[str], dict[str, str | int]]:
    plain: list[str] = []
    given: dict[str, str | int] = {}
    words = iter(arguments)
    for word in words:
        if word in ("--es", "--ei"):
            name, value = next(words), next(words)
            given[name] = int(value) if word == "--ei" else value
        else:
            plain.append(word)
    return plain, given


def _measure(stem: Path, mode: str, given: dict[str, str | int]) -> None:
    if mode in ("crashes", "hangs"):
        stem.with_name(stem.name + ".json.part").write_text("{")
    elif mode == "refuses":
        stem.with_name(stem.name + ".error.txt").write_text("No segmenter has \x1b[31mthis sha256.\n")
    elif mode == "writes half":
        stem.with_name(stem.name + ".json").write_text(json.dumps(_report(mode, given))[:400])
    else:
        stem.with_name(stem.name + ".json").write_text(json.dumps(_report(mode, given)))


def _report(mode: str, given: dict[str, str | int]) -> dict[str, object]:
    runs = int(given["runs"]) - (1 if mode == "measures too few" else 0)
    state = {"battery_percent": 12, "thermal_status": 6}  # adb's own figures are the ones reported
    samples = [20.0 + (i % 7) / 10 for i in range(runs)]
    return {
        "schema": "edgekit-app-bench/1",
        "simulated": False,
        "device": {"model": "Double", "os": "Android 14", "abi": "arm64-v8a", "cores": 8},
        "artifact": {
            "name": "segmenter.tflite",
            "sha256": "0" * 64 if mode == "measures another artifact" else given["artifact_sha256"],
            "size_bytes": 4321,
        },
        "threads": 7 if mode == "ignores the threads" else given["threads"],
        "accelerator_asked": given["accelerator"],
        "accelerator": "cpu (XNNPACK)",
        "warmup_runs": given["warmup_runs"],
        "load_ms": 31.5,
        "first_inference_ms": 44.25,
        "peak_rss_mb": None,
        "samples_ms": samples,
        "stages_ms": {name: [ms + i / 100 for i in range(runs)] for name, ms in STAGES_MS.items()},
        "before": state,
        "after": state,
    }


def main() -> int:
    root = Path(os.environ["PHONE"])
    mode = (root / "app/mode").read_text()
    name, *arguments = sys.argv[1:]
    if name == "am":
        return am(root, mode, arguments)
    if name == "pm":
        there = arguments == ["path", PACKAGE] and mode != "is not installed"
        print(f"package:/data/app/{PACKAGE}/base.apk" if there else "", end="\n" if there else "")
        return 0 if there else 1
    there = (root / "app/running").exists()
    print("4321" if there else "", end="\n" if there else "")
    return 0 if there else 1


if __name__ == "__main__":
    sys.exit(main())
