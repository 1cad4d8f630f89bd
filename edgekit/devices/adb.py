"""Android phones over `adb`: found, checked, used and left as they were.

Three rules, each learnt from a real failure:
- adb gets argument lists; text for the phone's shell is quoted by `shlex`, and we choose all remote names.
- A command has ended when its sentinel line with the exit code arrives. The exit code of `adb shell` proves nothing: it
  is 0 if the connection is lost in mid-command.
- A pushed file is hashed on the phone, and the folder is removed (and the runner killed) on every path.
"""

from __future__ import annotations

import math
import re
import secrets
import shlex
import shutil
import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.devices.benchmark_model import BenchmarkText, read_benchmark_text
from edgekit.devices.device import (
    MOST_CORES,
    THERMAL_STATUS,
    BenchPlan,
    DeviceInfo,
    DeviceState,
    Measured,
    Opened,
    check_threads,
)
from edgekit.devices.figures import whole
from edgekit.devices.probe import probe
from edgekit.errors import AdbFailed, DeviceError, MissingProgram, NoDevice, UnreadableOutput, printable
from edgekit.files import sha256_of, size_bytes_of
from edgekit.processes import Completed, last_line, run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REMOTE_ROOT = "/data/local/tmp"
QUICK_S = 20.0
GET_ADB = (
    "install Android's platform-tools (Debian: apt install adb; macOS: brew install android-platform-tools; "
    "others: developer.android.com/tools/releases/platform-tools)"
)
# The slowest USB 2 phone link seen in the field moves 2 MB/s.
SLOWEST_PUSH_BYTES_PER_S = 2e6
MOST_EXIT_CODE = 255
# Room for outputs, logs and the file system's own needs beside the pushed files.
SPARE_BYTES = 16 << 20
# Removes folders that a phone kept because it was unplugged; only those a day old, so that no run in progress loses its
# folder.
SWEEP = f"find {REMOTE_ROOT} -maxdepth 1 -name 'edgekit-*' -mtime +0 -exec rm -rf {{}} +"
ELF_ABIS = {183: "arm64-v8a", 40: "armeabi-v7a", 62: "x86_64", 3: "x86"}
POWER_SOURCES = ("AC powered", "USB powered", "Wireless powered", "Dock powered")
# No phone's figures are larger.
MOST_STATUS = len(THERMAL_STATUS) - 1
MOST_KHZ = 100_000_000
MOST_TENTHS_OF_A_DEGREE = 2_000
MOST_KIB = 1 << 40
EMULATOR_HARDWARE = ("goldfish", "ranchu", "cutf_cvm")
STATES = {
    "unauthorized": "unlock the phone and accept this computer's key",
    "authorizing": "unlock the phone and accept this computer's key",
    "offline": "unplug it and plug it in again, or run adb reconnect",
    "no permissions": "this user may not open the USB device; see adb's udev rules",
    "recovery": "it is in recovery mode; start Android",
    "sideload": "it is in sideload mode; start Android",
    "bootloader": "it is in the bootloader; start Android",
}


@dataclass(frozen=True)
class Connected:
    """One line of `adb devices -l`."""

    serial: str
    state: str
    model: str

    @property
    def usable(self) -> bool:
        return self.state == "device"

    @property
    def advice(self) -> str:
        """Advice for a phone that is listed but cannot be used."""
        return STATES.get(self.state, f"adb reports the state {printable(self.state)!r}")


def adb_binary() -> str:
    found = shutil.which("adb")
    if found is None:
        raise MissingProgram("adb", "An Android phone", GET_ADB)
    return found


def connected() -> list[Connected]:
    """Every phone that adb lists, usable or not."""
    ended = run([adb_binary(), "devices", "-l"], QUICK_S)
    if ended.code != 0:
        raise AdbFailed(f"adb devices failed: {last_line(ended.stderr)}")
    lines = ended.stdout.splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith("List of devices attached")), None)
    if start is None:
        raise UnreadableOutput(f"adb devices printed no list: {printable(ended.stdout)!r}")
    return [_connected(line) for line in lines[start + 1 :] if line.strip()]


def _connected(line: str) -> Connected:
    match = re.fullmatch(r"(\S+)\s+(no permissions|\S+)(.*)", line.strip())
    if match is None:
        raise UnreadableOutput(f"adb devices printed a line that is not a phone: {printable(line)!r}")
    model = re.search(r"\bmodel:(\S+)", match[3])
    return Connected(match[1], match[2], model[1].replace("_", " ") if model else "")


