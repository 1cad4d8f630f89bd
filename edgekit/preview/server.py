"""The page's server: this machine only, three folders, nothing else.

A page on another site must not read a bundle or drive this server: it listens on loopback, answers only to
its own names (DNS rebinding sends another Host), and lets no other origin embed what it serves.
"""

from __future__ import annotations

from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from edgekit.errors import EdgekitError

HOST = "127.0.0.1"
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
    "Cache-Control": "no-store",  # a bundle made again is seen on reload
}


@dataclass(frozen=True)
class Site:
    """What is served: `/` the page, `/page/`, `/bundle/` and `/litert/` the files of three folders."""

    bundle: Path
    litert: Path
    page: Path = PAGE

    def file(self, url: str) -> Path | None:
        """The file behind a request's path, or None: unknown, outside the folders, or behind a link."""
        path = unquote(urlsplit(url).path)
        if path == "/":
            return self.page / "index.html"
        folders = {"page": self.page, "bundle": self.bundle, "litert": self.litert}
        _, name, *parts = path.split("/")
        if name not in folders or not parts or any(part in ("", ".", "..") for part in parts):
            return None
        folder = folders[name].resolve()
        found = folder.joinpath(*parts)
        try:
            inside = found.resolve() == found and found.is_relative_to(folder) and found.is_file()
        except (OSError, ValueError):  # a name too long, or with a NUL
            return None
        return found if inside else None


def open_server(site: Site, port: int) -> ThreadingHTTPServer:
    """A server bound to loopback; port 0 takes any free one. EdgekitError when the port is taken."""
    try:
        return ThreadingHTTPServer((HOST, port), _handler(site))
    except OSError as error:
        raise EdgekitError(
            f"Port {port} cannot be opened ({error.strerror}); choose another `port` (0: any free one)."
        ) from error


def url_of(server: ThreadingHTTPServer) -> str:
    return f"http://{HOST}:{server.server_address[1]}/"


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "edgekit"

        def do_GET(self) -> None:
            port = self.connection.getsockname()[1]
            if self.headers.get("Host") not in (f"{HOST}:{port}", f"localhost:{port}"):
                self._answer(421, b"This server answers only to its own address.\n", ".txt")
                return
            found = site.file(self.path)
            if found is None:
                self._answer(404, b"Not here.\n", ".txt")
            else:
                self._answer(200, found.read_bytes(), found.suffix)

        def _answer(self, status: int, body: bytes, suffix: str) -> None:
            self.send_response(status)
            for name, value in HEADERS.items():
                self.send_header(name, value)
            self.send_header("Content-Type", TYPES.get(suffix, "application/octet-stream"))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Requests are no news."""

    return Handler
