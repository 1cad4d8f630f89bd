package dev.edgekit.core

import java.util.Locale

/** The last [capacity] times of one stage. Thread-safe. */
class RollingTimes(private val capacity: Int) {
    private val times = ArrayDeque<Double>()

    @Synchronized
    fun add(ms: Double) {
        if (times.size == capacity) times.removeFirst()
        times.addLast(ms)
    }

    @Synchronized
    fun clear() = times.clear()

    @Synchronized
    fun summary(): TimeSummary? = if (times.isEmpty()) null else summaryOf(times.toList())
}

data class TimeSummary(val p50Ms: Double, val p90Ms: Double, val n: Int)

fun summaryOf(timesMs: List<Double>): TimeSummary {
    val sorted = timesMs.sorted()
    return TimeSummary(percentile(sorted, 0.5), percentile(sorted, 0.9), sorted.size)
}

/** Linear between the two nearest samples, as numpy's default. [sorted] ascending, not empty. */
fun percentile(sorted: List<Double>, fraction: Double): Double {
    val at = (sorted.size - 1) * fraction
    val below = sorted[at.toInt()]
    val above = sorted[minOf(at.toInt() + 1, sorted.size - 1)]
    return below + (above - below) * (at - at.toInt())
}

/** What a draw's time is: the GPU's own clock, or only how long the CPU took to hand the draw over. */
enum class DrawClock(val label: String) { GPU("GPU"), CPU_SUBMIT("CPU submit, GPU time unknown") }

/** The overlay's text. Median and 90th percentile of the last frames; a stage not yet timed says so. */
fun timingText(segment: TimeSummary?, draw: TimeSummary?, clock: DrawClock, counts: PacerCounts): String {
    val segmented = "segment ${shown(segment)}"
    val drawn = "draw ${shown(draw)} (${clock.label})"
    val skippedShare = counts.skipped.toDouble() / maxOf(1L, counts.started + counts.skipped)
    return "$segmented\n$drawn\nmask skips %.0f %% of frames".format(Locale.ROOT, 100 * skippedShare)
}

private fun shown(summary: TimeSummary?): String =
    if (summary == null) "not timed yet"
    else "%.1f ms, p90 %.1f, n %d".format(Locale.ROOT, summary.p50Ms, summary.p90Ms, summary.n)
