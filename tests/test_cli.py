"""The command line: arguments to library calls, exit codes and sentences; and, as processes, what only those show."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import edgekit as library
from edgekit.artifact import Artifact
from edgekit.color.formats import write_lut
from edgekit.commands import COMMANDS
from edgekit.errors import EdgekitError
from edgekit.weights import Checkpoint
from tests.color.samples import bent_lut
from tests.support.cli import edgekit, edgekit_process

HEAVY = (
    "torch",
    "transformers",
    "coremltools",
    "tensorflow",
    "litert_torch",
    "ai_edge_litert",
    "ai_edge_quantizer",
    "msgspec",  # and with it every declaration of a file
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    ran = edgekit(command, "--help")
    assert ran.code == 0
    assert "--json" in ran.out or command == "lut"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def small_weights(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands without --weights get the small checkpoint."""
    load = library.load_checkpoint
    monkeypatch.setattr(library, "load_checkpoint", lambda name: checkpoint if name is None else load(name))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (
            ["convert", "--target", "onnx"],
            3,
            "There is no target 'onnx'; known: coreml, tflite, coreai, all.",
        ),
        (["convert", "--recipe", "w3"], 3, "There is no recipe 'w3'"),
        (["convert", "--output", "mask"], 3, "There is no output 'mask'"),
        (["convert", "--size", "500"], 3, "--size is 500; each side must be a multiple of 64"),
        (["convert", "--weights", "nowhere/at/all"], 3, "does not exist"),
        (["parity-check", "none.tflite"], 3, "none.tflite does not exist"),
        (["parity-check"], 3, "run edgekit convert first"),
        (["convert", "--recipe", "auto"], 3, "--recipe auto needs --calibration"),
        (["plan", "--calibration", ".", "--max-miou-drop", "0.1"], 3, "--max-miou-drop needs --labels"),
        (["plan", "--calibration", ".", "--target", "coreml"], 3, "edgekit plans on tflite"),
        (["convert", "--frobnicate"], 2, "No such option"),
        (["frobnicate"], 2, "No such command"),
    ],
)
def test_bad_usage_is_one_sentence_and_leaves_nothing(
    small_weights: None, here: Path, arguments: list[str], code: int, words: str
) -> None:
    ran = edgekit(*arguments)
    assert ran.code == code
    assert words in ran.sentence
    assert "Traceback" not in ran.err
    if code == 3:
        assert len(ran.err.strip().splitlines()) == 1
    assert ran.out == ""
    assert list(here.iterdir()) == []


# -- arguments to library calls ---------------------------------------------------------------------------------

MY_WEIGHTS = "the checkpoint in mine"
DEFAULT_WEIGHTS = "the checkpoint in None"


class Called(Exception):
    """Raised in a library function's place: what it was called with."""

    def __init__(self, *positional: object, **named: object) -> None:
        super().__init__(positional, named)
        self.positional, self.named = positional, named


def called(monkeypatch: pytest.MonkeyPatch, function: str, *arguments: str) -> Called:
    """What `edgekit arguments…` calls a function of the public API with."""

    def raising(*positional: object, **named: object) -> None:
        raise Called(*positional, **named)

    monkeypatch.setattr(library, "load_checkpoint", lambda source: f"the checkpoint in {source}")
    monkeypatch.setattr(library, function, raising)
    with pytest.raises(Called) as caught:
        edgekit(*arguments)
    return caught.value


