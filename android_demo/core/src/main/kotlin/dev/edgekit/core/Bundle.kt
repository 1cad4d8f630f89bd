package dev.edgekit.core

import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream
import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException
import java.security.MessageDigest
import java.text.Normalizer
import java.util.Locale

const val BUNDLE_FILE = "bundle.json"
private const val SCHEMA = "edgekit/bundle"
private const val SCHEMA_VERSION = 1

// The limits of the bundle format: a phone reads the whole bundle before it shows anything.
private const val LARGEST_BUNDLE_JSON_BYTES = 1L shl 20
private const val LARGEST_FILE_BYTES = 64L shl 20
private const val LARGEST_BUNDLE_BYTES = 256L shl 20
private const val LARGEST_PATH_CHARS = 1000
internal const val LARGEST_SIDE = 16384 // pixels: the largest texture that a GPU of today takes
private const val LARGEST_DELTA_E = 100.0 // black against white
private val TARGETS = setOf("coreml", "tflite")
private val OTHER_ACCELERATORS = setOf("gpu")
private val SHAPE = Regex("([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")

data class FileEntry(val path: String, val sizeBytes: Long, val sha256: String)

/** An artifact of the same network and sizes for another processor; its file may be the segmenter's own. */
data class AcceleratedEntry(val accelerator: String, val path: String, val manifest: String, val recipe: String)

/** One converted network: the artifact that every device runs, and those that a device may be faster with. */
data class SegmenterEntry(
    val target: String,
    val path: String,
    val manifest: String,
    val inputSize: PixelSize,
    val maskSize: PixelSize,
    val recipe: String,
    val minimumOs: String,
    val accelerated: List<AcceleratedEntry> = emptyList(),
) {
    /** The same network by the artifact for another processor. */
    fun by(other: AcceleratedEntry): SegmenterEntry =
        copy(path = other.path, manifest = other.manifest, recipe = other.recipe, accelerated = emptyList())
}

data class StyleEntry(val name: String, val title: String, val description: String)

/** One slider: what the shader's uniform takes. */
data class ControlRange(val name: String, val minimum: Double, val maximum: Double, val default: Double) {
    /** For people: intensity is what Apple's styles call palette. */
    val title: String get() = if (name == "intensity") "palette" else name.replace('_', ' ')

    fun clamp(value: Double): Double = value.coerceIn(minimum, maximum)
}

/** A PNG and the sha256 of its decoded RGBA bytes, rows from the top, alpha 255. */
data class GoldenImage(val path: String, val width: Int, val height: Int, val rgba8Sha256: String)

/** The picture every platform draws: [styled] is [image] with [mask], in [style] with [controls]. */
data class Golden(
    val style: String,
    val controls: Controls,
    val image: GoldenImage,
    val mask: GoldenImage,
    val styled: GoldenImage,
    val givenMaskMaxLevels: Int,
    val endToEndDeltaE00P95: Double,
    val vectors: String,
)

/** A bundle whose every file was there, listed, and of the right size and sha256 when it was opened.
 * [groups]: what the mask's channels sum, as indices into [classNames]. */
