package com.google.ai.edge.litert

enum class Accelerator { NONE, CPU, GPU, NPU }

class LiteRtException(message: String) : Exception(message)

class TensorBuffer : AutoCloseable {
    @Suppress("UNUSED_PARAMETER")
    fun writeInt8(data: ByteArray): Unit = throw RuntimeException("stub")

    fun readInt8(): ByteArray = throw RuntimeException("stub")

    override fun close(): Unit = throw RuntimeException("stub")
}

class CompiledModel : AutoCloseable {
    data class CpuOptions(
        val numThreads: Int? = null, val xnnPackFlags: Int? = null, val xnnPackWeightCachePath: String? = null,
    )

    class Options(internal val accelerators: Set<Accelerator>) {
        constructor(vararg accelerators: Accelerator) : this(setOf(*accelerators))

        var cpuOptions: CpuOptions? = null
    }

    fun createInputBuffers(): List<TensorBuffer> = throw RuntimeException("stub")

    fun createOutputBuffers(): List<TensorBuffer> = throw RuntimeException("stub")

    @Suppress("UNUSED_PARAMETER")
    fun run(inputs: List<TensorBuffer>, outputs: List<TensorBuffer>): Unit = throw RuntimeException("stub")

    override fun close(): Unit = throw RuntimeException("stub")

    companion object {
        @Suppress("UNUSED_PARAMETER")
        fun create(filePath: String, options: Options): CompiledModel = throw RuntimeException("stub")
    }
}
