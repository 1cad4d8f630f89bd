package dev.edgekit.demo.inference

import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import dev.edgekit.core.Bundle
import dev.edgekit.core.BundleException
import dev.edgekit.core.NetworkInput
import dev.edgekit.core.SegmenterEntry
import dev.edgekit.core.at
import dev.edgekit.core.firstPart
import dev.edgekit.core.rgbFromRgba
import dev.edgekit.core.shownMask
import dev.edgekit.core.writeWhole
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** One of the bundle's .tflite files in LiteRT 2: on its CPU kernels (XNNPACK), or on the GPU and nowhere else. Given both
 * accelerators, LiteRT would compute on the CPU where the GPU's library is missing, and not say so.
 *
 * [cache]: a folder of the app's own, where LiteRT finds the model as a file. */
class LiteRtSegmenter(
    bundle: Bundle, private val entry: SegmenterEntry, private val isOnGpu: Boolean, threads: Int, cache: File,
) : Segmenter {
    private val model = CompiledModel.create(modelFile(bundle, entry, cache).path, options(isOnGpu, threads))
    private val inputs = model.createInputBuffers()
    private val outputs = model.createOutputBuffers()
    private val rgb = ByteArray(entry.inputSize.pixels * 3)

    override val inputSize get() = entry.inputSize
    override val accelerator get() = if (isOnGpu) "gpu (LiteRT)" else "cpu (XNNPACK)"
    override val isSimulated get() = false

    override fun segment(input: NetworkInput): Segmentation {
        val started = System.nanoTime()
        rgbFromRgba(input.rgba, ByteBuffer.wrap(rgb), entry.inputSize.pixels)
        val invoked = System.nanoTime()
        inputs.single().writeInt8(rgb)
        model.run(inputs, outputs)
        val bytes = outputs.single().readInt8() // waits for the GPU
        val ended = System.nanoTime()
        if (bytes.size != entry.maskSize.pixels * 4) {
            throw BundleException("${entry.path} gives ${bytes.size} bytes, which its manifest does not say; make the bundle again.")
        }
        // A new one: the GL thread still reads the last.
        val mask = ByteBuffer.allocateDirect(bytes.size).order(ByteOrder.nativeOrder()).put(bytes)
        val part = shownMask(entry.maskSize, input.shown, entry.inputSize)
        val shown = Mask(part, firstPart(mask.at(0), entry.maskSize, part))
        return Segmentation(shown, (invoked - started) / 1e6, (ended - invoked) / 1e6)
    }

    override fun close() {
        (inputs + outputs).forEach { it.close() }
        model.close()
    }

    private companion object {
        fun options(isOnGpu: Boolean, threads: Int): CompiledModel.Options {
            if (isOnGpu) return CompiledModel.Options(Accelerator.GPU)
            return CompiledModel.Options(Accelerator.CPU).apply {
                cpuOptions = CompiledModel.CpuOptions(numThreads = threads)
            }
        }

        /** The model's verified bytes as a file; its name is their sha256. */
        fun modelFile(bundle: Bundle, entry: SegmenterEntry, cache: File): File {
            val listed = bundle.entry(entry.path)
            val file = File(cache, "${listed.sha256}.tflite")
            if (file.length() != listed.sizeBytes) writeWhole(file, bundle.bytes(entry.path))
            return file
        }
    }
}
