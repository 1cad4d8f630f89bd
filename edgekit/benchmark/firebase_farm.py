"""Firebase Test Lab, through google-api-python-client: Google's client for its Cloud Testing and Cloud Storage APIs.

The files lie in a folder of the user's own bucket: what is uploaded, and what Test Lab collects from each phone, in a
folder per phone. https://firebase.google.com/docs/test-lab/reference/testing/rest/v1/projects.testMatrices
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import uuid4

import msgspec
from msgspec import Meta

from edgekit import console
from edgekit.benchmark.farm import MOST_PHONES, MOST_REPORT_BYTES, REPORT_NAME, FarmJob, Progress
from edgekit.errors import DeviceError, MissingDependency, NoDevice, UnreadableOutput, printable
from edgekit.reading import Count

NAME = "Firebase Test Lab"
PROJECT = re.compile(r"([a-z0-9.-]{1,63}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
# A phone as `gcloud firebase test android run --device` names it. Test Lab spells models and locales of its own.
DIMENSIONS = {
    "model": re.compile(r"[\w.+-]{1,100}", re.ASCII),
    "version": re.compile(r"[\w.]{1,20}", re.ASCII),
    "locale": re.compile(r"[A-Za-z][A-Za-z_-]{1,19}"),
    "orientation": re.compile("portrait|landscape"),
}
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
RETRIES = (
    4  # of a request that Google could not answer; the client waits longer each time, half a minute in all
)
MOST_TEST_S = 2700  # Test Lab's own limit for a test on a physical phone
MOST_PAGES = 100
APP_FILES = "/sdcard/Android/data/dev.edgekit.demo/files"  # Android's getExternalFilesDir of the demo app
ARTIFACT = "/sdcard/edgekit/artifact.tflite"
GOING = frozenset({"TEST_STATE_UNSPECIFIED", "VALIDATING", "PENDING", "RUNNING"})
ADVICE = {
    400: "check the phones with gcloud firebase test android models list",
    401: "run gcloud auth application-default login",
    403: "the account needs the roles Firebase Test Lab Admin and Storage Object Admin, and the project the Cloud "
    "Testing and Cloud Tool Results APIs",
    404: "check `project` and `bucket`",
    429: "the project's quota is used up; wait, or ask Google for more",
}

T = TypeVar("T")
StateName = Annotated[str, Meta(pattern=r"^[A-Z0-9_]{0,60}\Z")]


class _Device(msgspec.Struct, rename="camel"):
    android_model_id: str = ""
    android_version_id: str = ""
    locale: str = ""
    orientation: str = ""

    @property
    def phone(self) -> FirebasePhone:
        return FirebasePhone(self.android_model_id, self.android_version_id, self.locale, self.orientation)


class _Environment(msgspec.Struct, rename="camel"):
    android_device: _Device = msgspec.field(default_factory=_Device)


class _Details(msgspec.Struct, rename="camel"):
    error_message: str = ""


class _Execution(msgspec.Struct, rename="camel"):
    state: StateName = ""
    environment: _Environment = msgspec.field(default_factory=_Environment)
    test_details: _Details = msgspec.field(default_factory=_Details)


class _Matrix(msgspec.Struct, rename="camel"):
    """What is read of a TestMatrix."""

    test_matrix_id: Annotated[str, Meta(pattern=r"^[\w-]{1,100}\Z")]
    state: StateName = ""
    outcome_summary: StateName = ""
    invalid_matrix_details: StateName = ""
    test_executions: Annotated[tuple[_Execution, ...], Meta(max_length=10 * MOST_PHONES)] = ()


class _Object(msgspec.Struct):
    """What is read of an object of Cloud Storage, whose JSON holds 64-bit numbers as text."""

    name: str
    size: Count


class _Objects(msgspec.Struct, rename="camel"):
    items: tuple[_Object, ...] = ()
    next_page_token: str | None = None


class _Status(msgspec.Struct):
    status: StateName = ""


class _Refusal(msgspec.Struct):
    error: _Status


@dataclass(frozen=True)
class FirebasePhone:
    """A phone of Test Lab by its catalogue's names."""

    model: str
    version: str
    locale: str = "en"
    orientation: str = "portrait"

    @property
    def name(self) -> str:
        """The folder of the phone's files among a run's results."""
        return f"{self.model}-{self.version}-{self.locale}-{self.orientation}"


def phone_of(text: str) -> FirebasePhone:
    """The phone of a text such as `model=oriole,version=33`, with a `locale` and an `orientation` if wished.

    Raises NoDevice for any other text.
    """
    parts = [part.partition("=") for part in text.split(",")]
    given = {name: value for name, _, value in parts}
    fits = all(name in DIMENSIONS and DIMENSIONS[name].fullmatch(value) for name, _, value in parts)
    if not fits or len(given) < len(parts) or not {"model", "version"} <= given.keys():
        raise NoDevice(
            f"{printable(text, 80)!r} is not a phone of {NAME} (model=oriole,version=33, and if wished locale=en and "
            "orientation=portrait); gcloud firebase test android models list shows them."
        )
    return FirebasePhone(**given)