class Bundle internal constructor(
    private val files: BundleFiles,
    private val entries: Map<String, FileEntry>,
    val name: String,
    val edgekitVersion: String,
    val segmenters: List<SegmenterEntry>,
    val classNames: List<String>,
    val groups: Map<String, List<Int>>,
    val styles: List<StyleEntry>,
    val defaultStyle: String,
    val controls: List<ControlRange>,
    val golden: Golden,
) {
    fun entry(path: String): FileEntry =
        entries[path] ?: throw BundleException("$path is not listed in $BUNDLE_FILE; make the bundle again.")

    /** The file's bytes, checked again: what is used is what was listed, even if the file changed since. */
    fun bytes(path: String): ByteArray {
        val kept = ByteArrayOutputStream()
        readable { verify(files, entry(path)) { block, count -> kept.write(block, 0, count) } }
        return kept.toByteArray()
    }

    /** A listed JSON file. */
    fun json(path: String): JsonAt = JsonAt(parseJson(utf8(bytes(path), path), path), path)

    fun style(name: String): StyleEntry = styles.firstOrNull { it.name == name }
        ?: throw BundleException("There is no style \"$name\"; known: ${styles.joinToString { it.name }}.")

    /** The artifact for a runtime, such as `tflite`. */
    fun segmenter(target: String): SegmenterEntry = segmenters.firstOrNull { it.target == target }
        ?: throw BundleException("The bundle holds no $target artifact; make it again with one.")

    /** What a style's description and the files beside it say. */
    fun shader(style: StyleEntry): ShaderDescription {
        val folder = style.description.substringBeforeLast('/', "")
        return readShaderDescription(json(style.description)) { file -> bytes("$folder/$file") }
    }

    /** The artifact with these bytes, to time exactly the one that was asked for. */
    fun segmenterWithSha256(sha256: String): SegmenterEntry =
        segmenters.flatMap { one -> listOf(one) + one.accelerated.map(one::by) }
            .firstOrNull { entries[it.path]?.sha256 == sha256 }
            ?: throw BundleException("The app's bundle holds no artifact with the sha256 $sha256; install it with one.")

    /** A BundleException when the artifact's manifest says that it takes or gives what this app does not. */
    fun requireUsable(segmenter: SegmenterEntry) = requireRgbInGroupsOut(json(segmenter.manifest), segmenter)
}

/** Open and verify a bundle. Every refusal is a BundleException with one sentence; no file is trusted
 * before its size and sha256 were compared with `bundle.json`. */
fun openBundle(files: BundleFiles): Bundle = readable { BundleOpening(files).open() }

/** A file that goes away or a medium that fails is a refusal like any other. */
private fun <T> readable(read: () -> T): T = try {
    read()
} catch (error: IOException) {
    throw BundleException("The bundle cannot be read: ${error.message}.", error)
}

private fun utf8(bytes: ByteArray, where: String): String = try {
    Charsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString()
} catch (error: CharacterCodingException) {
    throw BundleException("$where is not UTF-8 text; make the bundle again.", error)
}

private class BundleOpening(private val files: BundleFiles) {
    fun open(): Bundle {
        val root = JsonAt(parseJson(bundleJson(), BUNDLE_FILE), BUNDLE_FILE)
        checkSchema(root)
        val entries = entries(root["files"])
        checkNothingElse(entries.keys)
        entries.values.forEach { verify(files, it) { _, _ -> } }
        return bundle(root, entries)
    }

    private fun bundleJson(): String {
        val size = files.sizeBytes(BUNDLE_FILE.also { requirePresent(it) })
        val bytes = files.open(BUNDLE_FILE).use { readAtMost(it, LARGEST_BUNDLE_JSON_BYTES) }
        if (bytes == null || (size ?: 0) > LARGEST_BUNDLE_JSON_BYTES) {
            throw BundleException("$BUNDLE_FILE is larger than 1 MiB; it is no bundle of edgekit's.")
        }
        return utf8(bytes, BUNDLE_FILE)
    }

    private fun requirePresent(path: String) {
        if (path !in paths) throw BundleException("There is no $path; choose the folder `edgekit bundle` wrote.")
    }

    private val paths: Set<String> by lazy { files.paths().toSet() }

    private fun checkSchema(root: JsonAt) {
        val schema = root["schema"].text()
        if (schema != SCHEMA) throw BundleException("$BUNDLE_FILE has the schema \"$schema\", not \"$SCHEMA\".")
        val version = root["schema_version"].whole()
        if (version != SCHEMA_VERSION.toLong()) {
            throw BundleException(
                "The bundle has schema version $version and this app reads $SCHEMA_VERSION; use matching versions.",
            )
        }
    }

