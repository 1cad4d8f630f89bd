/// A square that moves two controls at once: color across and tone upwards. The page and Kotlin compute the same;
/// tests/shared/pad.json holds all three to it.
public struct Pad: Equatable, Sendable {
    /// A place on the pad: shares of its width and height from its top left corner.
    public struct Place: Equatable, Sendable {
        public let x: Double
        public let y: Double

        public init(x: Double, y: Double) {
            self.x = x
            self.y = y
        }
    }

    /// What the two controls are.
    public struct Values: Equatable, Sendable {
        public let color: Double
        public let tone: Double

        public init(color: Double, tone: Double) {
            self.color = color
            self.tone = tone
        }
    }

    private static let snap = 0.03  // of a control's range: less than a finger's trembling
    private static let steps = 20.0

    private let across: ControlRange
    private let up: ControlRange

    /// The pad of a bundle's controls; nil unless color and tone are both among them.
    public init?(_ ranges: [ControlRange]) {
        guard let across = ranges.first(where: { $0.name == Control.color.rawValue }),
            let up = ranges.first(where: { $0.name == Control.tone.rawValue })
        else { return nil }
        self.across = across
        self.up = up
    }

    public var neutral: Values { Values(color: across.defaultValue, tone: up.defaultValue) }

    /// Whether the pad moves this control.
    public func moves(_ range: ControlRange) -> Bool { range == across || range == up }

    /// Beyond the pad's edge the controls are at their ends, and close to their defaults at these.
    public func values(at place: Place) -> Values {
        Values(color: value(place.x, of: across), tone: value(1 - place.y, of: up))
    }

    public func place(of values: Values) -> Place {
        Place(x: share(values.color, of: across), y: 1 - share(values.tone, of: up))
    }

    /// Moved by steps of a twentieth of the range, for those who move no finger.
    public func stepped(_ values: Values, right: Int, higher: Int) -> Values {
        Values(color: stepped(values.color, by: right, in: across), tone: stepped(values.tone, by: higher, in: up))
    }

    private func value(_ share: Double, of range: ControlRange) -> Double {
        let width = range.maximum - range.minimum
        let value = range.minimum + min(max(share, 0), 1) * width
        return abs(value - range.defaultValue) <= Self.snap * width ? range.defaultValue : value
    }

    private func share(_ value: Double, of range: ControlRange) -> Double {
        (range.clamped(value) - range.minimum) / (range.maximum - range.minimum)
    }

    private func stepped(_ value: Double, by steps: Int, in range: ControlRange) -> Double {
        range.clamped(value + Double(steps) * (range.maximum - range.minimum) / Self.steps)
    }
}
