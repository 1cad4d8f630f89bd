package dev.edgekit.core

private const val SHADER_SCHEMA = "edgekit/shader-description"

/** One texture slot. [size] and [bytes] (RGBA8, first row first; a table's red runs fastest) are there when the bundle
 * ships them; passes draw those whose [role] is blurred, the app supplies camera and mask. */
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

/** The two texts of one program. */
data class ShaderStages(val vertex: String, val fragment: String)

/** [passes]: in the order of the description's. */
class DialectText(val fused: ShaderStages, val passes: List<ShaderStages>)

/** What the app needs of `shader.json`; the format is `docs/shader.md`. [strengths]: default per layer. [blur]: the
 * default of the uniform of this name, a share of the image's longer side; 0 without a blur. */
class ShaderDescription(
    val title: String,
    val textures: List<TextureSlot>,
    val uniforms: List<UniformSlot>,
    val strengths: List<Double>,
    val blur: Double,
    val uniformBlockSizeBytes: Int,
    val passes: List<ShaderPass>,
    private val dialects: Map<String, DialectText>,
) {
    /** The size of the second picture; null where the style shows none. */
    val pictureSize: PixelSize?
        get() = textures.firstOrNull { it.role == "picture" }?.size?.let { PixelSize(it[0], it[1]) }

    fun dialect(name: String): DialectText = dialects[name]
        ?: throw BundleException("The style has no $name text; make the bundle again with it.")
}

private val DRAWN_ROLES = setOf("camera", "mask", "drawn-mask", "lut", "picture", "blurred")
// What an app would have to make, and what to make the style with instead.
private val CURES = mapOf("coefficients" to "--refinement bilinear", "picture" to "a picture of its own")
// The largest that the uploads allocate for: a table of 1024 a side would be 4 GiB, a block has 112 bytes.
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
    val textures = root["textures"].list().map { texture(it, fileBytes) }
    val passes = readPasses(root, textures)
    return ShaderDescription(
        root["title"].text(),
        textures,
        root["uniforms"].list().map { uniform(it, blockSizeBytes) },
        root["layers"].list().map { it["strength"].number(0.0..1.0) },
        blur(root["uniforms"].list()),
        blockSizeBytes,
        passes,
        root["dialects"].list().associate { it["name"].text() to dialect(it, passes) },
    )
}

private fun texture(item: JsonAt, fileBytes: (String) -> ByteArray): TextureSlot {
    val role = item["role"].text()
    val isShipped = !item["file"].isNull
    if (role !in DRAWN_ROLES || role == "picture" && !isShipped) {
        val cure = CURES[role] ?: "a matching version"
        throw BundleException("${item.where} is a $role texture, which this app cannot supply; make the style with $cure.")
    }
    val form = Pair(item["dimension"].text(), item["format"].text())
    val is3d = role == "lut"
    if (form != Pair(if (is3d) "3d" else "2d", if (role == "blurred") "rgba16float" else "rgba8unorm")) {
        throw BundleException("${item.where} is a $role texture of another form than this app draws; use matching versions.")
    }
    val largest = if (is3d) LARGEST_TABLE_SIDE else LARGEST_SIDE
    val size = if (item["size"].isNull) null else item["size"].list().map { it.int(1..largest) }
    val bytes = if (isShipped) shippedBytes(item, size, if (is3d) 3 else 2, fileBytes) else null
    return TextureSlot(item["name"].text(), role, is3d, item["filter"].text() == "linear", size, bytes)
}

private fun shippedBytes(item: JsonAt, size: List<Int>?, sides: Int, fileBytes: (String) -> ByteArray): ByteArray {
    val bytes = fileBytes(plainName(item["file"]))
    val texels = size.orEmpty().take(3).fold(1L) { product, side -> product * side }
    if (size == null || size.size != sides || bytes.size.toLong() != texels * 4) {
        throw BundleException("${item.where}: the texture has ${bytes.size} bytes, which its size does not explain.")
    }
    if (sha256(bytes) != item["sha256"].text()) {
        throw BundleException("${item.where}: the texture is not the one that was described; make the bundle again.")
    }
    return bytes
}

private fun blur(uniforms: List<JsonAt>): Double {
    val blur = uniforms.firstOrNull { it["name"].text() == "blur" } ?: return 0.0
    return blur["default"].list().firstOrNull()?.number(0.0..1.0)
        ?: throw BundleException("${blur.where} has no default; make the bundle again.")
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

private fun dialect(item: JsonAt, passes: List<ShaderPass>): DialectText {
    val texts = item["sources"].list().associate { plainName(it["file"]) to checkedText(it) }
    fun stage(of: JsonAt, name: String) = texts[of[name]["file"].text()]
        ?: throw BundleException("${of.where}/$name names no source; make the bundle again.")
    fun stages(of: JsonAt) = ShaderStages(stage(of, "vertex"), stage(of, "fragment"))
    val passTexts = if ("passes" in item.keys) item["passes"].list() else emptyList()
    if (passTexts.map { it["name"].text() } != passes.map { it.name }) {
        throw BundleException("${item.where} has no text for each pass; make the bundle again.")
    }
    return DialectText(stages(item), passTexts.map(::stages))
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