    private fun entries(list: JsonAt): Map<String, FileEntry> {
        val entries = LinkedHashMap<String, FileEntry>()
        val folded = HashMap<String, String>() // as file systems compare that ignore case and the form of accents
        for (item in list.listOfSome()) {
            val path = safePath(item["path"].text())
            val entry = FileEntry(path, item["size_bytes"].whole(), item["sha256"].sha256())
            if (entry.sizeBytes !in 0..LARGEST_FILE_BYTES) throw BundleException("$path is larger than 64 MiB.")
            if (entries.put(path, entry) != null) throw BundleException("$path is listed twice in $BUNDLE_FILE.")
            folded.put(folded(path), path)?.let {
                throw BundleException("$BUNDLE_FILE lists $it and $path, which many file systems hold for one file.")
            }
        }
        for (path in folded.keys) {
            val clash = foldersOf(path).firstOrNull { it in folded } ?: continue
            throw BundleException("$BUNDLE_FILE lists ${folded[clash]} as a file and as a folder.")
        }
        if (entries.values.sumOf { it.sizeBytes } > LARGEST_BUNDLE_BYTES) {
            throw BundleException("The bundle is larger than 256 MiB; put fewer artifacts into it.")
        }
        return entries
    }

    private fun checkNothingElse(listed: Set<String>) {
        val extra = (paths - listed - BUNDLE_FILE).minOrNull()
        if (extra != null) throw BundleException("$extra is not listed in $BUNDLE_FILE; remove it.")
        val missing = (listed - paths).minOrNull()
        if (missing != null) throw BundleException("$missing is listed in $BUNDLE_FILE and missing.")
    }

    private fun bundle(root: JsonAt, entries: Map<String, FileEntry>): Bundle {
        val styles = root["styles"].listOfSome().map(::style)
        val segmenters = root["segmenters"].listOfSome().map(::segmenter)
        val controls = root["controls"].list().map(::control)
        requireUnique("style", styles.map { it.name })
        requireUnique("segmenter for", segmenters.map { it.target })
        requireUnique("control", controls.map { it.name })
        segmenters.forEach { one -> requireUnique("accelerator", one.accelerated.map { it.accelerator }) }
        val accelerated = segmenters.flatMap { it.accelerated }
        val golden = golden(root["golden"], controls)
        val named = styles.map { it.description } + segmenters.map { it.manifest } +
            accelerated.map { it.manifest } + listOf(golden.image.path, golden.mask.path, golden.styled.path, golden.vectors)
        named.forEach { requireListed(it, entries) }
        (segmenters.map { it.path } + accelerated.map { it.path }).forEach { requireArtifact(it, entries) }
        val defaultStyle = root["default_style"].name()
        requireStyle("default_style", defaultStyle, styles)
        requireStyle("golden/style", golden.style, styles)
        val classNames = root["class_names"].listOfSome().map { it.name() }
        return Bundle(
            files, entries, root["name"].name(), root["edgekit_version"].name(), segmenters, classNames,
            groups(root["groups"], classNames.indices), styles, defaultStyle, controls, golden,
        )
    }

    private fun style(item: JsonAt) = StyleEntry(item["name"].name(), item["title"].name(), item["description"].name())

    private fun segmenter(item: JsonAt): SegmenterEntry {
        val target = item["target"].name()
        if (target !in TARGETS) throw BundleException("${item.where} is for $target; known: ${TARGETS.joinToString()}.")
        return SegmenterEntry(
            target, item["path"].name(), item["manifest"].name(), size(item["input_size"]), size(item["mask_size"]),
            item["recipe"].name(), item["minimum_os"].name(),
            if ("accelerated" in item.keys) item["accelerated"].list().map(::accelerated) else emptyList(),
        )
    }

    private fun accelerated(item: JsonAt): AcceleratedEntry {
        val accelerator = item["accelerator"].name()
        if (accelerator !in OTHER_ACCELERATORS) {
            throw BundleException("${item.where} is for $accelerator; known: ${OTHER_ACCELERATORS.joinToString()}.")
        }
        return AcceleratedEntry(accelerator, item["path"].name(), item["manifest"].name(), item["recipe"].name())
    }

