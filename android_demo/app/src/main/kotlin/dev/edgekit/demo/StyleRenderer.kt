package dev.edgekit.demo

import android.graphics.SurfaceTexture
import android.opengl.GLES30
import android.opengl.GLSurfaceView
import dev.edgekit.core.BundleException
import dev.edgekit.core.CameraStream
import dev.edgekit.core.Controls
import dev.edgekit.core.DrawClock
import dev.edgekit.core.FramePacer
import dev.edgekit.core.Matrix3
import dev.edgekit.core.NetworkInput
import dev.edgekit.core.PassInputs
import dev.edgekit.core.PassTransforms
import dev.edgekit.core.PixelSize
import dev.edgekit.core.ShaderDescription
import dev.edgekit.core.Viewport
import dev.edgekit.core.aspectFill
import dev.edgekit.core.aspectFit
import dev.edgekit.core.rotation
import dev.edgekit.core.textureFromSensor
import dev.edgekit.core.through
import dev.edgekit.core.viewGeometry
import dev.edgekit.demo.gl.Downscaler
import dev.edgekit.demo.gl.DrawTimer
import dev.edgekit.demo.gl.FusedPass
import dev.edgekit.demo.gl.GlException
import dev.edgekit.demo.gl.GlTexture
import dev.edgekit.demo.gl.pictureTexture
import dev.edgekit.demo.inference.Mask
import dev.edgekit.demo.photo.Photo
import java.util.concurrent.atomic.AtomicReference
import javax.microedition.khronos.egl.EGLConfig
import javax.microedition.khronos.opengles.GL10

/** What is to be styled. A new object is a new picture: masks of the old one are dropped. */
sealed interface Source {
    /** [stream] is null until the camera says how its frames lie. */
    class Camera(val isFront: Boolean, val stream: CameraStream?) : Source

    class Still(val photo: Photo) : Source
}

/** Everything a frame is drawn from, swapped as a whole by the main thread. [inputSize]: the network's;
 * null while there is no network yet. [showsBefore] draws the picture as it came. */
data class Scene(
    val description: ShaderDescription,
    val controls: Controls,
    val source: Source,
    val inputSize: PixelSize?,
    val showsBefore: Boolean,
)

/** Draws the [scene] on GLSurfaceView's thread: camera or photo through the fused pass, and now and then a
 * small copy for the network.
 *
 * GL objects are caches of the scene: a lost context, a new style or a new photo only empties them. */
class StyleRenderer(private val pacer: FramePacer, private val listener: Listener) : GLSurfaceView.Renderer {
    /** Called on the GL thread. */
    interface Listener {
        fun onCameraTexture(texture: SurfaceTexture)

        /** The network's input: hand it to the network's thread, and its mask to [onMask]. */
        fun onNetworkInput(ticket: Long, source: Source, input: NetworkInput)

        fun onDrawTime(ms: Double, clock: DrawClock)

        fun onFailure(sentence: String)

        fun requestRender()
    }

    private class PlacedMask(val mask: Mask, val source: Source)

    private class Placement(
        val viewport: Viewport,
        val transforms: PassTransforms,
        val imageFromUpright: Matrix3,
        val upright: PixelSize,
    )

    @Volatile
    var scene: Scene? = null

    private val newestMask = AtomicReference<PlacedMask?>()
    private val surfaceMatrix = FloatArray(16)
    private var width = 1
    private var height = 1

    // Of the GL context; onSurfaceCreated forgets them all.
    private var cameraTexture: GlTexture? = null
    private var surfaceTexture: SurfaceTexture? = null
    private var maskTexture: GlTexture? = null
    private var uploadedMask: PlacedMask? = null
    private var photoTexture: GlTexture? = null
    private var uploadedPhoto: Photo? = null
    private var passes = HashMap<Boolean, FusedPass>() // key: external
    private var passesOf: ShaderDescription? = null
    private var downscaler: Downscaler? = null
    private var downscalerIsExternal = false
    private var reading: Pair<Long, Source>? = null
    private var timer: DrawTimer? = null

    /** From the network's thread: the mask of a picture of [source]. */
    fun onMask(mask: Mask, source: Source) {
        newestMask.set(PlacedMask(mask, source))
        listener.requestRender()
    }

    override fun onSurfaceCreated(unused: GL10?, config: EGLConfig?) = guarded {
        forgetContext()
        val texture = GlTexture(GlTexture.EXTERNAL, true)
        val surface = SurfaceTexture(texture.id)
        surface.setOnFrameAvailableListener { listener.requestRender() }
        cameraTexture = texture
        surfaceTexture = surface
        maskTexture = GlTexture(GLES30.GL_TEXTURE_2D, true)
        timer = DrawTimer { ms -> listener.onDrawTime(ms, timer!!.clock) }
        listener.onCameraTexture(surface)
    }

    override fun onSurfaceChanged(unused: GL10?, newWidth: Int, newHeight: Int) {
        width = newWidth
        height = newHeight
    }

    override fun onDrawFrame(unused: GL10?) = guarded {
        GLES30.glBindFramebuffer(GLES30.GL_FRAMEBUFFER, 0)
        GLES30.glViewport(0, 0, width, height)
        GLES30.glClearColor(0f, 0f, 0f, 1f)
        GLES30.glClear(GLES30.GL_COLOR_BUFFER_BIT)
        surfaceTexture?.updateTexImage() // always: an unread frame would stop the camera
        surfaceTexture?.getTransformMatrix(surfaceMatrix)
        val drawn = scene
        if (drawn != null) draw(drawn)
    }

