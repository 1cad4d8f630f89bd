package dev.edgekit.demo.gl

import android.opengl.GLES30
import dev.edgekit.core.DOWNSCALE_VERTEX
import dev.edgekit.core.Matrix3
import dev.edgekit.core.NetworkInput
import dev.edgekit.core.PixelSize
import dev.edgekit.core.at
import dev.edgekit.core.downscaleFragment
import dev.edgekit.core.shownPart
import dev.edgekit.core.tapOffset
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Brings the picture, upright and fitted to the network's input, into memory: it is made small on the
 * GPU, and only the small picture is read back, through a pixel buffer while the GPU goes on drawing.
 *
 * A CPU network needs its input in memory, so this copy (1 MiB at 512²) is the one that remains; the
 * picture at full size never leaves the GPU. */
class Downscaler(val size: PixelSize, isExternal: Boolean) {
    private val program = GlProgram(DOWNSCALE_VERTEX, downscaleFragment(isExternal))
    private val target = GlTarget(size.width, size.height)
    private val buffer = IntArray(1).also { GLES30.glGenBuffers(1, it, 0) }[0]
    private var fence = 0L
    private var shown = size // of the input that is under way

    init {
        GLES30.glBindBuffer(GLES30.GL_PIXEL_PACK_BUFFER, buffer)
        GLES30.glBufferData(GLES30.GL_PIXEL_PACK_BUFFER, bytes(), null, GLES30.GL_STREAM_READ)
        GLES30.glBindBuffer(GLES30.GL_PIXEL_PACK_BUFFER, 0)
    }

    /** Draw, and ask for the pixels. [upright]: the size of the picture as it stands upright. */
    fun start(picture: GlTexture, imageFromUpright: Matrix3, upright: PixelSize) {
        draw(picture, imageFromUpright, upright)
        GLES30.glBindBuffer(GLES30.GL_PIXEL_PACK_BUFFER, buffer)
        GLES30.glReadPixels(0, 0, size.width, size.height, GLES30.GL_RGBA, GLES30.GL_UNSIGNED_BYTE, 0)
        GLES30.glBindBuffer(GLES30.GL_PIXEL_PACK_BUFFER, 0)
        fence = GLES30.glFenceSync(GLES30.GL_SYNC_GPU_COMMANDS_COMPLETE, 0)
        GLES30.glFlush() // without it the fence may never be reached
    }

    /** The input when the GPU is done, else null. Never waits. */
    fun poll(): NetworkInput? {
        if (fence == 0L) return null
        val state = GLES30.glClientWaitSync(fence, 0, 0)
        if (state == GLES30.GL_TIMEOUT_EXPIRED) return null
        deleteFence()
        if (state == GLES30.GL_WAIT_FAILED) throw GlException("the GPU lost the picture for the network")
        return NetworkInput(mapped(), shown)
    }

    /** The same at once, for the benchmark and the tests: this waits for the GPU. */
    fun now(picture: GlTexture, imageFromUpright: Matrix3, upright: PixelSize): NetworkInput {
        draw(picture, imageFromUpright, upright)
        val pixels = pixelBuffer()
        GLES30.glReadPixels(0, 0, size.width, size.height, GLES30.GL_RGBA, GLES30.GL_UNSIGNED_BYTE, pixels)
        return NetworkInput(pixels, shown)
    }

    fun delete() {
        deleteFence()
        GLES30.glDeleteBuffers(1, intArrayOf(buffer), 0)
        target.delete()
        program.delete()
    }

    private fun draw(picture: GlTexture, imageFromUpright: Matrix3, upright: PixelSize) {
        shown = shownPart(upright, size)
        target.bind()
        GLES30.glClearColor(0f, 0f, 0f, 1f) // the padding
        GLES30.glClear(GLES30.GL_COLOR_BUFFER_BIT)
        GLES30.glViewport(0, 0, shown.width, shown.height)
        program.use()
        picture.bindTo(0)
        val isMipmapped = picture.target == GLES30.GL_TEXTURE_2D // a photo; an external texture has one level
        if (isMipmapped) picture.setMinFilter(GLES30.GL_LINEAR_MIPMAP_LINEAR)
        GLES30.glUniform1i(program.location("u_image"), 0)
        GLES30.glUniformMatrix3fv(program.location("u_image_from_upright"), 1, false, imageFromUpright.columnMajor(), 0)
        val across = if (isMipmapped) 0f else tapOffset(upright.width, shown.width)
        val down = if (isMipmapped) 0f else tapOffset(upright.height, shown.height)
        GLES30.glUniform1f(program.location("u_tap_x"), across)
        GLES30.glUniform1f(program.location("u_tap_y"), down)
        GLES30.glDrawArrays(GLES30.GL_TRIANGLES, 0, 3)
        if (isMipmapped) picture.setMinFilter(GLES30.GL_LINEAR)
    }

    private fun mapped(): ByteBuffer {
        GLES30.glBindBuffer(GLES30.GL_PIXEL_PACK_BUFFER, buffer)
        val mapped = GLES30.glMapBufferRange(GLES30.GL_PIXEL_PACK_BUFFER, 0, bytes(), GLES30.GL_MAP_READ_BIT)
        val source = mapped as ByteBuffer?
            ?: throw GlException("the driver does not map the picture for the network")
        val pixels = pixelBuffer()
        pixels.put(source).at(0)
        GLES30.glUnmapBuffer(GLES30.GL_PIXEL_PACK_BUFFER)
        GLES30.glBindBuffer(GLES30.GL_PIXEL_PACK_BUFFER, 0)
        return pixels
    }

    private fun deleteFence() {
        if (fence != 0L) GLES30.glDeleteSync(fence)
        fence = 0L
    }

    private fun pixelBuffer() = ByteBuffer.allocateDirect(bytes()).order(ByteOrder.nativeOrder())

    private fun bytes() = size.pixels * 4
}
