package dev.edgekit.demo.photo

import android.content.ContentResolver
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.ColorSpace
import android.media.ExifInterface
import android.net.Uri
import dev.edgekit.core.PhotoOrientation
import dev.edgekit.core.Picture
import dev.edgekit.core.photoOrientation
import java.io.IOException
import java.nio.ByteBuffer

/** A photo as it lies in its file; [orientation] makes it stand upright, on the GPU. */
class Photo(val picture: Picture, val orientation: PhotoOrientation)

// About the longest screen. Bitmap, bytes and upload lie in memory together: a 12-megapixel photo, halved, is
// 12 MiB each; whole it would be 48, too much for the heap of an old phone.
private const val LARGEST_SIDE = 2560

/** Decode a photo to sRGB bytes with straight alpha, reduced until its sides fit a texture. Call it off the
 * main thread. IOException: not there any more, or no picture. */
fun readPhoto(resolver: ContentResolver, uri: Uri): Photo {
    val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
    open(resolver, uri) { BitmapFactory.decodeStream(it, null, bounds) }
    if (bounds.outWidth <= 0) throw IOException("This file is no picture that Android can read.")
    val options = BitmapFactory.Options().apply {
        inSampleSize = sampleSize(maxOf(bounds.outWidth, bounds.outHeight))
        inPreferredConfig = Bitmap.Config.ARGB_8888
        inPreferredColorSpace = ColorSpace.get(ColorSpace.Named.SRGB)
        inPremultiplied = false
    }
    val bitmap = open(resolver, uri) { BitmapFactory.decodeStream(it, null, options) }
        ?: throw IOException("This picture is damaged.")
    val exif = open(resolver, uri) { ExifInterface(it).getAttributeInt(ExifInterface.TAG_ORIENTATION, 1) }
    return Photo(pictureOf(bitmap), photoOrientation(exif))
}

/** Powers of two, as the decoder takes them. */
internal fun sampleSize(longestSide: Int): Int {
    var sample = 1
    while (longestSide / sample > LARGEST_SIDE) sample *= 2
    return sample
}

private fun pictureOf(bitmap: Bitmap): Picture {
    val rgba = ByteArray(bitmap.width * bitmap.height * 4)
    bitmap.copyPixelsToBuffer(ByteBuffer.wrap(rgba)) // ARGB_8888 lies as r, g, b, a in memory
    val picture = Picture(bitmap.width, bitmap.height, rgba)
    bitmap.recycle()
    return picture
}

private fun <T> open(resolver: ContentResolver, uri: Uri, read: (java.io.InputStream) -> T): T =
    (resolver.openInputStream(uri) ?: throw IOException("The photo is not there any more.")).use(read)
