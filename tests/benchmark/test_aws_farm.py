"""AWS Device Farm through botocore's own Stubber (it checks every call against AWS's service model)."""

from __future__ import annotations

import io
import json
import logging
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from edgekit.benchmark import aws_farm, farm
from edgekit.benchmark.app_report import AppReport
from edgekit.benchmark.aws_farm import AwsFarm, pool_arn_of
from edgekit.benchmark.farm import FarmJob
from edgekit.errors import DeviceError, NoDevice, UnreadableOutput
from edgekit.files import sha256_of
from tests.support.app_report import GOOD
from tests.support.tiny_tflite import write_tiny

boto3 = pytest.importorskip("boto3", reason="NOT RUN: boto3 is not installed (pip install 'edgekit[farm]')")
stub = pytest.importorskip("botocore.stub")

PROJECT = "11111111-2222-3333-4444-555555555555"
ARN = "arn:aws:devicefarm:us-west-2:123456789012"
POOL = f"{ARN}:devicepool:{PROJECT}/66666666-7777-8888-9999-000000000000"
SECRET = "wJalrXUtnFEMI-not-a-real-key"
SIGNATURE = "X-Amz-Signature=deadbeefcafe"


class Storage:
    """What S3 is to the farm: takes PUTs, answers GETs."""

    def __init__(self) -> None:
        self.taken: dict[str, bytes] = {}
        self.given: dict[str, bytes] = {}
        storage = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                storage.taken[self.path.split("?")[0]] = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.end_headers()

            def do_GET(self) -> None:
                content = storage.given.get(self.path.split("?")[0])
                self.send_response(404 if content is None else 200)
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}?{SIGNATURE}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def storage() -> Iterator[Storage]:
    running = Storage()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(farm, "POLL_S", 0.0)


class Farm:
    """A stubbed client with the answers of one run queued in order."""

    def __init__(self, storage: Storage, tmp_path: Path) -> None:
        self.client = boto3.client(
            "devicefarm",
            region_name="us-west-2",
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key=SECRET,
        )
        self.stub = stub.Stubber(self.client)
        self.storage = storage
        self.artifact = write_tiny(tmp_path / "parser-256.tflite", "LOGISTIC")
        app, tests = tmp_path / "app.apk", tmp_path / "tests.apk"
        app.write_bytes(b"app")
        tests.write_bytes(b"tests")
        self.job = FarmJob(app, tests, timeout_s=5)
        self.said: list[str] = []

    def uploads(self, status: str = "SUCCEEDED") -> None:
        names = {
            "app.apk": "ANDROID_APP",
            "tests.apk": "INSTRUMENTATION_TEST_PACKAGE",
            "artifact.zip": "EXTERNAL_DATA",
        }
        for name, kind in names.items():
            arn = f"{ARN}:upload:{PROJECT}/{name}"
            self.stub.add_response(
                "create_upload",
                {"upload": {"arn": arn, "url": self.storage.url(f"/{name}")}},
                {"projectArn": f"{ARN}:project:{PROJECT}", "name": name, "type": kind},
            )
            self.stub.add_response("get_upload", {"upload": {"status": "PROCESSING"}}, {"arn": arn})
            self.stub.add_response(
                "get_upload", {"upload": {"status": status, "message": "bad manifest"}}, {"arn": arn}
            )
            if status == "FAILED":
                return

    def run(self, *states: dict[str, str]) -> None:
        self.stub.add_response(
            "schedule_run",
            {"run": {"arn": f"{ARN}:run:{PROJECT}/r"}},
            {
                "projectArn": f"{ARN}:project:{PROJECT}",
                "appArn": f"{ARN}:upload:{PROJECT}/app.apk",
                "devicePoolArn": POOL,
                "name": "edgekit bench parser-256.tflite",
                "test": {"type": "INSTRUMENTATION", "testPackageArn": f"{ARN}:upload:{PROJECT}/tests.apk"},
                "configuration": {"extraDataPackageArn": f"{ARN}:upload:{PROJECT}/artifact.zip"},
            },
        )
        for state in states:
            self.stub.add_response("get_run", {"run": state}, {"arn": f"{ARN}:run:{PROJECT}/r"})

    def collected(self, *phones: str, report: dict[str, Any] | None = None) -> None:
        jobs = [{"arn": f"{ARN}:job:{PROJECT}/{i}", "name": phone} for i, phone in enumerate(phones)]
        half = len(jobs) // 2
        self.stub.add_response("list_jobs", {"jobs": jobs[:half], "nextToken": "more"})
        self.stub.add_response("list_jobs", {"jobs": jobs[half:]})
        for i, phone in enumerate(phones):
            data = report or {
                **GOOD,
                "device": {**GOOD["device"], "model": phone},
                "artifact": {**GOOD["artifact"], "sha256": sha256_of(self.artifact)},
            }
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w") as archive:
                archive.writestr("../../escape.txt", "x")
                archive.writestr("Host_Machine_Files/edgekit-app-bench.json", json.dumps(data))
            self.storage.given[f"/{i}.zip"] = packed.getvalue()
            self.stub.add_response(
                "list_artifacts",
                {
                    "artifacts": [
                        {"type": "DEVICE_LOG", "url": "http://127.0.0.1:9/never"},
                        {"type": "CUSTOMER_ARTIFACT", "url": self.storage.url(f"/{i}.zip")},
                    ]
                },
            )

    def go(self) -> list[AppReport]:
        with self.stub:
            service = AwsFarm(POOL, self.client)
            reports = farm.run_on_farm(service, self.job, self.artifact, self.said.append)
        self.stub.assert_no_pending_responses()
        return reports


