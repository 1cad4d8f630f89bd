"""The strict reading of benchmark_model's text, on real texts of several versions."""

from __future__ import annotations

import pytest

from edgekit.devices.benchmark_model import read_benchmark_text
from edgekit.errors import UnreadableOutput
from tests.devices.benchmark_texts import NEW, OLD, PROFILE


def test_a_new_builds_text() -> None:
    text = read_benchmark_text(NEW)
    assert (text.init_ms, text.first_inference_ms, text.mean_ms) == (614.333, 905.463, 899.641)
    assert (text.count, text.shortest_ms, text.longest_ms) == (50, 898.007, 906.121)
    assert (text.accelerator, text.partitions, text.peak_memory_mb) == ("cpu (XNNPACK)", 22, 212.34)


def test_an_old_builds_text() -> None:
    text = read_benchmark_text(OLD)
    assert (text.init_ms, text.first_inference_ms, text.mean_ms) == (0.855, 49.06, 33.2094)
    assert (text.accelerator, text.partitions, text.peak_memory_mb) == ("cpu", None, None)


def test_carriage_returns_of_old_adb_do_not_matter() -> None:
    assert read_benchmark_text(OLD.replace("\n", "\r\n")) == read_benchmark_text(OLD)


def test_one_run_prints_its_time_as_curr() -> None:
    one = OLD.replace(
        "count=50 first=32891 curr=33978 min=32641 max=34005 avg=33209.4 std=450", "count=1 curr=33209.4"
    )
    assert read_benchmark_text(one).mean_ms == 33.2094


@pytest.mark.parametrize(
    ("line", "accelerator", "partitions"),
    [
        ("Explicitly applied GPU delegate, and the model graph will be completely executed by the delegate.", "gpu", 1),
        ("Explicitly applied NNAPI delegate, and the model graph will be partially executed by the delegate w/ 11 "
         "delegate kernels.", "nnapi", 11),
    ],
)  # fmt: skip
def test_the_delegate_that_was_applied_is_named(line: str, accelerator: str, partitions: int) -> None:
    text = read_benchmark_text(OLD.replace("Loaded model", f"{line}\nLoaded model"))
    assert (text.accelerator, text.partitions) == (accelerator, partitions)


def test_a_delegate_that_was_only_asked_for_is_not_named() -> None:
    refused = OLD.replace("Loaded", "Use gpu: [1]\nGPU acceleration is unsupported on this platform.\nLoaded")
    assert read_benchmark_text(refused).accelerator == "cpu"


def test_the_profile_counts_every_call() -> None:
    rows = read_benchmark_text(OLD + PROFILE).profile
    assert [(r.kind, r.name) for r in rows] == [
        ("CONV_2D", "[a/Conv2d_0/Relu6]:0"),
        ("Convolution (NHWC, QC8) DWConv", "Delegate/DWConv:1"),
    ]
    assert [r.mean_ms for r in rows] == pytest.approx([60.957, 13 * 0.051])


@pytest.mark.parametrize(
    "broken",
    [
        "",
        OLD[: OLD.index("Inference timings")],
        OLD[: OLD.index("count=50")],
        OLD + OLD,
        OLD.replace("avg=33209.4", "avg=99999.4"),
        OLD.replace("avg=33209.4 std", "avg=nan std"),
        OLD.replace("avg=33209.4 std", "std"),
        OLD.replace("count=50", "count=0"),
        OLD.replace("Inference (avg): 33209.4", "Inference (avg): 0"),
        OLD.replace("Inference (avg): 33209.4", "Inference (avg): 43209.4"),
        OLD.replace("Init: 855,", "Init: -855,"),
        OLD.replace("Init: 855,", "Init: 0,"),
        (OLD + PROFILE).replace("[node type]", "[kind]"),
    ],
    ids=["empty", "no summary", "no measured runs", "twice", "above max", "nan", "no average", "no runs", "zero",
         "contradiction", "negative", "instant load", "profile without header"],
)  # fmt: skip
def test_anything_missing_or_contradictory_is_refused(broken: str) -> None:
    with pytest.raises(UnreadableOutput):
        read_benchmark_text(broken)
