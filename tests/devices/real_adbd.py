"""A real adbd (tools/build-adbd.sh) as a phone that shares nothing with this machine but its programs.

adbd listens on every address and works on /data. So it gets namespaces of its own (user, mount, network,
processes; no privileges needed where the kernel allows user namespaces), a /data that is a folder of the
test, and one way in: a listening socket made outside, whose connections this script relays to adbd.

    unshare … python tests/devices/real_adbd.py LISTENING_FD ADBD FOLDER      (see `real_phone`)
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

NAMESPACES = ("--user", "--map-root-user", "--mount", "--net", "--pid", "--fork", "--kill-child")
DEFAULT_ADBD = Path("~/.cache/edgekit/adbd").expanduser()  # before a fixture gives adb a home of its own
ADBD_PORT = 5555
READY = "ready"
# linux/sockios.h and linux/if.h: set an interface's flags; the flag that switches it on.
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1


@dataclass(frozen=True)
class RealPhone:
    """A running one. adbd's own process id, within its namespace, is in `adbd_pid_file`."""

    serial: str
    folder: Path

    @property
    def adbd_pid_file(self) -> Path:
        return self.folder / "adbd.pid"

    def leftovers(self) -> list[str]:
        """Everything below the phone's /data/local/tmp."""
        temporary = self.folder / "data/local/tmp"
        return sorted(str(p.relative_to(temporary)) for p in temporary.rglob("*"))


def adbd_binary() -> Path:
    """Where tools/build-adbd.sh puts it."""
    return Path(os.environ.get("EDGEKIT_ADBD", DEFAULT_ADBD))


def missing() -> str:
    """What stands in the way of a real adbd here; empty when nothing does."""
    if not adbd_binary().exists():
        return f"no adbd in {adbd_binary()}; build it with tools/build-adbd.sh"
    if shutil.which("unshare") is None:
        return "unshare is not installed (Debian: apt install util-linux)"
    tried = subprocess.run(["unshare", *NAMESPACES, "true"], capture_output=True, text=True, timeout=10)
    return f"this kernel refuses namespaces: {tried.stderr.strip()}" if tried.returncode else ""


@contextmanager
def real_phone(folder: Path) -> Iterator[RealPhone]:
    """A phone in namespaces of its own; everything in them ends with the block.

    folder: holds the phone's data/ and system/bin/ already (tests.devices.phone.install_android).
    """
    with socket.create_server(("127.0.0.1", 0)) as way_in:
        fd = way_in.fileno()
        command = ["unshare", *NAMESPACES, sys.executable, __file__, str(fd), str(adbd_binary()), str(folder)]
        with subprocess.Popen(command, pass_fds=[fd], stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline().strip() == READY, "the namespaces' script did not start"
                yield RealPhone(f"127.0.0.1:{way_in.getsockname()[1]}", folder)
            finally:
                process.kill()


def own_root(folder: Path) -> None:
    """Make a root with this machine's top folders and `folder`/data as /data, and move into it."""
    root = folder / "root"
    root.mkdir()
    _mount("-t", "tmpfs", "tmpfs", root)
    for entry in Path("/").iterdir():
        if entry.is_symlink():
            (root / entry.name).symlink_to(entry.readlink())
        elif entry.is_dir() and entry.name != "data":
            (root / entry.name).mkdir()
            _mount("--rbind", entry, root / entry.name)
    (root / "data").mkdir()
    _mount("--bind", folder / "data", root / "data")
    os.chroot(root)
    os.chdir("/data/local/tmp")


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *arguments], check=True)


def loopback_up() -> None:
    """A new network namespace has only `lo`, and that is down."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))


def relay(way_in: socket.socket) -> None:
    """Every connection from outside to adbd, for ever."""
    while True:
        outside, _ = way_in.accept()
        try:
            inside = socket.create_connection(("127.0.0.1", ADBD_PORT))
        except OSError:
            outside.close()
            continue
        for source, target in ((outside, inside), (inside, outside)):
            threading.Thread(target=_copy, args=(source, target), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(1 << 16):
            target.sendall(chunk)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def main(fd: int, adbd: Path, folder: Path) -> None:
    own_root(folder)
    loopback_up()
    environment = {
        "ADBD_PORT": str(ADBD_PORT),
        "PATH": f"{folder}/system/bin:/usr/bin:/bin",
        "PHONE": str(folder),
        "HOME": "/data",
    }
    daemon = subprocess.Popen(
        [adbd], env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, stderr=subprocess.DEVNULL
    )
    (folder / "adbd.pid").write_text(str(daemon.pid))
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", ADBD_PORT)):
            break
        time.sleep(0.02)
    print(READY, flush=True)
    relay(socket.socket(fileno=fd))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