PASSED = {"status": "COMPLETED", "result": "PASSED"}


@pytest.fixture
def aws(storage: Storage, tmp_path: Path) -> Farm:
    return Farm(storage, tmp_path)


def test_every_phone_of_the_pool_gives_its_report(aws: Farm) -> None:
    aws.uploads()
    aws.run({"status": "SCHEDULING"}, {"status": "RUNNING"}, PASSED)
    aws.collected("Pixel 6", "Galaxy S21", "Pixel 7")
    reports = aws.go()
    assert [r.report.device.model for r in reports] == ["Pixel 6", "Galaxy S21", "Pixel 7"]
    assert reports[0].report.artifacts[0].latency is not None
    assert aws.storage.taken["/app.apk"] == b"app"
    with zipfile.ZipFile(io.BytesIO(aws.storage.taken["/artifact.zip"])) as archive:
        assert archive.read("parser-256.tflite") == aws.artifact.read_bytes()


def test_a_refused_upload_says_why(aws: Farm) -> None:
    aws.uploads(status="FAILED")
    with pytest.raises(DeviceError, match=r"refused app\.apk: bad manifest"):
        aws.go()


def test_a_failed_run_is_no_result(aws: Farm) -> None:
    aws.uploads()
    aws.run({"status": "COMPLETED", "result": "ERRORED", "message": "device died"})
    with pytest.raises(DeviceError, match="ended ERRORED: device died"):
        aws.go()


def test_a_run_that_takes_too_long_is_stopped(aws: Farm) -> None:
    aws.job = FarmJob(aws.job.app, aws.job.tests, timeout_s=-1)
    aws.uploads()
    aws.run({"status": "RUNNING"})
    aws.stub.add_response("stop_run", {"run": {}}, {"arn": f"{ARN}:run:{PROJECT}/r"})
    with pytest.raises(DeviceError, match="AWS Device Farm did not finish in time"):
        aws.go()
    assert aws.said[-1] == "the run was stopped; the farm's project keeps what was uploaded."
    aws.stub.assert_no_pending_responses()


