"""Headless Chromium over the DevTools protocol's pipe: NUL-ended JSON on two file descriptors, no WebSocket."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from edgekit.shader.backends.chromium_webgl2 import FLAGS

# --remote-debugging-pipe reads commands from 3 and writes answers to 4. Moved out of the way first: either pipe
# may have one of these numbers. In a process of its own: forking a multithreaded one may deadlock.
PLACE_PIPES = """
import os, sys
read, write = (os.dup(int(fd)) for fd in sys.argv[1:3])
while read < 5 or write < 5:
    read, write = os.dup(read), os.dup(write)
os.dup2(read, 3)
os.dup2(write, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
CHUNK_BYTES = 1 << 20
TIMEOUT_S = 90.0


class PageError(AssertionError):
    """A script in the page threw, or the browser refused a command."""


@dataclass(frozen=True)
class Viewport:
    width: int
    height: int
    dark: bool = False
    scale: float = 1.0


class Browser:
    """A browser with one page. `console` holds what the page logged as errors and warnings."""

    def __init__(self, *flags: str) -> None:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        assert program is not None
        self._profile = tempfile.TemporaryDirectory(prefix="edgekit-chromium-", ignore_cleanup_errors=True)
        command_read, self._commands = os.pipe()
        self._answers, answer_write = os.pipe()

        self._process = subprocess.Popen(
            [
                *(sys.executable, "-c", PLACE_PIPES, str(command_read), str(answer_write)),
                *(
                    program,
                    *FLAGS,
                    *flags,
                    "--remote-debugging-pipe",
                    f"--user-data-dir={self._profile.name}",
                ),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(command_read, answer_write),
        )
        os.close(command_read)
        os.close(answer_write)
        self._numbers = itertools.count(1)
        self._unread = b""
        self._session: str | None = None
        self.console: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._commands)
        os.close(self._answers)
        self._profile.cleanup()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command, wait for its answer; events in between are looked at and dropped."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            answer = self._receive(deadline)
            if answer.get("id") == number:
                if "error" in answer:
                    raise PageError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self._look_at(answer)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression; promises are awaited, what is thrown is a PageError."""
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise PageError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def open(self, url: str, viewport: Viewport) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=viewport.width,
            height=viewport.height,
            deviceScaleFactor=viewport.scale,
            mobile=viewport.width < 600,
        )
        scheme = "dark" if viewport.dark else "light"
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def wait(self, condition: str, timeout_s: float = TIMEOUT_S) -> None:
        """Until a JavaScript expression is true."""
        deadline = time.monotonic() + timeout_s
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < deadline, (
                f"in {timeout_s} s never: {condition}; console: {self.console}"
            )
            time.sleep(0.1)

    def screenshot(self) -> bytes:
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def _receive(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))
            data = os.read(self._answers, CHUNK_BYTES) if ready else b""
            assert data, "Chromium did not answer"
            self._unread += data
        whole, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(whole)
        return message

    def _look_at(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        if event.get("method") == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.console.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        if event.get("method") == "Runtime.exceptionThrown":
            self.console.append(str(parameters["exceptionDetails"]))
        if event.get("method") == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning"):
            self.console.append(str([a.get("value", a.get("description")) for a in parameters["args"]]))
