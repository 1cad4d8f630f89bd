package dev.edgekit.demo.inference

import android.content.Context
import android.os.Build
import dev.edgekit.core.AcceleratorChooser
import dev.edgekit.core.Bundle
import dev.edgekit.core.Candidate
import dev.edgekit.core.Choice
import dev.edgekit.core.ChoiceFile
import dev.edgekit.core.GoldenRun
import dev.edgekit.core.ProvingPlace
import dev.edgekit.core.SegmenterEntry
import dev.edgekit.demo.gl.OffscreenContext
import dev.edgekit.demo.gl.gpuDriver
import java.io.File

/** The bundle's network on the accelerator that is right and fastest on this phone. At the first start this takes
 * seconds; from then on the choice is remembered. */
class SegmenterChoice(private val context: Context, private val bundle: Bundle) {
    /** On the thread that will use the network and close it. One choice at a time in the process: another would take the
     * mark of a trial under way, as after a turn of the phone, for one that a crash left. */
    fun choose(): Choice<Segmenter> = synchronized(ONE_AT_A_TIME) { OffscreenContext().use(::choose) }

    private fun choose(gl: OffscreenContext): Choice<Segmenter> {
        val entry = bundle.segmenter("tflite")
        val proof = lazy { gl.current { GoldenProof(bundle, entry.inputSize) } }
        val store = ChoiceFile(File(context.noBackupFilesDir, "accelerator-choice.json"))
        val clock = { System.nanoTime() / 1e6 }
        val chooser = AcceleratorChooser<Segmenter>(place(gl), bundle.golden.endToEndDeltaE00P95, store, clock) { network ->
            // No context of ours is current while LiteRT works: it may have one of its own.
            val segmentation = network.segment(proof.value.input)
            GoldenRun(gl.current { proof.value.deltaE00P95(segmentation.mask) }, segmentation.inferenceMs)
        }
        return try {
            chooser.choose(candidate("cpu", entry), entry.accelerated.map { candidate(it.accelerator, entry.by(it)) })
        } finally {
            if (proof.isInitialized()) gl.current { proof.value.close() }
        }
    }

    private fun candidate(accelerator: String, entry: SegmenterEntry) =
        Candidate(accelerator, bundle.entry(entry.path).sha256) {
            Segmenters.open(bundle, entry, accelerator, THREADS, context.codeCacheDir)
        }

    /** A system update may bring another driver, and an update of the app another LiteRT: each installation has a path of
     * its own. */
    private fun place(gl: OffscreenContext) =
        ProvingPlace("${Build.MODEL}, ${Build.FINGERPRINT}", gl.current { gpuDriver() }, context.packageCodePath)

    private companion object {
        val ONE_AT_A_TIME = Any()
        const val THREADS = 2 // the recipe was planned with two; more heat a phone and gain little
    }
}
