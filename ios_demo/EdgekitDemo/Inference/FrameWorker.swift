import CoreVideo
import EdgekitCore
import Foundation

/// How long the stages before the draw took for one frame.
struct FrameTimes: Sendable {
    let stretchMs: Double
    let segmentMs: Double
    let isMaskWithoutCopy: Bool
}

/// Takes pictures from any thread, works on one at a time on its own queue, and always on the newest.
///
/// A frame is handed on together with its own mask, so edges fit; the frame rate is the segmenter's.
/// @unchecked: what changes is guarded by the lock, the rest is used on the queue only.
final class FrameWorker: @unchecked Sendable {
    private struct Work: @unchecked Sendable {
        let buffer: CVPixelBuffer
        let geometry: FrameGeometry
    }

    private let segmenter: any Segmenter
    private let stretcher: InputStretcher
    private let cache: PixelTextureCache
    private let inputs: PixelBufferPool
    private let masks = MaskCutter()
    private let done: @Sendable (Result<(SegmentedFrame, FrameTimes), any Error>) -> Void
    private let queue = DispatchQueue(label: "dev.edgekit.demo.segment", qos: .userInteractive)
    private let lock = NSLock()
    private var pacer = FramePacer<Work>()

    /// `done` is called on the worker's queue.
    init(
        segmenter: any Segmenter, stretcher: InputStretcher, cache: PixelTextureCache,
        done: @escaping @Sendable (Result<(SegmentedFrame, FrameTimes), any Error>) -> Void
    ) throws {
        self.segmenter = segmenter
        self.stretcher = stretcher
        self.cache = cache
        self.done = done
        inputs = try PixelBufferPool(size: segmenter.inputSize)
    }

    var counts: PacerCounts { locked { pacer.counts } }

    func offer(_ buffer: CVPixelBuffer, geometry: FrameGeometry) {
        let work = Work(buffer: buffer, geometry: geometry)
        if let next = locked({ pacer.offer(work) }) { start(next) }
    }

    /// Lets go of the picture that waits: its source is gone, or memory is short.
    func discardWaiting() {
        locked { pacer.discardWaiting() }
    }

    /// One frame, on the caller's thread.
    func segmented(_ buffer: CVPixelBuffer, geometry: FrameGeometry) throws -> (SegmentedFrame, FrameTimes) {
        let image = try cache.wrap(buffer)
        let input = try cache.wrap(try inputs.buffer())
        let shown = Fit.shownPart(of: geometry.upright, in: segmenter.inputSize)
        let stretchMs = try stretcher.stretch(image, geometry: geometry, into: input, shown: shown)
        let output = try segmenter.segment(input.buffer)
        let mask = try masks.shownPart(of: output.mask, shown: shown, in: segmenter.inputSize)
        let frame = SegmentedFrame(image: image, mask: try cache.wrap(mask), geometry: geometry)
        let isMaskWithoutCopy = output.isInGivenBuffer && mask === output.mask
        let times = FrameTimes(stretchMs: stretchMs, segmentMs: output.predictionMs, isMaskWithoutCopy: isMaskWithoutCopy)
        return (frame, times)
    }

    private func start(_ work: Work) {
        queue.async { [self] in
            autoreleasepool {
                done(Result { try segmented(work.buffer, geometry: work.geometry) })
            }
            if let next = locked({ pacer.finish() }) { start(next) }
        }
    }

    private func locked<Value>(_ body: () -> Value) -> Value {
        lock.lock()
        defer { lock.unlock() }
        return body()
    }
}
