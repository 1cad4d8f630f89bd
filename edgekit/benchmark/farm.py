"""AWS Device Farm: upload the demo app, its instrumentation test and an artifact, and fetch the phones' reports.

This is `edgekit bench farm`. boto3 finds credentials itself (environment, profile, role); none is read, stored or
printed here, and neither are the presigned addresses, which carry signatures.
"""

from __future__ import annotations

import lzma
import re
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from edgekit.benchmark.app_report import AppReport, read_app_report
from edgekit.errors import DeviceError, MissingDependency, NoDevice, UnreadableOutput, printable
from edgekit.files import sha256_of

PREFIX = "farm:"
POOL_ARN = re.compile(r"arn:aws:devicefarm:[a-z0-9-]+:\d*:devicepool:[\w:-]+/[\w-]+")
# The file that the demo app's instrumentation test writes into the folder that Device Farm returns.
REPORT_NAME = "edgekit-app-bench.json"
POLL_S = 10.0
UPLOAD_TIMEOUT_S = 600.0
MOST_REPORT_BYTES = 64 << 20
MOST_ARCHIVE_BYTES = 256 << 20
MOST_REPORTS = 100
# Exceptions of zipfile for bytes that are not an archive, or a damaged, encrypted or exotic one.
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, NotImplementedError, RuntimeError,
    ValueError,
)  # fmt: skip


@dataclass(frozen=True)
class FarmJob:
    """A device pool and the demo app's two APKs, `app` and `tests`."""

    pool_arn: str
    app: Path
    tests: Path
    timeout_s: float = 3600.0

    @property
    def project_arn(self) -> str:
        """The ARN of the pool's project: …:devicepool:PROJECT/POOL → …:project:PROJECT."""
        return self.pool_arn.replace(":devicepool:", ":project:").rpartition("/")[0]

    @property
    def region(self) -> str:
        return self.pool_arn.split(":")[3]


def pool_arn_of(name: str) -> str:
    """Return the pool's ARN, with or without `farm:` before it. Raises NoDevice for any other name."""
    arn = name.removeprefix(PREFIX)
    if POOL_ARN.fullmatch(arn) is None:
        raise NoDevice(
            f"{printable(arn, 80)!r} is not the ARN of a device pool (arn:aws:devicefarm:REGION:ACCOUNT:devicepool:"
            f"PROJECT/POOL); aws devicefarm list-device-pools shows yours."
        )
    return arn


def aws_client(region: str) -> Any:
    """boto3's Device Farm client, with the credentials that boto3 finds."""
    try:
        import boto3
    except ImportError as error:
        raise MissingDependency("boto3", "A device farm", extra="farm") from error
    return boto3.client("devicefarm", region_name=region)


def run_on_farm(job: FarmJob, artifact: Path, client: Any, say: Callable[[str], None]) -> list[AppReport]:
    """Run the demo app's benchmark on every phone of the pool and return one report per phone.

    Raises DeviceError if AWS refuses, an upload or the run fails, or time is over (the run is then stopped);
    UnreadableOutput if the run passed, but a phone's report is missing or was made with another artifact.
    """
    for file in (job.app, job.tests, artifact):
        if not file.is_file():
            raise DeviceError(f"{file}: there is no such file to upload to the farm.")
    with _aws_errors(), tempfile.TemporaryDirectory(prefix="edgekit-farm-") as name:
        folder = Path(name)
        deadline = time.monotonic() + job.timeout_s
        extra = folder / "artifact.zip"
        with zipfile.ZipFile(extra, "w") as archive:
            archive.write(artifact, artifact.name)
        say(f"uploading {job.app.name}, {job.tests.name} and {artifact.name}")
        app = _upload(client, job, job.app, "ANDROID_APP")
        tests = _upload(client, job, job.tests, "INSTRUMENTATION_TEST_PACKAGE")
        data = _upload(client, job, extra, "EXTERNAL_DATA")
        run_arn = client.schedule_run(
            projectArn=job.project_arn,
            appArn=app,
            devicePoolArn=job.pool_arn,
            name=f"edgekit bench {artifact.name}"[:256],
            test={"type": "INSTRUMENTATION", "testPackageArn": tests},
            configuration={"extraDataPackageArn": data},
        )["run"]["arn"]
        _wait(client, run_arn, deadline, say)
        return _reports(client, run_arn, folder, sha256_of(artifact))


