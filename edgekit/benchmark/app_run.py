"""The demo app's own benchmark, started over adb: only the app can time the phone's camera, GPU and shader.

The app gets an intent, times the segmenter in its bundle that has the artifact's sha256, and writes a report
(edgekit/benchmark/app_report.py) into its folder on the phone. docs/bench.md describes the intent. Every run has an id
of its own in the report's name, so that an earlier report is never mistaken for it.
"""

from __future__ import annotations

import math
import re
import secrets
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from edgekit.benchmark.app_report import AppReport, read_app_report
from edgekit.benchmark.report import BenchReport
from edgekit.benchmark.run import check, cool_down, state_warnings, tools
from edgekit.devices.adb import Adb, Phone
from edgekit.devices.device import BenchPlan
from edgekit.errors import DeviceError, UnreadableOutput, printable
from edgekit.files import sha256_of
from edgekit.processes import last_line

ACTION = "dev.edgekit.demo.BENCHMARK"
# An application id: two or more identifiers with dots between (developer.android.com/build/configure-app-module).
PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)+")
ACCELERATORS = ("cpu", "gpu", "nnapi")
# `am start -W` waits for the first frame; a cold start of a large app takes seconds.
START_S = 60.0
POLL_S = 1.0


def bench_app(
    phone: Phone, package: str, artifact: Path, plan: BenchPlan, say: Callable[[str], None]
) -> AppReport:
    """Run the app's benchmark on the artifact; the report has the phone's state before and after, read over adb.

    Raises DeviceError if the app is not installed, is too old, refuses, crashes or runs out of time; UnreadableOutput
    if the report is damaged or was measured under another plan.
    """
    check([artifact], plan, phone.info)
    if PACKAGE.fullmatch(package) is None:
        raise DeviceError(f"{printable(package)!r} is not the name of an Android app, like dev.edgekit.demo.")
    if plan.accelerator not in ACCELERATORS:
        raise DeviceError(
            f"The demo app has no accelerator {plan.accelerator!r}; use {', '.join(ACCELERATORS)}."
        )
    where = f"{package} on {phone.info.model} ({phone.info.name})"
    if "package:" not in phone.adb.shell(f"pm path {package}").stdout:
        raise DeviceError(f"{where} is not installed; install the demo app's APK with adb install.")
    warnings: list[str] = []
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    before = phone.state()
    cool_down(phone, before, plan, say, warnings)
    app = _run(phone.adb, package, artifact, plan, where, say)
    _check_answer(app.report, plan, where)
    after = phone.state()
    (row,) = app.report.artifacts
    report = replace(
        app.report,
        device=replace(phone.info, kind="app", simulated=phone.info.simulated or app.report.device.simulated),
        plan=plan, started_at=started_at, tools=tools(), before=before, after=after,
        warnings=tuple(warnings + state_warnings(before, after, plan)),
        artifacts=(replace(row, path=artifact, runner=package),),
    )  # fmt: skip
    return AppReport(report, app.stages)


def _run(
    adb: Adb, package: str, artifact: Path, plan: BenchPlan, where: str, say: Callable[[str], None]
) -> AppReport:
    """Start the app, wait for its report and fetch it; on every path the app is stopped and the report removed."""
    run_id = secrets.token_hex(16)
    stem = f"/sdcard/Android/data/{package}/files/edgekit-app-bench-{run_id}"
    sha256 = sha256_of(artifact)
    try:
        _start(adb, package, run_id, sha256, plan, where)
        say(f"  {package} is measuring")
        _wait(adb, package, stem, plan.seconds + plan.timeout_s, where)
        with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
            local = Path(folder) / "edgekit-app-bench.json"
            adb.pull(f"{stem}.json", local)
            app = read_app_report(local, sha256)
    except BaseException:
        with suppress(DeviceError):  # the first error is the one to report
            _clean(adb, package, stem)
        raise
    _clean(adb, package, stem)
    return app


def _start(adb: Adb, package: str, run_id: str, sha256: str, plan: BenchPlan, where: str) -> None:
    texts = {"run_id": run_id, "artifact_sha256": sha256, "accelerator": plan.accelerator}
    counts = {
        "runs": plan.runs,
        "seconds": math.ceil(plan.seconds),
        "warmup_runs": plan.warmup_runs,
        "threads": plan.threads,
    }
    extras = [f"--es {k} {v}" for k, v in texts.items()] + [f"--ei {k} {v}" for k, v in counts.items()]
    ended = adb.shell(f"am start -W -S -a {ACTION} -p {package} {' '.join(extras)}", timeout_s=START_S)
    # Older versions of `am` print their error and end with code 0.
    if ended.code != 0 or "Status: ok" not in map(str.rstrip, ended.stdout.splitlines()):
        errors = [line for line in (ended.stdout + ended.stderr).splitlines() if "rror" in line]
        reason = printable(errors[0]) if errors else last_line(ended.stdout + ended.stderr)
        raise DeviceError(f"{where} did not start its benchmark: {reason} Install this edgekit's demo app.")


def _wait(adb: Adb, package: str, stem: str, most_s: float, where: str) -> None:
    """Wait until the whole report is there; the app renames it into place when it is finished."""
    look = (
        f"if [ -e {stem}.json ]; then echo report; elif [ -e {stem}.error.txt ]; then echo error; "
        f"elif pidof {package} >/dev/null; then echo running; else echo gone; fi"
    )
    deadline = time.monotonic() + most_s
    gone = 0
    while time.monotonic() < deadline:
        state = adb.ask(look).strip()
        if state == "report":
            return
        if state == "error":
            reason = printable(adb.ask(f"head -c 1000 {stem}.error.txt"), most=500)
            raise DeviceError(f"{where} could not measure: {reason}")
        # Once may be chance: the app can write its report and end after the script has looked for the report.
        gone = gone + 1 if state == "gone" else 0
        if gone == 2:
            raise DeviceError(f"{where} ended without a report; adb logcat -b crash says why.")
        time.sleep(POLL_S)
    raise DeviceError(f"{where}: no report within {most_s:g} s; the app was stopped. Raise `timeout_s`.")


def _clean(adb: Adb, package: str, stem: str) -> None:
    adb.ask(f"am force-stop {package}; rm -f {stem}.*")


def _check_answer(report: BenchReport, plan: BenchPlan, where: str) -> None:
    """Raise UnreadableOutput if the report was measured under another plan."""
    (row,) = report.artifacts
    asked = {
        "threads": plan.threads,
        "warmup_runs": plan.warmup_runs,
        "accelerator_asked": plan.accelerator,
    }
    answered = {
        "threads": report.plan.threads,
        "warmup_runs": report.plan.warmup_runs,
        "accelerator_asked": row.accelerator_asked,
    }
    if answered != asked:
        raise UnreadableOutput(f"{where} answered for {answered}, not for {asked}.")
    if len(row.samples_ms) < plan.runs:
        raise UnreadableOutput(
            f"{where} measured {len(row.samples_ms)} inferences, {plan.runs} were asked for."
        )
