package dev.edgekit.demo.gl

import android.opengl.EGL14
import android.opengl.EGLConfig
import android.opengl.EGLContext
import android.opengl.EGLDisplay
import android.opengl.EGLSurface
import android.opengl.GLES30
import java.io.Closeable

/** An OpenGL ES 3 context without a window: for the golden picture, the benchmark and the tests. Android counts who
 * initialised the display, so that closing leaves a view's context alone. */
class OffscreenContext : Closeable {
    private val display: EGLDisplay = EGL14.eglGetDisplay(EGL14.EGL_DEFAULT_DISPLAY)
    private val context: EGLContext
    private val surface: EGLSurface

    init {
        val version = IntArray(2)
        if (!EGL14.eglInitialize(display, version, 0, version, 1)) fail("eglInitialize")
        val config = config()
        context = EGL14.eglCreateContext(
            display, config, EGL14.EGL_NO_CONTEXT, intArrayOf(EGL14.EGL_CONTEXT_CLIENT_VERSION, 3, EGL14.EGL_NONE), 0,
        )
        surface = EGL14.eglCreatePbufferSurface(
            display, config, intArrayOf(EGL14.EGL_WIDTH, 1, EGL14.EGL_HEIGHT, 1, EGL14.EGL_NONE), 0,
        )
    }

    /** Does the work with this context current on the thread. The one that was current before is so again afterwards. */
    fun <T> current(work: () -> T): T {
        val before = EGL14.eglGetCurrentContext()
        val draw = EGL14.eglGetCurrentSurface(EGL14.EGL_DRAW)
        val read = EGL14.eglGetCurrentSurface(EGL14.EGL_READ)
        if (!EGL14.eglMakeCurrent(display, surface, surface, context)) fail("eglMakeCurrent")
        try {
            return work()
        } finally {
            EGL14.eglMakeCurrent(display, draw, read, before)
        }
    }

    override fun close() {
        EGL14.eglDestroySurface(display, surface)
        EGL14.eglDestroyContext(display, context)
        EGL14.eglTerminate(display)
    }

    private fun config(): EGLConfig? {
        val wanted = intArrayOf(
            EGL14.EGL_RENDERABLE_TYPE, ES3_BIT, EGL14.EGL_SURFACE_TYPE, EGL14.EGL_PBUFFER_BIT, EGL14.EGL_NONE,
        )
        val configs = arrayOfNulls<EGLConfig>(1)
        val found = IntArray(1)
        EGL14.eglChooseConfig(display, wanted, 0, configs, 0, 1, found, 0)
        if (found[0] == 0) fail("eglChooseConfig")
        return configs[0]
    }

    private fun fail(call: String): Nothing {
        val code = Integer.toHexString(EGL14.eglGetError())
        throw GlException("This phone gives no OpenGL ES 3 context: $call failed, 0x$code")
    }

    private companion object {
        const val ES3_BIT = 0x40 // EGL_OPENGL_ES3_BIT_KHR
    }
}

/** GPU and driver, with the driver's version. A current context is needed. */
fun gpuDriver(): String = "${GLES30.glGetString(GLES30.GL_RENDERER)}, ${GLES30.glGetString(GLES30.GL_VERSION)}"
