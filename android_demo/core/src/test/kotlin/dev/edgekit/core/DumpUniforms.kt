package dev.edgekit.core

import java.io.File

/** Print what the app would set for the golden picture and for every uniform block of a bundle's vectors, and
 * its downscaling pass, as JSON: the ESSL texts are then drawn with these values by a driver that is not here.
 * `DumpUniforms.kt BUNDLE_FOLDER` */
fun main(arguments: Array<String>) {
    val bundle = openBundle(FolderFiles(File(arguments[0])))
    val vectors = bundle.json(bundle.golden.vectors)
    fun draw(style: String, inputs: PassInputs): Map<String, Any> {
        val values = uniformValues(bundle.shader(bundle.style(style)), inputs)
        return mapOf("style" to style, "uniforms" to values.associate { v -> v.slot.name to v.values.map { it.toDouble() } })
    }
    val golden = bundle.golden
    val unmoved = PassTransforms(Matrix3.IDENTITY, Matrix3.IDENTITY)
    val size = PixelSize(golden.image.width, golden.image.height)
    val whole = PassInputs(golden.controls, unmoved, size, size)
    val draws = vectors["uniform_blocks"].list().map { draw(it["style"].text(), passInputsOf(it, vectors)) }
    val downscale = listOf(0, 1, 2, 3).map { turns ->
        mapOf("quarter_turns" to turns, "image_from_upright" to rotation(turns).columnMajor().map { it.toDouble() })
    }
    val dump = mapOf(
        "draws" to listOf(draw(golden.style, whole)) + draws,
        "downscale_vertex" to DOWNSCALE_VERTEX,
        "downscale_fragment" to downscaleFragment(isExternal = false),
        "downscale_fragment_external" to downscaleFragment(isExternal = true),
        "downscale_turns" to downscale,
        "tap_192_to_96" to tapOffset(192, 96).toDouble(),
    )
    println(writeJson(dump))
}
