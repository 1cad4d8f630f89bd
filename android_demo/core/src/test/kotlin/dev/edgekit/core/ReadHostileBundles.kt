package dev.edgekit.core

import java.io.File

/** Print what this reader makes of each bundle in a folder that tests/support/hostile_bundles.py wrote. Anything but
 * a BundleException ends the program. */
fun main(arguments: Array<String>) {
    val folder = File(arguments[0])
    val cases = JsonAt(parseJson(File(folder, "cases.json").readText(), "cases.json"), "cases.json").list()
    print(writeJson(cases.map { reading(it["name"].text(), File(folder, it["folder"].text())) }))
}

private fun reading(name: String, folder: File): Map<String, Any?> {
    val start = System.nanoTime()
    val sentence = try {
        readAll(openBundle(FolderFiles(folder)))
        null
    } catch (error: BundleException) {
        error.message
    }
    return mapOf("name" to name, "sentence" to sentence, "ms" to (System.nanoTime() - start) / 1e6)
}

private fun readAll(bundle: Bundle) {
    for (style in bundle.styles) {
        val shader = bundle.shader(style)
        shader.dialect("essl300")
    }
    bundle.requireUsable(bundle.segmenter("tflite"))
}
