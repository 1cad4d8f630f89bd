package dev.edgekit.core

import java.util.Locale

/** One way of running the network. [accelerator]: its name in reports, such as `gpu`. [open] throws where it cannot. */
class Candidate<N : AutoCloseable>(val accelerator: String, val artifactSha256: String, val open: () -> N)

/** One inference of the golden picture. [deltaE00P95]: ΔE2000 (95th percentile) between the styled picture and the
 * golden one. [inferenceMs]: the inference alone. */
class GoldenRun(val deltaE00P95: Double, val inferenceMs: Double)

/** Where a choice holds. In another place everything is tried anew. */
data class ProvingPlace(val device: String, val driver: String, val runtime: String)

/** Keeps one text from start to start. Either function may throw. */
interface ChoiceStore {
    /** Null where nothing was written yet. */
    fun read(): String?

    /** A reader sees the whole text or the one before. */
    fun write(text: String)
}

/** The open network that is to be used, and one sentence on each candidate. */
class Choice<N>(val network: N, val accelerator: String, val isRemembered: Boolean, val sentences: List<String>) {
    val report get() = ChoiceReport(accelerator, isRemembered, sentences)
}

/** A choice without its network. */
data class ChoiceReport(val accelerator: String, val isRemembered: Boolean, val sentences: List<String>)

/** Chooses between several ways of running the network: each is held to the golden picture several times in a row,
 * the right ones are timed, and the fastest is remembered.
 *
 * [bound]: the golden picture's. [nowMs]: a clock that never goes back. [prove]: one inference of the golden picture.
 * Swift and JavaScript decide the same; tests/shared/accelerator_choice.json holds all three to it. */
