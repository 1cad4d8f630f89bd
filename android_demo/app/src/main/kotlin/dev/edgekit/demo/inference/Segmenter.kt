package dev.edgekit.demo.inference

import java.io.Closeable
import java.nio.ByteBuffer

/** Weights of skin, hair and clothes in r, g, b at [side] × [side], rows from the top: one RGBA8 texture. */
class Mask(val side: Int, val rgba: ByteBuffer)

/** [inferenceMs]: the runtime's invoke alone. [preprocessMs]: RGBA to RGB. */
class Segmentation(val mask: Mask, val preprocessMs: Double, val inferenceMs: Double)

/** A network that finds skin, hair and clothes. Not thread-safe: one thread opens, uses and closes it. */
interface Segmenter : Closeable {
    /** Pixels a side of the square input. */
    val inputSize: Int

    /** What computes, as obtained, such as `cpu`. */
    val accelerator: String

    /** True for a stand-in: its times are no phone's. */
    val isSimulated: Boolean

    /** [rgba]: direct, [inputSize]² × 4 bytes, the whole upright picture, rows from the top. */
    fun segment(rgba: ByteBuffer): Segmentation
}
