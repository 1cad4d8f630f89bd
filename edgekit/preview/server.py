"""The page's server: it serves three folders to this machine only.

A page on another site must not read a bundle or control this server: it listens on loopback, answers only to its own
names (DNS rebinding sends another Host), and lets no other origin embed its files.
"""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from edgekit.errors import EdgekitError
from edgekit.reading import read_bytes

HOST = "127.0.0.1"
MOST_CONNECTIONS = 32  # a browser opens six
IDLE_S = 20.0  # a connection that is silent for so long is closed
MOST_FILE_BYTES = 64 << 20  # a bundle's limit too
REFUSALS = {
    404: "Not here.",
    421: "This server answers only to its own address.",
    501: "Only GET is answered.",
}
PAGE = Path(__file__).parent / "page"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".wasm": "application/wasm",
}
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    # Together they isolate the page, which gives WebAssembly its threads.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",  # a reload shows a bundle that was made again
}


@dataclass(frozen=True)
class Site:
    """The served files: the page under `/`, and three folders under `/page/`, `/bundle/` and `/litert/`."""

    bundle: Path
    litert: Path
    page: Path = PAGE

    def file(self, url: str) -> Path | None:
        """The file for a request's path; None if it is unknown, outside the folders or behind a link."""
        try:
            path = unquote(urlsplit(url).path)
            if path == "/":
                return self.page / "index.html"
            _, name, *parts = path.split("/")
            folders = {"page": self.page, "bundle": self.bundle, "litert": self.litert}
            if name not in folders or not parts or any(part in ("", ".", "..") for part in parts):
                return None
            folder = folders[name].resolve()
            found = folder.joinpath(*parts)
            inside = found.resolve() == found and found.is_relative_to(folder) and found.is_file()
        except (OSError, ValueError):  # no path at all (`*`, `http://[/`), a name too long, or with a NUL
            return None
        return found if inside else None

    def content(self, url: str) -> tuple[bytes, str] | None:
        """The bytes and suffix of a request's file; None in the cases of `file` and if the file is too large.

        Others may write to the folders: the kind of file is checked on the open file, and links are checked again after
        reading.
        """
        found = self.file(url)
        if found is None:
            return None
        try:
            data = read_bytes(found, MOST_FILE_BYTES, EdgekitError)
        except EdgekitError:
            return None
        return (data, found.suffix) if self.file(url) == found else None


class PreviewServer(ThreadingHTTPServer):
    """Serves at most MOST_CONNECTIONS at a time and ignores clients that disconnect."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception() if sys.version_info >= (3, 12) else sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def open_server(site: Site, port: int) -> PreviewServer:
    """Open a server on loopback; port 0 takes any free one. Raises EdgekitError if the port cannot be opened."""
    try:
        return PreviewServer((HOST, port), _handler(site))
    except OSError as error:
        raise EdgekitError(
            f"Port {port} cannot be opened ({error.strerror}); choose another `port` (0: any free one)."
        ) from error


def url_of(server: PreviewServer) -> str:
    return f"http://{HOST}:{server.server_address[1]}/"


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "edgekit"
        timeout = IDLE_S

        def do_GET(self) -> None:
            found = site.content(self.path) if self._is_for_us() else None
            if found is None:
                self.send_error(404)
            else:
                self._answer(200, *found)

        def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
            """Send any refusal, also those of the standard library's parser, with the headers of a file."""
            self.close_connection = True
            if not self._is_for_us():
                code = 421
            self._answer(code, REFUSALS.get(code, "Not understood.").encode() + b"\n", ".txt")

        def _is_for_us(self) -> bool:
            port = self.connection.getsockname()[1]
            headers = getattr(self, "headers", None)  # not there yet for a request that could not be parsed
            return headers is None or headers.get("Host") in (f"{HOST}:{port}", f"localhost:{port}")

        def _answer(self, status: int, body: bytes, suffix: str) -> None:
            self.request_version = self.protocol_version  # headers even for a client that named no version
            self.send_response(status)
            for name, value in HEADERS.items():
                self.send_header(name, value)
            self.send_header("Content-Type", TYPES.get(suffix, "application/octet-stream"))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return Handler