class AcceleratorChooser<N : AutoCloseable>(
    private val place: ProvingPlace,
    private val bound: Double,
    private val store: ChoiceStore,
    private val nowMs: () -> Double,
    private val prove: (N) -> GoldenRun,
) {
    private class Kept(val marked: Set<String>, val chosen: String?, val sentences: List<String>)

    /** [medianMs]: null where the candidate was not proved. */
    private class Trial<N>(
        val candidate: String,
        val finding: String,
        val network: N? = null,
        val medianMs: Double? = null,
        val error: Throwable? = null,
    ) {
        fun sentence(isChosen: Boolean): String = candidate + ": " + when {
            medianMs == null && isChosen -> "used unproved, as the last resort: "
            medianMs == null -> ""
            isChosen -> "chosen, the fastest of those proved: "
            else -> "proved, but not faster: "
        } + finding
    }

    /** The fastest candidate that is proved, or else [lastResort]; if that does not open either, its error is thrown.
     *
     * One of [others] is marked in the store while it is tried. Where the mark was left, the app ended in its trial,
     * and it is not tried again. So only one choice at a time may use a store. */
    fun choose(lastResort: Candidate<N>, others: List<Candidate<N>>): Choice<N> {
        val all = listOf(lastResort) + others
        val names = listOf(place.device, place.driver, place.runtime) + all.map { "${it.accelerator} ${it.artifactSha256}" }
        val key = names.map(::oneLine)
        val kept = kept(key, all.size)
        return remembered(kept, all) ?: chooseAnew(lastResort, others, key, kept.marked)
    }

    private fun remembered(kept: Kept, all: List<Candidate<N>>): Choice<N>? {
        val candidate = all.firstOrNull { it.accelerator == kept.chosen && it.accelerator !in kept.marked } ?: return null
        return try {
            Choice(candidate.open(), candidate.accelerator, true, kept.sentences)
        } catch (error: Throwable) { // it opened once: try everything anew
            null
        }
    }

    private fun chooseAnew(
        lastResort: Candidate<N>, others: List<Candidate<N>>, key: List<String>, left: Set<String>,
    ): Choice<N> {
        var marked = left
        var best = trial(lastResort)
        val trials = arrayListOf(best)
        for (candidate in others) {
            val reason = markOrReason(candidate.accelerator, trials.size, key, marked)
            if (reason != null) {
                trials.add(Trial(candidate.accelerator, reason))
                continue
            }
            val tried = trial(candidate)
            trials.add(tried)
            val isFaster = tried.medianMs != null && tried.medianMs < (best.medianMs ?: Double.POSITIVE_INFINITY)
            close(if (isFaster) best else tried)
            if (isFaster) best = tried
            marked = marked - candidate.accelerator
            write(key, marked)
        }
        val network = best.network ?: throw best.error!!
        val sentences = trials.map { it.sentence(isChosen = it === best) }
        write(key, marked, best.candidate, sentences)
        return Choice(network, best.candidate, false, sentences)
    }

    /** Marks the candidate, or returns why it is not tried. */
    private fun markOrReason(accelerator: String, position: Int, key: List<String>, marked: Set<String>): String? {
        if (position >= MOST_CANDIDATES) return "not tried: at most $MOST_CANDIDATES candidates are."
        if (accelerator in marked) return "not tried, because the app ended during its last trial."
        return write(key, marked + accelerator)?.let { "not tried, because its trial cannot be marked: ${reason(it)}" }
    }

    private fun trial(candidate: Candidate<N>): Trial<N> {
        val started = nowMs()
        val network = try {
            candidate.open()
        } catch (error: Throwable) { // a missing native library is no Exception
            return Trial(candidate.accelerator, "not opened: ${reason(error)}", error = error)
        }
        val timesMs = ArrayList<Double>()
        var worst = 0.0
        for (run in 1..PROOF_RUNS) {
            fun failed(finding: String) = Trial(candidate.accelerator, finding, network)
            if (nowMs() - started > 1000.0 * MOST_TRIAL_SECONDS) {
                return failed("too slow: after ${run - 1} of $PROOF_RUNS runs, $MOST_TRIAL_SECONDS s had passed.")
            }
            val golden = try {
                prove(network)
            } catch (error: Throwable) {
                return failed("failed in run $run of $PROOF_RUNS: ${reason(error)}")
            }
            if (!(golden.deltaE00P95 <= bound)) { // so that NaN is wrong
                val shown = if (golden.deltaE00P95.isNaN()) "not a number" else text("%.2f", golden.deltaE00P95)
                val allowed = text("%.2f", bound)
                return failed("wrong in run $run of $PROOF_RUNS: ΔE2000 p95 is $shown, and at most $allowed is allowed.")
            }
            worst = maxOf(worst, golden.deltaE00P95)
            timesMs.add(golden.inferenceMs)
        }
        val medianMs = summaryOf(timesMs.drop(1)).p50Ms // the first one compiles and warms up
        val finding = "${text("%.1f", medianMs)} ms, ΔE2000 p95 at most ${text("%.2f", worst)} in $PROOF_RUNS runs."
        return Trial(candidate.accelerator, finding, network, medianMs)
    }

    /** What the store holds for this key; nothing where it is damaged or was written for another. */
    private fun kept(key: List<String>, candidates: Int): Kept {
        val nothing = Kept(emptySet(), null, emptyList())
        val text = try {
            store.read()
        } catch (error: Exception) {
            null
        }
        if (text == null || text.length > MOST_STORED_CHARS) return nothing
        return try {
            val root = JsonAt(parseJson(text, STORED), STORED)
            val isOurs = root["schema"].text() == SCHEMA && root["schema_version"].whole() == VERSION
            val chosen = root["chosen"].let { if (it.isNull) null else it.name() }
            val sentences = root["sentences"].list().map { it.name() }
            val kept = Kept(root["marked"].list().map { it.name() }.toSet(), chosen, sentences)
            val isOfKey = root["key"].list().map { it.name() } == key
            if (isOurs && isOfKey && (chosen == null || sentences.size == candidates)) kept else nothing
        } catch (error: BundleException) { // whatever is wrong with it, a new trial mends it
            nothing
        }
    }

    /** The error where the store cannot be written; the next start then tries again. */
    private fun write(
        key: List<String>, marked: Set<String>, chosen: String? = null, sentences: List<String> = emptyList(),
    ): Exception? = try {
        store.write(
            writeJson(
                mapOf(
                    "schema" to SCHEMA, "schema_version" to VERSION, "key" to key, "marked" to marked.toList(),
                    "chosen" to chosen, "sentences" to sentences,
                ),
            ),
        )
        null
    } catch (error: Exception) {
        error
    }

    private fun close(trial: Trial<N>) {
        try {
            trial.network?.close()
        } catch (error: Exception) {
            return // it is not used any more
        }
    }

    private companion object {
        const val SCHEMA = "edgekit/accelerator-choice"
        const val VERSION = 1L
        const val STORED = "the remembered accelerator"
        const val PROOF_RUNS = 5 // a WebGPU backend was right in its first inference only (LiteRT 8065)
        const val MOST_TRIAL_SECONDS = 20 // drivers compile for seconds; nobody waits longer for the first picture
        const val MOST_CANDIDATES = 4
        const val MOST_STORED_CHARS = 65_536
        const val MOST_LINE_CHARS = 200

        fun text(format: String, value: Double): String = format.format(Locale.ROOT, value)

        /** An error's message as the end of a sentence. */
        fun reason(error: Throwable): String = oneLine(error.message ?: error.javaClass.simpleName).removeSuffix(".") + "."

        /** A text of bounded length, without what steers the text that shows it. */
        fun oneLine(text: String): String = STEERING.replace(text.take(MOST_LINE_CHARS), " ").trim()
    }
}
