"""Device farms: a service's phones run the demo app's instrumentation test, and every phone's report comes back.

This is `edgekit bench farm`. `Farm` and `FarmRun` are what a service must do, and `run_on_farm` is the one story of a
run. Each service's own client finds the credentials; none is read, stored or printed here.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edgekit import console
from edgekit.benchmark.app_report import AppReport, read_app_report
from edgekit.errors import DeviceError, UnreadableOutput, printable
from edgekit.files import sha256_of
from edgekit.reading import check_regular_file

# The file that the demo app's instrumentation test writes into the folder that a farm returns.
REPORT_NAME = "edgekit-app-bench.json"
MOST_REPORT_BYTES = 64 << 20
MOST_UPLOAD_BYTES = 2 << 30
MOST_PHONES = 100
POLL_S = 10.0


@dataclass(frozen=True)
class FarmJob:
    """The demo app's two APKs, `app` and `tests`, and the longest that a run of them may take."""

    app: Path
    tests: Path
    timeout_s: float = 3600.0


@dataclass(frozen=True)
class Progress:
    """The state of a run in the service's own words. failure: why a run that is over gave no result."""

    state: str
    is_over: bool = False
    failure: str = ""


class FarmRun(Protocol):
    """A run that was started on a farm's phones. What the service refuses is a DeviceError."""

    def progress(self) -> Progress: ...

    def stop(self) -> str:
        """Stop the run, and return a sentence on what is left of it at the service."""
        ...

    def reports(self) -> Iterator[tuple[str, bytes | None]]:
        """Each phone's name and its benchmark file, of at most MOST_REPORT_BYTES; None for a phone that left none."""
        ...


class Farm(Protocol):
    """A service that runs an app on phones of its own. What the service refuses is a DeviceError.

    name: for sentences. place: the farm in the report of `edgekit bench farm`.
    """

    @property
    def name(self) -> str: ...
    @property
    def place(self) -> str: ...

    def start(self, job: FarmJob, artifact: Path) -> FarmRun:
        """Upload the APKs and the artifact, and start a run on every phone."""
        ...


def run_on_farm(farm: Farm, job: FarmJob, artifact: Path, say: Callable[[str], None]) -> list[AppReport]:
    """Run the demo app's benchmark on every phone of the farm and return one report per phone.

    Raises DeviceError if the service refuses, an upload or the run fails, or time is over (the run is then stopped, as
    it is on an interruption); UnreadableOutput if the run passed, but a phone's report is missing or was made with
    another artifact.
    """
    for file in (job.app, job.tests, artifact):
        check_regular_file(file, MOST_UPLOAD_BYTES, DeviceError)
    deadline = time.monotonic() + job.timeout_s
    say(f"uploading {job.app.name}, {job.tests.name} and {artifact.name}")
    run = farm.start(job, artifact)
    _wait(farm, run, deadline, say)
    return _read(run.reports(), sha256_of(artifact))


def _wait(farm: Farm, run: FarmRun, deadline: float, say: Callable[[str], None]) -> None:
    """Wait until the run is over and passed; a run that is given up is stopped, because it costs money."""
    printed = ""
    try:
        with console.interruptible(lambda: _stopped(farm, run)):
            while not (progress := run.progress()).is_over:
                if progress.state != printed:
                    printed = progress.state
                    say(f"  farm: {printable(printed)}")
                if time.monotonic() > deadline:
                    raise DeviceError(f"{farm.name} did not finish in time. Raise `timeout_s`.")
                time.sleep(POLL_S)
    except Exception:
        say(_stopped(farm, run))
        raise
    say(f"  farm: {printable(progress.state)}")
    if progress.failure:
        raise DeviceError(f"The farm's run ended {progress.failure}.")


def _stopped(farm: Farm, run: FarmRun) -> str:
    """Stop the run, and say what is left of it."""
    try:
        return run.stop()
    except DeviceError as error:
        return f"the run could not be stopped and goes on costing money; stop it in the console of {farm.name}. {error}"


def _read(files: Iterable[tuple[str, bytes | None]], artifact_sha256: str) -> list[AppReport]:
    """The reports of all phones, from their benchmark files."""
    reports, without = list[AppReport](), list[str]()
    with tempfile.TemporaryDirectory(prefix="edgekit-farm-") as name:
        path = Path(name) / REPORT_NAME
        for phone, content in files:
            if content is None:
                without.append(printable(phone))
            else:
                path.write_bytes(content)
                reports.append(read_app_report(path, artifact_sha256))
    if without:
        raise UnreadableOutput(f"{', '.join(without)}: the farm's files hold no {REPORT_NAME}.")
    if not reports:
        raise UnreadableOutput("The farm's run had no phones; check the device pool.")
    return reports
