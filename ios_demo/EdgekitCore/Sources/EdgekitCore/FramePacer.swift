/// Which frames are worked on: one at a time, and of those that come meanwhile only the newest.
///
/// A value; its owner guards it (one lock, or one queue).
public struct FramePacer<Frame> {
    private var isBusy = false
    private var waiting: Frame?
    public private(set) var counts = PacerCounts()

    public init() {}

    /// The frame to work on now, or nil when one is being worked on and this one waits in its place.
    public mutating func offer(_ frame: Frame) -> Frame? {
        guard isBusy else {
            isBusy = true
            counts.started += 1
            return frame
        }
        if waiting != nil { counts.replaced += 1 }
        waiting = frame
        return nil
    }

    /// To be called when a frame is done or failed: the next frame to work on, if one waits.
    public mutating func finish() -> Frame? {
        guard let next = waiting else {
            isBusy = false
            return nil
        }
        waiting = nil
        counts.started += 1
        return next
    }

    /// Lets go of a frame that waits: the source changed, was interrupted, or memory is short.
    public mutating func discardWaiting() {
        if waiting != nil { counts.replaced += 1 }
        waiting = nil
    }
}

public struct PacerCounts: Equatable, Sendable {
    public var started = 0
    /// Frames that never were worked on, because a newer one took their place.
    public var replaced = 0

    public init() {}
}
