package dev.edgekit.demo.inference

import dev.edgekit.core.Bundle
import dev.edgekit.core.SegmenterEntry
import java.io.File

/** Stands in for the app's own file where LiteRT's library cannot be had: the network is the golden mask. */
object Segmenters {
    @Suppress("UNUSED_PARAMETER")
    fun open(bundle: Bundle, entry: SegmenterEntry, accelerator: String, threads: Int, cache: File): Segmenter {
        bundle.requireUsable(entry)
        return GoldenSegmenter(bundle, entry)
    }
}
