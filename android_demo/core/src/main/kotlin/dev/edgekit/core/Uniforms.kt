package dev.edgekit.core

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** What the user moves; ranges and defaults stand in the bundle. */
data class Controls(
    val intensity: Double,
    val tone: Double,
    val warmth: Double,
    val skinProtection: Double,
    val color: Double = 0.0,
    val grain: Double = 0.0,
) {
    fun value(name: String): Double? = when (name) {
        "intensity" -> intensity
        "tone" -> tone
        "warmth" -> warmth
        "skin_protection" -> skinProtection
        "color" -> color
        "grain" -> grain
        else -> null
    }

    fun with(name: String, value: Double): Controls = of { if (it == name) value else value(it) }

    companion object {
        /** [value]: by name. Null, for a control that the bundle does not name, is a BundleException; for color and
         * grain, which bundles of edgekit 0.1 do not name, it is 0, as their shaders draw. */
        fun of(value: (String) -> Double?): Controls {
            fun required(name: String) =
                value(name) ?: throw BundleException("The bundle has no control \"$name\"; make it again.")
            return Controls(
                required("intensity"), required("tone"), required("warmth"), required("skin_protection"),
                value("color") ?: 0.0, value("grain") ?: 0.0,
            )
        }

        /** The defaults of the bundle's controls. */
        fun defaults(ranges: List<ControlRange>): Controls =
            of { name -> ranges.firstOrNull { it.name == name }?.default }
    }
}

/** What one draw needs besides textures. [image]: the size of the camera's picture or the photo, as it is stored.
 * [output]: of what is drawn into. */
class PassInputs(val controls: Controls, val transforms: PassTransforms, val image: PixelSize, val output: PixelSize)

/** [values]: one float, or a mat3's nine, column after column. */
class UniformValue(val slot: UniformSlot, val values: FloatArray)

/** Every uniform of the description, in its order. */
fun uniformValues(description: ShaderDescription, inputs: PassInputs): List<UniformValue> =
    description.uniforms.map { UniformValue(it, valueOf(it, description, inputs)) }

private fun valueOf(slot: UniformSlot, description: ShaderDescription, inputs: PassInputs): FloatArray {
    val transforms = inputs.transforms
    val value = when (slot.name) {
        "image_from_output" -> transforms.imageFromOutput.columnMajor()
        "mask_from_image" -> transforms.maskFromImage.columnMajor()
        "image_from_mask" -> transforms.maskFromImage.inverse().columnMajor()
        "picture_from_output" -> pictureFromOutput(description, inputs.output).columnMajor()
        "grain_from_image" -> grainFromImage(inputs.image).columnMajor()
        "image_width" -> floatArrayOf(inputs.image.width.toFloat())
        "image_height" -> floatArrayOf(inputs.image.height.toFloat())
        "blur" -> floatArrayOf(description.blur.toFloat())
        else -> floatArrayOf((inputs.controls.value(slot.name) ?: strength(slot.name, description)).toFloat())
    }
    if ((value.size == 9) != slot.isMatrix) throw BundleException("The uniform ${slot.name} has the wrong type.")
    return value
}

/** An image that is the whole photo lies on the grain with its longer side as 1. */
private fun grainFromImage(image: PixelSize): Matrix3 {
    val longest = maxOf(image.width, image.height).toDouble()
    return crop(0.0, 0.0, image.width / longest, image.height / longest)
}

/** The second picture fills the output, centred, cut where its shape differs; it is never mirrored. */
private fun pictureFromOutput(description: ShaderDescription, output: PixelSize): Matrix3 {
    val size = description.pictureSize ?: throw BundleException("The style ${description.title} has no picture; make it again.")
    return aspectFill(ViewGeometry(size.width, size.height, 0, false, output.width, output.height)).imageFromOutput
}

private fun strength(name: String, description: ShaderDescription): Double {
    val layer = name.removePrefix("strength_").toIntOrNull()
    return layer?.let { description.strengths.getOrNull(it) }
        ?: throw BundleException("The uniform $name is not one this app knows; use matching versions.")
}

/** The values as MSL's and WGSL's one block, little-endian; a mat3's columns are 16 bytes apart. The app
 * draws with ESSL; this proves that the values are the ones every other platform gets. */
fun uniformBlock(description: ShaderDescription, values: List<UniformValue>): ByteArray {
    val block = ByteBuffer.allocate(description.uniformBlockSizeBytes).order(ByteOrder.LITTLE_ENDIAN)
    for (value in values) {
        value.values.forEachIndexed { i, number ->
            block.putFloat(value.slot.offsetBytes + 16 * (i / 3) + 4 * (i % 3), number)
        }
    }
    return block.array()
}
