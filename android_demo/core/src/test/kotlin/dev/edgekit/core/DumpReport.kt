package dev.edgekit.core

/** Print a benchmark report as the app writes it, for edgekit's own reader to read. */
fun main() = print(
    BenchReport(
        simulated = true,
        device = BenchDevice("Phone \"X\" é", "Android 14", "arm64-v8a", 8),
        artifact = BenchArtifact("net.tflite", "ab".repeat(32), 1000),
        threads = 4,
        acceleratorAsked = "gpu",
        accelerator = "none",
        warmupRuns = 5,
        loadMs = 12.5,
        firstInferenceMs = 0.00004,
        peakRssMb = null,
        samplesMs = listOf(20.0, 21.5, 22.0),
        stagesMs = mapOf(
            "resize" to listOf(1.0, 1.25, 1.5), "segmenter" to listOf(20.0, 21.5, 22.0), "shader" to listOf(3.0, 3.5, 2.5),
        ),
        before = PhoneState(80, 0),
        after = PhoneState(79, null),
        choice = ChoiceReport("gpu", true, listOf("cpu: proved, but not faster.", "gpu: chosen.")),
    ).json(),
)
