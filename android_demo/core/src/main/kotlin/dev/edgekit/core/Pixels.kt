package dev.edgekit.core

import java.nio.Buffer
import java.nio.ByteBuffer

/** A picture in bytes. [rgba]: height × width × (r, g, b, a), rows from the top, encoded sRGB, straight alpha. */
class Picture(val width: Int, val height: Int, val rgba: ByteArray) {
    init {
        require(rgba.size == width * height * 4) { "$width × $height RGBA needs ${width * height * 4} bytes" }
    }
}

/** RGBA bytes to RGB bytes: what the network takes. Both are read and written from their start. */
fun rgbFromRgba(rgba: ByteBuffer, rgb: ByteBuffer, pixels: Int) {
    val from = rgba.duplicate().at(0)
    val to = rgb.duplicate().at(0)
    val row = ByteArray(4 * ROW_PIXELS)
    val out = ByteArray(3 * ROW_PIXELS)
    var left = pixels
    while (left > 0) {
        val count = minOf(left, ROW_PIXELS)
        from.get(row, 0, 4 * count)
        for (i in 0 until count) {
            out[3 * i] = row[4 * i]
            out[3 * i + 1] = row[4 * i + 1]
            out[3 * i + 2] = row[4 * i + 2]
        }
        to.put(out, 0, 3 * count)
        left -= count
    }
}

private const val ROW_PIXELS = 1024 // block copies: element access of a direct buffer is slow on ART

/** The buffer, to be read or written from this byte on. ByteBuffer's own `position` and `rewind` return a
 * ByteBuffer only since Java 9 and Android 9; code compiled against those breaks on Android 8. */
fun ByteBuffer.at(byte: Int): ByteBuffer {
    val plain: Buffer = this
    plain.position(byte)
    return this
}

/** RGBA from Android's packed ARGB ints (`Bitmap.getPixels`, straight alpha). */
fun rgbaFromArgb(argb: IntArray): ByteArray {
    val rgba = ByteArray(4 * argb.size)
    for (i in argb.indices) {
        rgba[4 * i] = (argb[i] shr 16).toByte()
        rgba[4 * i + 1] = (argb[i] shr 8).toByte()
        rgba[4 * i + 2] = argb[i].toByte()
        rgba[4 * i + 3] = (argb[i] ushr 24).toByte()
    }
    return rgba
}

/** The largest difference of any channel, in levels of 255. */
fun maxLevels(a: ByteArray, b: ByteArray): Int {
    require(a.size == b.size) { "pictures of ${a.size} and ${b.size} bytes cannot be compared" }
    var largest = 0
    for (i in a.indices) largest = maxOf(largest, Math.abs((a[i].toInt() and 255) - (b[i].toInt() and 255)))
    return largest
}