    /** A square by its side, any other size as rows x columns. */
    private fun size(value: JsonAt): PixelSize {
        if (!value.isText) return value.int(1..LARGEST_SIDE).let { PixelSize(it, it) }
        val (height, width) = SHAPE.matchEntire(value.text())?.destructured?.let { (h, w) -> Pair(h.toInt(), w.toInt()) }
            ?: Pair(0, 0)
        if (height !in 1..LARGEST_SIDE || width !in 1..LARGEST_SIDE) {
            throw BundleException("${value.where} is neither a side nor rows x columns in pixels; make the bundle again.")
        }
        return PixelSize(width, height)
    }

    private fun groups(value: JsonAt, classes: IntRange) =
        value.names().associateWith { key -> value[key].list().map { it.int(classes) } }

    private fun control(item: JsonAt): ControlRange {
        val range = ControlRange(
            item["name"].name(), item["minimum"].number(), item["maximum"].number(), item["default"].number(),
        )
        if (!(range.minimum < range.maximum && range.default in range.minimum..range.maximum)) {
            throw BundleException("${item.where}: the default of ${range.name} is outside its range.")
        }
        return range
    }

    private fun golden(value: JsonAt, controls: List<ControlRange>): Golden {
        val uniforms = value["uniforms"]
        if (uniforms.names() != controls.map { it.name }.toSet()) {
            throw BundleException("${uniforms.where} are not the bundle's controls; make the bundle again.")
        }
        val deltaE = value["end_to_end_delta_e00_p95"]
        return Golden(
            value["style"].name(),
            Controls.of { name -> if (name in uniforms.names()) uniforms[name].number() else null },
            image(value["image"]), image(value["mask"]), image(value["styled"]),
            value["given_mask_max_levels"].int(0..255),
            deltaE.number(Double.MIN_VALUE..LARGEST_DELTA_E),
            value["vectors"].name(),
        )
    }

    private fun image(value: JsonAt) = GoldenImage(
        value["path"].name(), value["width"].int(1..LARGEST_SIDE), value["height"].int(1..LARGEST_SIDE),
        value["rgba8_sha256"].sha256(),
    )

    private fun requireUnique(kind: String, names: List<String>) {
        val seen = HashSet<String>()
        val twice = names.firstOrNull { !seen.add(it) }
        if (twice != null) throw BundleException("$BUNDLE_FILE lists the $kind $twice twice; make the bundle again.")
    }

    private fun requireListed(path: String, entries: Map<String, FileEntry>) {
        if (path !in entries) throw BundleException("$path is named in $BUNDLE_FILE and not among its files.")
    }

    /** A .tflite is a file, an .mlpackage a folder of files. */
    private fun requireArtifact(path: String, entries: Map<String, FileEntry>) {
        if (entries.keys.none { it == path || it.startsWith("$path/") }) requireListed(path, entries)
    }

    private fun requireStyle(where: String, name: String, styles: List<StyleEntry>) {
        if (styles.none { it.name == name }) {
            throw BundleException("$where \"$name\" is none of the styles: ${styles.joinToString { it.name }}.")
        }
    }
}

/** The path as a file system compares it that ignores case and the form of accents. */
private fun folded(path: String): String {
    val composed = Normalizer.normalize(path, Normalizer.Form.NFC)
    val sameCase = composed.lowercase(Locale.ROOT).uppercase(Locale.ROOT).lowercase(Locale.ROOT)
    return Normalizer.normalize(sameCase, Normalizer.Form.NFC)
}

private fun foldersOf(path: String): List<String> = path.indices.filter { path[it] == '/' }.map { path.substring(0, it) }

