package dev.edgekit.demo.gl

import android.opengl.GLES30
import dev.edgekit.core.Bundle
import dev.edgekit.core.Matrix3
import dev.edgekit.core.PassInputs
import dev.edgekit.core.PassTransforms
import dev.edgekit.core.Picture
import dev.edgekit.core.PixelSize
import dev.edgekit.demo.inference.Mask
import java.io.Closeable

val UNMOVED = PassTransforms(Matrix3.IDENTITY, Matrix3.IDENTITY)

/** A picture's texture, with the smaller levels the downscaler reads. */
fun pictureTexture(picture: Picture): GlTexture = GlTexture(GLES30.GL_TEXTURE_2D, true).apply {
    upload2d(picture.width, picture.height, direct(picture.rgba))
    GLES30.glGenerateMipmap(target)
}

fun maskTexture(mask: Mask): GlTexture =
    GlTexture(GLES30.GL_TEXTURE_2D, true).apply { upload2d(mask.size.width, mask.size.height, mask.rgba) }

/** Draws one picture in the bundle's golden style, offscreen, at any size. A current context is needed. */
class StillPicture(bundle: Bundle, picture: Picture, width: Int, height: Int) : Closeable {
    private val pass = FusedPass(bundle.shader(bundle.style(bundle.golden.style)), isExternal = false)
    private val target = GlTarget(width, height)
    private val inputs =
        PassInputs(bundle.golden.controls, UNMOVED, PixelSize(picture.width, picture.height), PixelSize(width, height))
    val texture = pictureTexture(picture)

    fun draw(mask: GlTexture) {
        pass.draw(texture, mask, inputs, bindTarget = target::bind)
        requireNoGlError("the fused pass")
    }

    fun pixels(): Picture = target.pixels()

    override fun close() {
        texture.delete()
        target.delete()
        pass.delete()
    }
}
