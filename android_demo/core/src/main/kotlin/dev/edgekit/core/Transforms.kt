package dev.edgekit.core

/*
 * Texture-space transforms. (0, 0) is the top left of a picture's first row, (1, 1) the bottom right;
 * y runs down. The same definitions as edgekit/shader/transforms.py.
 */

/** image_from_output that shows this window of the image; all four as fractions of its sides. */
fun crop(left: Double, top: Double, width: Double, height: Double) =
    Matrix3(doubleArrayOf(width, 0.0, left, 0.0, height, top, 0.0, 0.0, 1.0))

/** image_from_output that swaps left and right. */
fun mirror() = Matrix3(doubleArrayOf(-1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))

/** image_from_output that shows the image turned clockwise by so many quarter turns. */
fun rotation(clockwiseQuarterTurns: Int): Matrix3 {
    val one = Matrix3(doubleArrayOf(0.0, 1.0, 0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 1.0))
    return (1..Math.floorMod(clockwiseQuarterTurns, 4)).fold(Matrix3.IDENTITY) { turned, _ -> turned * one }
}

/** A sensor's picture in a view. [quarterTurns]: clockwise, until the picture stands upright. */
data class ViewGeometry(
    val sensorWidth: Int,
    val sensorHeight: Int,
    val quarterTurns: Int,
    val mirror: Boolean,
    val viewWidth: Int,
    val viewHeight: Int,
) {
    /** The picture's size as it stands upright. */
    val upright: PixelSize
        get() = if (quarterTurns % 2 == 0) PixelSize(sensorWidth, sensorHeight) else PixelSize(sensorHeight, sensorWidth)
}

/** The two matrices the fused pass takes. */
class PassTransforms(val imageFromOutput: Matrix3, val maskFromImage: Matrix3)

/** The upright picture fills the view, centred, cut where its shape differs. The mask is of the whole
 * upright picture, never mirrored. */
fun aspectFill(geometry: ViewGeometry): PassTransforms {
    val upright = geometry.upright
    val sensorFromUpright = rotation(geometry.quarterTurns)
    val uprightFromOutput = centredCrop(upright.width, upright.height, geometry.viewWidth, geometry.viewHeight)
    val seen = if (geometry.mirror) uprightFromOutput * mirror() else uprightFromOutput
    return PassTransforms(sensorFromUpright * seen, sensorFromUpright.inverse())
}

private fun centredCrop(width: Int, height: Int, viewWidth: Int, viewHeight: Int): Matrix3 {
    val shown = (viewWidth.toDouble() * height) / (viewHeight.toDouble() * width) // view's aspect / picture's
    return if (shown > 1.0) crop(0.0, (1.0 - 1.0 / shown) / 2.0, 1.0, 1.0 / shown)
    else crop((1.0 - shown) / 2.0, 0.0, shown, 1.0)
}

/** texture_from_sensor for a SurfaceTexture. [surfaceMatrix]: `getTransformMatrix`, 16 column-major
 * floats that take (s, t), t running up, to where the external texture is to be read. */
fun textureFromSensor(surfaceMatrix: FloatArray): Matrix3 {
    val m = DoubleArray(16) { surfaceMatrix[it].toDouble() }
    val affine = Matrix3(doubleArrayOf(m[0], m[4], m[12], m[1], m[5], m[13], 0.0, 0.0, 1.0))
    val tUp = Matrix3(doubleArrayOf(1.0, 0.0, 0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 1.0))
    return affine * tUp
}

/** The same transforms when the "image" is read through an external texture. */
fun PassTransforms.through(textureFromSensor: Matrix3) =
    PassTransforms(textureFromSensor * imageFromOutput, maskFromImage * textureFromSensor.inverse())

/** What a camera stream says about its picture. [cameraTransformIncluded]: the SurfaceTexture's matrix
 * already brings the picture into the device's natural orientation (CameraX `hasCameraTransform`). */
data class CameraStream(
    val bufferWidth: Int,
    val bufferHeight: Int,
    val sensorRotationDegrees: Int,
    val displayRotationDegrees: Int,
    val cameraTransformIncluded: Boolean,
    val isMirrored: Boolean,
)

/** The stream's picture, after the SurfaceTexture's matrix, in a view.
 *
 * With the camera's transform included, that picture stands upright while the display is in its natural
 * rotation (its sides are swapped against the buffer's for a sensor mounted sideways), a front camera's
 * is mirrored already, and it has to be turned back by the display's rotation. Without, the picture lies
 * as the sensor does. */
fun viewGeometry(stream: CameraStream, mirrorWanted: Boolean, viewWidth: Int, viewHeight: Int): ViewGeometry {
    val included = stream.cameraTransformIncluded
    // rotationDegrees = sensor to display; sensor to natural orientation is that plus the display's turn.
    val sensorToNatural = Math.floorMod(stream.sensorRotationDegrees + stream.displayRotationDegrees, 360)
    val sidesSwap = included && sensorToNatural % 180 != 0
    return ViewGeometry(
        if (sidesSwap) stream.bufferHeight else stream.bufferWidth,
        if (sidesSwap) stream.bufferWidth else stream.bufferHeight,
        Math.floorMod(if (included) -stream.displayRotationDegrees else stream.sensorRotationDegrees, 360) / 90,
        mirrorWanted != stream.isMirrored,
        viewWidth,
        viewHeight,
    )
}

/** How a photo's pixels lie: mirror left and right first, then turn clockwise (EXIF 2.32, tag 0x0112). */
data class PhotoOrientation(val quarterTurns: Int, val mirrorFirst: Boolean) {
    val isSideways: Boolean get() = quarterTurns % 2 != 0

    /** image_from_upright. */
    fun imageFromUpright(): Matrix3 = if (mirrorFirst) mirror() * rotation(quarterTurns) else rotation(quarterTurns)
}

/** Unknown values are upright, as EXIF readers agree. */
fun photoOrientation(exif: Int): PhotoOrientation = when (exif) {
    2 -> PhotoOrientation(0, true)
    3 -> PhotoOrientation(2, false)
    4 -> PhotoOrientation(2, true)
    5 -> PhotoOrientation(3, true)
    6 -> PhotoOrientation(1, false)
    7 -> PhotoOrientation(1, true)
    8 -> PhotoOrientation(3, false)
    else -> PhotoOrientation(0, false)
}

/** A window of the view, from its bottom left as `glViewport` takes it. */
data class Viewport(val left: Int, val bottom: Int, val width: Int, val height: Int)

/** The largest window of the picture's shape, centred. */
fun aspectFit(pictureWidth: Int, pictureHeight: Int, viewWidth: Int, viewHeight: Int): Viewport {
    val scale = minOf(viewWidth.toDouble() / pictureWidth, viewHeight.toDouble() / pictureHeight)
    val width = maxOf(1, Math.round(pictureWidth * scale).toInt())
    val height = maxOf(1, Math.round(pictureHeight * scale).toInt())
    return Viewport((viewWidth - width) / 2, (viewHeight - height) / 2, width, height)
}