@dataclass(frozen=True)
class FirebaseFarm:
    """Phones of Test Lab. project: the Google Cloud project that pays. bucket: where files lie. testing, storage: the
    client's services, as `google_services` opens them.

    Raises NoDevice for a project or a bucket that cannot be one, no phones, too many, or one that is named twice.
    """

    project: str
    bucket: str
    phones: tuple[FirebasePhone, ...]
    testing: Any
    storage: Any

    name = NAME

    def __post_init__(self) -> None:
        for what, value, form in (("project", self.project, PROJECT), ("bucket", self.bucket, BUCKET)):
            if form.fullmatch(value) is None:
                raise NoDevice(f"`{what}` {printable(value, 80)!r} is not the name of a Google Cloud {what}.")
        if not 1 <= len(self.phones) <= MOST_PHONES:
            raise NoDevice(f"A run is on 1 to {MOST_PHONES} phones, not {len(self.phones)}.")
        if twice := [name for name, n in Counter(phone.name for phone in self.phones).items() if n > 1]:
            raise NoDevice(f"The phone {twice[0]} is named twice.")

    @property
    def place(self) -> str:
        return f"farm:firebase:{self.project}"

    def start(self, job: FarmJob, artifact: Path) -> FirebaseRun:
        """Upload the APKs and the artifact to a new folder of the bucket, and create a test matrix."""
        folder = f"edgekit-{uuid4()}"
        kept = f"gs://{self.bucket}/{folder} keeps what was uploaded"
        with console.interruptible(lambda: f"no run is known to have started; {kept}."):
            app = self._uploaded(job.app, f"{folder}/app.apk")
            tests = self._uploaded(job.tests, f"{folder}/tests.apk")
            data = self._uploaded(artifact, f"{folder}/artifact.tflite")
            matrix = _answer(
                self.testing.projects()
                .testMatrices()
                .create(
                    projectId=self.project,
                    requestId=str(uuid4()),  # a request that is repeated starts nothing twice
                    body=_matrix_body(self, f"gs://{self.bucket}/{folder}", app, tests, data, job.timeout_s),
                ),
                _Matrix,
            )
        return FirebaseRun(self, matrix.test_matrix_id, folder)

    def _uploaded(self, file: Path, name: str) -> dict[str, str]:
        """Upload a file, and return the reference to it that a test matrix takes."""
        _executed(
            self.storage.objects().insert(
                bucket=self.bucket,
                name=name,
                media_body=str(file),
                media_mime_type="application/octet-stream",
            )
        )
        return {"gcsPath": f"gs://{self.bucket}/{name}"}


@dataclass(frozen=True)
class FirebaseRun:
    """A test matrix. folder: of the bucket, where a folder per phone holds what it left."""

    farm: FirebaseFarm
    matrix_id: str
    folder: str

    def progress(self) -> Progress:
        matrix = self._matrix()
        counts = Counter(execution.state for execution in matrix.test_executions)
        phones = ", ".join(f"{n} {_words(state)}" for state, n in sorted(counts.items()))
        state = _words(matrix.state) + (f" ({phones})" if phones else "")
        is_over = matrix.state not in GOING
        return Progress(state, is_over, self._failure(matrix) if is_over else "")

    def stop(self) -> str:
        _executed(
            self.farm.testing.projects()
            .testMatrices()
            .cancel(projectId=self.farm.project, testMatrixId=self.matrix_id)
        )
        return (
            f"the run {self.matrix_id} was stopped; gs://{self.farm.bucket}/{self.folder} keeps what was uploaded "
            "and what phones left."
        )

    def reports(self) -> Iterator[tuple[str, bytes | None]]:
        """Each phone's benchmark file. A phone that did not run has its state behind its name."""
        troubles = _troubles(self._matrix())
        for phone in self.farm.phones:
            trouble = troubles.get(phone.name)
            yield f"{phone.name} ({trouble})" if trouble else phone.name, self._report(phone)

    def _report(self, phone: FirebasePhone) -> bytes | None:
        objects = self.farm.storage.objects()
        for found in self._objects(f"{self.folder}/{phone.name}/"):
            if found.name.rpartition("/")[2] == REPORT_NAME and found.size <= MOST_REPORT_BYTES:
                content = _executed(objects.get_media(bucket=self.farm.bucket, object=found.name))
                if not isinstance(content, bytes) or len(content) > MOST_REPORT_BYTES:
                    raise UnreadableOutput(f"{phone.name}: its {REPORT_NAME} is not of the size it was.")
                return content
        return None

    def _objects(self, prefix: str) -> Iterator[_Object]:
        """The objects of the bucket whose names begin so, of at most MOST_PAGES pages."""
        token = None
        for _ in range(MOST_PAGES):
            page = _answer(
                self.farm.storage.objects().list(
                    bucket=self.farm.bucket,
                    prefix=prefix,
                    pageToken=token,
                    fields="items(name,size),nextPageToken",
                ),
                _Objects,
            )
            yield from page.items
            token = page.next_page_token
            if token is None:
                return

    def _matrix(self) -> _Matrix:
        return _answer(
            self.farm.testing.projects()
            .testMatrices()
            .get(projectId=self.farm.project, testMatrixId=self.matrix_id),
            _Matrix,
        )

    def _failure(self, matrix: _Matrix) -> str:
        """Why a matrix that is over gave no result; empty if every phone passed."""
        if (matrix.state, matrix.outcome_summary) == ("FINISHED", "SUCCESS"):
            return ""
        word = matrix.outcome_summary if matrix.state == "FINISHED" else matrix.state
        reasons = [f"{phone}: {trouble}" for phone, trouble in _troubles(matrix).items()]
        if matrix.invalid_matrix_details:
            reasons.insert(0, matrix.invalid_matrix_details)
        found = "; ".join(reasons) or f"see {self.matrix_id} in the console of {NAME}"
        return f"{word or 'without an outcome'}: {found}"


