"""The text of LiteRT's profile summary, as printed by ai-edge-litert 2.3."""

from edgekit.devices.litert_profiler import operators

SUMMARY = """\
================================ Run Order ================================
                         [node type]    [start]    [first]   [avg ms]        [%]     [cdf%]   [mem KB] [times called]   [Name]
               Delegate/Convert (NC)      0.000      0.015      0.033     0.094%     0.094%      0.000              5   [Delegate]:0
Delegate/Convolution (NHWC, F32) IGEMM      0.000      0.119      0.135     0.380%     0.474%      0.000             10   [Delegate]:1
                                SIGN      0.000      0.119      0.250     0.380%     0.474%      0.000              5   [y1]:2

================================ Top by Computation Time ================================
                         [node type]    [start]    [first]   [avg ms]        [%]     [cdf%]   [mem KB] [times called]   [Name]
                                SIGN      0.000      0.119      0.250     0.380%     0.474%      0.000              5   [y1]:2
"""  # noqa: E501


def test_rows_are_read_once_and_counted_per_inference() -> None:
    assert operators(SUMMARY, runs=5) == [
        ("[Delegate]:0", "Convert (NC)", 0.033),
        ("[Delegate]:1", "Convolution (NHWC, F32) IGEMM", 0.27),
        ("[y1]:2", "SIGN", 0.25),
    ]


def test_another_format_gives_nothing() -> None:
    assert operators("no table here", runs=5) == []