    private fun draw(scene: Scene) {
        val placement = placement(scene.source) ?: return
        val picture = picture(scene.source) ?: return
        feedNetwork(scene, picture, placement)
        val isStyled = uploadMask(scene.source) && !scene.showsBefore
        // Without a mask of this very picture skin would be styled as background: show it unstyled instead.
        val controls = if (isStyled) scene.controls else scene.controls.copy(intensity = 0.0)
        val output = placement.viewport.let { PixelSize(it.width, it.height) }
        val inputs = PassInputs(controls, placement.transforms, sizeOf(scene.source), output)
        val pass = pass(scene.description, isExternal = scene.source is Source.Camera)
        timer!!.time { pass.draw(picture, maskTexture!!, inputs) { bindScreen(placement.viewport) } }
    }

    private fun bindScreen(viewport: Viewport) {
        GLES30.glBindFramebuffer(GLES30.GL_FRAMEBUFFER, 0)
        GLES30.glViewport(viewport.left, viewport.bottom, viewport.width, viewport.height)
    }

    private fun placement(source: Source): Placement? = when (source) {
        is Source.Camera -> source.stream?.let { stream ->
            val geometry = viewGeometry(stream, source.isFront, width, height)
            val fromSensor = textureFromSensor(surfaceMatrix)
            val transforms = aspectFill(geometry).through(fromSensor)
            val imageFromUpright = fromSensor * rotation(geometry.quarterTurns)
            Placement(Viewport(0, 0, width, height), transforms, imageFromUpright, geometry.upright)
        }
        is Source.Still -> source.photo.let { photo ->
            val sideways = photo.orientation.isSideways
            val stored = PixelSize(photo.picture.width, photo.picture.height)
            val upright = if (sideways) PixelSize(stored.height, stored.width) else stored
            val imageFromUpright = photo.orientation.imageFromUpright()
            val transforms = PassTransforms(imageFromUpright, imageFromUpright.inverse())
            Placement(aspectFit(upright.width, upright.height, width, height), transforms, imageFromUpright, upright)
        }
    }

    private fun picture(source: Source): GlTexture? = when (source) {
        is Source.Camera -> cameraTexture
        is Source.Still -> {
            if (uploadedPhoto !== source.photo) {
                photoTexture?.delete()
                photoTexture = pictureTexture(source.photo.picture)
                uploadedPhoto = source.photo
            }
            photoTexture
        }
    }

    private fun sizeOf(source: Source): PixelSize = when (source) {
        is Source.Camera -> source.stream!!.let { PixelSize(it.bufferWidth, it.bufferHeight) }
        is Source.Still -> source.photo.picture.let { PixelSize(it.width, it.height) }
    }

    /** Collect what the GPU has finished for the network, and start on this frame when nothing is under way. */
    private fun feedNetwork(scene: Scene, picture: GlTexture, placement: Placement) {
        val isExternal = scene.source is Source.Camera
        val size = scene.inputSize ?: return
        collectReading()
        if (reading != null) return listener.requestRender() // look again with the next frame
        if (!isExternal && newestMask.get()?.source === scene.source) return // a photo does not change
        val ticket = pacer.tryStart() ?: return
        downscaler(size, isExternal).start(picture, placement.imageFromUpright, placement.upright)
        reading = Pair(ticket, scene.source)
        listener.requestRender()
    }

    private fun collectReading() {
        val (ticket, source) = reading ?: return
        val input = downscaler!!.poll() ?: return
        reading = null
        listener.onNetworkInput(ticket, source, input)
    }

    /** True when the mask texture holds a mask of this source. */
    private fun uploadMask(source: Source): Boolean {
        val newest = newestMask.get()
        if (newest == null || !isSamePicture(newest.source, source)) return false
        if (newest !== uploadedMask) {
            maskTexture!!.upload2d(newest.mask.size.width, newest.mask.size.height, newest.mask.rgba)
            uploadedMask = newest
        }
        return true
    }

    /** The camera's scenes share their masks while the same camera lies the same way. */
    private fun isSamePicture(a: Source, b: Source): Boolean =
        a === b || a is Source.Camera && b is Source.Camera && a.isFront == b.isFront && a.stream == b.stream

    private fun pass(description: ShaderDescription, isExternal: Boolean): FusedPass {
        if (passesOf !== description) {
            passes.values.forEach { it.delete() }
            passes.clear()
            passesOf = description
        }
        return passes.getOrPut(isExternal) { FusedPass(description, isExternal) }
    }

    private fun downscaler(size: PixelSize, isExternal: Boolean): Downscaler {
        val kept = downscaler
        if (kept != null && kept.size == size && downscalerIsExternal == isExternal) return kept
        kept?.delete()
        downscalerIsExternal = isExternal
        return Downscaler(size, isExternal).also { downscaler = it }
    }

    /** The old context took its objects with it; their names may already mean others. */
    private fun forgetContext() {
        surfaceTexture?.release()
        uploadedMask = null
        photoTexture = null
        uploadedPhoto = null
        passes = HashMap()
        passesOf = null
        downscaler = null
        reading = null
        pacer.reset()
    }

    /** An exception that leaves the GL thread ends the app; these two have a sentence for the user. */
    private fun guarded(work: () -> Unit) = try {
        work()
    } catch (error: GlException) {
        fail(error.message!!)
    } catch (error: BundleException) {
        fail(error.message!!)
    }

    private fun fail(sentence: String) {
        scene = null
        listener.onFailure(sentence)
    }
}
