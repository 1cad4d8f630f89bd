package dev.edgekit.core

/** Which frames the segmenter sees: one at a time, always the newest. A frame that comes while one is
 * being worked on is skipped, never queued, so the mask is as fresh as the network allows. Thread-safe. */
class FramePacer {
    private var current: Long? = null
    private var lastTicket = 0L
    private var skipped = 0L

    /** A ticket when this frame is to be segmented, null when it is skipped. */
    @Synchronized
    fun tryStart(): Long? {
        if (current != null) {
            skipped++
            return null
        }
        current = ++lastTicket
        return current
    }

    /** The frame of [ticket] is done or failed. False when it was given up by [reset] meanwhile: its
     * mask then belongs to a picture that is gone. */
    @Synchronized
    fun finish(ticket: Long): Boolean {
        if (current != ticket) return false
        current = null
        return true
    }

    /** Give up what is in flight: the GL context, the camera or the picture changed. */
    @Synchronized
    fun reset() {
        current = null
    }

    @Synchronized
    fun counts() = PacerCounts(lastTicket, skipped)
}

data class PacerCounts(val started: Long, val skipped: Long)
