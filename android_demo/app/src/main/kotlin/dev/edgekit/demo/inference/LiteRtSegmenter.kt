package dev.edgekit.demo.inference

import dev.edgekit.core.Bundle
import dev.edgekit.core.BundleException
import dev.edgekit.core.NetworkInput
import dev.edgekit.core.SegmenterEntry
import dev.edgekit.core.at
import dev.edgekit.core.firstPart
import dev.edgekit.core.rgbFromRgba
import dev.edgekit.core.shownMask
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.tensorflow.lite.Interpreter

/** The bundle's .tflite on LiteRT's CPU kernels (XNNPACK), where its int8 recipe was planned to run. */
class LiteRtSegmenter(bundle: Bundle, private val entry: SegmenterEntry, threads: Int) : Segmenter {
    private val interpreter = Interpreter(direct(bundle.bytes(entry.path)), Interpreter.Options().setNumThreads(threads))
    private val rgb = buffer(entry.inputSize.pixels * 3)

    override val inputSize get() = entry.inputSize
    override val accelerator get() = "cpu (XNNPACK)"
    override val isSimulated get() = false

    init {
        val outputBytes = interpreter.getOutputTensor(0).numBytes()
        if (interpreter.getInputTensor(0).numBytes() != rgb.capacity() || outputBytes != maskBytes()) {
            interpreter.close()
            throw BundleException("${entry.path} is not of the size its manifest says; make the bundle again.")
        }
    }

    override fun segment(input: NetworkInput): Segmentation {
        val started = System.nanoTime()
        rgbFromRgba(input.rgba, rgb, entry.inputSize.pixels)
        val mask = buffer(maskBytes()) // a new one: the GL thread still reads the last
        val invoked = System.nanoTime()
        interpreter.run(rgb.at(0), mask)
        val ended = System.nanoTime()
        val part = shownMask(entry.maskSize, input.shown, entry.inputSize)
        val shown = Mask(part, firstPart(mask.at(0), entry.maskSize, part))
        return Segmentation(shown, (invoked - started) / 1e6, (ended - invoked) / 1e6)
    }

    override fun close() = interpreter.close()

    private fun maskBytes() = entry.maskSize.pixels * 4

    private companion object {
        fun buffer(bytes: Int): ByteBuffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())

        /** LiteRT keeps reading the model from this memory. */
        fun direct(bytes: ByteArray): ByteBuffer = buffer(bytes.size).put(bytes).at(0)
    }
}
