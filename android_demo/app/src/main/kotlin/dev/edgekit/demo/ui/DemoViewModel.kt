package dev.edgekit.demo.ui

import android.content.res.AssetManager
import androidx.lifecycle.LiveData
import androidx.lifecycle.MutableLiveData
import androidx.lifecycle.ViewModel
import dev.edgekit.core.Bundle
import dev.edgekit.core.BundleException
import dev.edgekit.core.Controls
import dev.edgekit.core.ShaderDescription
import dev.edgekit.core.StyleEntry
import dev.edgekit.demo.bundle.openAssetBundle
import dev.edgekit.demo.photo.Photo
import kotlin.concurrent.thread

/** What survives a rotation: the opened bundle, the choices, the picked photo. */
class DemoViewModel : ViewModel() {
    private val mutableState = MutableLiveData<UiState>(UiState.Loading)
    private val descriptions = HashMap<String, ShaderDescription>()
    private var isLoading = false

    val state: LiveData<UiState> get() = mutableState

    /** There once the state is Ready. */
    var bundle: Bundle? = null
        private set

    /** Null while the camera is shown. */
    var photo: Photo? = null
        private set

    /** Opens and checks the bundle once, off the main thread. */
    fun load(assets: AssetManager) {
        if (isLoading) return
        isLoading = true
        thread(name = "bundle") {
            try {
                val opened = openAssetBundle(assets)
                opened.requireUsable(opened.segmenter("tflite"))
                for (style in opened.styles) descriptions[style.name] = opened.shader(style)
                bundle = opened
                val style = opened.style(opened.defaultStyle)
                mutableState.postValue(
                    UiState.Ready(opened.styles, style, opened.controls, Controls.defaults(opened.controls)),
                )
            } catch (error: BundleException) {
                mutableState.postValue(UiState.Failed(error.message!!))
            }
        }
    }

    fun description(style: StyleEntry): ShaderDescription = descriptions.getValue(style.name)

    fun chooseStyle(style: StyleEntry) = update { it.copy(style = style) }

    fun setControl(name: String, value: Double) = update { ready ->
        val range = ready.ranges.first { it.name == name }
        ready.copy(controls = ready.controls.with(name, range.clamp(value)))
    }

    fun showBefore(shows: Boolean) = update { it.copy(showsBefore = shows) }

    fun showPhoto(picked: Photo) {
        photo = picked
        update { it.copy(notice = null) }
    }

    /** The camera instead of the photo; asked for again, the other camera. */
    fun showCamera(flips: Boolean) {
        photo = null
        update { it.copy(isFrontCamera = it.isFrontCamera != flips, notice = null) }
    }

    fun showAccelerators(sentences: List<String>) = update { it.copy(accelerators = sentences) }

    fun notice(sentence: String) = update { it.copy(notice = sentence) }

    fun fail(sentence: String) {
        mutableState.value = UiState.Failed(sentence)
    }

    /** Choices only mean something once there is a bundle. Main thread. */
    private fun update(change: (UiState.Ready) -> UiState.Ready) {
        val ready = mutableState.value as? UiState.Ready ?: return
        mutableState.value = change(ready)
    }
}
