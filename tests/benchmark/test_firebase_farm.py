"""Firebase Test Lab with recorded answers of Google's services (`tests/support/google_client.py`)."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from edgekit.benchmark import farm, firebase_farm
from edgekit.benchmark.app_report import AppReport
from edgekit.benchmark.farm import FarmJob, run_on_farm
from edgekit.benchmark.firebase_farm import FirebaseFarm, FirebasePhone, google_services, phone_of
from edgekit.console import kept_by
from edgekit.errors import DeviceError, MissingDependency, NoDevice, UnreadableOutput
from edgekit.files import sha256_of
from tests.support.app_report import GOOD
from tests.support.google_client import (
    MATRIX,
    Cloud,
    DefaultCredentialsError,
    HttpError,
    HttpLib2Error,
    execution,
    install,
)
from tests.support.tiny_tflite import write_tiny

PROJECT, BUCKET = "demo-project-1", "demo-bucket"
ORIOLE = FirebasePhone("oriole", "33")
PIXEL2 = FirebasePhone("Pixel2.arm", "30", "en_US", "landscape")
SECRET = "ya29.not-a-real-token"
FILES = "artifacts/sdcard/Android/data/dev.edgekit.demo/files"
PASSED = {"state": "FINISHED", "outcomeSummary": "SUCCESS"}


class Lab:
    """A cloud, a run's files, and what was said."""

    def __init__(self, tmp_path: Path) -> None:
        self.cloud = Cloud([PASSED])
        self.artifact = write_tiny(tmp_path / "parser-256.tflite", "LOGISTIC")
        app, tests = tmp_path / "demo.apk", tmp_path / "demo-tests.apk"
        app.write_bytes(b"app")
        tests.write_bytes(b"tests")
        self.job = FarmJob(app, tests, timeout_s=5)
        self.phones = (ORIOLE, PIXEL2)
        self.said: list[str] = []

    def left_reports(self, *, sha256: str | None = None) -> None:
        """Every phone left its report, among other files."""
        for phone in self.phones:
            artifact = {**GOOD["artifact"], "sha256": sha256 or sha256_of(self.artifact)}
            data = {**GOOD, "device": {**GOOD["device"], "model": phone.model}, "artifact": artifact}
            report = json.dumps(data).encode()
            self.cloud.left[f"{phone.name}/{FILES}/{farm.REPORT_NAME}"] = report
            self.cloud.left[f"{phone.name}/logcat"] = b"a line"

    def go(self) -> list[AppReport]:
        service = FirebaseFarm(PROJECT, BUCKET, self.phones, self.cloud, self.cloud)
        return run_on_farm(service, self.job, self.artifact, self.said.append)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    install(monkeypatch)
    monkeypatch.setattr(farm, "POLL_S", 0.0)
    return Lab(tmp_path)


def test_every_phone_gives_its_report(lab: Lab) -> None:
    running = [execution(("oriole", "33", "en", "portrait"), "RUNNING")]
    done = [
        execution(("oriole", "33", "en", "portrait"), "FINISHED"),
        execution(("Pixel2.arm", "30", "en_US", "landscape"), "RUNNING"),
    ]
    lab.cloud.states = [
        {"state": "VALIDATING"},
        {"state": "PENDING", "testExecutions": running},
        {"state": "PENDING", "testExecutions": done},
        PASSED,
    ]
    lab.left_reports()
    reports = lab.go()
    assert [report.report.device.model for report in reports] == ["oriole", "Pixel2.arm"]
    assert reports[0].report.artifacts[0].latency is not None
    assert lab.said == [
        "uploading demo.apk, demo-tests.apk and parser-256.tflite",
        "  farm: validating",
        "  farm: pending (1 running)",
        "  farm: pending (1 finished, 1 running)",
        "  farm: finished",
    ]
    folder = lab.cloud.folder
    assert lab.cloud.uploaded == {
        f"{folder}/app.apk": b"app",
        f"{folder}/tests.apk": b"tests",
        f"{folder}/artifact.tflite": lab.artifact.read_bytes(),
    }