def pick(name: str, phones: Sequence[Connected]) -> Connected:
    """The one phone whose serial is `name` or whose model contains it. Raises NoDevice with advice."""
    wanted = _plain(name)
    found = [p for p in phones if p.serial == name] or [
        p for p in phones if wanted and wanted in _plain(p.model)
    ]
    if len(found) == 1 and found[0].usable:
        return found[0]
    shown = printable(name)
    if len(found) == 1:
        raise NoDevice(f"{_label(found[0])} is {printable(found[0].state)}: {found[0].advice}.")
    if found:
        labels = "; ".join(_label(p) for p in found)
        raise NoDevice(f"{len(found)} phones match {shown!r}: {labels}. Name one by its serial.")
    listed = "; ".join(f"{_label(p)}, {printable(p.state)}" for p in phones) or "no phone is connected"
    unusable = [p for p in phones if not p.usable]
    advice = f" For {unusable[0].serial}: {unusable[0].advice}." if unusable else ""
    raise NoDevice(
        f"No connected phone matches {shown!r} ({listed}). Enable USB debugging in the phone's developer "
        f"options, plug it in and accept the key; edgekit devices lists the phones that adb finds.{advice}"
    )


def _label(phone: Connected) -> str:
    return printable(f"{phone.serial} ({phone.model})" if phone.model else phone.serial)


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


@dataclass(frozen=True)
class Adb:
    """One phone's connection."""

    serial: str
    binary: str = field(default_factory=adb_binary)

    def run(self, *arguments: str | Path, timeout_s: float = QUICK_S) -> Completed:
        return run([self.binary, "-s", self.serial, *arguments], timeout_s)

    def shell(self, script: str, timeout_s: float = QUICK_S) -> Completed:
        """Run a script in the phone's shell until its sentinel line proves that it has ended.

        Raises AdbFailed if the sentinel does not come: unplugged, phone asleep, or out of time.
        """
        token = f"edgekit-{secrets.token_hex(8)}"
        ended = self.run("shell", f"( {script}\n); code=$?; echo; echo {token} $code", timeout_s=timeout_s)
        stdout = ended.stdout.replace("\r\n", "\n")
        printed, sentinel, rest = stdout.rpartition(f"\n{token} ")
        code = whole(rest, MOST_EXIT_CODE)
        if not sentinel or code is None:
            raise self._lost(ended, timeout_s)
        return Completed(printed, ended.stderr, code)

    def ask(self, script: str, timeout_s: float = QUICK_S) -> str:
        """Run a script that must succeed and return its standard output."""
        ended = self.shell(script, timeout_s)
        if ended.code != 0:
            reason = last_line(ended.stderr or ended.stdout)
            raise AdbFailed(f"{self.serial}: {printable(script)!r} ended with code {ended.code}: {reason}")
        return ended.stdout

    def push(self, local: Path, remote: str) -> None:
        """Copy a file to the phone and verify its hash there."""
        timeout_s = QUICK_S + size_bytes_of(local) / SLOWEST_PUSH_BYTES_PER_S
        ended = self.run("push", local.resolve(), remote, timeout_s=timeout_s)
        if ended.code != 0:
            raise AdbFailed(f"{self.serial}: {local.name!r} was not pushed: {self._why(ended, timeout_s)}")
        arrived = self.ask(f"sha256sum {shlex.quote(remote)}").split()
        if not arrived or arrived[0] != sha256_of(local):
            raise AdbFailed(f"{self.serial}: {local.name!r} arrived damaged; check the cable and try again.")

    def pull(self, remote: str, local: Path, timeout_s: float = 120.0) -> None:
        expected = self.ask(f"sha256sum {shlex.quote(remote)}").split()
        ended = self.run("pull", remote, local, timeout_s=timeout_s)
        if ended.code != 0 or not local.is_file():
            raise AdbFailed(f"{self.serial}: {remote} was not pulled: {self._why(ended, timeout_s)}")
        if not expected or expected[0] != sha256_of(local):
            raise AdbFailed(f"{self.serial}: {remote} arrived damaged; check the cable and try again.")

    def _lost(self, ended: Completed, timeout_s: float) -> AdbFailed:
        printed = f" adb printed: {last_line(ended.stderr)}" if ended.stderr.strip() else ""
        if ended.code is None:
            return AdbFailed(f"{self.serial}: the command did not end within {timeout_s:g} s.{printed}")
        return AdbFailed(
            f"{self.serial}: the connection was lost in mid-command; its output is not used. "
            f"Check the cable and that the phone stays awake.{printed}"
        )

    def _why(self, ended: Completed, timeout_s: float) -> str:
        if ended.code is None:
            return f"it did not end within {timeout_s:g} s"
        return last_line(ended.stderr or ended.stdout)


