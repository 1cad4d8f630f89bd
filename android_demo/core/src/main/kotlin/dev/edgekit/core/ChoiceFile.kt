package dev.edgekit.core

import java.io.File
import java.io.IOException

/** The remembered accelerator as a file of the app's own. */
class ChoiceFile(private val file: File) : ChoiceStore {
    override fun read(): String? = if (file.length() in 1..MOST_BYTES) file.readText() else null

    override fun write(text: String) = writeWhole(file, text.toByteArray())

    private companion object {
        const val MOST_BYTES = 1L shl 20 // far more than a choice ever has
    }
}

/** A reader sees the whole file or none. */
fun writeWhole(file: File, bytes: ByteArray) {
    val part = File(file.path + ".part")
    part.writeBytes(bytes)
    if (!part.renameTo(file)) throw IOException("$file cannot be written")
}
