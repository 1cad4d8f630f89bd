import Foundation

/// What the user moves while looking; the shader's uniforms of the same names.
public struct Controls: Equatable, Sendable {
    public var intensity: Double
    public var tone: Double
    public var warmth: Double
    public var skinProtection: Double
    public var color: Double
    public var grain: Double

    public init(
        intensity: Double, tone: Double, warmth: Double, skinProtection: Double, color: Double = 0, grain: Double = 0
    ) {
        self.intensity = intensity
        self.tone = tone
        self.warmth = warmth
        self.skinProtection = skinProtection
        self.color = color
        self.grain = grain
    }

    public subscript(control: Control) -> Double {
        get {
            switch control {
            case .intensity: return intensity
            case .tone: return tone
            case .warmth: return warmth
            case .skinProtection: return skinProtection
            case .color: return color
            case .grain: return grain
            }
        }
        set {
            switch control {
            case .intensity: intensity = newValue
            case .tone: tone = newValue
            case .warmth: warmth = newValue
            case .skinProtection: skinProtection = newValue
            case .color: color = newValue
            case .grain: grain = newValue
            }
        }
    }

    /// The picture as it was: what "before" shows.
    public var before: Controls {
        var controls = self
        controls.intensity = 0
        return controls
    }
}

/// A control by its name in the bundle and the shader.
public enum Control: String, CaseIterable, Sendable {
    case intensity, tone, warmth, color, grain
    case skinProtection = "skin_protection"
}

/// One slider of the bundle.
public struct ControlRange: Equatable, Sendable, Decodable {
    public let name: String
    public let minimum: Double
    public let maximum: Double
    public let defaultValue: Double

    private enum CodingKeys: String, CodingKey {
        case name, minimum, maximum
        case defaultValue = "default"
    }

    /// For people: intensity is what Apple's styles call palette.
    public var title: String {
        name == Control.intensity.rawValue ? "palette" : name.replacingOccurrences(of: "_", with: " ")
    }

    /// Whether the range is one, and holds the default.
    var isValid: Bool { minimum < maximum && (minimum...maximum).contains(defaultValue) }

    public func clamped(_ value: Double) -> Double { min(max(value, minimum), maximum) }
}
