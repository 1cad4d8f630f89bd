package dev.edgekit.demo.inference

import dev.edgekit.core.Bundle
import dev.edgekit.core.SegmenterEntry

/** The app's one place that chooses a runtime. */
object Segmenters {
    fun open(bundle: Bundle, entry: SegmenterEntry, threads: Int): Segmenter {
        bundle.requireUsable(entry)
        return LiteRtSegmenter(bundle, entry, threads)
    }
}
