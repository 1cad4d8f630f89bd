"""Stand-ins for google-api-python-client: its errors, and its services with recorded answers.

The keyword arguments of every method are those of the client's own, and the answers have the fields that Google's
references of Cloud Testing v1 and Cloud Storage v1 give them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

MATRIX = "matrix-1x9pmkqd6y2bb"


class HttpError(Exception):
    """googleapiclient.errors.HttpError, whose text quotes the address and the answer."""

    def __init__(self, status: int, content: bytes, uri: str = "") -> None:
        super().__init__(f"<HttpError {status} when requesting {uri} returned {content!r}>")
        self.resp, self.content, self.uri = SimpleNamespace(status=str(status)), content, uri


class GoogleAuthError(Exception):
    """google.auth.exceptions.GoogleAuthError."""


class DefaultCredentialsError(GoogleAuthError):
    """google.auth.exceptions.DefaultCredentialsError."""


class HttpLib2Error(Exception):
    """httplib2.error.HttpLib2Error."""


def install(monkeypatch: pytest.MonkeyPatch, **functions: Callable[..., Any]) -> None:
    """Make the client importable. functions: `default` of google.auth, and `build` of googleapiclient.discovery."""
    modules: Mapping[str, Mapping[str, object]] = {
        "google.auth": {"default": functions.get("default")},
        "google.auth.exceptions": {"GoogleAuthError": GoogleAuthError},
        "googleapiclient": {},
        "googleapiclient.discovery": {"build": functions.get("build")},
        "googleapiclient.errors": {"HttpError": HttpError},
        "httplib2": {},
        "httplib2.error": {"HttpLib2Error": HttpLib2Error},
    }
    for name, content in modules.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)


@dataclass
class Cloud:
    """One project's Test Lab and buckets. It serves as both services, and as every resource of them.

    states: answers to `get`, one after another; the last one stays. left: what phones left, by the name below a run's
    folder. refusals: method to the error that it raises. asked: every method with its arguments.
    """

    states: list[Mapping[str, object]] = field(default_factory=list)
    left: dict[str, bytes] = field(default_factory=dict)
    refusals: dict[str, BaseException] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    uploaded: dict[str, bytes] = field(default_factory=dict)

    def arguments(self, method: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.asked if name == method]

    @property
    def folder(self) -> str:
        """The folder of the last run."""
        path: str = self.arguments("create")[-1]["body"]["resultStorage"]["googleCloudStorage"]["gcsPath"]
        return path.removeprefix("gs://").partition("/")[2]

    def projects(self) -> Cloud:
        return self

    def testMatrices(self) -> Cloud:
        return self

    def objects(self) -> Cloud:
        return self

    def create(self, *, projectId: str, requestId: str, body: dict[str, object]) -> _Request:
        asked = {"projectId": projectId, "requestId": requestId, "body": body}
        answer = {"testMatrixId": MATRIX, "projectId": projectId, "state": "VALIDATING", **body}
        return self._request("create", asked, lambda: answer)

    def get(self, *, projectId: str, testMatrixId: str) -> _Request:
        def answer() -> Mapping[str, object]:
            state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
            return {"testMatrixId": testMatrixId, "timestamp": "2026-11-29T16:00:00.123Z", **state}

        return self._request("get", {"projectId": projectId, "testMatrixId": testMatrixId}, answer)

    def cancel(self, *, projectId: str, testMatrixId: str) -> _Request:
        asked = {"projectId": projectId, "testMatrixId": testMatrixId}
        return self._request("cancel", asked, lambda: {"testState": "CANCELLED"})

    def insert(self, *, bucket: str, name: str, media_body: str, media_mime_type: str) -> _Request:
        def answer() -> Mapping[str, object]:
            self.uploaded[name] = Path(media_body).read_bytes()
            return {"kind": "storage#object", "name": name, "size": str(len(self.uploaded[name]))}

        return self._request("insert", {"bucket": bucket, "name": name, "type": media_mime_type}, answer)

    def list(self, *, bucket: str, prefix: str, pageToken: str | None, fields: str) -> _Request:
        def answer() -> Mapping[str, object]:
            """A page of one object, as if the folder were large."""
            names = sorted(name for name in self._names() if name.startswith(prefix))
            page = int(pageToken or 0)
            items = [{"name": n, "size": str(len(self._names()[n]))} for n in names[page : page + 1]]
            following = {"nextPageToken": str(page + 1)} if page + 1 < len(names) else {}
            return {**({"items": items} if items else {}), **following}

        return self._request("list", {"bucket": bucket, "prefix": prefix}, answer)

    def get_media(self, *, bucket: str, object: str) -> _Request:
        return self._request("get_media", {"bucket": bucket, "object": object}, lambda: self._names()[object])

    def _names(self) -> dict[str, bytes]:
        return {f"{self.folder}/{name}": content for name, content in self.left.items()}

    def _request(self, method: str, arguments: dict[str, Any], answer: Callable[[], Any]) -> _Request:
        def answered() -> Any:
            self.asked.append((method, arguments))
            if method in self.refusals:
                raise self.refusals[method]
            return answer()

        return _Request(answered)


@dataclass(frozen=True)
class _Request:
    answer: Callable[[], Any]

    def execute(self, num_retries: int = 0) -> Any:
        assert num_retries > 0, "a request that Google could not answer is not tried again"
        return self.answer()


def execution(phone: Iterable[str], state: str, **details: str) -> dict[str, object]:
    """A testExecution on a phone: model, version, locale and orientation."""
    keys = ("androidModelId", "androidVersionId", "locale", "orientation")
    device = dict(zip(keys, phone, strict=True))
    return {"id": "1", "state": state, "environment": {"androidDevice": device}, "testDetails": details}
