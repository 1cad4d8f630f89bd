package dev.edgekit.demo.inference

import dev.edgekit.core.Bundle
import dev.edgekit.core.Matrix3
import dev.edgekit.core.NetworkInput
import dev.edgekit.core.PixelSize
import dev.edgekit.core.deltaE00P95
import dev.edgekit.demo.bundle.goldenPicture
import dev.edgekit.demo.gl.Downscaler
import dev.edgekit.demo.gl.StillPicture
import dev.edgekit.demo.gl.maskTexture
import java.io.Closeable

/** The golden picture as a network takes it, and how far from the golden result its mask leads. A GL context must be
 * current wherever this is made, used and closed. */
class GoldenProof(bundle: Bundle, inputSize: PixelSize) : Closeable {
    private val expected = goldenPicture(bundle, bundle.golden.styled)
    private val still: StillPicture
    val input: NetworkInput

    init {
        val image = goldenPicture(bundle, bundle.golden.image)
        still = StillPicture(bundle, image, expected.width, expected.height)
        val downscaler = Downscaler(inputSize, isExternal = false)
        input = downscaler.now(still.texture, Matrix3.IDENTITY, PixelSize(image.width, image.height))
        downscaler.delete()
    }

    /** ΔE2000 (95th percentile) between the picture styled with this mask of [input] and the golden one. */
    fun deltaE00P95(mask: Mask): Double {
        val texture = maskTexture(mask)
        still.draw(texture)
        texture.delete()
        return deltaE00P95(expected.rgba, still.pixels().rgba)
    }

    override fun close() = still.close()
}
