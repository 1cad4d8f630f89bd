package dev.edgekit.demo.gl

import android.opengl.GLES30
import dev.edgekit.core.PassInputs
import dev.edgekit.core.PixelSize
import dev.edgekit.core.ShaderDescription
import dev.edgekit.core.ShaderStages
import dev.edgekit.core.TextureSlot
import dev.edgekit.core.UniformValue
import dev.edgekit.core.at
import dev.edgekit.core.drawsHalfFloats
import dev.edgekit.core.targetSizes
import dev.edgekit.core.uniformValues
import java.nio.ByteBuffer

/** The draw that styles, and the passes before it: the bundle's own ESSL texts, its tables and second picture, and the
 * textures the app supplies. [isExternal]: the picture is a camera's samplerExternalOES. */
class FusedPass(private val description: ShaderDescription, isExternal: Boolean) {
    private val text = description.dialect(if (isExternal) "essl300-external" else "essl300")
        .also { if (description.passes.isNotEmpty()) requireHalfFloats() }
    private val fused = SlotProgram(description, text.fused)
    private val passes = description.passes.zip(text.passes) { pass, stages -> Pair(pass, SlotProgram(description, stages)) }
    private val shipped = description.textures.associate { it.name to shippedTexture(it) }
    private var targets = emptyMap<String, GlTarget>()

    /** Draw into what [bindTarget] binds, which is called after the passes. [picture] and [mask]: linear, clamped.
     * [drawn]: what the user drew, placed as the mask is, drawn_1 to drawn_3 in r, g, b; null for nothing. */
    fun draw(
        picture: GlTexture, mask: GlTexture, inputs: PassInputs, drawn: GlTexture? = null, bindTarget: () -> Unit,
    ) {
        followSize(inputs.image)
        val values = uniformValues(description, inputs)
        val textures = description.textures.associate { it.name to texture(it, picture, mask, drawn) }
        for ((pass, program) in passes) {
            targets.getValue(pass.target).bind()
            program.draw(textures.filterKeys { it in pass.textures }, values)
        }
        bindTarget()
        fused.draw(textures, values)
    }

    fun delete() {
        for (program in passes.map { it.second } + fused) program.delete()
        for (texture in shipped.values) texture?.delete()
        for (target in targets.values) target.delete()
    }

    private fun texture(slot: TextureSlot, picture: GlTexture, mask: GlTexture, drawn: GlTexture?): GlTexture =
        when (slot.role) {
            "camera" -> picture
            "mask" -> mask
            "blurred" -> targets.getValue(slot.name).texture
            "drawn-mask" -> drawn ?: shipped.getValue(slot.name)!!
            else -> shipped.getValue(slot.name)!!
        }

    /** Targets of the sizes that this image asks for: kept while they are, made again for an image of another size. */
    private fun followSize(image: PixelSize) {
        val sizes = targetSizes(description.passes, image)
        if (targets.mapValues { (_, target) -> PixelSize(target.width, target.height) } == sizes) return
        for (target in targets.values) target.delete()
        targets = emptyMap() // should making them fail, the deleted ones are forgotten
        targets = sizes.mapValues { (_, size) -> GlTarget(size.width, size.height, PixelFormat.RGBA16F) }
    }

    private fun requireHalfFloats() {
        val version = GLES30.glGetString(GLES30.GL_VERSION).orEmpty()
        if (drawsHalfFloats(version, GLES30.glGetString(GLES30.GL_EXTENSIONS).orEmpty())) return
        throw GlException("The style ${description.title} blurs, which this GPU cannot: it draws into no half floats.")
    }
}

/** One of the description's programs. A slot's texture unit is its place in the description. */
private class SlotProgram(description: ShaderDescription, stages: ShaderStages) {
    private val program = GlProgram(stages.vertex, stages.fragment)
    private val units = description.textures.mapIndexed { unit, slot -> slot.name to unit }.toMap()
    private val textureLocations = units.mapValues { (name, _) -> program.location(name) }
    private val uniformLocations = description.uniforms.associate { it.name to program.location("u_${it.name}") }

    /** [textures]: by slot, those that the text reads; others are not harmed. */
    fun draw(textures: Map<String, GlTexture>, values: List<UniformValue>) {
        program.use()
        for ((name, texture) in textures) {
            texture.bindTo(units.getValue(name))
            GLES30.glUniform1i(textureLocations.getValue(name), units.getValue(name))
        }
        for (value in values) {
            val location = uniformLocations.getValue(value.slot.name)
            if (value.slot.isMatrix) GLES30.glUniformMatrix3fv(location, 1, false, value.values, 0)
            else GLES30.glUniform1f(location, value.values[0])
        }
        GLES30.glDrawArrays(GLES30.GL_TRIANGLES, 0, 3)
    }

    fun delete() = program.delete()
}

/** A table or picture on the GPU, and a drawn map on which nothing is drawn; null for a slot that the app or a pass
 * always fills. */
private fun shippedTexture(slot: TextureSlot): GlTexture? {
    if (slot.role == "drawn-mask") {
        return GlTexture(GLES30.GL_TEXTURE_2D, slot.isLinear).apply { upload2d(1, 1, direct(ByteArray(4))) }
    }
    val bytes = slot.bytes ?: return null
    val size = slot.size!!
    val texture = GlTexture(if (slot.is3d) GLES30.GL_TEXTURE_3D else GLES30.GL_TEXTURE_2D, slot.isLinear)
    if (slot.is3d) texture.upload3d(size[0], size[1], size[2], direct(bytes))
    else texture.upload2d(size[0], size[1], direct(bytes))
    return texture
}

/** What GL reads must lie outside the Java heap. */
fun direct(bytes: ByteArray): ByteBuffer = ByteBuffer.allocateDirect(bytes.size).put(bytes).at(0)