class Phone:
    """An authorised phone with the standard benchmark_model as its runner."""

    def __init__(self, serial: str, runner: Path | None) -> None:
        self.adb = Adb(serial)
        self._runner = runner
        self._props = properties_in(self.adb.ask("getprop"))
        self.info = DeviceInfo(
            name=serial,
            kind="adb",
            model=printable(
                f"{self._prop('ro.product.manufacturer')} {self._prop('ro.product.model')}".strip()
            ),
            os=printable(
                f"Android {self._prop('ro.build.version.release')} ({self._prop('ro.build.fingerprint')})"
            ),
            abi=printable(self._prop("ro.product.cpu.abi")),
            cores=cores_in(self.adb.shell("cat /sys/devices/system/cpu/present").stdout),
            simulated=self._is_simulated(),
        )

    def _prop(self, name: str) -> str:
        return self._props.get(name, "")

    def _is_simulated(self) -> bool:
        """Emulators are marked by Android's own properties, a test double by ro.edgekit.simulated."""
        return (
            "1"
            in (self._prop("ro.kernel.qemu"), self._prop("ro.boot.qemu"), self._prop("ro.edgekit.simulated"))
            or self._prop("ro.hardware") in EMULATOR_HARDWARE
        )

    def state(self) -> DeviceState:
        battery = fields_in(self.adb.shell("dumpsys battery").stdout)
        thermal = fields_in(self.adb.shell("dumpsys thermalservice").stdout)
        frequency = "/sys/devices/system/cpu/cpufreq/policy*"
        governors = self.adb.shell(f"cat {frequency}/scaling_governor 2>/dev/null").stdout
        clocks = self.adb.shell(f"cat {frequency}/scaling_cur_freq 2>/dev/null").stdout
        powered = [battery[name] for name in POWER_SOURCES if name in battery]
        khz = [whole(clock, MOST_KHZ) for clock in clocks.split()[:MOST_CORES]]
        return DeviceState(
            governors=tuple(printable(g) for g in governors.split()[:MOST_CORES]),
            clocks_mhz=tuple(clock // 1000 for clock in khz if clock is not None),
            battery_percent=whole(battery.get("level", ""), 100),
            charging="true" in powered if powered else None,
            battery_temperature_c=_celsius(battery.get("temperature", "")),
            thermal_status=whole(thermal.get("Thermal Status", ""), MOST_STATUS),
        )

    @contextmanager
    def open(self, artifacts: Sequence[Path], plan: BenchPlan) -> Iterator[Sequence[PhoneSession]]:
        with self._workplace(artifacts) as (folder, names):
            yield [
                PhoneSession(self, folder, name, artifact, plan)
                for name, artifact in zip(names, artifacts, strict=True)
            ]

    def infer(
        self, artifact: Path, inputs: Sequence[NDArray[np.generic]], threads: int
    ) -> list[list[NDArray[np.generic]]]:
        """Run the artifact on each input; outputs per input, from benchmark_model's --output_filepath."""
        check_threads(threads, self.info.cores, self.info.model)
        with (
            tempfile.TemporaryDirectory(prefix="edgekit-") as here,
            self._workplace([artifact]) as (folder, names),
        ):
            session = PhoneSession(self, folder, names[0], artifact, BenchPlan(threads=threads))
            return [session.infer(value, Path(here)) for value in inputs]

    @contextmanager
    def _workplace(self, artifacts: Sequence[Path]) -> Iterator[tuple[str, list[str]]]:
        """A new folder on the phone with the runner and the artifacts; it is removed when the block ends."""
        runner = self._checked_runner()
        self._check_space(size_bytes_of(runner) + sum(size_bytes_of(a) for a in artifacts))
        folder = f"{REMOTE_ROOT}/edgekit-{secrets.token_hex(6)}"
        names = [f"artifact{i}.tflite" for i in range(len(artifacts))]
        try:
            self.adb.shell(SWEEP)
            self.adb.ask(f"mkdir {folder}")
            self.adb.push(runner, f"{folder}/benchmark_model")
            self.adb.ask(f"chmod 755 {folder}/benchmark_model")
            for name, artifact in zip(names, artifacts, strict=True):
                self.adb.push(artifact, f"{folder}/{name}")
            yield folder, names
        except BaseException:
            with suppress(
                DeviceError
            ):  # the first error is the one to report; cleaning may fail for the same reason
                self._clean(folder)
            raise
        self._clean(folder)

    def _clean(self, folder: str) -> None:
        """Kill the runner if it still lives, remove the folder, and make sure that it is gone."""
        self.adb.shell(f"test -f {folder}/pid && kill -9 $(cat {folder}/pid) 2>/dev/null; rm -rf {folder}")
        if self.adb.shell(f"test -e {folder}").code == 0:
            raise AdbFailed(f"{self.info.name}: {folder} could not be removed; remove it by hand.")

    def _checked_runner(self) -> Path:
        if self._runner is None:
            raise DeviceError(
                "A phone needs LiteRT's benchmark_model built for it; pass its file as `runner` "
                "(see docs/bench.md for where to get it)."
            )
        if not self._runner.is_file():
            raise DeviceError(
                f"{self._runner}: there is no such file; pass benchmark_model's file as `runner`."
            )
        abi = abi_of(self._runner)
        supported = [a for a in self._prop("ro.product.cpu.abilist").split(",") if a] or [self.info.abi]
        if abi is not None and abi not in supported:
            raise DeviceError(
                f"{self._runner} is built for {abi}, but {self.info.model} ({self.info.name}) runs "
                f"{', '.join(printable(a) for a in supported)}; get the build for that."
            )
        return self._runner

    def _check_space(self, needed_bytes: int) -> None:
        rows = self.adb.ask(f"df -k {REMOTE_ROOT}").splitlines()
        cells = rows[-1].split() if len(rows) > 1 else []
        kibibytes = whole(cells[-3], MOST_KIB) if len(cells) >= 4 else None
        if kibibytes is None:
            raise UnreadableOutput(
                f"{self.info.name}: df printed no free space: {printable(' '.join(rows))!r}"
            )
        free, needed = kibibytes * 1024, needed_bytes + SPARE_BYTES
        if free < needed:
            raise DeviceError(
                f"{self.info.name}: {free / 1e6:.0f} MB free in {REMOTE_ROOT}, {needed / 1e6:.0f} MB needed; "
                f"free some space on the phone."
            )


class PhoneSession:
    """One artifact on a phone; every launch of benchmark_model loads it, warms it up and times it."""

    def __init__(self, phone: Phone, folder: str, name: str, artifact: Path, plan: BenchPlan) -> None:
        self._phone, self._folder, self._name = phone, folder, name
        self._artifact, self._plan = artifact, plan
        self._launches: list[BenchmarkText] = []

    def measure(self, inferences: int) -> Measured:
        """Launch once per sample; a sample is one inference, or the mean of `runs_per_launch`."""
        launches = max(1, inferences // self._plan.runs_per_launch)
        texts = [self._launch(self._plan.runs_per_launch) for _ in range(launches)]
        self._launches += texts
        return Measured(tuple(text.mean_ms for text in texts), sum(text.count for text in texts))

    def finish(self) -> Opened:
        import numpy as np

        used = {text.accelerator for text in self._launches}
        if len(used) != 1:
            raise UnreadableOutput(
                f"{self._where}: the accelerator changed between launches: {sorted(used)}."
            )
        profiled = self._launch(10, "--enable_op_profiling=true") if self._plan.profile else None
        footprint = self._launch(1, "--report_peak_memory_footprint=true")
        runner = self._phone._checked_runner()
        return Opened(
            load_ms=float(np.median([t.init_ms for t in self._launches])),
            first_inference_ms=float(np.median([t.first_inference_ms for t in self._launches])),
            accelerator=self._launches[0].accelerator,
            partitions=self._launches[0].partitions,
            undelegated_ops=None,
            peak_rss_mb=footprint.peak_memory_mb,
            profile=profiled.profile if profiled else (),
            runner=f"benchmark_model sha256:{sha256_of(runner)}",
        )

    def infer(self, value: NDArray[np.generic], here: Path) -> list[NDArray[np.generic]]:
        """Run the artifact on one input of its own shape and type."""
        import numpy as np

        found = probe(self._artifact)
        sizes = [math.prod(out.shape) * np.dtype(out.dtype).itemsize for out in found.outputs]
        given, answered = here / "in.raw", here / "out.raw"
        given.write_bytes(np.ascontiguousarray(value, dtype=found.inputs[0].dtype).tobytes())
        self._phone.adb.push(given, f"{self._folder}/in.raw")
        shape = ",".join(map(str, found.inputs[0].shape))
        self._launch(
            1, "--input_layer=input", f"--input_layer_shape={shape}",
            f"--input_layer_value_files=input:{self._folder}/in.raw",
            f"--output_filepath={self._folder}/out.raw",
        )  # fmt: skip
        self._phone.adb.pull(f"{self._folder}/out.raw", answered)
        raw = answered.read_bytes()
        if len(raw) != sum(sizes):
            raise UnreadableOutput(f"{self._where}: {len(raw)} bytes of output, {sum(sizes)} expected.")
        ends = np.cumsum([0, *sizes])
        return [
            np.frombuffer(raw[a:b], dtype=out.dtype).reshape(out.shape)
            for out, a, b in zip(found.outputs, ends, ends[1:], strict=False)
        ]

    def _launch(self, runs: int, *more: str) -> BenchmarkText:
        arguments = [
            f"--graph={self._folder}/{self._name}",
            f"--num_threads={self._plan.threads}",
            f"--num_runs={runs}",
            "--min_secs=0",
            f"--warmup_runs={max(1, self._plan.warmup_runs)}",
            "--warmup_min_secs=0",
            f"--use_gpu={'true' if self._plan.accelerator == 'gpu' else 'false'}",
            f"--use_nnapi={'true' if self._plan.accelerator == 'nnapi' else 'false'}",
            *more,
        ]
        # The inner shell writes its id and becomes the runner, so that _clean can kill a hanging one.
        inner = f"echo $$ > {self._folder}/pid; exec {self._folder}/benchmark_model {shlex.join(arguments)}"
        ended = self._phone.adb.shell(
            f"sh -c {shlex.quote(inner)} < /dev/null", timeout_s=self._plan.timeout_s
        )
        if ended.code != 0:
            raise DeviceError(
                f"{self._where}: benchmark_model ended with {_code(ended.code)}: "
                f"{last_line(ended.stderr or ended.stdout)}"
            )
        return read_benchmark_text(ended.stdout + "\n" + ended.stderr)

    @property
    def _where(self) -> str:
        return f"{self._artifact} on {self._phone.info.model} ({self._phone.info.name})"


def abi_of(program: Path) -> str | None:
    """Android's name of the ABI that an ELF program is built for; None for a script, which runs anywhere."""
    with program.open("rb") as stream:
        head = stream.read(20)
    if head.startswith(b"#!"):
        return None
    if len(head) < 20 or not head.startswith(b"\x7fELF"):
        raise DeviceError(f"{program} is not a program a phone can start (neither ELF nor a script).")
    machine = struct.unpack("<H", head[18:20])[0]
    return ELF_ABIS.get(machine, f"ELF machine {machine}")


def properties_in(text: str) -> dict[str, str]:
    """Properties in getprop's output: lines `[name]: [value]`; a value may hold newlines and ends with `]` and one.

    The lines are read in one pass, because the text comes from the phone and may have megabytes.
    """
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        name, separator, value = line.partition("]: [")
        if not separator or not name.startswith("["):
            continue
        parts = [value]
        while not parts[-1].endswith("]"):
            following = next(lines, None)
            if following is None:
                return found
            parts.append(following)
        found[name[1:]] = "\n".join(parts)[:-1]
    return found


def cores_in(text: str) -> int | None:
    """The number of processors in the kernel's list, such as `0-3,6-7`; None for any other text."""
    count = 0
    for span in text.strip().split(","):
        first, _, last = span.partition("-")
        start, end = whole(first, MOST_CORES - 1), whole(last or first, MOST_CORES - 1)
        if start is None or end is None or end < start:
            return None
        count += end - start + 1
    return count if count <= MOST_CORES else None


def fields_in(text: str) -> dict[str, str]:
    """The first `name: value` of each name in dumpsys's output."""
    found: dict[str, str] = {}
    for line in text.split("\n"):
        name, separator, value = line.strip().partition(": ")
        if separator:
            found.setdefault(name, value)
    return found


def _celsius(tenths: str) -> float | None:
    """Android's tenths of a degree, which may be below zero."""
    size = whole(tenths.removeprefix("-"), MOST_TENTHS_OF_A_DEGREE)
    return None if size is None else size / (-10 if tenths.startswith("-") else 10)


def _code(code: int | None) -> str:
    return f"signal {code - 128}" if code is not None and code > 128 else f"code {code}"
