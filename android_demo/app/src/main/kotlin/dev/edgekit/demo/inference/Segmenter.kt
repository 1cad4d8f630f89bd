package dev.edgekit.demo.inference

import dev.edgekit.core.NetworkInput
import dev.edgekit.core.PixelSize
import java.io.Closeable
import java.nio.ByteBuffer

/** Weights of skin, hair and clothes in r, g, b, rows from the top, of the whole photo: one RGBA8 texture. */
class Mask(val size: PixelSize, val rgba: ByteBuffer)

/** [inferenceMs]: the runtime's invoke alone. [preprocessMs]: RGBA to RGB. */
class Segmentation(val mask: Mask, val preprocessMs: Double, val inferenceMs: Double)

/** A network that finds skin, hair and clothes. Not thread-safe: one thread opens, uses and closes it. */
interface Segmenter : Closeable {
    val inputSize: PixelSize

    /** What computes, as obtained, such as `cpu`. */
    val accelerator: String

    /** True for a stand-in: its times are no phone's. */
    val isSimulated: Boolean

    /** [input]: of [inputSize], with the whole upright picture. */
    fun segment(input: NetworkInput): Segmentation
}
