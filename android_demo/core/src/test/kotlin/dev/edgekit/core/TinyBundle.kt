package dev.edgekit.core

import java.io.File
import java.nio.file.Files
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

/** A bundle small enough to damage in every way: one style with a 2×3×2 table (no shape of a real one,
 * so that no size is like another), files that stand for pictures, and a manifest. */
class TinyBundle {
    val files = LinkedHashMap<String, ByteArray>()
    var schema = "edgekit/bundle"
    var version = "1"
    var defaultStyle = "warm"
    var inputSize = "64"
    var maskSize = "16"
    var goldenStyle = "warm"
    var accelerated = """[{"accelerator": "gpu", "path": "segmenter/half.tflite",
        "manifest": "segmenter/half.tflite.json", "recipe": "fp16"}]"""
    var listed: (String, ByteArray) -> String = { path, bytes -> listing(path, bytes.size.toLong(), sha256(bytes)) }
    var extraListings = emptyList<String>()

    init {
        val table = ByteArray(2 * 3 * 2 * 4) { (it * 5).toByte() }
        files["golden/image.png"] = "image".toByteArray()
        files["golden/mask.png"] = "mask".toByteArray()
        files["golden/styled.png"] = "styled".toByteArray()
        files["golden/vectors.json"] = "{}".toByteArray()
        files["segmenter/net.tflite"] = ByteArray(1000) { it.toByte() }
        files["segmenter/net.tflite.json"] = MANIFEST.toByteArray()
        files["segmenter/half.tflite"] = ByteArray(700) { (2 * it).toByte() }
        files["segmenter/half.tflite.json"] = MANIFEST.toByteArray()
        files["styles/warm/lut_0.rgba8"] = table
        files["styles/warm/shader.json"] = shader(sha256(table)).toByteArray()
    }

    fun json(): String {
        val list = files.map { (path, bytes) -> listed(path, bytes) } + extraListings
        fun image(name: String, side: Int) =
            """{"path": "golden/$name.png", "width": $side, "height": $side, "rgba8_sha256": "${"0".repeat(64)}"}"""
        return """{"schema": "$schema", "schema_version": $version, "name": "tiny", "edgekit_version": "0.1.0",
          "segmenters": [{"target": "tflite", "path": "segmenter/net.tflite", "manifest": "segmenter/net.tflite.json",
            "input_size": $inputSize, "mask_size": $maskSize, "recipe": "planned", "minimum_os": "Android 8",
            "accelerated": $accelerated}],
          "class_names": ["Background", "Face"], "groups": {"skin": [1], "hair": [], "clothes": []},
          "styles": [{"name": "warm", "title": "Warm", "description": "styles/warm/shader.json"}],
          "default_style": "$defaultStyle",
          "controls": [{"name": "intensity", "minimum": 0, "maximum": 1, "default": 1},
            {"name": "tone", "minimum": -1, "maximum": 1, "default": 0},
            {"name": "warmth", "minimum": -1, "maximum": 1, "default": 0.25},
            {"name": "skin_protection", "minimum": 0, "maximum": 1, "default": 0}],
          "golden": {"style": "$goldenStyle",
            "uniforms": {"intensity": 0.8, "tone": 0.1, "warmth": -0.2, "skin_protection": 0.3},
            "image": ${image("image", 64)}, "mask": ${image("mask", 16)}, "styled": ${image("styled", 64)},
            "given_mask_max_levels": 2, "end_to_end_delta_e00_p95": 1.0, "vectors": "golden/vectors.json"},
          "files": [${list.joinToString()}]}"""
    }

    fun folder(): File {
        val root = Files.createTempDirectory("bundle").toFile()
        for ((path, bytes) in files) File(root, path).also { it.parentFile.mkdirs() }.writeBytes(bytes)
        File(root, BUNDLE_FILE).writeText(json())
        return root
    }

    fun zip(): File {
        val file = File.createTempFile("bundle", ".zip")
        ZipOutputStream(file.outputStream()).use { zip ->
            for ((path, bytes) in files + mapOf(BUNDLE_FILE to json().toByteArray())) {
                zip.putNextEntry(ZipEntry(path))
                zip.write(bytes)
                zip.closeEntry()
            }
        }
        return file
    }

    companion object {
        fun listing(path: String, sizeBytes: Long, sha256: String): String =
            writeJson(mapOf("path" to path, "size_bytes" to sizeBytes, "sha256" to sha256))

        const val MANIFEST = """{
          "inputs": [{"shape": [1, 64, 64, 3], "dtype": "uint8", "channels": ["red", "green", "blue"]}],
          "outputs": [{"shape": [1, 16, 16, 4], "dtype": "uint8", "channels": ["skin", "hair", "clothes", "background"]}]}"""

        private fun shader(tableSha256: String): String {
            val text = "void main() {}"
            val source = """{"file": "fused.frag", "text": "$text", "sha256": "${sha256(text.toByteArray())}"}"""
            return """{"schema": "edgekit/shader-description", "schema_version": 1, "title": "Warm",
              "layers": [{"strength": 1}, {"strength": 0.4}],
              "textures": [
                {"name": "u_image", "role": "camera", "dimension": "2d", "format": "rgba8unorm", "filter": "linear",
                 "size": null, "file": null, "sha256": null},
                {"name": "u_lut_0", "role": "lut", "dimension": "3d", "format": "rgba8unorm", "filter": "linear",
                 "size": [2, 3, 2], "file": "lut_0.rgba8", "sha256": "$tableSha256"}],
              "uniforms": [
                {"name": "image_from_output", "type": "mat3", "offset_bytes": 0},
                {"name": "mask_from_image", "type": "mat3", "offset_bytes": 48},
                {"name": "tone", "type": "float", "offset_bytes": 96},
                {"name": "image_height", "type": "float", "offset_bytes": 100},
                {"name": "strength_1", "type": "float", "offset_bytes": 104}],
              "uniform_block_size_bytes": 112,
              "dialects": [{"name": "essl300", "sources": [$source],
                "vertex": {"file": "fused.frag", "entry": "main"}, "fragment": {"file": "fused.frag", "entry": "main"}}]}"""
        }
    }
}