def _upload(client: Any, job: FarmJob, file: Path, kind: str) -> str:
    """Upload a file and return its ARN once the farm has checked it."""
    made = client.create_upload(projectArn=job.project_arn, name=file.name, type=kind)["upload"]
    request = urllib.request.Request(made["url"], data=file.read_bytes(), method="PUT")
    _send(request, f"uploading {file.name}")
    deadline = time.monotonic() + UPLOAD_TIMEOUT_S
    while True:
        upload = client.get_upload(arn=made["arn"])["upload"]
        if upload["status"] == "SUCCEEDED":
            return str(made["arn"])
        if upload["status"] == "FAILED":
            raise DeviceError(f"The farm refused {file.name}: {upload.get('message', 'no reason given')}.")
        if time.monotonic() > deadline:
            raise DeviceError(f"The farm has not finished checking {file.name} in {UPLOAD_TIMEOUT_S:g} s.")
        time.sleep(POLL_S)


def _wait(client: Any, run_arn: str, deadline: float, say: Callable[[str], None]) -> None:
    """Wait until the run is completed and passed; a run that is given up is stopped, because it costs money."""
    printed = ""
    try:
        while True:
            run = client.get_run(arn=run_arn)["run"]
            if run["status"] != printed:
                printed = run["status"]
                say(f"  farm: {printed.lower()}")
            if run["status"] == "COMPLETED":
                break
            if time.monotonic() > deadline:
                raise DeviceError("The farm did not finish in time; the run was stopped. Raise `timeout_s`.")
            time.sleep(POLL_S)
    except BaseException:
        client.stop_run(arn=run_arn)
        raise
    if run["result"] != "PASSED":
        raise DeviceError(f"The farm's run ended {run['result']}: {run.get('message') or 'see its console'}.")


def _reports(client: Any, run_arn: str, folder: Path, artifact_sha256: str) -> list[AppReport]:
    """Read every phone's benchmark file from the archives that the farm collected."""
    jobs = _pages(client.list_jobs, "jobs", arn=run_arn)
    reports = []
    for number, job in enumerate(jobs):
        found = _report_file(client, job["arn"], folder / str(number))
        if found is None:
            raise UnreadableOutput(
                f"{printable(job.get('name', job['arn']))}: the farm's files hold no {REPORT_NAME}."
            )
        reports.append(read_app_report(found, artifact_sha256))
    if not reports:
        raise UnreadableOutput("The farm's run had no phones; check the device pool.")
    return reports


def _report_file(client: Any, job_arn: str, folder: Path) -> Path | None:
    """Fetch the benchmark file of one phone and write it into `folder` under our own name; None if there is none."""
    folder.mkdir()
    artifacts = _pages(client.list_artifacts, "artifacts", arn=job_arn, type="FILE")
    for number, artifact in enumerate(a for a in artifacts if a["type"] == "CUSTOMER_ARTIFACT"):
        archive = folder / f"{number}.zip"
        _send(urllib.request.Request(artifact["url"]), "downloading a phone's files", archive)
        try:
            report = _report_in(archive)
        except UNREADABLE as error:
            raise UnreadableOutput(
                f"The farm's files are not a readable archive ({error!r:.100})."
            ) from error
        if report is not None:
            target = folder / REPORT_NAME
            target.write_bytes(report)
            return target
    return None


def _report_in(archive: Path) -> bytes | None:
    """Content of the benchmark file, anywhere in an archive; None if there is none of plausible size."""
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            if PurePosixPath(member.filename).name == REPORT_NAME and member.file_size <= MOST_REPORT_BYTES:
                return opened.read(member)
    return None


def _pages(operation: Callable[..., Any], key: str, **arguments: str) -> list[Mapping[str, Any]]:
    """All rows of a paged answer, of at most MOST_REPORTS pages."""
    rows: list[Mapping[str, Any]] = []
    for _ in range(MOST_REPORTS):
        page = operation(**arguments)
        rows += page[key]
        if not page.get("nextToken"):
            break
        arguments["nextToken"] = page["nextToken"]
    return rows


def _send(request: urllib.request.Request, doing: str, into: Path | None = None) -> None:
    """One HTTP request to a presigned address. Errors never name the address."""
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            if into is not None:
                content = answer.read(MOST_ARCHIVE_BYTES + 1)
                if len(content) > MOST_ARCHIVE_BYTES:
                    raise UnreadableOutput(
                        f"{doing}: the answer is over {MOST_ARCHIVE_BYTES >> 20} MiB, too large for a phone's files."
                    )
                into.write_bytes(content)
    except urllib.error.HTTPError as error:
        raise DeviceError(f"{doing}: the farm's storage answered {error.code}.") from None
    except (urllib.error.URLError, OSError):
        raise DeviceError(f"{doing}: the farm's storage could not be reached.") from None


@contextmanager
def _aws_errors() -> Iterator[None]:
    """Turn boto3's errors into one sentence with their code; their text is left out because it may quote requests."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown error")
        raise DeviceError(f"AWS Device Farm refused {error.operation_name}: {code}.") from None
    except BotoCoreError as error:
        raise DeviceError(f"AWS Device Farm: {type(error).__name__}; check aws configure.") from None
