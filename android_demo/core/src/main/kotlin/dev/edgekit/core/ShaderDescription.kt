package dev.edgekit.core

private const val SHADER_SCHEMA = "edgekit/shader-description"

/** One texture slot. [size] and [bytes] (RGBA8; a table's red runs fastest) are there when the bundle
 * ships them; the app supplies the others. [role]: camera, mask or lut. */
class TextureSlot(
    val name: String,
    val role: String,
    val is3d: Boolean,
    val isLinear: Boolean,
    val size: List<Int>?,
    val bytes: ByteArray?,
)

/** [isMatrix]: a mat3, else a float. [offsetBytes]: in the one block of the dialects that have blocks. */
data class UniformSlot(val name: String, val isMatrix: Boolean, val offsetBytes: Int)

data class DialectText(val vertex: String, val fragment: String)

/** What the app needs of `shader.json`; the format is `docs/shader.md`. [strengths]: default per layer. */
class ShaderDescription(
    val title: String,
    val textures: List<TextureSlot>,
    val uniforms: List<UniformSlot>,
    val strengths: List<Double>,
    val uniformBlockSizeBytes: Int,
    private val dialects: Map<String, DialectText>,
) {
    fun dialect(name: String): DialectText = dialects[name]
        ?: throw BundleException("The style has no $name text; make the bundle again with it.")
}

// The app uploads a mask and tables. Guided coefficients, drawn masks, second pictures and the passes of a blur need
// an app that makes them.
private val KNOWN_ROLES = setOf("camera", "mask", "lut")
// The largest that the uploads below allocate for: a table of 1024 a side would be 4 GiB, a block has 112 bytes.
private const val LARGEST_TABLE_SIDE = 1024
private const val LARGEST_BLOCK_BYTES = 65536
private const val MAT3_BYTES = 48L // three columns, 16 bytes apart
private const val FLOAT_BYTES = 4L
private val PLAIN_NAME = Regex("[A-Za-z0-9][A-Za-z0-9._-]*")

/** Parse `shader.json`. [fileBytes] gives the verified bytes of a file beside it. */
internal fun readShaderDescription(root: JsonAt, fileBytes: (String) -> ByteArray): ShaderDescription {
    if (root["schema"].text() != SHADER_SCHEMA || root["schema_version"].whole() != 1L) {
        throw BundleException("${root.where} is not a shader description of version 1; make the bundle again.")
    }
    val blockSizeBytes = root["uniform_block_size_bytes"].int(16..LARGEST_BLOCK_BYTES)
    return ShaderDescription(
        root["title"].text(),
        root["textures"].list().map { texture(it, fileBytes) },
        root["uniforms"].list().map { uniform(it, blockSizeBytes) },
        root["layers"].list().map { it["strength"].number(0.0..1.0) },
        blockSizeBytes,
        root["dialects"].list().associate { it["name"].text() to dialect(it) },
    )
}

private fun texture(item: JsonAt, fileBytes: (String) -> ByteArray): TextureSlot {
    val role = item["role"].text()
    if (role !in KNOWN_ROLES || item["format"].text() != "rgba8unorm") {
        val cure = if (role == "coefficients") "--refinement bilinear" else "tables alone, without blur and picture"
        throw BundleException("${item.where} is a $role texture, which this app does not draw; make the style with $cure.")
    }
    val size = if (item["size"].isNull) null else item["size"].list().map { it.int(1..LARGEST_TABLE_SIDE) }
    val bytes = if (item["file"].isNull) null else tableBytes(item, size, fileBytes)
    val is3d = item["dimension"].text() == "3d"
    return TextureSlot(item["name"].text(), role, is3d, item["filter"].text() == "linear", size, bytes)
}

private fun tableBytes(item: JsonAt, size: List<Int>?, fileBytes: (String) -> ByteArray): ByteArray {
    val bytes = fileBytes(plainName(item["file"]))
    val texels = size.orEmpty().take(3).fold(1L) { product, side -> product * side }
    if (size == null || size.size != 3 || bytes.size.toLong() != texels * 4) {
        throw BundleException("${item.where}: the table has ${bytes.size} bytes, which its size does not explain.")
    }
    if (sha256(bytes) != item["sha256"].text()) {
        throw BundleException("${item.where}: the table is not the one that was described; make the bundle again.")
    }
    return bytes
}

private fun uniform(item: JsonAt, blockSizeBytes: Int): UniformSlot {
    val type = item["type"].text()
    if (type != "float" && type != "mat3") throw BundleException("${item.where} has the unknown type $type.")
    val slot = UniformSlot(item["name"].text(), type == "mat3", item["offset_bytes"].int(0..LARGEST_BLOCK_BYTES))
    if (slot.offsetBytes + (if (slot.isMatrix) MAT3_BYTES else FLOAT_BYTES) > blockSizeBytes) {
        throw BundleException("${item.where}: the uniform ${slot.name} lies outside the uniform block.")
    }
    return slot
}

private fun dialect(item: JsonAt): DialectText {
    val texts = item["sources"].list().associate { plainName(it["file"]) to checkedText(it) }
    fun stage(name: String) = texts[item[name]["file"].text()]
        ?: throw BundleException("${item.where}/$name names no source; make the bundle again.")
    return DialectText(stage("vertex"), stage("fragment"))
}

private fun checkedText(source: JsonAt): String {
    val text = source["text"].text()
    if (sha256(text.toByteArray(Charsets.UTF_8)) != source["sha256"].text()) {
        throw BundleException("${source.where}: the shader text was changed; make the bundle again.")
    }
    return text
}

private fun plainName(file: JsonAt): String {
    val name = file.text()
    if (!PLAIN_NAME.matches(name)) throw BundleException("${file.where} \"$name\" is not a plain file name.")
    return name
}
