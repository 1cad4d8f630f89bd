"""A test double of a phone: the genuine adb client connects to it over TCP on loopback.

It speaks adb's transport (CNXN, AUTH, OPEN, OKAY, WRTE, CLSE; AOSP packages/modules/adb/protocol.txt)
with shell v1 and v2, and sync v1 (STAT, SEND, RECV; SYNC.TXT). Device paths live below a folder; shell
commands run with this machine's sh, a few programs of Android (getprop, dumpsys, df) standing before its
own. `Behaviour` says what goes wrong. Like adbd, it does not kill a command whose client went away.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import socketserver
import struct
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

CNXN, AUTH, OPEN, OKAY, CLSE, WRTE = (
    int.from_bytes(name, "little") for name in (b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"CLSE", b"WRTE")
)
VERSION = 0x01000001  # from here on, peers may skip the checksum
MAX_DATA = 256 * 1024
AUTH_TOKEN, AUTH_PUBLIC_KEY = 1, 3
STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN = range(5)

PROPERTIES: Mapping[str, str] = {
    "ro.product.manufacturer": "EdgeKit",
    "ro.product.name": "edgekit_double",
    "ro.product.model": "EdgeKit Double",
    "ro.product.device": "double",
    "ro.product.cpu.abi": "arm64-v8a",
    "ro.product.cpu.abilist": "arm64-v8a,armeabi-v7a",
    "ro.build.version.release": "14",
    "ro.build.fingerprint": "edgekit/double:14/TEST",
    "ro.edgekit.simulated": "1",
}


@dataclass(frozen=True)
class Behaviour:
    """What this phone is like and where it fails. The default is a cool, charged, willing phone."""

    properties: Mapping[str, str] = field(default_factory=dict)
    auth: str = "none"  # none; accepts: the owner taps "allow"; ignores: nobody does
    silent: bool = False  # accepts the connection and never speaks: adb shows it as offline
    shell_v2: bool = True
    free_kib: int = 4_000_000
    thermal_status: tuple[int, ...] = (0,)  # one per question, the last one repeated
    unplug_after_pushed_bytes: int | None = None
    unplug_in_command: str | None = None  # a text in a shell command
    lose_last_byte_of: str | None = None  # name of a pushed file that arrives short


class Phone:
    """A running phone. `serial` is what `adb connect` and `adb -s` take."""

    def __init__(self, root: Path, behaviour: Behaviour | None = None) -> None:
        self.root = root
        self.behaviour = behaviour or Behaviour()
        self.properties = {**PROPERTIES, **self.behaviour.properties}
        self.commands: list[str] = []
        self.processes: list[subprocess.Popen[bytes]] = []
        self.links: set[Link] = set()
        self._server = Server(("127.0.0.1", 0), Link)
        self._server.phone = self
        self._port = self._server.server_address[1]
        install_android(root, self.properties, self.behaviour)
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    @property
    def serial(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def temporary(self) -> Path:
        return self.root / "data/local/tmp"

    def leftovers(self) -> list[str]:
        """Everything below /data/local/tmp."""
        return sorted(str(p.relative_to(self.temporary)) for p in self.temporary.rglob("*"))

    def alive(self) -> list[str]:
        """Command lines of this phone's processes that still run, found by its root in their arguments."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                line = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                if str(self.root) in line and int(entry.parent.name) != os.getpid():
                    found.append(line)
        return found

    def unplug(self) -> None:
        """Gone, as with the cable: open connections end, new ones are refused."""
        self._server.shutdown()
        self._server.server_close()
        for link in list(self.links):
            link.hang_up()

    def close(self) -> None:
        self.unplug()
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()

    def path(self, device_path: str) -> Path:
        """A device path below the root, never outside it."""
        return self.root / os.path.normpath("/" + device_path).lstrip("/")

    def banner(self) -> bytes:
        keys = ("ro.product.name", "ro.product.model", "ro.product.device")
        features = "shell_v2,cmd" if self.behaviour.shell_v2 else "cmd"
        told = "".join(f"{key}={self.properties[key]};" for key in keys)
        return f"device::{told}features={features}".encode()

    def start(self, command: str, merge_stderr: bool) -> subprocess.Popen[bytes]:
        """Run a shell command of the phone on this machine, its paths moved below the root."""
        self.commands.append(command)
        here = re.sub(r"(?<![\w./-])/(data/local/tmp|sys/devices|sdcard)", rf"{self.root}/\1", command)
        process = subprocess.Popen(
            ["sh", "-c", here],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge_stderr else subprocess.PIPE,
            cwd=self.root,
            env={"PATH": f"{self.root}/system/bin:{os.environ['PATH']}", "PHONE": str(self.root)},
        )
        self.processes.append(process)
        return process


