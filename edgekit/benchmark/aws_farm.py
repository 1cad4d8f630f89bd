"""AWS Device Farm, through boto3. Errors and logs name no presigned address: those carry signatures."""

from __future__ import annotations

import io
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

from edgekit.benchmark import farm
from edgekit.benchmark.farm import MOST_PHONES, MOST_REPORT_BYTES, REPORT_NAME, FarmJob, Progress
from edgekit.errors import DeviceError, MissingDependency, NoDevice, UnreadableOutput, printable

PREFIX = "farm:"
POOL_ARN = re.compile(r"arn:aws:devicefarm:[a-z0-9-]+:\d*:devicepool:[\w:-]+/[\w-]+")
UPLOAD_TIMEOUT_S = 600.0
MOST_ARCHIVE_BYTES = 256 << 20
# Exceptions of zipfile for bytes that are not an archive, or a damaged, encrypted or exotic one.
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, NotImplementedError, RuntimeError,
    ValueError,
)  # fmt: skip


@dataclass(frozen=True)
class AwsFarm:
    """The phones of a device pool. client: boto3's, of the pool's region."""

    pool_arn: str
    client: Any

    name = "AWS Device Farm"

    @property
    def place(self) -> str:
        return f"{PREFIX}{self.pool_arn}"

    @property
    def project_arn(self) -> str:
        """The ARN of the pool's project: …:devicepool:PROJECT/POOL → …:project:PROJECT."""
        return self.pool_arn.replace(":devicepool:", ":project:").rpartition("/")[0]

    def start(self, job: FarmJob, artifact: Path) -> AwsRun:
        """Upload the APKs, and the artifact as the run's extra data, and schedule the run."""
        with _aws_errors(), tempfile.TemporaryDirectory(prefix="edgekit-farm-") as folder:
            extra = Path(folder) / "artifact.zip"
            with zipfile.ZipFile(extra, "w") as archive:
                archive.write(artifact, artifact.name)
            app = self._upload(job.app, "ANDROID_APP")
            tests = self._upload(job.tests, "INSTRUMENTATION_TEST_PACKAGE")
            data = self._upload(extra, "EXTERNAL_DATA")
            run = self.client.schedule_run(
                projectArn=self.project_arn,
                appArn=app,
                devicePoolArn=self.pool_arn,
                name=f"edgekit bench {artifact.name}"[:256],
                test={"type": "INSTRUMENTATION", "testPackageArn": tests},
                configuration={"extraDataPackageArn": data},
            )["run"]
        return AwsRun(self.client, run["arn"])

    def _upload(self, file: Path, kind: str) -> str:
        """Upload a file and return its ARN once the farm has checked it."""
        made = self.client.create_upload(projectArn=self.project_arn, name=file.name, type=kind)["upload"]
        request = urllib.request.Request(made["url"], data=file.read_bytes(), method="PUT")
        _sent(request, f"uploading {file.name}", 0)
        deadline = time.monotonic() + UPLOAD_TIMEOUT_S
        while True:
            upload = self.client.get_upload(arn=made["arn"])["upload"]
            if upload["status"] == "SUCCEEDED":
                return str(made["arn"])
            if upload["status"] == "FAILED":
                raise DeviceError(
                    f"The farm refused {file.name}: {upload.get('message', 'no reason given')}."
                )
            if time.monotonic() > deadline:
                raise DeviceError(
                    f"The farm has not finished checking {file.name} in {UPLOAD_TIMEOUT_S:g} s."
                )
            time.sleep(farm.POLL_S)


@dataclass(frozen=True)
class AwsRun:
    """A scheduled run."""

    client: Any
    arn: str

    def progress(self) -> Progress:
        with _aws_errors():
            run = self.client.get_run(arn=self.arn)["run"]
        is_over = run["status"] == "COMPLETED"
        failed = is_over and run["result"] != "PASSED"
        failure = f"{run['result']}: {run.get('message') or 'see its console'}" if failed else ""
        return Progress(run["status"].lower(), is_over, failure.rstrip("."))

    def stop(self) -> str:
        with _aws_errors():
            self.client.stop_run(arn=self.arn)
        return "the run was stopped; the farm's project keeps what was uploaded."

    def reports(self) -> Iterator[tuple[str, bytes | None]]:
        """Each phone's benchmark file, from the archives that the farm collected."""
        with _aws_errors():
            for job in _pages(self.client.list_jobs, "jobs", arn=self.arn):
                yield job.get("name", job["arn"]), self._report(job["arn"])

    def _report(self, job_arn: str) -> bytes | None:
        artifacts = _pages(self.client.list_artifacts, "artifacts", arn=job_arn, type="FILE")
        for artifact in artifacts:
            if artifact["type"] != "CUSTOMER_ARTIFACT":
                continue
            request = urllib.request.Request(artifact["url"])
            archive = _sent(request, "downloading a phone's files", MOST_ARCHIVE_BYTES)
            try:
                report = _report_in(archive)
            except UNREADABLE as error:
                raise UnreadableOutput(
                    f"The farm's files are not a readable archive ({error!r:.100})."
                ) from error
            if report is not None:
                return report
        return None


def pool_arn_of(name: str) -> str:
    """Return the pool's ARN, with or without `farm:` before it. Raises NoDevice for any other name."""
    arn = name.removeprefix(PREFIX)
    if POOL_ARN.fullmatch(arn) is None:
        raise NoDevice(
            f"{printable(arn, 80)!r} is not the ARN of a device pool (arn:aws:devicefarm:REGION:ACCOUNT:devicepool:"
            f"PROJECT/POOL); aws devicefarm list-device-pools shows yours."
        )
    return arn


def aws_client(pool_arn: str) -> Any:
    """boto3's Device Farm client for the region of a pool, with the credentials that boto3 finds."""
    try:
        import boto3
    except ImportError as error:
        raise MissingDependency("boto3", "AWS Device Farm", extra="farm") from error
    return boto3.client("devicefarm", region_name=pool_arn.split(":")[3])


def _report_in(archive: bytes) -> bytes | None:
    """Content of the benchmark file, anywhere in an archive; None if there is none of plausible size."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        for member in opened.infolist():
            if PurePosixPath(member.filename).name == REPORT_NAME and member.file_size <= MOST_REPORT_BYTES:
                return opened.read(member)
    return None


def _pages(operation: Callable[..., Any], key: str, **arguments: str) -> list[Mapping[str, Any]]:
    """All rows of a paged answer, of at most MOST_PHONES pages."""
    rows: list[Mapping[str, Any]] = []
    for _ in range(MOST_PHONES):
        page = operation(**arguments)
        rows += page[key]
        if not page.get("nextToken"):
            break
        arguments["nextToken"] = page["nextToken"]
    return rows


def _sent(request: urllib.request.Request, doing: str, most_bytes: int) -> bytes:
    """The answer to one HTTP request to a presigned address, not read if `most_bytes` is 0. Errors never name it."""
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            content: bytes = answer.read(most_bytes + 1) if most_bytes else b""
    except urllib.error.HTTPError as error:
        raise DeviceError(f"{doing}: the farm's storage answered {error.code}.") from None
    except (urllib.error.URLError, OSError):
        raise DeviceError(f"{doing}: the farm's storage could not be reached.") from None
    if len(content) > most_bytes:
        raise UnreadableOutput(
            f"{doing}: the answer is over {most_bytes >> 20} MiB, too large for a phone's files."
        )
    return content


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
