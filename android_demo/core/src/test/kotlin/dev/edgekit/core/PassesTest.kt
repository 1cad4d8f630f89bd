package dev.edgekit.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class PassesTest {
    private val picture = ByteArray(5 * 2 * 4) { (3 * it).toByte() }

    private fun slot(name: String, role: String, format: String, rest: String) =
        """{"name": "$name", "role": "$role", "dimension": "2d", "format": "$format", "filter": "linear", $rest}"""

    /** The tiny bundle whose style also shows a picture of 5×2 pixels and blurs, in two passes. */
    private fun blurring(): TinyBundle {
        val shipped = """"size": [5, 2], "file": "picture.rgba8", "sha256": "${sha256(picture)}""""
        val none = """"size": null, "file": null, "sha256": null"""
        val slots = listOf(
            slot("u_picture", "picture", "rgba8unorm", shipped),
            slot("u_blurred_x", "blurred", "rgba16float", none), slot("u_blurred", "blurred", "rgba16float", none),
        )
        val stages = """"vertex": {"file": "fused.frag", "entry": "main"}, "fragment": {"file": "fused.frag", "entry": "main"}"""
        return TinyBundle().edited("\"textures\": [", "\"textures\": [${slots.joinToString()},")
            .edited("\"uniforms\": [", "\"uniforms\": [{\"name\": \"blur\", \"type\": \"float\", \"default\": [0.02], \"offset_bytes\": 108},")
            .edited("\"dialects\": [{", "\"dialects\": [{\"passes\": [{\"name\": \"along\", $stages}, {\"name\": \"down\", $stages}],")
            .edited(
                "\"uniform_block",
                """"passes": [
                {"name": "along", "target": "u_blurred_x", "longest_side": 256, "textures": ["u_image"]},
                {"name": "down", "target": "u_blurred", "longest_side": 100, "textures": ["u_blurred_x"]}], "uniform_block""",
            )
            .apply { files["styles/warm/picture.rgba8"] = picture }
    }

    private fun TinyBundle.edited(from: String, to: String) = apply {
        val text = files["styles/warm/shader.json"]!!.toString(Charsets.UTF_8)
        check(from in text) { from }
        files["styles/warm/shader.json"] = text.replaceFirst(from, to).toByteArray()
    }

    private fun shader(tiny: TinyBundle): ShaderDescription =
        openBundle(FolderFiles(tiny.folder())).run { shader(style("warm")) }

    @Test
    fun passesAndPictureAreRead() {
        val shader = shader(blurring())
        assertEquals(listOf("u_blurred_x", "u_blurred"), shader.passes.map { it.target })
        assertEquals(listOf(listOf("u_image"), listOf("u_blurred_x")), shader.passes.map { it.textures })
        assertEquals(2, shader.dialect("essl300").passes.size)
        assertEquals(PixelSize(width = 5, height = 2), shader.pictureSize)
        assertArrayEquals(picture, shader.textures.single { it.role == "picture" }.bytes)
        assertEquals(0.02, shader.blur, 0.0)
    }

    @Test
    fun aDescriptionFromBeforeTheyExistedHasNone() {
        val shader = shader(TinyBundle())
        assertTrue(shader.passes.isEmpty() && shader.dialect("essl300").passes.isEmpty())
        assertEquals(0.0, shader.blur, 0.0)
        assertTrue(targetSizes(shader.passes, PixelSize(640, 480)).isEmpty())
    }

    @Test
    fun targetsFollowTheImage() {
        val passes = shader(blurring()).passes
        val wide = mapOf("u_blurred_x" to PixelSize(256, 192), "u_blurred" to PixelSize(100, 75))
        assertEquals(wide, targetSizes(passes, PixelSize(640, 480)))
        assertEquals(PixelSize(75, 100), targetSizes(passes, PixelSize(480, 640))["u_blurred"])
        assertEquals(PixelSize(97, 61), targetSizes(passes, PixelSize(97, 61))["u_blurred_x"]) // nothing is enlarged
    }

    @Test
    fun halvesGoToTheEvenNeighbourAndNoSideIsNothing() {
        assertEquals(PixelSize(256, 2), copySize(PixelSize(512, 3), 256)) // 1.5
        assertEquals(PixelSize(256, 2), copySize(PixelSize(512, 5), 256)) // 2.5
        assertEquals(PixelSize(1, 256), copySize(PixelSize(1, 5000), 256))
    }

    @Test
    fun passesThatCannotDrawAreRefused() {
        fun message(from: String, to: String): String {
            val bundle = openBundle(FolderFiles(blurring().edited(from, to).folder()))
            return assertThrows(BundleException::class.java) { bundle.shader(bundle.style("warm")) }.message!!
        }
        assertTrue(message("\"target\": \"u_blurred\"", "\"target\": \"u_blurred_x\"").contains("draw each of the textures"))
        assertTrue(message("\"target\": \"u_blurred\"", "\"target\": \"u_image\"").contains("draw each of the textures"))
        assertTrue(message("[\"u_image\"]", "[\"u_blurred_x\"]").contains("along reads u_blurred_x, which holds nothing by then"))
        assertTrue(message("[\"u_image\"]", "[\"u_blurred\"]").contains("along reads u_blurred, which holds nothing by then"))
        assertTrue(message("[\"u_image\"]", "[\"u_none\"]").contains("along reads u_none"))
        assertTrue(message("[\"u_image\"]", "[]").contains("textures is not a list of at least one"))
        assertTrue(message("\"longest_side\": 100", "\"longest_side\": 0").contains("longest_side is not between"))
        assertTrue(message("\"passes\": [{\"name\": \"along\"", "\"passes\": [{\"name\": \"across\"").contains("no text for each pass"))
        assertTrue(message("\"default\": [0.02]", "\"default\": []").contains("no default"))
        assertTrue(message("\"default\": [0.02]", "\"default\": [2]").contains("not between 0.0 and 1.0"))
        assertTrue(message("\"size\": [5, 2]", "\"size\": [5, 2, 1]").contains("the texture has 40 bytes"))
        assertTrue(message("\"size\": [5, 2]", "\"size\": [4, 2]").contains("the texture has 40 bytes"))
        assertTrue(message("rgba16float", "rgba8unorm").contains("blurred texture of another form"))
    }

    @Test
    fun halfFloatsAreDrawnByNewVersionsAndByExtension() {
        assertTrue(drawsHalfFloats("OpenGL ES 3.2 Mesa 22.3.6", ""))
        assertFalse(drawsHalfFloats("OpenGL ES 3.1 v1.r20p0", "GL_OES_texture_half_float GL_EXT_color_buffer_half_floats"))
        assertTrue(drawsHalfFloats("OpenGL ES 3.1 v1.r20p0", "GL_KHR_debug GL_EXT_color_buffer_half_float"))
        assertTrue(drawsHalfFloats("OpenGL ES 3.0", "GL_EXT_color_buffer_float"))
        assertFalse(drawsHalfFloats("", ""))
    }
}
