package dev.edgekit.core

import java.nio.ByteBuffer
import java.nio.ByteOrder

/*
 * A photo's place in the network's input: the definition of edgekit/images/fit.py.
 */

/** What is done to photos for inputs that are no squares, as the manifest names it. */
const val FRAME_PREPROCESSING = "fit-bilinear-antialias-srgb-u8/1"

private const val MOST_ASPECT_CHANGE = 1.5
private const val FIT_MULTIPLE = 32 // pixels: the largest stride, so that masks are cut between two pixels

/** A size in pixels; both sides are positive. */
data class PixelSize(val width: Int, val height: Int) {
    val isSquare: Boolean get() = width == height
    val pixels: Int get() = width * height

    override fun toString(): String = if (isSquare) "$height" else "${height}x$width"
}

/** The picture that the network takes. [rgba]: direct, rows from the top; the photo is in the first rows and
 * columns, as many as [shown] says, and the rest is padding. */
class NetworkInput(val rgba: ByteBuffer, val shown: PixelSize)

/** The first rows and columns of an input of this size that show all of a photo: all of them where the photo is
 * stretched, else some, in which it keeps its aspect ratio up to a multiple of 32 pixels. */
fun shownPart(photo: PixelSize, input: PixelSize): PixelSize {
    val across = photo.width.toLong() * input.height
    val down = photo.height.toLong() * input.width
    if (input.isSquare || maxOf(across, down) <= MOST_ASPECT_CHANGE * minOf(across, down)) return input
    return if (across <= down) PixelSize(fitSide(across, photo.height, input.width), input.height)
    else PixelSize(input.width, fitSide(down, photo.width, input.height))
}

/** The first rows and columns of a mask that show the photo. [shown]: of an input of size [input], in pixels. */
fun shownMask(mask: PixelSize, shown: PixelSize, input: PixelSize) =
    PixelSize(mask.width * shown.width / input.width, mask.height * shown.height / input.height)

/** The first [part] of RGBA pixels of size [whole]; the same buffer where that is all of them. */
fun firstPart(rgba: ByteBuffer, whole: PixelSize, part: PixelSize): ByteBuffer {
    if (part == whole) return rgba
    val from = rgba.duplicate()
    val cut = ByteBuffer.allocateDirect(part.pixels * 4).order(ByteOrder.nativeOrder())
    val row = ByteArray(part.width * 4)
    for (y in 0 until part.height) {
        from.at(y * whole.width * 4).get(row)
        cut.put(row)
    }
    return cut.at(0)
}

/** scaled / by, rounded to a multiple of 32 from 32 to [most]. */
private fun fitSide(scaled: Long, by: Int, most: Int): Int {
    val nearest = (2 * scaled + FIT_MULTIPLE.toLong() * by) / (2L * FIT_MULTIPLE * by) * FIT_MULTIPLE
    return nearest.coerceIn(FIT_MULTIPLE.toLong(), most.toLong()).toInt()
}
