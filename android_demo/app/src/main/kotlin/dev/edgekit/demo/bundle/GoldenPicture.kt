package dev.edgekit.demo.bundle

import android.graphics.BitmapFactory
import dev.edgekit.core.Bundle
import dev.edgekit.core.BundleException
import dev.edgekit.core.GoldenImage
import dev.edgekit.core.Picture
import dev.edgekit.core.rgbaFromArgb
import dev.edgekit.core.sha256

/** A golden PNG, decoded; a decoder that gives other bytes than Python's is a BundleException. */
fun goldenPicture(bundle: Bundle, image: GoldenImage): Picture {
    val png = bundle.bytes(image.path)
    val options = BitmapFactory.Options().apply { inPremultiplied = false }
    val bitmap = BitmapFactory.decodeByteArray(png, 0, png.size, options)
        ?: throw BundleException("${image.path} cannot be decoded; make the bundle again.")
    val argb = IntArray(bitmap.width * bitmap.height)
    bitmap.getPixels(argb, 0, bitmap.width, 0, 0, bitmap.width, bitmap.height)
    val picture = Picture(bitmap.width, bitmap.height, rgbaFromArgb(argb))
    bitmap.recycle()
    if (sha256(picture.rgba) != image.rgba8Sha256) {
        throw BundleException("${image.path} decodes to other pixels here than where the bundle was made.")
    }
    return picture
}
