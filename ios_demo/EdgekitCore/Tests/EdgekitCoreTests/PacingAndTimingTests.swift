import XCTest

@testable import EdgekitCore

final class PacingAndTimingTests: XCTestCase {
    func testOnlyTheNewestFrameWaits() {
        var pacer = FramePacer<Int>()
        XCTAssertEqual(pacer.offer(1), 1)
        XCTAssertNil(pacer.offer(2))
        XCTAssertNil(pacer.offer(3))
        XCTAssertEqual(pacer.finish(), 3)
        XCTAssertNil(pacer.finish())
        XCTAssertEqual(pacer.offer(4), 4)
        XCTAssertEqual(pacer.counts.started, 3)
        XCTAssertEqual(pacer.counts.replaced, 1)
    }

    func testADiscardedFrameIsNotWorkedOn() {
        var pacer = FramePacer<Int>()
        _ = pacer.offer(1)
        _ = pacer.offer(2)
        pacer.discardWaiting()
        XCTAssertNil(pacer.finish())
        XCTAssertEqual(pacer.counts.replaced, 1)
    }

    func testPercentilesAreNumpys() throws {
        // numpy.percentile([10, 20, 30, 40], [50, 90]) is [25, 37].
        let summary = try XCTUnwrap(TimeSummary(milliseconds: [40, 10, 30, 20]))
        XCTAssertEqual(summary.p50Ms, 25)
        XCTAssertEqual(summary.p90Ms, 37, accuracy: 1e-12)
        XCTAssertEqual(summary.n, 4)
        XCTAssertNil(TimeSummary(milliseconds: []))
    }

    func testOldTimesAreForgotten() {
        var times = RollingTimes(capacity: 2)
        XCTAssertNil(times.summary)
        for time in [100.0, 1, 3] { times.add(milliseconds: time) }
        XCTAssertEqual(times.summary?.p50Ms, 2)
        XCTAssertEqual(times.summary?.n, 2)
    }

    func testTheOverlaySaysWhatWasNotTimed() {
        XCTAssertEqual(timingLine(stage: "draw", summary: nil, clock: "GPU"), "draw: not timed yet")
        let summary = TimeSummary(milliseconds: [1.25, 1.35])
        XCTAssertEqual(timingLine(stage: "draw", summary: summary, clock: "GPU"), "draw 1.3 ms, p90 1.3, n 2 (GPU)")
    }
}
