package dev.edgekit.core

/*
 * The draws before the fused one: what the description says of them, and how large each is for an image.
 */

/** A draw into the slot [target], in the order of the description. [textures]: the slots that it reads.
 * [longestSide]: pixels, of what it draws; a smaller image is not enlarged. */
class ShaderPass(val name: String, val target: String, val longestSide: Int, val textures: List<String>)

/** The size of a pass's target: copy_shape of edgekit/color/blur.py. */
fun copySize(image: PixelSize, longestSide: Int): PixelSize {
    val scale = minOf(1.0, longestSide.toDouble() / maxOf(image.width, image.height))
    fun side(of: Int) = maxOf(1, Math.rint(of * scale).toInt()) // a half goes to the even neighbour, as in Python
    return PixelSize(side(image.width), side(image.height))
}

/** The size of each slot that a pass draws into, for an image of this size. */
fun targetSizes(passes: List<ShaderPass>, image: PixelSize): Map<String, PixelSize> =
    passes.associate { it.target to copySize(image, it.longestSide) }

private val GL_ES_VERSION = Regex("OpenGL ES (\\d)\\.(\\d).*")
private val DRAW_HALF_FLOATS = setOf("GL_EXT_color_buffer_half_float", "GL_EXT_color_buffer_float")

/** Whether a driver draws into RGBA16F: OpenGL ES 3.2 must, an older one may. [version], [extensions]: the driver's
 * `GL_VERSION` and `GL_EXTENSIONS`. */
fun drawsHalfFloats(version: String, extensions: String): Boolean {
    val (major, minor) = GL_ES_VERSION.matchEntire(version)?.destructured ?: return false
    return major.toInt() * 10 + minor.toInt() >= 32 || extensions.split(' ').any { it in DRAW_HALF_FLOATS }
}

/** The passes of `shader.json`, each able to draw: into a slot of its own, from slots that hold something by then. */
internal fun readPasses(root: JsonAt, textures: List<TextureSlot>): List<ShaderPass> {
    val passes = if ("passes" in root.keys) root["passes"].list().map(::pass) else emptyList()
    val drawn = textures.filter { it.role == "blurred" }.map { it.name }
    if (passes.map { it.target }.sorted() != drawn.sorted()) {
        throw BundleException("${root.where}: its passes do not draw each of the textures that passes draw once.")
    }
    val ready = (textures.map { it.name } - drawn).toMutableSet()
    for (pass in passes) {
        val missing = pass.textures.firstOrNull { it !in ready }
        if (missing != null) {
            throw BundleException("${root.where}: the pass ${pass.name} reads $missing, which holds nothing by then.")
        }
        ready.add(pass.target)
    }
    return passes
}

private fun pass(item: JsonAt) = ShaderPass(
    item["name"].text(), item["target"].text(), item["longest_side"].int(1..LARGEST_SIDE),
    item["textures"].listOfSome().map { it.text() },
)