def test_the_request_is_the_matrix_that_google_documents(lab: Lab) -> None:
    lab.left_reports()
    lab.go()
    lab.go()
    first, second = lab.cloud.arguments("create")
    assert first["projectId"] == PROJECT and first["requestId"] != second["requestId"]
    place = second["body"]["resultStorage"]["googleCloudStorage"]["gcsPath"]
    assert place == f"gs://{BUCKET}/{lab.cloud.folder}"
    assert first["body"]["resultStorage"] != second["body"]["resultStorage"]
    assert second["body"] == {
        "clientInfo": {"name": "edgekit"},
        "environmentMatrix": {
            "androidDeviceList": {
                "androidDevices": [
                    {
                        "androidModelId": "oriole",
                        "androidVersionId": "33",
                        "locale": "en",
                        "orientation": "portrait",
                    },
                    {
                        "androidModelId": "Pixel2.arm",
                        "androidVersionId": "30",
                        "locale": "en_US",
                        "orientation": "landscape",
                    },
                ]
            }
        },
        "resultStorage": {"googleCloudStorage": {"gcsPath": place}},
        "testSpecification": {
            "testTimeout": "5s",
            "disableVideoRecording": True,
            "disablePerformanceMetrics": True,
            "testSetup": {
                "filesToPush": [
                    {
                        "regularFile": {
                            "content": {"gcsPath": f"{place}/artifact.tflite"},
                            "devicePath": "/sdcard/edgekit/artifact.tflite",
                        }
                    }
                ],
                "directoriesToPull": ["/sdcard/Android/data/dev.edgekit.demo/files"],
            },
            "androidInstrumentationTest": {
                "appApk": {"gcsPath": f"{place}/app.apk"},
                "testApk": {"gcsPath": f"{place}/tests.apk"},
            },
        },
    }


def test_a_test_may_not_take_longer_than_test_lab_lets_it(lab: Lab) -> None:
    lab.left_reports()
    lab.job = FarmJob(lab.job.app, lab.job.tests, timeout_s=86_400)
    lab.go()
    assert lab.cloud.arguments("create")[0]["body"]["testSpecification"]["testTimeout"] == "2700s"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            {"state": "INVALID", "invalidMatrixDetails": "TEST_QUOTA_EXCEEDED"},
            "The farm's run ended INVALID: TEST_QUOTA_EXCEEDED.",
        ),
        ({"state": "INVALID", "invalidMatrixDetails": "MALFORMED_APK"}, "ended INVALID: MALFORMED_APK."),
        (
            {
                "state": "ERROR",
                "testExecutions": [
                    execution(
                        ("oriole", "33", "en", "portrait"),
                        "ERROR",
                        errorMessage="Infrastructure failure.\x1b[2J",
                    )
                ],
            },
            "ended ERROR: oriole-33-en-portrait: ERROR Infrastructure failure.",
        ),
        (
            {
                "state": "FINISHED",
                "outcomeSummary": "SKIPPED",
                "testExecutions": [
                    execution(("oriole", "99", "en", "portrait"), "UNSUPPORTED_ENVIRONMENT"),
                    execution(("Pixel2.arm", "30", "en_US", "landscape"), "INCOMPATIBLE_ARCHITECTURE"),
                ],
            },
            "ended SKIPPED: oriole-99-en-portrait: UNSUPPORTED_ENVIRONMENT; Pixel2.arm-30-en_US-landscape: "
            "INCOMPATIBLE_ARCHITECTURE.",
        ),
        (
            {"state": "FINISHED", "outcomeSummary": "FAILURE"},
            f"ended FAILURE: see {MATRIX} in the console of Firebase Test Lab.",
        ),
        ({"state": "FINISHED"}, "ended without an outcome: see"),
        ({"state": "CANCELLED"}, "ended CANCELLED: see"),
    ],
)
def test_a_run_that_did_not_pass_is_no_result(lab: Lab, state: dict[str, Any], words: str) -> None:
    lab.cloud.states = [state]
    lab.left_reports()
    with pytest.raises(DeviceError) as failed:
        lab.go()
    assert words in str(failed.value)
    assert not lab.cloud.arguments("cancel"), "a run that is over was cancelled"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            HttpError(429, b'{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}'),
            "refused a request with 429 RESOURCE_EXHAUSTED: the project's quota is used up",
        ),
        (HttpError(403, b'{"error": {"status": "PERMISSION_DENIED"}}'), "403 PERMISSION_DENIED: the account"),
        (HttpError(404, b"<html>"), "refused a request with 404: check `project` and `bucket`."),
        (HttpError(400, b'{"error": {"status": "INVALID_ARGUMENT"}}'), "INVALID_ARGUMENT: check the phones"),
        (HttpError(503, b'{"error": {"status": "<b>"}}'), "refused a request with 503: try again."),
        (HttpLib2Error("no such host"), "could not be reached (HttpLib2Error)."),
        (TimeoutError(), "could not be reached (TimeoutError)."),
    ],
)
def test_a_refused_request_is_one_sentence(lab: Lab, error: Exception, words: str) -> None:
    lab.cloud.refusals["create"] = error
    with pytest.raises(DeviceError) as failed:
        lab.go()
    assert words in str(failed.value)


