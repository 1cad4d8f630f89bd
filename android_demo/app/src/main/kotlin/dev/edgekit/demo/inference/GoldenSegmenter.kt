package dev.edgekit.demo.inference

import dev.edgekit.core.Bundle
import dev.edgekit.core.NetworkInput
import dev.edgekit.core.PixelSize
import dev.edgekit.core.SegmenterEntry
import dev.edgekit.core.at
import dev.edgekit.demo.bundle.goldenPicture
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** A stand-in that answers the golden mask whatever it sees, so that everything around the network can be
 * tested without it. */
class GoldenSegmenter(bundle: Bundle, entry: SegmenterEntry) : Segmenter {
    private val golden = goldenPicture(bundle, bundle.golden.mask)

    override val inputSize = entry.inputSize
    override val accelerator get() = "none (golden mask)"
    override val isSimulated get() = true

    override fun segment(input: NetworkInput): Segmentation {
        val started = System.nanoTime()
        val mask = ByteBuffer.allocateDirect(golden.rgba.size).order(ByteOrder.nativeOrder())
        mask.put(golden.rgba).at(0)
        return Segmentation(Mask(PixelSize(golden.width, golden.height), mask), 0.0, (System.nanoTime() - started) / 1e6)
    }

    override fun close() = Unit
}