CALLS: list[tuple[str, str, tuple[Any, ...], dict[str, Any]]] = [
    (
        "convert --weights mine --target tflite --size 192x128 --recipe w8 --output labels --mask-size 48x32 --out m "
        "--force",
        "convert",
        (MY_WEIGHTS, "tflite"),
        {
            "size": "192x128", "recipe": "w8", "output": "labels", "mask_size": "48x32", "calibration": None,
            "minimum_ios": None, "out": Path("m"), "force": True,
        },
    ),
    (
        "convert --calibration photos --minimum-ios 17",
        "convert",
        (DEFAULT_WEIGHTS, "all"),
        {
            "size": None, "recipe": None, "output": "groups", "mask_size": "0", "calibration": Path("photos"),
            "minimum_ios": 17, "out": Path("artifacts"), "force": False,
        },
    ),
    (
        "plan --weights mine --calibration photos --labels truth --max-miou-drop 0.01 --max-skin-de 2 --evaluation e "
        "--out Mine.json --budget-seconds 90",
        "plan",
        (MY_WEIGHTS, Path("photos"), "tflite"),
        {
            "size": None, "labels": Path("truth"), "evaluation": Path("e"), "name": "mine",
            "bounds": library.Bounds(None, 0.01, None, 2.0), "journal": Path("Mine.journal.json"),
            "fresh": False, "budget_seconds": 90.0,
        },
    ),
    (
        "evaluate a.tflite --weights mine --images photos --labels truth --no-baselines --rows r.csv --resume kept "
        "--shard 2/7 --ray auto --force --masks a=m:person --model b=b.onnx --strata",
        "evaluate",
        (MY_WEIGHTS, [Path("a.tflite")]),
        {
            "images": Path("photos"), "labels": Path("truth"), "baselines": False, "rows": Path("r.csv"),
            "external": [library.MaskFolder("a", Path("m"), "person"), library.ModelFile("b", Path("b.onnx"))],
            "strata": True, "resume": Path("kept"), "shard": (2, 7), "ray": "auto", "force": True,
        },
    ),
    (
        "bundle --weights mine --artifact a.tflite --style warm,cool --default-style cool --refinement joint-bilateral "
        "--out b",
        "bundle",
        (MY_WEIGHTS, [Path("a.tflite")]),
        {
            "styles": ("warm", "cool"), "default_style": "cool", "refinement": "joint-bilateral", "out": Path("b"),
            "reuse": Path("artifacts"), "force": False,
        },
    ),
    (
        "style a.jpg b.jpg --lut l.cube --skin-lut s.cube --artifact a.tflite --intensity 0.5 --tone 0.1 "
        "--color 0.3 --warmth -0.2 --skin-protection 0.4 --grain 0.6 --refinement guided --out s --force",
        "style",
        ([Path("a.jpg"), Path("b.jpg")], ["the look l.cube of l.cube, s.cube"]),
        {
            "drawn": None, "source": Path("a.tflite"), "mask": None,
            "controls": library.Controls(0.5, 0.1, -0.2, 0.4, 0.3, 0.6), "refinement": "guided",
            "sheets": library.Sheets(False, False, False), "out": Path("s"), "shard": (1, 1), "resume": False,
            "force": True,
        },
    ),
    (
        "style a.jpg --style warm,cool --map m.png --weights mine --show-mask --compare --contact-sheet --resume "
        "--shard 2/7",
        "style",
        ([Path("a.jpg")], ["the look warm", "the look cool"]),
        {
            "drawn": Path("m.png"), "source": "mine", "mask": None, "controls": library.Controls(),
            "refinement": "bilinear", "sheets": library.Sheets(True, True, True), "out": Path("styled"),
            "shard": (2, 7), "resume": True, "force": False,
        },
    ),
    (
        "shader --style warm --dialect msl,wgsl --interpolation tetrahedral --refinement guided --encoding display-p3",
        "describe",
        ("the look warm",),
        {
            "dialects": ("msl", "wgsl"),
            "interpolation": "tetrahedral", "refinement": "guided", "encoding": "display-p3",
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "function", "positional", "named"), CALLS, ids=[row[0][:24] for row in CALLS]
)
def test_arguments_reach_the_library(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    function: str,
    positional: tuple[Any, ...],
    named: dict[str, Any],
) -> None:
    for name in ("l.cube", "s.cube"):
        write_lut(here / name, bent_lut(3))
    call = called(monkeypatch, function, *line.split())
    assert tuple(in_words(value) for value in call.positional) == positional
    assert call.named == named


def in_words(value: object) -> object:
    """Looks by their titles and files."""
    if isinstance(value, list):
        return [in_words(each) for each in value]
    if not isinstance(value, library.Look):
        return value
    files = ", ".join(path.name for path in value.files)
    return f"the look {value.title}" + (f" of {files}" if files else "")


def test_arguments_of_parity_check_reach_the_library(
    artifacts: dict[str, Artifact], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [str(artifact.path) for artifact in artifacts.values()]
    line = "--weights mine --images photos --labels truth --max-miou-drop 0.01 --min-agreement 0.9 --max-skin-de 2"
    line += " --stability --resume kept --shard 2/7 --ray auto --runtime litert-gpu"
    call = called(monkeypatch, "parity_check", "parity-check", *paths, *line.split())
    found, checkpoint = call.positional
    assert (found, checkpoint) == (list(artifacts.values()), MY_WEIGHTS)
    assert call.named == {
        "images": Path("photos"),
        "labels": Path("truth"),
        "gates": library.Gates(max_miou_drop=0.01, min_agreement=0.9, max_skin_de=2.0),
        "stability": True,
        "resume": Path("kept"),
        "shard": (2, 7),
        "ray": "auto",
        "runtime": "litert-gpu",
    }


# -- what comes back --------------------------------------------------------------------------------------------


def test_debug_lets_the_error_through(small_weights: None, here: Path) -> None:
    with pytest.raises(EdgekitError, match="must be a multiple of 64"):
        edgekit("--debug", "convert", "--size", "500")


def test_ctrl_c_ends_without_a_traceback(
    small_weights: None, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(library, "convert", interrupted)
    ran = edgekit("convert")
    assert (ran.code, ran.out) == (130, "")
    assert ran.sentence == "edgekit: interrupted; nothing half-written was left."


def test_a_failed_gate_exits_with_one(copied: dict[str, Artifact], checkpoint: Checkpoint) -> None:
    ran = edgekit(
        "parity-check", copied["coreml"].path, "--weights", checkpoint.folder, "--min-agreement", "1.01"
    )
    assert ran.code == 1
    assert "label agreement, this photo FAILED" in ran.out


def test_convert_refuses_to_overwrite_and_prints_json(
    copied: dict[str, Artifact], checkpoint: Checkpoint, here: Path
) -> None:
    place = copied["coreml"]
    arguments = ("convert", "--weights", checkpoint.folder, "--target", "coreml", "--recipe", "fp16")
    arguments += ("--out", place.path.parent, "--json")
    ran = edgekit(*arguments)
    assert (ran.code, ran.out) == (3, "")
    assert "exists already; pass --force" in ran.sentence
    before = sorted(here.iterdir())
    run = edgekit_process(*arguments, "--force")  # with all that libraries print when they are first imported
    assert run.code == 0, run.err
    assert "site-packages" not in run.err
    (row,) = json.loads(run.out)["artifacts"]
    assert set(row) >= {"path", "manifest", "target", "recipe", "size_bytes", "sha256"}
    assert (row["path"], row["sha256"]) == (str(place.path), place.manifest.sha256)
    assert sorted(here.iterdir()) == before


def test_doctor_says_what_is_here_and_what_is_missing() -> None:
    ran = edgekit("doctor", "--json")
    assert ran.code == 0, ran.err
    findings = {item["name"]: item for item in json.loads(ran.out)["findings"]}
    assert findings["torch"]["version"].startswith("2.")
    assert findings["xcrun"]["version"] is None or sys.platform == "darwin"
    assert all(item["needed_for"] for item in findings.values())


# -- as processes -----------------------------------------------------------------------------------------------


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys\nfrom edgekit.cli import app\n"
        "try: app(['--help'])\nexcept SystemExit: pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stderr.strip() == "[]"
    for command in COMMANDS:
        assert command in run.stdout


def test_the_installed_program_runs() -> None:
    program = Path(sys.executable).parent / "edgekit"
    run = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert run.stdout == f"edgekit {library.__version__}\n"


def test_parity_check_prints_one_json_object(copied: dict[str, Artifact], checkpoint: Checkpoint) -> None:
    """Whatever libraries print when they are first imported, standard output is the command's."""
    run = edgekit_process("parity-check", copied["tflite"].path, "--weights", checkpoint.folder, "--json")
    assert run.code == 0, run.err
    report = json.loads(run.out)
    assert report["passed"] is True
    assert report["artifacts"][0]["status"] == "PASSED"
    keys = {"max_abs_logit", "psnr_db", "label_agreement", "mean_iou_agreement", "skin_iou_agreement", "miou",
            "miou_reference", "skin_delta_e00_p95", "n"}  # fmt: skip
    assert keys <= set(report["artifacts"][0]["metrics"])
    assert "PASSED" in run.err
