package dev.edgekit.demo.bundle

import android.content.res.AssetManager
import dev.edgekit.core.Bundle
import dev.edgekit.core.BundleFiles
import dev.edgekit.core.openBundle
import java.io.InputStream

/** The bundle that `edgekit bundle --into android_demo` put among the app's assets. */
class AssetFiles(private val assets: AssetManager, private val root: String) : BundleFiles {
    override fun paths(): List<String> {
        val found = ArrayList<String>()
        collect("", found)
        return found
    }

    /** Compressed assets do not tell their size before they are read. */
    override fun sizeBytes(path: String): Long? = null

    override fun open(path: String): InputStream = assets.open("$root/$path")

    /** `list` is empty for a file and for nothing; an APK has no empty folders. */
    private fun collect(path: String, found: MutableList<String>) {
        val children = assets.list(if (path.isEmpty()) root else "$root/$path").orEmpty()
        if (children.isEmpty() && path.isNotEmpty()) found.add(path)
        for (child in children) collect(if (path.isEmpty()) child else "$path/$child", found)
    }
}

/** Reads and checks every byte: call it off the main thread. */
fun openAssetBundle(assets: AssetManager): Bundle = openBundle(AssetFiles(assets, "edgekit"))
