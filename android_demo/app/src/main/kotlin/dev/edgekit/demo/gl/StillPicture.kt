package dev.edgekit.demo.gl

import android.opengl.GLES30
import dev.edgekit.core.Bundle
import dev.edgekit.core.Matrix3
import dev.edgekit.core.PassInputs
import dev.edgekit.core.PassTransforms
import dev.edgekit.core.Picture
import dev.edgekit.core.at
import dev.edgekit.demo.inference.Mask
import java.io.Closeable
import java.nio.ByteBuffer

val UNMOVED = PassTransforms(Matrix3.IDENTITY, Matrix3.IDENTITY)

/** A picture's texture, with the smaller levels the downscaler reads. */
fun pictureTexture(picture: Picture): GlTexture = GlTexture(GLES30.GL_TEXTURE_2D, true).apply {
    upload2d(picture.width, picture.height, direct(picture.rgba))
    GLES30.glGenerateMipmap(target)
}

fun maskTexture(mask: Mask): GlTexture =
    GlTexture(GLES30.GL_TEXTURE_2D, true).apply { upload2d(mask.size.width, mask.size.height, mask.rgba) }

/** Draws one picture in the bundle's golden style, offscreen, at any size. A current context is needed. */
class StillPicture(bundle: Bundle, private val picture: Picture, width: Int, height: Int) : Closeable {
    private val controls = bundle.golden.controls
    private val pass = FusedPass(bundle.shader(bundle.style(bundle.golden.style)), isExternal = false)
    private val target = GlTarget(width, height)
    val texture = pictureTexture(picture)

    fun draw(mask: GlTexture) {
        target.bind()
        pass.draw(texture, mask, PassInputs(controls, UNMOVED, picture.width, picture.height))
        requireNoGlError("the fused pass")
    }

    /** What was drawn, rows from the top: GL hands them over from the bottom. */
    fun pixels(): Picture {
        target.bind()
        val bottomUp = ByteBuffer.allocateDirect(target.width * target.height * 4)
        GLES30.glReadPixels(0, 0, target.width, target.height, GLES30.GL_RGBA, GLES30.GL_UNSIGNED_BYTE, bottomUp)
        val rgba = ByteArray(bottomUp.capacity())
        val row = target.width * 4
        for (y in 0 until target.height) {
            bottomUp.at((target.height - 1 - y) * row).get(rgba, y * row, row)
        }
        return Picture(target.width, target.height, rgba)
    }

    override fun close() {
        texture.delete()
        target.delete()
        pass.delete()
    }
}
