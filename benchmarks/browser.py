"""LiteRT.js in headless Chromium as a runtime: the page asks for inputs and posts outputs, one inference at a time."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.artifact import read_artifact
from edgekit.preview.litert_js import litert_js
from edgekit.runtimes import Tensors
from edgekit.shader.backends.chromium_webgl2 import FLAGS

PAGE = Path(__file__).with_name("litert_js.html")
TIMEOUT_S = 300.0
# An adapter that computes on the CPU, without shader-f16; a phone's browser has its own.
WEBGPU = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan")
TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm"}


class LiteRTJs:
    """A .tflite with one output, open in LiteRT.js with one accelerator, wasm or webgpu. Use it in a `with` block.

    Raises RuntimeError with what the page threw.
    """

    def __init__(self, path: Path, accelerator: str) -> None:
        browser = shutil.which("chromium") or shutil.which("google-chrome")
        if browser is None:
            raise RuntimeError("Chromium is not installed")
        self.name = (
            f"LiteRT.js {accelerator}{' on SwiftShader (simulated)' if accelerator == 'webgpu' else ''}"
        )
        self._output = read_artifact(path).manifest.outputs[0]
        self._inputs: queue.Queue[NDArray[Any] | None] = queue.Queue()
        self._answers: queue.Queue[bytes | Exception] = queue.Queue()
        served = {"": PAGE.read_bytes(), "model": path.read_bytes(), "accelerator": accelerator.encode()}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(served, litert_js()))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._profile = tempfile.TemporaryDirectory(prefix="edgekit-chromium-", ignore_cleanup_errors=True)
        address = f"http://127.0.0.1:{self._server.server_address[1]}/"
        flags = (
            *FLAGS,
            *(WEBGPU if accelerator == "webgpu" else ()),
            f"--user-data-dir={self._profile.name}",
        )
        self._process = subprocess.Popen(
            [browser, *flags, address],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def __enter__(self) -> LiteRTJs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inputs.put(None)
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._server.shutdown()
        self._server.server_close()
        self._profile.cleanup()

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Run the model once on its one input. Returns its one output."""
        (value,) = inputs.values()
        self._inputs.put(np.ascontiguousarray(value))
        try:
            answer = self._answers.get(timeout=TIMEOUT_S)
        except queue.Empty as error:
            raise RuntimeError(f"{self.name} gave no answer within {TIMEOUT_S:g} s") from error
        if isinstance(answer, Exception):
            raise answer
        return {self._output.name: np.frombuffer(answer, self._output.dtype).reshape(self._output.shape)}

    def _handler(self, served: dict[str, bytes], litert: Path) -> type[BaseHTTPRequestHandler]:
        inputs, answers = self._inputs, self._answers

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.strip("/")
                if name == "next":
                    value = inputs.get()
                    if value is None:
                        self._send(204, b"", "")
                    else:
                        self._send(200, value.tobytes(), "", ",".join(map(str, value.shape)))
                elif name in served:
                    self._send(200, served[name], "" if name else ".html")
                else:
                    file = litert / name.removeprefix("litert/")
                    found = file.is_relative_to(litert) and file.is_file()
                    self._send(200 if found else 404, file.read_bytes() if found else b"", file.suffix)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                is_answer = self.path == "/answer"
                answers.put(body if is_answer else RuntimeError(body.decode().splitlines()[0]))
                self._send(204, b"", "")

            def _send(self, status: int, body: bytes, suffix: str, shape: str = "") -> None:
                self.send_response(status)
                kind = "text/html" if suffix == ".html" else TYPES.get(suffix, "application/octet-stream")
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                if shape:
                    self.send_header("Shape", shape)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Print nothing for a request."""

        return Handler