def install_android(root: Path, properties: Mapping[str, str], behaviour: Behaviour) -> None:
    """The few files and programs of Android that edgekit asks, below `root`; they find it in $PHONE."""
    (root / "data/local/tmp").mkdir(parents=True)
    policy = root / "sys/devices/system/cpu/cpufreq/policy0"
    policy.mkdir(parents=True)
    (policy / "scaling_governor").write_text("schedutil\n")
    (policy / "scaling_cur_freq").write_text("1766400\n")
    (root / "sys/devices/system/cpu/present").write_text("0-7\n")
    told = "".join(f"[{key}]: [{value}]\n" for key, value in properties.items())
    (root / "thermal").write_text("".join(f"{s}\n" for s in behaviour.thermal_status))
    programs = {
        "getprop": f"printf %s {shlex.quote(told)}",
        "df": f"echo Filesystem 1K-blocks Used Available Use% Mounted on; "
        f"echo /dev/block/dm-5 9000000 1 {behaviour.free_kib} 1% /data",
        "dumpsys": 'case "$1" in battery) printf "  AC powered: false\\n  USB powered: true\\n'
        '  level: 83\\n  temperature: 314\\n";;\n'
        'thermalservice) now=$(head -n 1 "$PHONE/thermal"); echo "IsStatusOverride: false"; '
        'echo "Thermal Status: $now"; [ "$(wc -l < "$PHONE/thermal")" -gt 1 ] && '
        'sed -i 1d "$PHONE/thermal"; true;; esac',
    }
    (root / "system/bin").mkdir(parents=True)
    for name, script in programs.items():
        program = root / "system/bin" / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    phone: Phone


