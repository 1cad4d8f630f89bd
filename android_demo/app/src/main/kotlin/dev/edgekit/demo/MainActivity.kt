package dev.edgekit.demo

import android.Manifest
import android.hardware.display.DisplayManager
import android.net.Uri
import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.result.PickVisualMediaRequest
import androidx.activity.result.contract.ActivityResultContracts
import androidx.lifecycle.ViewModelProvider
import dev.edgekit.core.StyleEntry
import dev.edgekit.demo.photo.readPhoto
import dev.edgekit.demo.ui.DemoController
import dev.edgekit.demo.ui.DemoScreen
import dev.edgekit.demo.ui.DemoViewModel
import dev.edgekit.demo.ui.displayRotation
import java.io.IOException
import kotlin.concurrent.thread

class MainActivity : ComponentActivity(), DemoScreen.Listener {
    private lateinit var model: DemoViewModel
    private lateinit var controller: DemoController

    private val permission = registerForActivityResult(ActivityResultContracts.RequestPermission()) { granted ->
        controller.onCameraPermission(granted)
        if (!granted) model.notice(getString(R.string.camera_refused))
    }
    private val picker = registerForActivityResult(ActivityResultContracts.PickVisualMedia()) { uri ->
        if (uri != null) load(uri)
    }

    /** A turn by 180° brings no new configuration, only this. */
    private val displays = object : DisplayManager.DisplayListener {
        override fun onDisplayChanged(displayId: Int) = controller.onDisplayRotation(displayRotation())

        override fun onDisplayAdded(displayId: Int) = Unit

        override fun onDisplayRemoved(displayId: Int) = Unit
    }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        model = ViewModelProvider(this)[DemoViewModel::class.java]
        val screen = DemoScreen(this, this)
        setContentView(screen.root)
        controller = DemoController(this, screen, model)
        model.state.observe(this) { controller.show(it) }
        model.load(assets)
        displayManager().registerDisplayListener(displays, null)
        permission.launch(Manifest.permission.CAMERA)
    }

    override fun onResume() {
        super.onResume()
        controller.onResume()
    }

    override fun onPause() {
        controller.onPause()
        super.onPause()
    }

    override fun onDestroy() {
        displayManager().unregisterDisplayListener(displays)
        controller.onDestroy()
        super.onDestroy()
    }

    override fun onStyle(style: StyleEntry) = model.chooseStyle(style)

    override fun onControl(name: String, value: Double) = model.setControl(name, value)

    override fun onBefore(shows: Boolean) = model.showBefore(shows)

    override fun onCamera() = model.showCamera(flips = false)

    override fun onFlip() = model.showCamera(flips = true)

    override fun onPhoto() = picker.launch(
        PickVisualMediaRequest.Builder().setMediaType(ActivityResultContracts.PickVisualMedia.ImageOnly).build(),
    )

    private fun load(uri: Uri) {
        thread(name = "photo") {
            try {
                val photo = readPhoto(contentResolver, uri)
                runOnUiThread { model.showPhoto(photo) }
            } catch (error: IOException) {
                runOnUiThread { model.notice(error.message!!) }
            }
        }
    }

    private fun displayManager() = getSystemService(DISPLAY_SERVICE) as DisplayManager
}
