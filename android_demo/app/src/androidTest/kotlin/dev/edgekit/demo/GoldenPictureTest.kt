package dev.edgekit.demo

import androidx.test.ext.junit.runners.AndroidJUnit4
import androidx.test.platform.app.InstrumentationRegistry
import dev.edgekit.core.BenchReport
import dev.edgekit.core.BenchRequest
import dev.edgekit.core.Matrix3
import dev.edgekit.core.PixelSize
import dev.edgekit.core.deltaE00P95
import dev.edgekit.core.maxLevels
import dev.edgekit.core.writeWhole
import dev.edgekit.demo.benchmark.Benchmark
import dev.edgekit.demo.bundle.goldenPicture
import dev.edgekit.demo.bundle.openAssetBundle
import dev.edgekit.demo.gl.Downscaler
import dev.edgekit.demo.gl.OffscreenContext
import dev.edgekit.demo.gl.StillPicture
import dev.edgekit.demo.gl.maskTexture
import dev.edgekit.demo.inference.GoldenSegmenter
import dev.edgekit.demo.inference.Segmenter
import dev.edgekit.demo.inference.SegmenterChoice
import dev.edgekit.demo.inference.Segmenters
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import java.io.File

/** On a phone: the picture every platform draws, given the mask and end to end, and the app's benchmark. */
@RunWith(AndroidJUnit4::class)
class GoldenPictureTest {
    private val context = InstrumentationRegistry.getInstrumentation().targetContext
    private val bundle = openAssetBundle(context.assets)
    private val golden = bundle.golden
    private val entry = bundle.segmenter("tflite")
    private val expected = goldenPicture(bundle, golden.styled)

    private fun drawn(segmenter: Segmenter): ByteArray = segmenter.use {
        OffscreenContext().use { gl -> gl.current { drawnHere(segmenter) } }
    }

    private fun drawnHere(segmenter: Segmenter): ByteArray {
        val image = goldenPicture(bundle, golden.image)
        return StillPicture(bundle, image, expected.width, expected.height).use { still ->
            val input = Downscaler(segmenter.inputSize, isExternal = false)
                .now(still.texture, Matrix3.IDENTITY, PixelSize(image.width, image.height))
            if (PixelSize(image.width, image.height) == segmenter.inputSize) {
                val fed = ByteArray(input.rgba.capacity()).also { input.rgba.duplicate().get(it) }
                assertArrayEquals("the network sees another picture", image.rgba, fed)
            }
            still.draw(maskTexture(segmenter.segment(input).mask))
            still.pixels().rgba
        }
    }

    @Test
    fun givenTheMaskThePictureIsTheGoldenOne() {
        val levels = maxLevels(expected.rgba, drawn(GoldenSegmenter(bundle, entry)))
        assertTrue("differs by $levels levels of ${golden.givenMaskMaxLevels}", levels <= golden.givenMaskMaxLevels)
    }

    @Test
    fun endToEndThePictureLooksLikeTheGoldenOne() {
        val deltaE00 = deltaE00P95(expected.rgba, drawn(Segmenters.open(bundle, entry, "cpu", 2, context.codeCacheDir)))
        assertTrue("ΔE2000 p95 is $deltaE00", deltaE00 <= golden.endToEndDeltaE00P95)
    }

    @Test
    fun anAcceleratorIsChosenAndRemembered() {
        val choice = SegmenterChoice(context, bundle).choose()
        choice.network.close()
        assertEquals(1 + entry.accelerated.size, choice.sentences.size)
        val again = SegmenterChoice(context, bundle).choose()
        again.network.close()
        assertEquals(listOf(choice.accelerator, true), listOf(again.accelerator, again.isRemembered))
    }

    @Test
    fun theBenchmarkIsWritten() {
        val request = BenchRequest("0".repeat(32), bundle.entry(entry.path).sha256, "cpu", 50, 10, 5, 2)
        val result = Benchmark(context, bundle, request).run()
        assertFalse(result.report.simulated)
        writeWhole(File(context.getExternalFilesDir(null), BenchReport.FILE_NAME), result.report.json().toByteArray())
    }
}