def test_a_run_that_takes_too_long_is_cancelled(lab: Lab) -> None:
    lab.cloud.states = [{"state": "RUNNING"}]
    lab.job = FarmJob(lab.job.app, lab.job.tests, timeout_s=0.01)
    with pytest.raises(
        DeviceError, match=r"^Firebase Test Lab did not finish in time\. Raise `timeout_s`\.$"
    ):
        lab.go()
    assert lab.cloud.arguments("cancel") == [{"projectId": PROJECT, "testMatrixId": MATRIX}]
    assert lab.said[-1] == (
        f"the run {MATRIX} was stopped; gs://{BUCKET}/{lab.cloud.folder} keeps what was uploaded and what phones "
        "left."
    )


def test_an_interrupted_run_is_cancelled(lab: Lab) -> None:
    lab.cloud.refusals["get"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt) as interrupted:
        lab.go()
    assert len(lab.cloud.arguments("cancel")) == 1
    assert kept_by(interrupted.value).startswith(f"the run {MATRIX} was stopped; gs://{BUCKET}/")


def test_a_run_that_cannot_be_cancelled_is_said_to_cost_money(lab: Lab) -> None:
    lab.cloud.refusals = {"get": KeyboardInterrupt(), "cancel": HttpError(500, b"")}
    with pytest.raises(KeyboardInterrupt) as interrupted:
        lab.go()
    assert "goes on costing money; stop it in the console of Firebase Test Lab" in kept_by(interrupted.value)


def test_an_interrupted_upload_says_where_files_are(lab: Lab) -> None:
    lab.cloud.refusals["insert"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt) as interrupted:
        lab.go()
    assert f"gs://{BUCKET}/edgekit-" in kept_by(interrupted.value)
    assert not lab.cloud.arguments("create")


def test_phones_without_a_report_are_named(lab: Lab) -> None:
    lab.left_reports()
    del lab.cloud.left[f"{ORIOLE.name}/{FILES}/{farm.REPORT_NAME}"]
    lab.cloud.states = [
        {
            **PASSED,
            "testExecutions": [execution(("oriole", "33", "en", "portrait"), "INCOMPATIBLE_ENVIRONMENT")],
        }
    ]
    with pytest.raises(UnreadableOutput) as failed:
        lab.go()
    assert str(failed.value) == (
        "oriole-33-en-portrait (INCOMPATIBLE_ENVIRONMENT): the farm's files hold no edgekit-app-bench.json."
    )


def test_a_phone_has_its_own_folder_only(lab: Lab) -> None:
    """The phone oriole-33-en-portrait takes no report from a folder that only begins so."""
    lab.phones = (ORIOLE,)
    lab.cloud.left[f"{ORIOLE.name}_rerun_1/{farm.REPORT_NAME}"] = b"{}"
    lab.cloud.left[f"{ORIOLE.name}/not-{farm.REPORT_NAME}"] = b"{}"
    with pytest.raises(UnreadableOutput, match="hold no"):
        lab.go()


def test_a_report_beyond_any_phones_is_not_fetched(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firebase_farm, "MOST_REPORT_BYTES", 100)
    lab.left_reports()
    with pytest.raises(UnreadableOutput, match="hold no"):
        lab.go()
    assert not lab.cloud.arguments("get_media")


