package dev.edgekit.demo.gl

import android.opengl.GLES30
import dev.edgekit.core.PassInputs
import dev.edgekit.core.ShaderDescription
import dev.edgekit.core.at
import dev.edgekit.core.uniformValues
import java.nio.ByteBuffer

/** The one draw that styles: the bundle's own ESSL text, its tables, and the two textures the app supplies.
 * [isExternal]: the picture is a camera's samplerExternalOES. */
class FusedPass(private val description: ShaderDescription, isExternal: Boolean) {
    private val program = description.dialect(if (isExternal) "essl300-external" else "essl300")
        .let { GlProgram(it.vertex, it.fragment) }
    private val tables = description.textures.map { slot ->
        val bytes = slot.bytes
        val size = slot.size
        if (bytes == null || size == null || !slot.is3d) return@map null
        GlTexture(GLES30.GL_TEXTURE_3D, slot.isLinear).apply { upload3d(size[0], size[1], size[2], direct(bytes)) }
    }
    private val textureLocations = description.textures.map { program.location(it.name) }
    private val uniformLocations = description.uniforms.map { program.location("u_${it.name}") }

    /** Draw into what is bound. [picture] and [mask]: linear, clamped. */
    fun draw(picture: GlTexture, mask: GlTexture, inputs: PassInputs) {
        program.use()
        description.textures.forEachIndexed { unit, slot ->
            (tables[unit] ?: if (slot.role == "camera") picture else mask).bindTo(unit)
            GLES30.glUniform1i(textureLocations[unit], unit)
        }
        uniformValues(description, inputs).forEachIndexed { i, value ->
            if (value.slot.isMatrix) GLES30.glUniformMatrix3fv(uniformLocations[i], 1, false, value.values, 0)
            else GLES30.glUniform1f(uniformLocations[i], value.values[0])
        }
        GLES30.glDrawArrays(GLES30.GL_TRIANGLES, 0, 3)
    }

    fun delete() {
        program.delete()
        for (table in tables) table?.delete()
    }
}

/** What GL reads must lie outside the Java heap. */
fun direct(bytes: ByteArray): ByteBuffer = ByteBuffer.allocateDirect(bytes.size).put(bytes).at(0)