class Link(socketserver.BaseRequestHandler):
    """One connected adb host: packets in, packets out."""

    server: Server

    def setup(self) -> None:
        self.phone = self.server.phone
        self.phone.links.add(self)
        self.streams: dict[int, Stream] = {}
        self.max_data = MAX_DATA
        self._sending = threading.Lock()
        self._tokens_sent = 0
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def hang_up(self) -> None:
        with suppress(OSError):
            self.request.shutdown(socket.SHUT_RDWR)

    def send(self, command: int, first: int, second: int, data: bytes = b"") -> None:
        head = struct.pack("<6I", command, first, second, len(data), 0, command ^ 0xFFFFFFFF)
        with self._sending:
            self.request.sendall(head + data)

    def handle(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                command, first, second, size, _, _ = struct.unpack("<6I", self._exactly(24))
                self._take(command, first, second, self._exactly(size))

    def finish(self) -> None:
        self.phone.links.discard(self)
        for stream in list(self.streams.values()):
            stream.end()

    def _take(self, command: int, first: int, second: int, data: bytes) -> None:
        if command == CNXN:
            self.max_data = min(second, MAX_DATA)
            self._greet()
        elif command == AUTH and first == AUTH_PUBLIC_KEY and self.phone.behaviour.auth == "accepts":
            self.send(CNXN, VERSION, MAX_DATA, self.phone.banner())
        elif command == AUTH and first != AUTH_PUBLIC_KEY:
            self._greet()
        elif command == OPEN:
            stream = Stream(self, len(self.phone.commands) + 1000 + len(self.streams), first)
            self.streams[stream.local] = stream
            service = data.rstrip(b"\0").decode()
            threading.Thread(target=self._serve, args=(stream, service), daemon=True).start()
        elif command == WRTE and second in self.streams:
            self.streams[second].feed(data)
            self.send(OKAY, second, first)
        elif command == OKAY and second in self.streams:
            self.streams[second].ready.set()
        elif command == CLSE and second in self.streams:
            self.streams.pop(second).end()

    def _greet(self) -> None:
        if self.phone.behaviour.silent:
            return
        if self.phone.behaviour.auth == "none":
            self.send(CNXN, VERSION, MAX_DATA, self.phone.banner())
        else:
            self.send(AUTH, AUTH_TOKEN, 0, os.urandom(20))

    def _serve(self, stream: Stream, service: str) -> None:
        with suppress(BrokenPipeError, struct.error, OSError):
            match = re.match(r"(?:shell|exec)((?:,[^:]*)?):(.*)", service, re.S)
            if match is not None:
                self.send(OKAY, stream.local, stream.remote)
                self._shell(stream, match[2], "v2" in match[1].split(","))
            elif service == "sync:":
                self.send(OKAY, stream.local, stream.remote)
                Sync(self.phone, stream).serve()
        with suppress(OSError):
            self.send(CLSE, stream.local, stream.remote)
        self.streams.pop(stream.local, None)

    def _shell(self, stream: Stream, command: str, v2: bool) -> None:
        trigger = self.phone.behaviour.unplug_in_command
        if trigger is not None and trigger in command:
            self.phone.unplug()
            return
        process = self.phone.start(command, merge_stderr=not v2)
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        pumps = [threading.Thread(target=_pump, args=(stream, process.stdout, STDOUT, v2), daemon=True)]
        if process.stderr is not None:
            pumps.append(
                threading.Thread(target=_pump, args=(stream, process.stderr, STDERR, v2), daemon=True)
            )
        for pump in pumps:
            pump.start()
        for pump in pumps:
            pump.join()
        code = process.wait()
        if v2:
            stream.write(struct.pack("<BIB", EXIT, 1, code & 0xFF if code >= 0 else 128 - code))
        stream.ready.wait(5)  # the last WRTE must be acknowledged before CLSE

    def _exactly(self, size: int) -> bytes:
        out = bytearray()
        while len(out) < size:
            chunk = self.request.recv(size - len(out))
            if not chunk:
                raise EOFError
            out += chunk
        return bytes(out)


def _pump(stream: Stream, pipe: IO[bytes], kind: int, v2: bool) -> None:
    """Program output to the host. When the host is gone the pipe is closed, as adbd does."""
    with suppress(BrokenPipeError, OSError), pipe:
        while chunk := os.read(pipe.fileno(), 64 * 1024):
            stream.write(struct.pack("<BI", kind, len(chunk)) + chunk if v2 else chunk)


class Stream:
    """One opened service: a byte pipe with adb's flow control, one WRTE in flight."""

    def __init__(self, link: Link, local: int, remote: int) -> None:
        self.link, self.local, self.remote = link, local, remote
        self.ready = threading.Event()
        self.ready.set()
        self._bytes = bytearray()
        self._ended = False
        self._changed = threading.Condition()
        self._writing = threading.Lock()

    def feed(self, data: bytes) -> None:
        with self._changed:
            self._bytes += data
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self.ready.set()

    def read(self, size: int) -> bytes:
        """`size` bytes, or fewer at the end."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._bytes) >= size or self._ended)
            out = bytes(self._bytes[:size])
            del self._bytes[:size]
            return out

    def write(self, data: bytes) -> None:
        with self._writing:
            for start in range(0, len(data), self.link.max_data):
                self.ready.wait()
                if self._ended:
                    raise BrokenPipeError
                self.ready.clear()
                chunk = data[start : start + self.link.max_data]
                self.link.send(WRTE, self.local, self.remote, chunk)


class Sync:
    """adb's file service, version 1."""

    def __init__(self, phone: Phone, stream: Stream) -> None:
        self.phone, self.stream = phone, stream
        self.pushed_bytes = 0

    def serve(self) -> None:
        services = {b"STAT": self._stat, b"SEND": self._send, b"RECV": self._receive}
        while len(head := self.stream.read(8)) == 8:
            name, size = struct.unpack("<4sI", head)
            if name == b"QUIT":
                return
            services[name](self.stream.read(size).decode())

    def _stat(self, device_path: str) -> None:
        mode = size = changed = 0
        with suppress(OSError):
            found = self.phone.path(device_path).stat()
            mode, size, changed = found.st_mode, found.st_size, int(found.st_mtime)
        self.stream.write(struct.pack("<4s3I", b"STAT", mode, size, changed))

    def _send(self, argument: str) -> None:
        device_path, mode = argument.rsplit(",", 1)
        content = bytearray()
        while True:
            kind, size = struct.unpack("<4sI", self.stream.read(8))
            if kind == b"DONE":
                break
            content += self.stream.read(size)
            self.pushed_bytes += size
            limit = self.phone.behaviour.unplug_after_pushed_bytes
            if limit is not None and self.pushed_bytes > limit:
                self.phone.path(device_path).write_bytes(content)
                self.phone.unplug()
                raise BrokenPipeError
        if Path(device_path).name == self.phone.behaviour.lose_last_byte_of:
            del content[-1:]
        target = self.phone.path(device_path)
        target.write_bytes(content)
        target.chmod(int(mode) & 0o777)
        self.stream.write(struct.pack("<4sI", b"OKAY", 0))

    def _receive(self, device_path: str) -> None:
        try:
            content = self.phone.path(device_path).read_bytes()
        except OSError as error:
            reason = (error.strerror or "error").encode()
            self.stream.write(struct.pack("<4sI", b"FAIL", len(reason)) + reason)
            return
        for start in range(0, len(content), 64 * 1024):
            chunk = content[start : start + 64 * 1024]
            self.stream.write(struct.pack("<4sI", b"DATA", len(chunk)) + chunk)
        self.stream.write(struct.pack("<4sI", b"DONE", 0))
