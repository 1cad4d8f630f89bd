package dev.edgekit.demo.ui

import android.graphics.SurfaceTexture
import android.opengl.GLSurfaceView
import androidx.activity.ComponentActivity
import dev.edgekit.core.BundleException
import dev.edgekit.core.CameraStream
import dev.edgekit.core.DrawClock
import dev.edgekit.core.FramePacer
import dev.edgekit.core.NetworkInput
import dev.edgekit.core.PixelSize
import dev.edgekit.core.RollingTimes
import dev.edgekit.core.timingText
import dev.edgekit.demo.R
import dev.edgekit.demo.Scene
import dev.edgekit.demo.Source
import dev.edgekit.demo.StyleRenderer
import dev.edgekit.demo.camera.CameraFeed
import dev.edgekit.demo.inference.Segmenter
import dev.edgekit.demo.inference.SegmenterChoice
import dev.edgekit.demo.photo.Photo
import java.util.concurrent.Executors
import java.util.concurrent.RejectedExecutionException

/** Brings camera, renderer and network together. Four threads: main (this class, views, CameraX), GL (the
 * renderer), network (one thread: the model belongs to it), and short-lived ones for files. */
class DemoController(
    private val activity: ComponentActivity,
    private val screen: DemoScreen,
    private val model: DemoViewModel,
) : StyleRenderer.Listener {
    private val pacer = FramePacer()
    private val renderer = StyleRenderer(pacer, this)
    private val network = Executors.newSingleThreadExecutor { Thread(it, "network") }
    private val segmentTimes = RollingTimes(SHOWN_FRAMES)
    private val drawTimes = RollingTimes(SHOWN_FRAMES)
    private val feed = CameraFeed(activity, activity.mainExecutorCompat(), ::onStream, ::onNotice)
    private var segmenter: Segmenter? = null // the network's thread only

    @Volatile
    private var inputSize: PixelSize? = null

    @Volatile
    private var clock = DrawClock.CPU_SUBMIT
    private var stream: CameraStream? = null
    private var still: Source.Still? = null
    private var mayUseCamera = false
    private var isOpening = false
    private var startedFront: Boolean? = null

    init {
        screen.surface.setRenderer(renderer)
        screen.surface.renderMode = GLSurfaceView.RENDERMODE_WHEN_DIRTY
    }

    fun onResume() = screen.surface.onResume()

    fun onPause() = screen.surface.onPause()

    fun onDestroy() {
        feed.close()
        try {
            network.execute { segmenter?.close() }
        } catch (alreadyDown: RejectedExecutionException) {
            return
        }
        network.shutdown() // the close above still runs
    }

    fun onCameraPermission(granted: Boolean) {
        mayUseCamera = granted
        show(model.state.value ?: return)
    }

    fun onDisplayRotation(rotation: Int) = feed.onDisplayRotation(rotation)

    /** A new state: the camera is started or stopped, the next frame drawn from it. */
    fun show(state: UiState) {
        screen.show(state)
        if (state !is UiState.Ready) return
        if (inputSize == null) openSegmenter()
        followCamera(state)
        val description = model.description(state.style)
        renderer.scene = Scene(description, state.controls, source(state), inputSize, state.showsBefore)
        requestRender()
    }

    override fun onCameraTexture(texture: SurfaceTexture) = activity.runOnUiThread { feed.onTexture(texture) }

    override fun onNetworkInput(ticket: Long, source: Source, input: NetworkInput) {
        try {
            network.execute { segment(ticket, source, input) }
        } catch (closing: RejectedExecutionException) {
            pacer.finish(ticket)
        }
    }

    override fun onDrawTime(ms: Double, clock: DrawClock) {
        this.clock = clock
        drawTimes.add(ms)
    }

    override fun onFailure(sentence: String) = activity.runOnUiThread { model.fail(sentence) }

    override fun requestRender() = screen.surface.requestRender()

    private fun segment(ticket: Long, source: Source, input: NetworkInput) {
        try {
            val result = segmenter!!.segment(input)
            if (pacer.finish(ticket)) renderer.onMask(result.mask, source)
            segmentTimes.add(result.preprocessMs + result.inferenceMs)
            val text = timingText(segmentTimes.summary(), drawTimes.summary(), clock, pacer.counts())
            activity.runOnUiThread { screen.showTimings(text) }
        } catch (error: Exception) { // LiteRT's own; the frame must not stay in flight for ever
            pacer.finish(ticket)
            onFailure("The network stopped: ${error.message}")
        }
    }

    private fun openSegmenter() {
        val bundle = model.bundle ?: return
        if (isOpening) return
        isOpening = true
        model.showAccelerators(listOf(activity.getString(R.string.choosing)))
        network.execute {
            try {
                val choice = SegmenterChoice(activity, bundle).choose()
                segmenter = choice.network
                inputSize = choice.network.inputSize
                activity.runOnUiThread {
                    model.showAccelerators(choice.sentences)
                    model.state.value?.let(::show)
                }
            } catch (error: BundleException) {
                onFailure(error.message!!)
            } catch (error: Exception) { // LiteRT's own is no RuntimeException
                onFailure("LiteRT does not open the network: ${error.message}")
            }
        }
    }

    private fun followCamera(state: UiState.Ready) {
        val wanted = if (model.photo == null && mayUseCamera) state.isFrontCamera else null
        if (wanted == startedFront) return
        startedFront = wanted
        stream = null
        segmentTimes.clear()
        if (wanted == null) feed.stop() else feed.start(activity, wanted, activity.displayRotation())
    }

    private fun source(state: UiState.Ready): Source {
        val photo = model.photo ?: return Source.Camera(state.isFrontCamera, stream).also { still = null }
        return sameStill(photo)
    }

    /** One source per photo: its identity is what its mask belongs to. */
    private fun sameStill(photo: Photo): Source.Still =
        still?.takeIf { it.photo === photo } ?: Source.Still(photo).also { still = it }

    private fun onStream(changed: CameraStream) {
        stream = changed
        show(model.state.value ?: return)
    }

    private fun onNotice(sentence: String) = model.notice(sentence)

    private companion object {
        const val SHOWN_FRAMES = 60
    }
}
