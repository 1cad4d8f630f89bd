package dev.edgekit.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import java.nio.ByteBuffer

class PacingAndTimingTest {
    @Test
    fun onlyOneFrameIsInFlightAndTheRestAreSkipped() {
        val pacer = FramePacer()
        val first = pacer.tryStart()!!
        assertNull(pacer.tryStart())
        assertNull(pacer.tryStart())
        assertTrue(pacer.finish(first))
        assertNotNull(pacer.tryStart())
        assertEquals(PacerCounts(2, 2), pacer.counts())
    }

    @Test
    fun aFrameGivenUpBringsNoMaskAndFreesNothing() {
        val pacer = FramePacer()
        val old = pacer.tryStart()!!
        pacer.reset()
        val new = pacer.tryStart()!!
        assertFalse(pacer.finish(old))
        assertNull(pacer.tryStart())
        assertTrue(pacer.finish(new))
        assertFalse(pacer.finish(new))
    }

    @Test
    fun percentilesAreNumpys() {
        val summary = summaryOf(listOf(10.0, 40.0, 20.0, 30.0))
        assertEquals(25.0, summary.p50Ms, 1e-12)
        assertEquals(37.0, summary.p90Ms, 1e-12)
        assertEquals(7.0, summaryOf(listOf(7.0)).p90Ms, 0.0)
    }

    @Test
    fun onlyTheLastTimesCount() {
        val times = RollingTimes(3)
        assertNull(times.summary())
        listOf(100.0, 1.0, 2.0, 3.0).forEach(times::add)
        assertEquals(TimeSummary(2.0, 2.8, 3), times.summary())
        times.clear()
        assertNull(times.summary())
    }

    @Test
    fun theOverlaySaysWhatItKnows() {
        val text = timingText(TimeSummary(41.25, 50.0, 30), null, DrawClock.CPU_SUBMIT, PacerCounts(1, 3))
        assertEquals("segment 41.3 ms, p90 50.0, n 30\ndraw not timed yet (CPU submit, GPU time unknown)\nmask skips 75 % of frames", text)
    }

    @Test
    fun aReportHasTheAgreedKeysAndRefusesNonsense() {
        val root = JsonAt(parseJson(report().json(), "report"), "report")
        assertEquals("edgekit-app-bench/1", root["schema"].text())
        assertEquals(3, root["stages_ms"]["shader"].list().size)
        assertTrue(root["peak_rss_mb"].isNull)
        assertThrows(IllegalArgumentException::class.java) { report(shader = listOf(1.0)) }
        assertThrows(IllegalArgumentException::class.java) { report(shader = listOf(1.0, 0.0, 2.0)) }
        assertThrows(IllegalArgumentException::class.java) { report(stage = "coffee") }
    }

    @Test
    fun aBenchmarkIsAskedForExactly() {
        val good = mapOf(
            "run_id" to "0f".repeat(16), "artifact_sha256" to "ab".repeat(32), "accelerator" to "gpu",
            "runs" to 50, "seconds" to 10, "warmup_runs" to 5, "threads" to 4,
        )
        assertEquals(BenchRequest("0f".repeat(16), "ab".repeat(32), "gpu", 50, 10, 5, 4), benchRequest(good))
        val wrong = listOf(
            good - "runs", good - "run_id", good + ("surprise" to 1), good + ("runs" to 0), good + ("runs" to "50"),
            good + ("runs" to 100_001), good + ("seconds" to -1), good + ("warmup_runs" to 10_001), good + ("threads" to 65),
            good + ("accelerator" to "tpu"), good + ("run_id" to "../x"), good + ("artifact_sha256" to "AB".repeat(32)),
        )
        for (extras in wrong) assertThrows("$extras", BenchRefused::class.java) { benchRequest(extras) }
        assertNull(usableRunId("../../x"))
        assertEquals("0f".repeat(16), usableRunId("0f".repeat(16)))
    }

    @Test
    fun pixelsChangeTheirOrder() {
        val rgba = ByteArray(4 * 2500) { (it % 251).toByte() }
        val rgb = ByteBuffer.allocateDirect(3 * 2500)
        rgbFromRgba(ByteBuffer.wrap(rgba), rgb, 2500)
        for (pixel in listOf(0, 1, 1023, 1024, 2499)) {
            for (c in 0..2) assertEquals(rgba[4 * pixel + c], rgb.get(3 * pixel + c))
        }
        assertArrayEquals(byteArrayOf(0x22, 0x33, 0x44, 0x11), rgbaFromArgb(intArrayOf(0x11223344)))
        assertEquals(200, maxLevels(byteArrayOf(5, 0), byteArrayOf(5, 200.toByte())))
        assertThrows(IllegalArgumentException::class.java) { Picture(2, 3, ByteArray(23)) }
    }

    @Test
    fun colourDifferencesAreThePublishedOnes() {
        // Sharma, Wu, Dalal 2005, table 1: pairs 1, 7, 17 and 25.
        val published = listOf(
            Triple(Lab(50.0, 2.6772, -79.7751), Lab(50.0, 0.0, -82.7485), 2.0425),
            Triple(Lab(50.0, 0.0, 0.0), Lab(50.0, -1.0, 2.0), 2.3669),
            Triple(Lab(50.0, 2.5, 0.0), Lab(73.0, 25.0, -18.0), 27.1492),
            Triple(Lab(60.2574, -34.0099, 36.2677), Lab(60.4626, -34.1751, 39.4387), 1.2644),
        )
        for ((one, two, expected) in published) assertEquals(expected, deltaE00(one, two), 1e-4)
        assertEquals(53.24, labOf(255, 0, 0).l, 0.01)
        assertEquals(-107.86, labOf(0, 0, 255).b, 0.05)
        val grey = byteArrayOf(100, 100, 100, -1)
        assertEquals(0.0, deltaE00P95(grey, grey), 0.0)
    }

    private fun report(stage: String = "shader", shader: List<Double> = listOf(3.0, 3.5, 2.5)) = BenchReport(
        true, BenchDevice("Phone \"X\"", "Android 14", "arm64-v8a", 8), BenchArtifact("net.tflite", "ab".repeat(32), 1000),
        4, "cpu", "fake", 5, 12.5, 40.0, null, listOf(20.0, 21.0, 22.0), mapOf(stage to shader),
        PhoneState(80, 0), PhoneState(79, null), ChoiceReport("cpu", false, listOf("cpu: chosen.")),
    )
}