/** [path] when it can only lead below the bundle's root; else a BundleException. */
internal fun safePath(path: String): String {
    val reason = when {
        path.startsWith("/") -> "is absolute"
        '\\' in path -> "has a backslash"
        ':' in path -> "has a drive letter"
        STEERING.containsMatchIn(path) -> "has a control character"
        path.length > LARGEST_PATH_CHARS -> "is too long"
        path.split('/').any { it == "" || it == "." || it == ".." } -> "has an empty, \".\" or \"..\" part"
        folded(path) == BUNDLE_FILE -> "is that of the index"
        else -> return path
    }
    throw BundleException("The path \"$path\" $reason; make the bundle again.")
}

/** Compare size, then sha256, handing every block read to [take]. Never reads past the listed size. */
private fun verify(files: BundleFiles, entry: FileEntry, take: (ByteArray, Int) -> Unit) {
    val known = files.sizeBytes(entry.path)
    if (known != null && known != entry.sizeBytes) throw wrongSize(entry)
    val digest = MessageDigest.getInstance("SHA-256")
    val block = ByteArray(1 shl 16)
    var total = 0L
    files.open(entry.path).use { stream ->
        while (true) {
            val count = stream.read(block)
            if (count < 0) break
            total += count
            if (total > entry.sizeBytes) throw wrongSize(entry)
            digest.update(block, 0, count)
            take(block, count)
        }
    }
    if (total != entry.sizeBytes) throw wrongSize(entry)
    if (hex(digest.digest()) != entry.sha256) {
        throw BundleException("${entry.path} is damaged: its sha256 differs from $BUNDLE_FILE; copy the bundle again.")
    }
}

private fun wrongSize(entry: FileEntry) =
    BundleException("${entry.path} has not the ${entry.sizeBytes} bytes that $BUNDLE_FILE lists; copy the bundle again.")

/** All bytes, or null when there are more than [limit]. */
private fun readAtMost(stream: InputStream, limit: Long): ByteArray? {
    val kept = ByteArrayOutputStream()
    val block = ByteArray(1 shl 16)
    while (kept.size() <= limit) {
        val count = stream.read(block)
        if (count < 0) return kept.toByteArray()
        kept.write(block, 0, count)
    }
    return null
}

fun sha256(bytes: ByteArray): String = hex(MessageDigest.getInstance("SHA-256").digest(bytes))

private fun hex(bytes: ByteArray): String = bytes.joinToString("") { "%02x".format(it) }

/** The one tensor form the app feeds and reads: RGB bytes in, bytes of skin, hair, clothes (and one more) out. */
private fun requireRgbInGroupsOut(manifest: JsonAt, entry: SegmenterEntry) {
    val input = manifest["inputs"].list().single("inputs", manifest)
    val output = manifest["outputs"].list().single("outputs", manifest)
    val (taken, given) = Pair(entry.inputSize, entry.maskSize)
    val rgbIn = shape(input) == listOf(1, taken.height, taken.width, 3) && input["dtype"].text() == "uint8" &&
        channels(input) == listOf("red", "green", "blue")
    val groupsOut = shape(output) == listOf(1, given.height, given.width, 4) && output["dtype"].text() == "uint8" &&
        channels(output).take(3) == listOf("skin", "hair", "clothes")
    if (!rgbIn || !groupsOut) {
        throw BundleException(
            "${entry.path} does not take RGB bytes and give group weights; convert it with --output groups.",
        )
    }
    if (!taken.isSquare && manifest["preprocessing"].text() != FRAME_PREPROCESSING) {
        throw BundleException("${entry.path} is not for photos fitted by $FRAME_PREPROCESSING; use matching versions.")
    }
}

private fun List<JsonAt>.single(what: String, manifest: JsonAt): JsonAt =
    if (size == 1) this[0] else throw BundleException("${manifest.where} has $size $what; the app takes one.")

private fun shape(tensor: JsonAt) = tensor["shape"].list().map { it.int() }

private fun channels(tensor: JsonAt) = tensor["channels"].list().map { it.text() }