def google_services() -> tuple[Any, Any]:
    """The client's services for Cloud Testing and Cloud Storage, with the application default credentials."""
    try:
        from google.auth import default
        from googleapiclient.discovery import build
    except ImportError as error:
        raise MissingDependency("google-api-python-client", NAME, extra="firebase") from error
    with _google_errors():
        credentials, _ = default(scopes=[SCOPE])
        testing, storage = (
            build(api, "v1", credentials=credentials, cache_discovery=False) for api in ("testing", "storage")
        )
    return testing, storage


def _matrix_body(
    farm: FirebaseFarm, results: str, app: object, tests: object, data: object, timeout_s: float
) -> dict[str, object]:
    """The test matrix to create. Video and performance metrics would be taken while the app measures."""
    phones = [
        {
            "androidModelId": phone.model,
            "androidVersionId": phone.version,
            "locale": phone.locale,
            "orientation": phone.orientation,
        }
        for phone in farm.phones
    ]
    return {
        "clientInfo": {"name": "edgekit"},
        "environmentMatrix": {"androidDeviceList": {"androidDevices": phones}},
        "resultStorage": {"googleCloudStorage": {"gcsPath": results}},
        "testSpecification": {
            "testTimeout": f"{min(ceil(timeout_s), MOST_TEST_S)}s",
            "disableVideoRecording": True,
            "disablePerformanceMetrics": True,
            "testSetup": {
                "filesToPush": [{"regularFile": {"content": data, "devicePath": ARTIFACT}}],
                "directoriesToPull": [APP_FILES],
            },
            "androidInstrumentationTest": {"appApk": app, "testApk": tests},
        },
    }


def _troubles(matrix: _Matrix) -> dict[str, str]:
    """Phone to its state and message, of the phones whose test did not run to its end."""
    return {
        execution.environment.android_device.phone.name: printable(
            " ".join(filter(None, (execution.state, execution.test_details.error_message.rstrip("."))))
        )
        for execution in matrix.test_executions
        if execution.state not in GOING | {"FINISHED"}
    }


def _words(state: str) -> str:
    return state.lower().replace("_", " ")


def _answer(request: Any, kind: type[T]) -> T:
    """The answer to a request as its declaration's type. Raises UnreadableOutput for one of another form."""
    try:
        return msgspec.convert(_executed(request), kind, strict=False)
    except msgspec.ValidationError as error:
        raise UnreadableOutput(
            f"{NAME} answered in an unknown form ({printable(str(error), 120)})."
        ) from None


def _executed(request: Any) -> Any:
    with _google_errors():
        return request.execute(num_retries=RETRIES)


@contextmanager
def _google_errors() -> Iterator[None]:
    """Turn the client's errors into one sentence; their text is left out because it quotes requests and files."""
    from google.auth.exceptions import GoogleAuthError
    from googleapiclient.errors import HttpError
    from httplib2.error import HttpLib2Error

    try:
        yield
    except HttpError as error:
        code = int(error.resp.status)
        words = " ".join(filter(None, (str(code), _status_of(error.content))))
        advice = ADVICE.get(code, "try again")
        raise DeviceError(f"{NAME} refused a request with {words}: {advice}.") from None
    except GoogleAuthError as error:
        raise DeviceError(
            f"{NAME} needs Google's application default credentials ({type(error).__name__}): run gcloud auth "
            "application-default login, or name a key file in GOOGLE_APPLICATION_CREDENTIALS."
        ) from None
    except (HttpLib2Error, OSError) as error:
        raise DeviceError(f"{NAME} could not be reached ({type(error).__name__}).") from None


def _status_of(content: bytes) -> str:
    """Google's own word for a refusal, such as RESOURCE_EXHAUSTED; empty if there is none."""
    try:
        return msgspec.json.decode(content, type=_Refusal).error.status
    except (ValueError, TypeError):  # msgspec's errors are ValueErrors
        return ""
