"""The preview's server as a stranger meets it."""

from __future__ import annotations

import http.client
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgekit.errors import EdgekitError
from edgekit.preview.server import (
    HOST,
    MOST_CONNECTIONS,
    MOST_FILE_BYTES,
    PAGE,
    PreviewServer,
    Site,
    open_server,
    url_of,
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PreviewServer]:
    for name, text in (("bundle/styles/a b.json", "{}"), ("litert/core.mjs", "export {}"), ("secret", "no")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "bundle/link").symlink_to(tmp_path / "secret")
    (tmp_path / "bundle/folder").symlink_to(tmp_path)
    with open_server(Site(tmp_path / "bundle", tmp_path / "litert"), port=0) as opened:
        threading.Thread(target=opened.serve_forever, args=(0.01,), daemon=True).start()
        yield opened
        opened.shutdown()


def get(
    server: PreviewServer, path: str, host: str | None = None, method: str = "GET"
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
def test_serves_the_three_folders(server: PreviewServer, path: str, kind: str, words: bytes) -> None:
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
def test_serves_nothing_else(server: PreviewServer, path: str) -> None:
    response, body = get(server, path)
    assert response.status == 404
    assert body == b"Not here.\n"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}"]
)
def test_answers_only_to_its_own_names(server: PreviewServer, host: str) -> None:
    port = server.server_address[1]
    response, body = get(server, "/bundle/styles/a%20b.json", host.format(port=port))
    assert response.status == 421
    assert b"{}" not in body
    assert get(server, "/", f"localhost:{port}")[0].status == 200


def test_only_reads(server: PreviewServer) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert get(server, "/bundle/styles/a%20b.json", method=method)[0].status == 501


@pytest.mark.parametrize(
    "request_line",
    ["GET *", "GET http://[/", "GET", "GET  /  x y", "BREW / HTTP/1.1", "\xff\xfe", "GET /" + "a" * 70_000],
)
def test_whatever_is_sent_is_refused_in_silence(
    server: PreviewServer, request_line: str, capfd: pytest.CaptureFixture[str]
) -> None:
    port = server.server_address[1]
    text = f"{request_line} HTTP/1.1\r\nHost: {HOST}:{port}\r\n\r\n"
    with socket.create_connection((HOST, port), timeout=10) as client:
        client.sendall(text.encode("latin-1"))
        answer = client.recv(4096).decode("latin-1")
    assert answer == "" or (" 4" in answer[:12] or " 5" in answer[:12])
    assert not answer.startswith("HTTP/1.1") or "Content-Security-Policy" in answer
    assert get(server, "/")[0].status == 200
    assert capfd.readouterr().err == ""


def test_a_refusal_has_the_headers_and_asks_for_the_host_too(server: PreviewServer) -> None:
    port = server.server_address[1]
    refused = get(server, "/", method="POST")[0]
    assert (refused.status, refused.headers["X-Content-Type-Options"]) == (501, "nosniff")
    assert get(server, "/", f"evil.example:{port}", method="POST")[0].status == 421


def test_clients_that_go_away_are_no_news(server: PreviewServer, capfd: pytest.CaptureFixture[str]) -> None:
    port = server.server_address[1]
    for _ in range(5):
        client = socket.create_connection((HOST, port), timeout=10)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset, no farewell
        client.sendall(f"GET /page/preview.css HTTP/1.1\r\nHost: {HOST}:{port}\r\n\r\n".encode())
        client.close()
    assert get(server, "/")[0].status == 200
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.slow
def test_connections_are_capped_and_idle_ones_end(
    server: PreviewServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.RequestHandlerClass, "timeout", 0.5)
    before = threading.active_count()
    clients = [
        socket.create_connection(server.server_address, timeout=10) for _ in range(MOST_CONNECTIONS + 40)
    ]
    time.sleep(0.2)
    assert threading.active_count() - before <= MOST_CONNECTIONS
    time.sleep(1.0)
    assert get(server, "/")[0].status == 200
    for client in clients:
        client.close()


def test_a_file_too_large_is_not_served(server: PreviewServer, tmp_path: Path) -> None:
    with (tmp_path / "bundle" / "large.json").open("wb") as stream:
        stream.truncate(MOST_FILE_BYTES + 1)
    os.mkfifo(tmp_path / "bundle" / "pipe.json")
    assert get(server, "/bundle/large.json")[0].status == 404
    assert get(server, "/bundle/pipe.json")[0].status == 404


def test_no_other_origin_may_use_or_frame_it(server: PreviewServer) -> None:
    for path in ("/", "/nothing"):
        headers = get(server, path)[0].headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy and "'unsafe-eval'" not in policy and "*" not in policy
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_listens_on_loopback_and_says_when_a_port_is_taken(server: PreviewServer) -> None:
    port = server.server_address[1]
    assert url_of(server) == f"http://127.0.0.1:{port}/"
    with pytest.raises(EdgekitError, match=f"Port {port} cannot be opened .*`port`"):
        open_server(Site(Path(), Path()), port)


def test_the_page_names_no_other_site() -> None:
    for file in PAGE.iterdir():
        text = file.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert "http:" not in text and "https:" not in text and "//cdn" not in text, file
