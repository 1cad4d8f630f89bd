package dev.edgekit.demo.benchmark

import android.content.Context
import android.opengl.GLES30
import android.os.BatteryManager
import android.os.Build
import android.os.PowerManager
import dev.edgekit.core.BenchArtifact
import dev.edgekit.core.BenchDevice
import dev.edgekit.core.BenchReport
import dev.edgekit.core.BenchRequest
import dev.edgekit.core.Bundle
import dev.edgekit.core.ChoiceReport
import dev.edgekit.core.Matrix3
import dev.edgekit.core.PhoneState
import dev.edgekit.core.Picture
import dev.edgekit.core.PixelSize
import dev.edgekit.demo.bundle.goldenPicture
import dev.edgekit.demo.gl.Downscaler
import dev.edgekit.demo.gl.OffscreenContext
import dev.edgekit.demo.gl.StillPicture
import dev.edgekit.demo.gl.maskTexture
import dev.edgekit.demo.inference.Segmenter
import dev.edgekit.demo.inference.SegmenterChoice
import dev.edgekit.demo.inference.Segmenters
import java.io.File

/** A finished benchmark, and the last picture it drew. */
class BenchmarkResult(val report: BenchReport, val styled: Picture)

/** Times the golden picture through resize, segmenter and shader, one after the other, on this thread.
 * The camera is not timed: there is no camera in it. Before, the app's own choice of an accelerator is made, as at its
 * first start, and reported; what is timed is what was asked for. */
class Benchmark(private val context: Context, private val bundle: Bundle, private val request: BenchRequest) {
    private val resizeMs = ArrayList<Double>()
    private val samplesMs = ArrayList<Double>()
    private val shaderMs = ArrayList<Double>()

    fun run(): BenchmarkResult {
        val entry = bundle.segmenterWithSha256(request.artifactSha256)
        val choice = SegmenterChoice(context, bundle).choose()
        choice.network.close()
        val accelerator = if (request.accelerator == "gpu") "gpu" else "cpu" // LiteRT 2 has no NNAPI
        val loading = System.nanoTime()
        val segmenter = Segmenters.open(bundle, entry, accelerator, request.threads, context.codeCacheDir)
        val loadMs = since(loading)
        val before = phoneState()
        return segmenter.use { OffscreenContext().use { it.current { measure(segmenter, choice.report, loadMs, before) } } }
    }

    private fun measure(
        segmenter: Segmenter, choice: ChoiceReport, loadMs: Double, before: PhoneState,
    ): BenchmarkResult {
        val golden = goldenPicture(bundle, bundle.golden.image)
        return StillPicture(bundle, golden, FRAME_WIDTH, FRAME_HEIGHT).use { still ->
            val downscaler = Downscaler(segmenter.inputSize, isExternal = false)
            val firstMs = frame(segmenter, downscaler, still, golden)
            repeat(maxOf(0, request.warmupRuns - 1)) { frame(segmenter, downscaler, still, golden) }
            for (times in listOf(resizeMs, samplesMs, shaderMs)) times.clear()
            val started = System.nanoTime()
            while (samplesMs.size < request.runs || since(started) < request.seconds * 1000.0) {
                frame(segmenter, downscaler, still, golden)
            }
            downscaler.delete()
            BenchmarkResult(report(segmenter, choice, loadMs, firstMs, before), still.pixels())
        }
    }

    /** One frame. Returns the inference's milliseconds. `glFinish` on both sides of a GPU stage, so that a
     * stage's time is that stage's. */
    private fun frame(segmenter: Segmenter, downscaler: Downscaler, still: StillPicture, golden: Picture): Double {
        GLES30.glFinish()
        val resizing = System.nanoTime()
        val input = downscaler.now(still.texture, Matrix3.IDENTITY, PixelSize(golden.width, golden.height))
        val readMs = since(resizing)
        val segmentation = segmenter.segment(input)
        val mask = maskTexture(segmentation.mask)
        GLES30.glFinish()
        val drawing = System.nanoTime()
        still.draw(mask)
        GLES30.glFinish()
        shaderMs.add(since(drawing))
        resizeMs.add(readMs + segmentation.preprocessMs)
        samplesMs.add(segmentation.inferenceMs)
        mask.delete()
        return segmentation.inferenceMs
    }

    private fun report(
        segmenter: Segmenter, choice: ChoiceReport, loadMs: Double, firstMs: Double, before: PhoneState,
    ): BenchReport {
        val entry = bundle.entry(bundle.segmenterWithSha256(request.artifactSha256).path)
        return BenchReport(
            simulated = segmenter.isSimulated,
            device = BenchDevice(
                "${Build.MANUFACTURER} ${Build.MODEL}", "Android ${Build.VERSION.RELEASE}",
                Build.SUPPORTED_ABIS.firstOrNull() ?: "unknown", Runtime.getRuntime().availableProcessors(),
            ),
            artifact = BenchArtifact(entry.path.substringAfterLast('/'), entry.sha256, entry.sizeBytes),
            threads = request.threads,
            acceleratorAsked = request.accelerator,
            accelerator = segmenter.accelerator,
            warmupRuns = request.warmupRuns,
            loadMs = loadMs,
            firstInferenceMs = firstMs,
            peakRssMb = peakRssMb(),
            samplesMs = samplesMs,
            stagesMs = mapOf("resize" to resizeMs, "segmenter" to samplesMs, "shader" to shaderMs),
            before = before,
            after = phoneState(),
            choice = choice,
        )
    }

    private fun phoneState(): PhoneState {
        val battery = context.getSystemService(Context.BATTERY_SERVICE) as BatteryManager
        val percent = battery.getIntProperty(BatteryManager.BATTERY_PROPERTY_CAPACITY)
        val power = context.getSystemService(Context.POWER_SERVICE) as PowerManager
        val thermal = if (Build.VERSION.SDK_INT >= THERMAL_STATUS_SDK) power.currentThermalStatus else null
        return PhoneState(percent.takeIf { it in 0..100 }, thermal)
    }

    /** The whole app's, with the bundle, GL and the Java heap in it. */
    private fun peakRssMb(): Double? = File("/proc/self/status").readLines()
        .firstOrNull { it.startsWith("VmHWM:") }
        ?.let { line -> line.filter(Char::isDigit).toLongOrNull() }
        ?.let { kib -> kib / 1024.0 }

    private fun since(nanoTime: Long) = (System.nanoTime() - nanoTime) / 1e6

    private companion object {
        // A phone's view in portrait; the shader's cost follows the pixels it fills.
        const val FRAME_WIDTH = 1080
        const val FRAME_HEIGHT = 1920
        const val THERMAL_STATUS_SDK = 29 // getCurrentThermalStatus came with Android 10
    }
}
