# ruff: noqa: E501 (recorded texts)
"""The strict reading of benchmark_model's text, on real texts of several versions."""

from __future__ import annotations

import pytest

from edgekit.devices.benchmark_model import read_benchmark_text
from edgekit.errors import UnreadableOutput

# As printed by a 2024 build on a board with one XNNPACK partition; no INFO prefix on the summary.
NEW = """INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Graph: [/data/local/tmp/x.tflite]
INFO: Use xnnpack: [1]
INFO: Loaded model /data/local/tmp/x.tflite
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
INFO: XNNPACK delegate created.
INFO: Explicitly applied XNNPACK delegate, and the model graph will be partially executed by the delegate w/ 22 delegate kernels.
INFO: The input model file size (MB): 67.3128
INFO: Initialized session in 614.333ms.
INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
INFO: count=1 curr=905463 p5=905463 median=905463 p95=905463

INFO: Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
INFO: count=50 first=900416 curr=898333 min=898007 max=906121 avg=899641 std=1549 p5=898333 median=899281 p95=904305

INFO: Inference timings in us: Init: 614333, First inference: 905463, Warmup (avg): 905463, Inference (avg): 899641
INFO: Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE to the actual memory footprint of the model at runtime. Take the information at your discretion.
INFO: Memory footprint delta from the start of the tool (MB): init=133.086 overall=149.531
INFO: Overall peak memory footprint (MB) via periodic monitoring: 212.34
"""
# A 2020 build without prefixes, without percentiles and without a delegate.
OLD = """STARTING!
Loaded model /data/local/tmp/espcn.tflite
Initialized session in 0.855ms.
Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
count=15 first=49060 curr=33682 min=32825 max=49060 avg=34825.1 std=3930

Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
count=50 first=32891 curr=33978 min=32641 max=34005 avg=33209.4 std=450

Inference timings in us: Init: 855, First inference: 49060, Warmup (avg): 34825.1, Inference (avg): 33209.4
"""
PROFILE = """Operator-wise Profiling Info for Regular Benchmark Runs:
============================== Run Order ==============================
\t             [node type]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t                 CONV_2D\t   87.754\t   60.957\t  2.066%\t  2.066%\t     0.000\t        1\t[a/Conv2d_0/Relu6]:0
\t Convolution (NHWC, QC8) DWConv\t   0.428\t   0.051\t 4.317%\t  8.304%\t     0.000\t       13\tDelegate/DWConv:1

============================== Top by Computation Time ==============================
\t             [node type]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t                 CONV_2D\t   87.754\t   60.957\t  2.066%\t  2.066%\t     0.000\t        1\t[a/Conv2d_0/Relu6]:0
"""


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
