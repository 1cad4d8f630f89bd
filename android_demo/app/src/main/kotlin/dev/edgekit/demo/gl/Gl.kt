package dev.edgekit.demo.gl

import android.opengl.GLES11Ext
import android.opengl.GLES30
import dev.edgekit.core.Picture
import dev.edgekit.core.at
import java.nio.Buffer
import java.nio.ByteBuffer

/** The driver refused something. [message] carries its log. */
class GlException(message: String) : RuntimeException(message)

/** All of this runs on the thread that owns the GL context. Names die with the context. */
class GlProgram(vertex: String, fragment: String) {
    private val id = linked(vertex, fragment)

    fun use() = GLES30.glUseProgram(id)

    /** -1, which GL ignores, where the compiler found the uniform unused. */
    fun location(name: String): Int = GLES30.glGetUniformLocation(id, name)

    fun delete() = GLES30.glDeleteProgram(id)
}

private fun linked(vertex: String, fragment: String): Int {
    val program = GLES30.glCreateProgram()
    val shaders = listOf(compiled(GLES30.GL_VERTEX_SHADER, vertex), compiled(GLES30.GL_FRAGMENT_SHADER, fragment))
    for (shader in shaders) GLES30.glAttachShader(program, shader)
    GLES30.glLinkProgram(program)
    for (shader in shaders) GLES30.glDeleteShader(shader) // lives on until the program goes
    val status = IntArray(1)
    GLES30.glGetProgramiv(program, GLES30.GL_LINK_STATUS, status, 0)
    if (status[0] == 0) throw GlException("The driver does not link the shader: ${GLES30.glGetProgramInfoLog(program)}")
    return program
}

private fun compiled(kind: Int, text: String): Int {
    val shader = GLES30.glCreateShader(kind)
    GLES30.glShaderSource(shader, text)
    GLES30.glCompileShader(shader)
    val status = IntArray(1)
    GLES30.glGetShaderiv(shader, GLES30.GL_COMPILE_STATUS, status, 0)
    if (status[0] == 0) throw GlException("The driver does not compile the shader: ${GLES30.glGetShaderInfoLog(shader)}")
    return shader
}

/** A texture, clamped at its edges. [target]: GL_TEXTURE_2D, GL_TEXTURE_3D or GL_TEXTURE_EXTERNAL_OES. */
class GlTexture(val target: Int, isLinear: Boolean) {
    val id = IntArray(1).also { GLES30.glGenTextures(1, it, 0) }[0]

    init {
        val filter = if (isLinear) GLES30.GL_LINEAR else GLES30.GL_NEAREST
        bind()
        setMinFilter(filter)
        GLES30.glTexParameteri(target, GLES30.GL_TEXTURE_MAG_FILTER, filter)
        GLES30.glTexParameteri(target, GLES30.GL_TEXTURE_WRAP_S, GLES30.GL_CLAMP_TO_EDGE)
        GLES30.glTexParameteri(target, GLES30.GL_TEXTURE_WRAP_T, GLES30.GL_CLAMP_TO_EDGE)
        if (target == GLES30.GL_TEXTURE_3D) {
            GLES30.glTexParameteri(target, GLES30.GL_TEXTURE_WRAP_R, GLES30.GL_CLAMP_TO_EDGE)
        }
    }

    fun bind() = GLES30.glBindTexture(target, id)

    fun bindTo(unit: Int) {
        GLES30.glActiveTexture(GLES30.GL_TEXTURE0 + unit)
        bind()
    }

    fun setMinFilter(filter: Int) = GLES30.glTexParameteri(target, GLES30.GL_TEXTURE_MIN_FILTER, filter)

    /** RGBA8, first row first. */
    fun upload2d(width: Int, height: Int, rgba: Buffer) {
        bind()
        GLES30.glPixelStorei(GLES30.GL_UNPACK_ALIGNMENT, 1)
        GLES30.glTexImage2D(
            target, 0, GLES30.GL_RGBA8, width, height, 0, GLES30.GL_RGBA, GLES30.GL_UNSIGNED_BYTE, rgba,
        )
    }

    /** Pixels to draw into, undefined before. */
    fun allocate2d(width: Int, height: Int, format: PixelFormat) {
        bind()
        GLES30.glTexImage2D(target, 0, format.internal, width, height, 0, GLES30.GL_RGBA, format.type, null)
    }

    /** RGBA8, red fastest, then green, then blue. */
    fun upload3d(width: Int, height: Int, depth: Int, rgba: Buffer) {
        bind()
        GLES30.glPixelStorei(GLES30.GL_UNPACK_ALIGNMENT, 1)
        GLES30.glTexImage3D(
            target, 0, GLES30.GL_RGBA8, width, height, depth, 0, GLES30.GL_RGBA, GLES30.GL_UNSIGNED_BYTE, rgba,
        )
    }

    fun delete() = GLES30.glDeleteTextures(1, intArrayOf(id), 0)

    companion object {
        val EXTERNAL = GLES11Ext.GL_TEXTURE_EXTERNAL_OES
    }
}

/** What is drawn into. Not every GPU draws into half floats: `drawsHalfFloats` of the core. */
enum class PixelFormat(val internal: Int, val type: Int) {
    RGBA8(GLES30.GL_RGBA8, GLES30.GL_UNSIGNED_BYTE),
    RGBA16F(GLES30.GL_RGBA16F, GLES30.GL_HALF_FLOAT),
}

/** A framebuffer over a texture of its own. */
class GlTarget(val width: Int, val height: Int, format: PixelFormat = PixelFormat.RGBA8) {
    val texture = GlTexture(GLES30.GL_TEXTURE_2D, true)
    private val id = IntArray(1).also { GLES30.glGenFramebuffers(1, it, 0) }[0]

    init {
        texture.allocate2d(width, height, format)
        bind()
        GLES30.glFramebufferTexture2D(
            GLES30.GL_FRAMEBUFFER, GLES30.GL_COLOR_ATTACHMENT0, GLES30.GL_TEXTURE_2D, texture.id, 0,
        )
        val status = GLES30.glCheckFramebufferStatus(GLES30.GL_FRAMEBUFFER)
        if (status != GLES30.GL_FRAMEBUFFER_COMPLETE) throw GlException("no $width × $height framebuffer: $status")
    }

    fun bind() {
        GLES30.glBindFramebuffer(GLES30.GL_FRAMEBUFFER, id)
        GLES30.glViewport(0, 0, width, height)
    }

    /** What was drawn, of 8 bits a channel, rows from the top: GL hands them over from the bottom. */
    fun pixels(): Picture {
        bind()
        val bottomUp = ByteBuffer.allocateDirect(width * height * 4)
        GLES30.glReadPixels(0, 0, width, height, GLES30.GL_RGBA, GLES30.GL_UNSIGNED_BYTE, bottomUp)
        val rgba = ByteArray(bottomUp.capacity())
        val row = width * 4
        for (y in 0 until height) {
            bottomUp.at((height - 1 - y) * row).get(rgba, y * row, row)
        }
        return Picture(width, height, rgba)
    }

    fun delete() {
        GLES30.glDeleteFramebuffers(1, intArrayOf(id), 0)
        texture.delete()
    }
}

fun requireNoGlError(after: String) {
    val error = GLES30.glGetError()
    if (error != GLES30.GL_NO_ERROR) throw GlException("OpenGL ES error 0x${Integer.toHexString(error)} after $after")
}
