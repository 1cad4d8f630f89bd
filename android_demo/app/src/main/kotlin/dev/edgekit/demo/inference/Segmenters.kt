package dev.edgekit.demo.inference

import dev.edgekit.core.Bundle
import dev.edgekit.core.SegmenterEntry
import java.io.File

/** The app's one place that chooses a runtime. */
object Segmenters {
    /** [accelerator]: `cpu` or `gpu`. [cache]: a folder of the app's own. */
    fun open(bundle: Bundle, entry: SegmenterEntry, accelerator: String, threads: Int, cache: File): Segmenter {
        bundle.requireUsable(entry)
        return LiteRtSegmenter(bundle, entry, accelerator == "gpu", threads, cache)
    }
}
