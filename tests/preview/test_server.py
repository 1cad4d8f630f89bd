"""The preview's server as a stranger meets it."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from edgekit.errors import EdgekitError
from edgekit.preview.server import HOST, PAGE, Site, open_server, url_of


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ThreadingHTTPServer]:
    for name, text in (("bundle/styles/a b.json", "{}"), ("litert/core.mjs", "export {}"), ("secret", "no")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "bundle/link").symlink_to(tmp_path / "secret")
    (tmp_path / "bundle/folder").symlink_to(tmp_path)
    with open_server(Site(tmp_path / "bundle", tmp_path / "litert"), port=0) as opened:
        threading.Thread(target=opened.serve_forever, daemon=True).start()
        yield opened
        opened.shutdown()


def get(
    server: ThreadingHTTPServer, path: str, host: str | None = None, method: str = "GET"
) -> tuple[http.client.HTTPResponse, bytes]:
    port = server.server_address[1]
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    connection.request(method, path, headers={"Host": host or f"{HOST}:{port}"})
    response = connection.getresponse()
    return response, response.read()


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("/", "text/html", b"edgekit preview"),
        ("/page/bundle.mjs", "text/javascript", b"openBundle"),
        ("/page/preview.css?again", "text/css", b":root"),
        ("/bundle/styles/a%20b.json", "application/json", b"{}"),
        ("/litert/core.mjs", "text/javascript", b"export"),
    ],
)
def test_serves_the_three_folders(server: ThreadingHTTPServer, path: str, kind: str, words: bytes) -> None:
    response, body = get(server, path)
    assert response.status == 200
    assert words in body
    assert response.headers["Content-Type"].startswith(kind)


@pytest.mark.parametrize(
    "path",
    [
        "/bundle/../secret",
        "/bundle/%2e%2e/secret",
        "/bundle/..%2fsecret",
        "/bundle//secret",
        "/bundle/link",
        "/bundle/folder/secret",
        "/bundle/styles",
        "/bundle/",
        "/bundle",
        "/secret",
        "/page/../server.py",
        "/bundle/%00",
        "/bundle/" + "a" * 5000,
        "//etc/passwd",
    ],
)
def test_serves_nothing_else(server: ThreadingHTTPServer, path: str) -> None:
    response, body = get(server, path)
    assert response.status == 404
    assert body == b"Not here.\n"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}"]
)
def test_answers_only_to_its_own_names(server: ThreadingHTTPServer, host: str) -> None:
    port = server.server_address[1]
    response, body = get(server, "/bundle/styles/a%20b.json", host.format(port=port))
    assert response.status == 421
    assert b"{}" not in body
    assert get(server, "/", f"localhost:{port}")[0].status == 200


def test_only_reads(server: ThreadingHTTPServer) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert get(server, "/bundle/styles/a%20b.json", method=method)[0].status == 501


def test_no_other_origin_may_use_or_frame_it(server: ThreadingHTTPServer) -> None:
    for path in ("/", "/nothing"):
        headers = get(server, path)[0].headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy and "'unsafe-eval'" not in policy and "*" not in policy
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_listens_on_loopback_and_says_when_a_port_is_taken(server: ThreadingHTTPServer) -> None:
    port = server.server_address[1]
    assert url_of(server) == f"http://127.0.0.1:{port}/"
    with pytest.raises(EdgekitError, match=f"Port {port} cannot be opened .*--port"):
        open_server(Site(Path(), Path()), port)


def test_the_page_names_no_other_site() -> None:
    for file in PAGE.iterdir():
        text = file.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert "http:" not in text and "https:" not in text and "//cdn" not in text, file
