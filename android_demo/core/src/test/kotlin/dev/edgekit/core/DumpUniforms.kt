package dev.edgekit.core

import java.io.File

/** Print what the app would set for every uniform block of a bundle's vectors, as JSON: the ESSL text is
 * then drawn with these values by a driver that is not here. `DumpUniforms.kt BUNDLE_FOLDER` */
fun main(arguments: Array<String>) {
    val bundle = openBundle(FolderFiles(File(arguments[0])))
    val text = bundle.bytes(bundle.golden.vectors).toString(Charsets.UTF_8)
    val vectors = JsonAt(parseJson(text, "vectors"), "vectors")
    val draws = vectors["uniform_blocks"].list().map { case ->
        val style = case["style"].text()
        val shader = bundle.shader(bundle.style(style))
        val values = uniformValues(shader, passInputsOf(case, vectors))
        mapOf("style" to style, "uniforms" to values.associate { v -> v.slot.name to v.values.map { it.toDouble() } })
    }
    println(writeJson(draws))
}
