"""The page's choice of an accelerator in Node, on the vectors that Kotlin and Swift meet too; and with faults in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgekit.preview.server import PAGE
from tests.preview.node import IN_NODE, node

LOGIC = Path(__file__).with_name("accelerator.test.mjs")
VECTORS = Path(__file__).parents[1] / "shared" / "accelerator_choice.json"

KEY = "JSON.stringify(stored.key) === JSON.stringify(key)"

pytestmark = IN_NODE


def printed_for(module: Path) -> str:
    """What node printed for the vectors."""
    reporter = "--test-reporter=tap"
    return node("--test", reporter, LOGIC, EDGEKIT_ACCELERATOR=module, EDGEKIT_VECTORS=VECTORS).stdout


def test_the_page_chooses_as_the_vectors_say() -> None:
    printed = printed_for(PAGE / "accelerator.mjs")
    assert "\n# fail 0\n" in printed, printed[-4000:]


@pytest.mark.parametrize(
    ("right", "wrong", "case"),
    [
        ("run <= PROOF_RUNS", "run <= 1", "right the first time only"),
        ("run <= PROOF_RUNS", "run < PROOF_RUNS", "right and wrong by turns, wrong at last"),
        ("!(deltaE00P95 <= this.#bound)", "deltaE00P95 > this.#bound", "not a number"),
        ("!(deltaE00P95 <= this.#bound)", "!(deltaE00P95 < this.#bound)", "just inside the bound"),
        ("!(deltaE00P95 <= this.#bound)", "false", "wrong"),
        ("median(times.slice(1))", "median(times)", "right and fast"),
        ("median(times.slice(1))", "Math.min(...times)", "fast now and then"),
        ("tried.medianMs < best.medianMs", "tried.medianMs <= best.medianMs", "as fast as the last resort"),
        ("tried.medianMs < best.medianMs", "true", "right and slow"),
        ("marked = [...state.marked, accelerator]", "marked = state.marked", "right and fast"),
        ("if (state.marked.includes(accelerator))", "if (false)", "crashed last time"),
        ("{key, marked: kept.marked}", "{key, marked: []}", "crashed last time"),
        ("state.marked = state.marked.filter(", "state.marked.filter(", "refuses to open"),
        (" && !kept.marked.includes(kept.chosen)", "", "chosen and marked"),
        (KEY, "String(stored.key.slice(1)) === String(key.slice(1))", "remembered with another device"),
        (KEY, "stored.key[0] + stored.key.slice(2) === key[0] + key.slice(2)", "remembered with another driver"),
        (KEY, "stored.key[1] + stored.key.slice(3) === key[1] + key.slice(3)", "remembered with another app"),
        (KEY, "String(stored.key.slice(0, 3)) === String(key.slice(0, 3))", "remembered with another artifact"),
        ("key = names.map(oneLine)", "key = names", "remembered"),
        ("return isOfKey && isWhole ?", "return isWhole ?", "remembered with another driver"),
        ("return isOfKey && isWhole ?", "return isOfKey ?", "damaged store: a sentence too few"),
        ("catch { /* it opened once", "catch (e) { throw e; /* it opened once", "remembered and refuses to open"),
        ("network: await remembered.open()", "network: null", "remembered"),
        ("1000 * MOST_TRIAL_SECONDS", "Infinity", "too slow to be proved"),
        ("if (error) return `not tried", "if (false) return `not tried", "a store that cannot be written"),
        ("position >= MOST_CANDIDATES", "false", "more than are tried"),
        ("if (network) await this.#close(network)", "", "wrong"),
        ("await this.#write(state, accelerator, sentences)", "", "right and fast"),
        ("if (!best.network) throw best.error", "", "nothing opens"),
    ],
)  # fmt: skip
def test_a_fault_fails_its_vector(right: str, wrong: str, case: str, tmp_path: Path) -> None:
    text = (PAGE / "accelerator.mjs").read_text(encoding="utf-8")
    assert right in text
    (tmp_path / "accelerator.mjs").write_text(text.replace(right, wrong), encoding="utf-8")
    shutil.copy(PAGE / "json.mjs", tmp_path)
    failed = [
        line.partition(" - ")[2]
        for line in printed_for(tmp_path / "accelerator.mjs").splitlines()
        if line.startswith("not ok")
    ]
    assert case in failed