def test_a_report_of_another_artifact_is_refused(lab: Lab) -> None:
    lab.left_reports(sha256="0" * 64)
    with pytest.raises(UnreadableOutput, match="another artifact"):
        lab.go()


@pytest.mark.parametrize(
    "state",
    [
        {"state": 5},
        {"state": "x" * 1000},
        {"testExecutions": "all"},
        {**PASSED, "testExecutions": [{}] * 1001},
        {"testMatrixId": "../../other"},
    ],
)
def test_an_answer_of_another_form_is_refused(lab: Lab, state: dict[str, Any]) -> None:
    lab.cloud.states = [state]
    with pytest.raises(UnreadableOutput, match="answered in an unknown form"):
        lab.go()


def test_no_secret_in_errors_and_logs(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    refusal = json.dumps({"error": {"status": "UNAUTHENTICATED", "message": f"Bearer {SECRET}"}}).encode()
    lab.cloud.refusals["get"] = HttpError(401, refusal, f"https://testing.googleapis.com/?key={SECRET}")
    lab.cloud.refusals["cancel"] = lab.cloud.refusals["get"]
    with pytest.raises(DeviceError, match="401 UNAUTHENTICATED: run gcloud auth") as refused:
        lab.go()

    def default(scopes: list[str]) -> object:
        raise DefaultCredentialsError(f"the file /home/me/{SECRET}.json is not a key")

    install(monkeypatch, default=default)
    with pytest.raises(DeviceError, match="application default credentials") as missing:
        google_services()
    for error in (refused.value, missing.value):
        everything = " ".join([repr(error), repr(error.__cause__), caplog.text, *lab.said])
        assert SECRET not in everything and error.__suppress_context__


def test_the_services_have_the_credentials_that_google_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    def default(scopes: list[str]) -> tuple[object, str]:
        return scopes, "another-project"

    def build(api: str, version: str, *, credentials: object, cache_discovery: bool) -> object:
        return api, version, credentials, cache_discovery

    install(monkeypatch, default=default, build=build)
    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    assert google_services() == (("testing", "v1", scopes, False), ("storage", "v1", scopes, False))


def test_without_the_client_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "googleapiclient.discovery", None)
    with pytest.raises(MissingDependency, match=r"pip install 'edgekit\[firebase\]'"):
        google_services()


def test_phones_are_spelled_as_gcloud_spells_them() -> None:
    assert phone_of("model=oriole,version=33") == ORIOLE
    assert phone_of("version=30,model=Pixel2.arm,orientation=landscape,locale=en_US") == PIXEL2
    for wrong in (
        "", "oriole", "model=oriole", "model=oriole,version=33,version=34", "model=oriole,version=33,colour=red",
        "model=,version=33", "model=a/b,version=33", "model=oriole,version=33,orientation=up", "model=ö,version=33",
        "model=oriole,version=33,locale=en us", "x" * 100_000,
    ):  # fmt: skip
        with pytest.raises(NoDevice, match="is not a phone of Firebase Test Lab") as refused:
            phone_of(wrong)
        assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("project", "bucket", "phones", "words"),
    [
        ("Demo Project", BUCKET, (ORIOLE,), "`project` 'Demo Project' is not the name"),
        (PROJECT, "demo/../other", (ORIOLE,), "`bucket` 'demo/../other' is not the name"),
        (PROJECT, BUCKET, (), "on 1 to 100 phones, not 0"),
        (PROJECT, BUCKET, (ORIOLE, PIXEL2, ORIOLE), "The phone oriole-33-en-portrait is named twice"),
        (PROJECT, BUCKET, tuple(FirebasePhone("a", str(i)) for i in range(101)), "not 101"),
    ],
)
def test_what_cannot_be_run_on_is_refused(
    project: str, bucket: str, phones: tuple[FirebasePhone, ...], words: str
) -> None:
    with pytest.raises(NoDevice) as refused:
        FirebaseFarm(project, bucket, phones, None, None)
    assert words in str(refused.value)


def test_missing_files_are_named_before_google_is_asked(lab: Lab, tmp_path: Path) -> None:
    lab.job = FarmJob(lab.job.app, tmp_path / "none.apk")
    with pytest.raises(DeviceError, match=r"none\.apk"):
        lab.go()
    assert lab.cloud.asked == []
