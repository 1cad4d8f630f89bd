"""ESSL 3.00 in headless Chromium's WebGL2: a page on loopback draws and posts its pixels back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from edgekit.files import sha256_of_bytes
from edgekit.shader.backends.backend import BackendMissing, Drawn, Job
from edgekit.shader.oracle import texels_of

PAGE = Path(__file__).with_suffix(".html")
TIMEOUT_S = 180
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


class ChromiumWebgl2:
    dialect = "essl300"

    def __init__(self) -> None:
        browser = shutil.which("chromium") or shutil.which("google-chrome")
        if browser is None:
            raise BackendMissing("chromium is missing.")
        self.browser = browser
        self.device = "Chromium, not started yet"

    def draw(self, jobs: Sequence[Job]) -> list[Drawn]:
        """Draw all frames in one run of the browser."""
        served = {"": PAGE.read_bytes()}
        served["jobs.json"] = json.dumps([_job_json(job, served) for job in jobs]).encode()
        posted = self._browse(served)
        if "done" not in posted:
            reason = posted.get("error", b"no answer in time").decode()
            raise RuntimeError(f"Chromium did not draw: {reason}")
        self.device = posted["done"].decode()
        return [
            np.frombuffer(posted[f"pixels-{i}"], np.uint8)
            .reshape(frame.height, frame.width, 4)[::-1]  # rows come from the bottom up
            .copy()
            for i, (frame, _) in enumerate(jobs)
        ]

    def close(self) -> None:
        """Nothing stays open between draws."""

    def _browse(self, served: dict[str, bytes]) -> dict[str, bytes]:
        posted: dict[str, bytes] = {}
        ended = threading.Event()
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(served, posted, ended))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with tempfile.TemporaryDirectory(prefix="edgekit-chromium-", ignore_cleanup_errors=True) as profile:
            address = f"http://127.0.0.1:{server.server_address[1]}/"
            process = subprocess.Popen(
                [self.browser, *FLAGS, f"--user-data-dir={profile}", address],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            try:
                ended.wait(TIMEOUT_S)
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                server.shutdown()
                server.server_close()
        return posted


def _handler(
    served: dict[str, bytes], posted: dict[str, bytes], ended: threading.Event
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = served.get(self.path.strip("/"))
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "text/html" if self.path == "/" else "application/octet-stream")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def do_POST(self) -> None:
            name = self.path.strip("/")
            posted[name] = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()
            if name in ("done", "error"):
                ended.set()

        def log_message(self, *_: object) -> None:
            """Print nothing for a request."""

    return Handler


def _job_json(job: Job, served: dict[str, bytes]) -> dict[str, object]:
    """One draw as the page reads it; texels are added to what is served, by their hash."""
    frame, text = job
    textures = []
    for texture in frame.description.textures:
        blob = None
        if texture.role == "blurred":
            size = list(reversed(frame.drawn_shape(texture.name)))
        else:
            texels = texels_of(frame, texture)
            size = list(reversed(texels.shape[:-1]))
            blob = sha256_of_bytes(texels.tobytes())
            served[blob] = texels.tobytes()
        textures.append(
            {
                "name": texture.name,
                "format": texture.format,
                "filter": texture.filter,
                "size": size,
                "blob": blob,
            }
        )
    values = frame.uniform_values()
    return {
        "vertex": text.text_of(text.vertex),
        "fragment": text.text_of(text.fragment),
        "size": [frame.width, frame.height],
        "passes": [
            {
                "vertex": text.text_of(stages.vertex),
                "fragment": text.text_of(stages.fragment),
                "target": [texture.name for texture in frame.description.textures].index(each.target),
            }
            for each, stages in zip(frame.description.passes, text.passes, strict=True)
        ],
        "textures": textures,
        "uniforms": [
            {"name": f"u_{u.name}", "value": values[u.name].T.reshape(-1).tolist()}
            for u in frame.description.uniforms
        ],
    }
