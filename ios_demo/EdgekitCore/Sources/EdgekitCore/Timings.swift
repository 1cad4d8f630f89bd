import Foundation

/// The last `capacity` times of one stage, in milliseconds.
public struct RollingTimes: Sendable {
    private var times: [Double] = []
    private let capacity: Int

    public init(capacity: Int) {
        self.capacity = capacity
    }

    public mutating func add(milliseconds: Double) {
        if times.count == capacity { times.removeFirst() }
        times.append(milliseconds)
    }

    /// Nil while nothing was timed.
    public var summary: TimeSummary? { TimeSummary(milliseconds: times) }
}

/// Median and 90th percentile of n times.
public struct TimeSummary: Equatable, Sendable {
    public let p50Ms: Double
    public let p90Ms: Double
    public let n: Int

    public init?(milliseconds: [Double]) {
        guard !milliseconds.isEmpty else { return nil }
        let sorted = milliseconds.sorted()
        p50Ms = percentile(0.5, ofSorted: sorted)
        p90Ms = percentile(0.9, ofSorted: sorted)
        n = sorted.count
    }
}

/// Linear between the two nearest samples, as numpy's default. `sorted`: ascending, not empty.
public func percentile(_ fraction: Double, ofSorted sorted: [Double]) -> Double {
    let at = Double(sorted.count - 1) * fraction
    let below = Int(at)
    let above = min(below + 1, sorted.count - 1)
    return sorted[below] + (sorted[above] - sorted[below]) * (at - Double(below))
}

/// One line of the overlay: `segment 12.3 ms, p90 14.0, n 60 (CPU clock)`.
public func timingLine(stage: String, summary: TimeSummary?, clock: String) -> String {
    guard let summary else { return "\(stage): not timed yet" }
    return String(
        format: "%@ %.1f ms, p90 %.1f, n %d (%@)", locale: Locale(identifier: "en_US_POSIX"),
        stage as NSString, summary.p50Ms, summary.p90Ms, summary.n, clock as NSString
    )
}
