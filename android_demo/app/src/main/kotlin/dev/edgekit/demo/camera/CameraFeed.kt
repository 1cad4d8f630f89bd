package dev.edgekit.demo.camera

import android.content.Context
import android.graphics.SurfaceTexture
import android.view.Surface
import androidx.camera.core.CameraSelector
import androidx.camera.core.Preview
import androidx.camera.core.SurfaceRequest
import androidx.camera.lifecycle.ProcessCameraProvider
import androidx.lifecycle.LifecycleOwner
import dev.edgekit.core.CameraStream
import java.util.concurrent.Executor

/** CameraX's preview into the renderer's SurfaceTexture. Everything here runs on the main thread.
 *
 * CameraX follows the lifecycle: it closes the camera when the owner stops and asks for a surface again
 * when it starts. [onStream] hears how the frames lie, whenever that changes. */
class CameraFeed(
    private val context: Context,
    private val mainExecutor: Executor,
    private val onStream: (CameraStream) -> Unit,
    private val onFailure: (String) -> Unit,
) : Preview.SurfaceProvider {
    private var provider: ProcessCameraProvider? = null
    private var preview: Preview? = null
    private var texture: SurfaceTexture? = null
    private var request: SurfaceRequest? = null
    private var displayRotation = Surface.ROTATION_0
    private var isFront = false

    fun start(owner: LifecycleOwner, front: Boolean, rotation: Int) {
        isFront = front
        displayRotation = rotation
        val future = ProcessCameraProvider.getInstance(context)
        future.addListener({ bind(future.get(), owner) }, mainExecutor)
    }

    fun stop() {
        provider?.unbindAll()
        preview = null
    }

    /** The owner is gone, and CameraX has let go of its surfaces with it. */
    fun close() {
        texture?.release()
        texture = null
    }

    fun onDisplayRotation(rotation: Int) {
        displayRotation = rotation
        preview?.targetRotation = rotation // brings a new TransformationInfo
    }

    /** The renderer has a (new) texture: after a lost GL context the camera must be given the new one. */
    fun onTexture(created: SurfaceTexture) {
        texture = created
        val waiting = request ?: return
        if (!waiting.invalidate()) provide(waiting) // never served: serve it now
    }

    override fun onSurfaceRequested(asked: SurfaceRequest) {
        request = asked
        asked.setTransformationInfoListener(mainExecutor) { info -> onStream(streamOf(asked, info)) }
        provide(asked)
    }

    private fun bind(obtained: ProcessCameraProvider, owner: LifecycleOwner) {
        provider = obtained
        val selector = if (isFront) CameraSelector.DEFAULT_FRONT_CAMERA else CameraSelector.DEFAULT_BACK_CAMERA
        try {
            val bound = Preview.Builder().setTargetRotation(displayRotation).build()
            bound.setSurfaceProvider(mainExecutor, this)
            obtained.unbindAll()
            obtained.bindToLifecycle(owner, selector, bound)
            preview = bound
        } catch (error: IllegalArgumentException) { // what CameraX throws when no camera fits the selector
            onFailure("This device has no ${if (isFront) "front" else "back"} camera.")
        }
    }

    private fun provide(asked: SurfaceRequest) {
        val target = texture ?: return // onTexture comes back to it
        target.setDefaultBufferSize(asked.resolution.width, asked.resolution.height)
        val surface = Surface(target)
        asked.provideSurface(surface, mainExecutor) { surface.release() } // the camera has let go of it
    }

    /** The camera's own transform, where it is in the SurfaceTexture's matrix, mirrors a front camera. */
    private fun streamOf(asked: SurfaceRequest, info: SurfaceRequest.TransformationInfo) = CameraStream(
        asked.resolution.width, asked.resolution.height, info.rotationDegrees, degrees(displayRotation),
        info.hasCameraTransform(), info.hasCameraTransform() && isFront,
    )

    private fun degrees(rotation: Int) = when (rotation) {
        Surface.ROTATION_90 -> 90
        Surface.ROTATION_180 -> 180
        Surface.ROTATION_270 -> 270
        else -> 0
    }
}