def test_a_run_that_cannot_be_stopped_is_said_to_cost_money(aws: Farm) -> None:
    aws.job = FarmJob(aws.job.app, aws.job.tests, timeout_s=-1)
    aws.uploads()
    aws.run({"status": "RUNNING"})
    aws.stub.add_client_error("stop_run", "ThrottlingException")
    with pytest.raises(DeviceError, match="did not finish in time"):
        aws.go()
    assert "goes on costing money" in aws.said[-1] and "ThrottlingException" in aws.said[-1]


def test_a_report_of_another_artifact_is_refused(aws: Farm) -> None:
    aws.uploads()
    aws.run(PASSED)
    aws.collected("Pixel 6", report=GOOD)
    with pytest.raises(UnreadableOutput, match="another artifact"):
        aws.go()


def test_a_phone_without_a_report_is_named(aws: Farm) -> None:
    aws.uploads()
    aws.run(PASSED)
    aws.collected("Pixel 6")
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    aws.storage.given["/0.zip"] = empty.getvalue()
    with pytest.raises(UnreadableOutput, match="Pixel 6: the farm's files hold no"):
        aws.go()


def test_a_damaged_archive_is_unreadable(aws: Farm) -> None:
    aws.uploads()
    aws.run(PASSED)
    aws.collected("Pixel 6")
    aws.storage.given["/0.zip"] = b"PK but no"
    with pytest.raises(UnreadableOutput, match="archive"):
        aws.go()


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_member_with_flipped_bytes_is_unreadable(aws: Farm, method: int) -> None:
    aws.uploads()
    aws.run(PASSED)
    aws.collected("Pixel 6")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr(farm.REPORT_NAME, json.dumps(GOOD))
    data = bytearray(packed.getvalue())
    start = 30 + len(farm.REPORT_NAME)  # the local header is 30 bytes and the name
    data[start : start + 40] = bytes(b ^ 0x55 for b in data[start : start + 40])
    aws.storage.given["/0.zip"] = bytes(data)
    with pytest.raises(UnreadableOutput, match="archive"):
        aws.go()


def test_an_archive_beyond_any_phones_is_not_read(aws: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_farm, "MOST_ARCHIVE_BYTES", 100)
    aws.uploads()
    aws.run(PASSED)
    aws.collected("Pixel 6")
    with pytest.raises(UnreadableOutput, match="too large for a phone"):
        aws.go()


def test_no_secret_and_no_signature_in_errors_and_logs(aws: Farm, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    aws.uploads()
    aws.run(PASSED)
    aws.collected("Pixel 6")
    aws.storage.given.clear()  # the download answers 404
    with pytest.raises(DeviceError, match="answered 404") as failed:
        aws.go()
    everything = " ".join([str(failed.value), repr(failed.value.__cause__), caplog.text, *aws.said])
    assert SECRET not in everything and SIGNATURE not in everything and "AKIA" not in everything


def test_aws_refusals_are_one_sentence(aws: Farm) -> None:
    aws.stub.add_client_error("create_upload", "AccessDeniedException", f"user with {SECRET} may not")
    with pytest.raises(DeviceError, match=r"refused CreateUpload: AccessDeniedException\.$"):
        aws.go()


def test_the_pool_names_its_project_and_region() -> None:
    service = AwsFarm(pool_arn_of(f"farm:{POOL}"), aws_farm.aws_client(POOL))
    assert service.project_arn == f"{ARN}:project:{PROJECT}"
    assert service.client.meta.region_name == "us-west-2"
    for wrong in ("farm:pixel", f"farm:{ARN}:devicepool:alone", "farm:", "farm:$(reboot)"):
        with pytest.raises(NoDevice, match="device pool"):
            pool_arn_of(wrong)


def test_missing_files_are_named_before_aws_is_asked(aws: Farm, tmp_path: Path) -> None:
    aws.job = FarmJob(tmp_path / "none.apk", aws.job.tests)
    with pytest.raises(DeviceError, match=r"none\.apk"):
        aws.go()
