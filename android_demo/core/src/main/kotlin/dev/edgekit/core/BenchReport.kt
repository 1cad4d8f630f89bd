package dev.edgekit.core

/** The app's own benchmark, in the form that `edgekit bench report` reads. Times in milliseconds;
 * null where the phone does not tell. */
data class BenchReport(
    val simulated: Boolean,
    val device: BenchDevice,
    val artifact: BenchArtifact,
    val threads: Int,
    val acceleratorAsked: String,
    val accelerator: String,
    val warmupRuns: Int,
    val loadMs: Double,
    val firstInferenceMs: Double,
    val peakRssMb: Double?,
    val samplesMs: List<Double>,
    val stagesMs: Map<String, List<Double>>,
    val before: PhoneState,
    val after: PhoneState,
    val choice: ChoiceReport,
) {
    init {
        require(samplesMs.isNotEmpty()) { "a report has at least one sample" }
        for ((stage, times) in stagesMs) {
            require(stage in STAGES) { "the stage $stage is none of $STAGES" }
            require(times.size == samplesMs.size) { "the stage $stage has ${times.size} times, not ${samplesMs.size}" }
        }
        val all = stagesMs.values.flatten() + samplesMs + listOf(loadMs, firstInferenceMs)
        require(all.all { it > 0 && it < Double.POSITIVE_INFINITY }) { "every time is positive" }
    }

    fun json(): String = writeJson(
        mapOf(
            "schema" to "edgekit-app-bench/1",
            "simulated" to simulated,
            "device" to mapOf(
                "model" to device.model, "os" to device.os, "abi" to device.abi, "cores" to device.cores,
            ),
            "artifact" to mapOf(
                "name" to artifact.name, "sha256" to artifact.sha256, "size_bytes" to artifact.sizeBytes,
            ),
            "threads" to threads,
            "accelerator_asked" to acceleratorAsked,
            "accelerator" to accelerator,
            "warmup_runs" to warmupRuns,
            "load_ms" to loadMs,
            "first_inference_ms" to firstInferenceMs,
            "peak_rss_mb" to peakRssMb,
            "samples_ms" to samplesMs,
            "stages_ms" to stagesMs,
            "accelerator_choice" to mapOf(
                "accelerator" to choice.accelerator, "remembered" to choice.isRemembered, "sentences" to choice.sentences,
            ),
            "before" to before.asMap(),
            "after" to after.asMap(),
        ),
    ) + "\n"

    companion object {
        const val FILE_NAME = "edgekit-app-bench.json"
        val STAGES = listOf("camera", "resize", "segmenter", "refinement", "shader")
    }
}

data class BenchDevice(val model: String, val os: String, val abi: String, val cores: Int)

data class BenchArtifact(val name: String, val sha256: String, val sizeBytes: Long)

data class PhoneState(val batteryPercent: Int?, val thermalStatus: Int?) {
    internal fun asMap() = mapOf("battery_percent" to batteryPercent, "thermal_status" to thermalStatus)
}

/** JSON of maps, lists, texts, finite numbers, booleans and null. */
internal fun writeJson(value: Any?): String = when (value) {
    null -> "null"
    is String -> quoted(value)
    is Boolean, is Int, is Long -> value.toString()
    is Double -> value.toString().also { require(!value.isNaN() && !value.isInfinite()) { "$it is not JSON" } }
    is List<*> -> value.joinToString(", ", "[", "]") { writeJson(it) }
    is Map<*, *> -> value.entries.joinToString(", ", "{", "}") { "${quoted(it.key as String)}: ${writeJson(it.value)}" }
    else -> throw IllegalArgumentException("${value.javaClass.name} has no JSON form")
}

private fun quoted(text: String): String = buildString {
    append('"')
    for (c in text) {
        when {
            c == '"' || c == '\\' -> append('\\').append(c)
            c < ' ' -> append("\\u%04x".format(c.code))
            else -> append(c)
        }
    }
    append('"')
}
