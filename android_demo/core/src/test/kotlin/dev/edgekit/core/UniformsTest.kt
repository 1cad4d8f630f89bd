package dev.edgekit.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test
import java.nio.ByteBuffer
import java.nio.ByteOrder

class UniformsTest {
    private val bundle = openBundle(FolderFiles(TinyBundle().folder()))
    private val shader = bundle.shader(bundle.style("warm"))
    private val inputs = PassInputs(
        Controls(1.0, -0.5, 0.2, 0.0), PassTransforms(crop(0.1, 0.2, 0.7, 0.5), rotation(1)),
        PixelSize(640, 480), PixelSize(300, 200),
    )

    @Test
    fun valuesComeInTheDescriptionsOrder() {
        val values = uniformValues(shader, inputs)
        assertEquals(listOf("image_from_output", "mask_from_image", "tone", "image_height", "strength_1"), values.map { it.slot.name })
        assertArrayEquals(floatArrayOf(0.7f, 0f, 0f, 0f, 0.5f, 0f, 0.1f, 0.2f, 1f), values[0].values, 0f)
        assertEquals(listOf(-0.5f, 480f, 0.4f), values.drop(2).map { it.values[0] })
    }

    @Test
    fun theBlockHasItsColumnsSixteenBytesApart() {
        val block = ByteBuffer.wrap(uniformBlock(shader, uniformValues(shader, inputs))).order(ByteOrder.LITTLE_ENDIAN)
        assertEquals(112, block.capacity())
        assertEquals(listOf(0.7f, 0f, 0f, 0f, 0f, 0.5f), (0 until 6).map { block.getFloat(4 * it) })
        assertEquals(listOf(-0.5f, 480f, 0.4f), listOf(96, 100, 104).map { block.getFloat(it) })
    }

    private fun with(slot: UniformSlot, textures: List<TextureSlot> = shader.textures) =
        ShaderDescription(shader.title, textures, listOf(slot), shader.strengths, 0.03, 112, emptyList(), emptyMap())

    @Test
    fun aUniformOfAnotherVersionIsRefused() {
        val others = listOf(
            UniformSlot("glow", false, 0), UniformSlot("strength_2", false, 0), UniformSlot("tone", true, 0),
            UniformSlot("blur", true, 0), UniformSlot("picture_from_output", true, 0), // without a picture
        )
        for (slot in others) {
            assertThrows(slot.name, BundleException::class.java) { uniformValues(with(slot), inputs) }
        }
    }

    @Test
    fun aSecondPictureFillsTheOutputAndABlurHasItsDefault() {
        val picture = TextureSlot("u_picture", "picture", false, true, listOf(400, 100), ByteArray(160000))
        val slot = UniformSlot("picture_from_output", true, 0)
        // 300 × 200 shows 150 of its 400 columns, from the 125th on, and all of its rows.
        val matrix = uniformValues(with(slot, listOf(picture)), inputs).single().values
        assertArrayEquals(floatArrayOf(0.375f, 0f, 0f, 0f, 1f, 0f, 0.3125f, 0f, 1f), matrix, 1e-7f)
        assertEquals(0.03f, uniformValues(with(UniformSlot("blur", false, 0)), inputs).single().values[0])
    }

    @Test
    fun controlsKnowTheirDefaultsAndRanges() {
        assertEquals(Controls(1.0, 0.0, 0.25, 0.0), Controls.defaults(bundle.controls))
        assertEquals(Controls(1.0, 0.0, -0.75, 0.0), Controls.defaults(bundle.controls).with("warmth", -0.75))
        assertEquals(-1.0, bundle.controls[1].clamp(-3.0), 0.0)
        assertThrows(BundleException::class.java) { Controls.defaults(bundle.controls.drop(1)) }
        val newer = Controls.defaults(bundle.controls + ControlRange("color", -1.0, 1.0, 0.5))
        assertEquals(0.5, newer.color, 0.0)
        assertEquals(-0.25, newer.with("color", -0.25).color, 0.0)
        assertEquals(0.0, newer.grain, 0.0)
        assertEquals(0.75, newer.with("grain", 0.75).grain, 0.0)
        assertEquals(listOf("palette", "skin protection"), bundle.controls.map { it.title }.slice(listOf(0, 3)))
    }
}
