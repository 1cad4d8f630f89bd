package dev.edgekit.core

/** A benchmark was asked for in a way the app does not understand. [message] is one sentence. */
class BenchRefused(message: String) : Exception(message)

/** What `edgekit bench app` asks for: at least [runs] inferences and at least [seconds] seconds. */
data class BenchRequest(
    val runId: String,
    val artifactSha256: String,
    val accelerator: String,
    val runs: Int,
    val seconds: Int,
    val warmupRuns: Int,
    val threads: Int,
)

private val RUN_ID = Regex("[0-9a-f]{32}")
private val DIGEST = Regex("[0-9a-f]{64}")
private val ACCELERATORS = setOf("cpu", "gpu", "nnapi") // nnapi is legacy: Android 15 deprecated it
private val EXTRAS = setOf("run_id", "artifact_sha256", "accelerator", "runs", "seconds", "warmup_runs", "threads")

/** The intent's extras, every one required, none unknown: a benchmark never guesses. */
fun benchRequest(extras: Map<String, Any?>): BenchRequest {
    val odd = (extras.keys union EXTRAS) - (extras.keys intersect EXTRAS)
    if (odd.isNotEmpty()) throw BenchRefused("The extras ${odd.sorted().joinToString()} are missing or unknown.")
    return BenchRequest(
        text(extras, "run_id", RUN_ID::matches),
        text(extras, "artifact_sha256", DIGEST::matches),
        text(extras, "accelerator") { it in ACCELERATORS },
        count(extras, "runs", 1..100_000),
        count(extras, "seconds", 0..3600),
        count(extras, "warmup_runs", 0..10_000),
        count(extras, "threads", 1..64),
    )
}

/** The run id when it can be part of a file's name: an error is reported under it. */
fun usableRunId(value: Any?): String? = (value as? String)?.takeIf(RUN_ID::matches)

private fun text(extras: Map<String, Any?>, name: String, isGood: (String) -> Boolean): String {
    val value = extras[name]
    if (value is String && isGood(value)) return value
    throw BenchRefused("The extra $name is \"$value\", which the app does not take.")
}

private fun count(extras: Map<String, Any?>, name: String, range: IntRange): Int {
    val value = extras[name]
    if (value is Int && value in range) return value
    throw BenchRefused("The extra $name is \"$value\"; give a number from ${range.first} to ${range.last}.")
}
