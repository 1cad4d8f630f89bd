"""A benchmark file of the demo app as edgekit/benchmark/app_report.py describes it."""

from __future__ import annotations

from typing import Any

GOOD: dict[str, Any] = {
    "schema": "edgekit-app-bench/1",
    "simulated": False,
    "device": {"model": "Pixel 6", "os": "Android 14", "abi": "arm64-v8a", "cores": 8},
    "artifact": {"name": "parser-256.tflite", "sha256": "ab" * 32, "size_bytes": 6_900_000},
    "threads": 4,
    "accelerator_asked": "gpu",
    "accelerator": "gpu",
    "warmup_runs": 5,
    "load_ms": 210.0,
    "first_inference_ms": 55.5,
    "peak_rss_mb": None,
    "samples_ms": [20.0 + 0.1 * i for i in range(40)],
    "stages_ms": {
        "resize": [1.0] * 40,
        "segmenter": [20.0 + 0.1 * i for i in range(40)],
        "shader": [3.0] * 40,
    },
    "accelerator_choice": {
        "accelerator": "gpu",
        "remembered": False,
        "sentences": ["cpu: proved, but not faster: 31.0 ms.", "gpu: chosen: 20.0 ms."],
    },
    "before": {"battery_percent": 80, "thermal_status": 0},
    "after": {"battery_percent": 79, "thermal_status": None},
}
