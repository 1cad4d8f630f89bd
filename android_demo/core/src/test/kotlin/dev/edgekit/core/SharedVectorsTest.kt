package dev.edgekit.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Before
import org.junit.Test
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.Base64

/** The numbers Python wrote into a real bundle come out of Kotlin too. */
class SharedVectorsTest {
    private val folder: String? = System.getProperty("edgekit.bundle")
    private val bundle by lazy { openBundle(FolderFiles(File(folder!!))) }
    private val vectors by lazy { bundle.json(bundle.golden.vectors) }

    @Before
    fun aBundleIsThere() = assumeTrue(
        "no bundle: run `edgekit bundle --into android_demo`, or give -Dedgekit.bundle=FOLDER",
        folder != null && File(folder, BUNDLE_FILE).exists(),
    )

    @Test
    fun transformsAreTheSame() {
        val cases = vectors["transforms"].list()
        assertTrue(cases.size >= 12)
        for (case in cases) {
            val passed = aspectFill(geometryOf(case))
            assertArrayEquals(case.where, numbers(case["image_from_output"]), passed.imageFromOutput.rowMajor(), 1e-12)
            assertArrayEquals(case.where, numbers(case["mask_from_image"]), passed.maskFromImage.rowMajor(), 1e-12)
        }
    }

    @Test
    fun uniformBlocksAreTheSameNumbersInTheSamePlaces() {
        val cases = vectors["uniform_blocks"].list()
        assertTrue(cases.size >= 6)
        for (case in cases) {
            val shader = bundle.shader(bundle.style(case["style"].text()))
            val inputs = passInputsOf(case, vectors)
            val expected = Base64.getDecoder().decode(case["block_base64"].text())
            // Floats, not bytes: numpy's inverse of a rotation holds −0, and a last bit may round either way.
            assertArrayEquals(case.where, floats(expected), floats(uniformBlock(shader, uniformValues(shader, inputs))), 1e-7f)
        }
    }

    @Test
    fun photosLieInTheSamePartOfTheInput() {
        val cases = vectors["fits"].list()
        assertTrue(cases.size >= 20)
        for (case in cases) {
            val photo = PixelSize(case["photo_width"].int(), case["photo_height"].int())
            val input = PixelSize(case["input_width"].int(), case["input_height"].int())
            assertEquals(case.where, PixelSize(case["width"].int(), case["height"].int()), shownPart(photo, input))
        }
    }

    @Test
    fun copiesOfPhotosHaveTheSameSides() {
        val cases = vectors["copies"].list()
        assertTrue(cases.size >= 8)
        for (case in cases) {
            val photo = PixelSize(case["photo_width"].int(), case["photo_height"].int())
            assertEquals(case.where, PixelSize(case["width"].int(), case["height"].int()), copySize(photo, case["longest_side"].int()))
        }
    }

    @Test
    fun hashesAreTheSame() {
        val cases = vectors["hashes"].list()
        assertTrue(cases.isNotEmpty())
        for (case in cases) assertEquals(case["sha256"].text(), sha256(bundle.bytes(case["path"].text())))
    }

    @Test
    fun everyStyleAndTheSegmenterAreUsable() {
        for (style in bundle.styles) {
            val shader = bundle.shader(style)
            assertTrue(shader.dialect("essl300-external").fused.fragment.contains("samplerExternalOES"))
            val text = shader.dialect("essl300")
            assertTrue((text.passes + text.fused).all { it.vertex.startsWith("#version 300 es") })
        }
        val segmenter = bundle.segmenter("tflite").also(bundle::requireUsable)
        assertEquals(segmenter.inputSize, bundle.golden.image.run { PixelSize(width, height) })
        assertEquals(segmenter.maskSize, bundle.golden.mask.run { PixelSize(width, height) })
    }
}

internal fun geometryOf(case: JsonAt) = ViewGeometry(
    case["sensor_width"].int(), case["sensor_height"].int(), case["quarter_turns"].int(), case["mirror"].boolean(),
    case["view_width"].int(), case["view_height"].int(),
)

internal fun passInputsOf(case: JsonAt, vectors: JsonAt): PassInputs {
    val geometry = geometryOf(vectors["transforms"].list()[case["transform"].int()])
    val values = case["values"]
    val controls = Controls.of { values[it].number() }
    val sensor = PixelSize(geometry.sensorWidth, geometry.sensorHeight)
    return PassInputs(controls, aspectFill(geometry), sensor, PixelSize(geometry.viewWidth, geometry.viewHeight))
}

private fun floats(block: ByteArray): FloatArray {
    val buffer = ByteBuffer.wrap(block).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
    return FloatArray(buffer.remaining()).also { buffer.get(it) }
}

private fun numbers(value: JsonAt) = value.list().map { it.number() }.toDoubleArray()
