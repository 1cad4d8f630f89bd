"""Instructions of one inference in LiteRT's arm64 build, by recipe: counts, never time.

    python -m benchmarks.arm64_instructions [--size 256] [--write]

qemu runs them with a plugin that counts (`arm64_instructions.c`). A count knows nothing of caches, of memory or of how
many instructions a core executes at once, so it says how much work a recipe leaves to an Arm core, not how long that
takes. One thread; each figure is the difference between an order to run one inference and an order to run none, and is
taken in two processes. Needs tools/install-arm64-sysroot.sh, and on Debian 12 `apt install gcc libc6-dev qemu-user`;
the static qemu that runs the device `arm64` loads no plugins. Publishes the figure `arm64-instructions`.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from importlib import metadata
from pathlib import Path

from benchmarks import harness
from benchmarks.plan import PLANNED
from edgekit.console import quiet_libraries, say
from edgekit.devices import arm64
from edgekit.devices.device import BenchPlan
from edgekit.devices.litert_process import LiteRtSession, sessions
from edgekit.pipeline import convert
from edgekit.recipes import Recipe
from edgekit.weights import load_checkpoint

SOURCE = Path(__file__).with_suffix(".c")
QEMU = "qemu-aarch64"  # linked dynamically, which plugins need
COMPILE_TIMEOUT_S = 60
RUNS = 2
POOLED = Recipe("fp32-pooled", "fp32", pool={"stage3": 2})
RECIPES: tuple[str | Path | Recipe, ...] = ("fp32", POOLED, "w8", PLANNED, "w8a8")


def main() -> None:
    """Convert each recipe, count, and publish the figure."""
    parser = harness.parser(__doc__)
    parser.add_argument("--size", type=int, default=256)
    options = parser.parse_args()
    if reason := missing():
        parser.error(f"instructions cannot be counted here: {reason}.")
    checkpoint = load_checkpoint()
    counted: dict[str, list[int]] = {}
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        plugin = compiled(Path(folder))
        for recipe in RECIPES:
            with quiet_libraries():
                made = convert(checkpoint, "tflite", size=options.size, recipe=recipe, out=Path(folder))
                artifact = made[0]
            name = artifact.manifest.recipe_name
            counted[name] = [instructions(artifact.path, plugin) for _ in range(RUNS)]
            say(f"{name}: {counted[name]}")
    rows = []
    for name, counts in counted.items():
        apart = max(counts) / min(counts) - 1
        ratio = counts[0] / counted["fp32"][0]
        rows.append((name, f"{counts[0] / 1e9:.3f}", f"{ratio:.2f}", f"{apart:.4%}"))
    columns = ("recipe", "G instructions", "ratio to fp32", f"difference of {RUNS} runs")
    litert = metadata.version("ai-edge-litert")  # the sysroot has the same
    made_with = f"Counts, never time: ai-edge-litert {litert} for arm64, 1 thread; qemu -cpu {arm64.CPU}"
    n = f"one inference at {options.size}²"
    harness.publish(options, "arm64-instructions", n, made_with, harness.table(columns, rows))


def missing() -> str:
    """The reason why nothing can be counted here; empty if it can."""
    if reason := arm64.missing():
        return reason
    for program, package in ((QEMU, "qemu-user"), ("gcc", "gcc libc6-dev")):
        if shutil.which(program) is None:
            return f"{program} is not installed (Debian: apt install {package})"
    return ""


def compiled(folder: Path) -> Path:
    """The plugin, compiled into a folder."""
    plugin = folder / "arm64_instructions.so"
    options = ["-O2", "-shared", "-fPIC", "-o", str(plugin), str(SOURCE)]
    subprocess.run(["gcc", *options], check=True, timeout=COMPILE_TIMEOUT_S)
    return plugin


def instructions(artifact: Path, plugin: Path) -> int:
    """Instructions of a warm inference, counted in a new process: of an order to run one, less of an order of none."""
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        counter = Path(folder) / "counter"
        counter.write_bytes(bytes(8))
        launcher = arm64.launcher((QEMU, "-plugin", f"{plugin},counter={counter}"))
        plan = BenchPlan(runs=1, seconds=0, warmup_runs=0, threads=1, timeout_s=arm64.SLOWDOWN_TIMEOUT_S)
        with sessions(launcher, [artifact], plan) as (session,):
            none, one = (_counted(session, inferences, counter) for inferences in (0, 1))
            session.finish()
    return one - none


def _counted(session: LiteRtSession, inferences: int, counter: Path) -> int:
    """Instructions from the order to run so many inferences to the answer."""
    before = int.from_bytes(counter.read_bytes(), "little")
    session.measure(inferences)
    return int.from_bytes(counter.read_bytes(), "little") - before


if __name__ == "__main__":
    main()
