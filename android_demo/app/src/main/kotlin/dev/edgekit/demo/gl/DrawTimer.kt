package dev.edgekit.demo.gl

import android.opengl.GLES30
import dev.edgekit.core.DrawClock

/** How long a draw takes: on the GPU's clock where the driver has one (EXT_disjoint_timer_query), else how
 * long the CPU took to submit it; [clock] says which. Answers come some frames later, without waiting. */
class DrawTimer(private val report: (Double) -> Unit) {
    val clock: DrawClock = run {
        val extensions = GLES30.glGetString(GLES30.GL_EXTENSIONS).orEmpty().split(' ')
        if ("GL_EXT_disjoint_timer_query" in extensions) DrawClock.GPU else DrawClock.CPU_SUBMIT
    }
    private val queries = IntArray(if (clock == DrawClock.GPU) QUERIES else 0)
    private var begun = 0
    private var answered = 0

    init {
        if (queries.isNotEmpty()) GLES30.glGenQueries(queries.size, queries, 0)
    }

    fun time(draw: () -> Unit) {
        if (clock == DrawClock.GPU) timeOnGpu(draw) else timeSubmission(draw)
    }

    private fun timeSubmission(draw: () -> Unit) {
        val started = System.nanoTime()
        draw()
        report((System.nanoTime() - started) / 1e6)
    }

    private fun timeOnGpu(draw: () -> Unit) {
        collect()
        if (begun - answered == queries.size) return draw() // every query is in flight: this draw goes untimed
        GLES30.glBeginQuery(TIME_ELAPSED, queries[begun % queries.size])
        draw()
        GLES30.glEndQuery(TIME_ELAPSED)
        begun++
    }

    private fun collect() {
        val value = IntArray(1)
        while (answered < begun) {
            val query = queries[answered % queries.size]
            GLES30.glGetQueryObjectuiv(query, GLES30.GL_QUERY_RESULT_AVAILABLE, value, 0)
            if (value[0] == 0) return
            GLES30.glGetQueryObjectuiv(query, GLES30.GL_QUERY_RESULT, value, 0)
            answered++
            val ns = value[0].toLong() and 0xFFFFFFFFL
            GLES30.glGetIntegerv(GPU_DISJOINT, value, 0)
            if (value[0] == 0 && ns > 0) report(ns / 1e6) // a clock that jumped meanwhile tells nothing
        }
    }

    private companion object {
        const val QUERIES = 4
        const val TIME_ELAPSED = 0x88BF // TIME_ELAPSED_EXT
        const val GPU_DISJOINT = 0x8FBB // GPU_DISJOINT_EXT
    }
}
