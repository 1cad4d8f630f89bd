import Foundation

/// A bundle that is refused, in one sentence: what, where, what to do next.
public struct BundleError: LocalizedError, Equatable, Sendable {
    public let sentence: String

    public init(_ sentence: String) {
        self.sentence = printable(sentence)
    }

    public var errorDescription: String? { sentence }
}

/// A shader description that cannot be drawn, in one sentence.
public struct ShaderError: LocalizedError, Equatable, Sendable {
    public let sentence: String

    public init(_ sentence: String) {
        self.sentence = printable(sentence)
    }

    public var errorDescription: String? { sentence }
}

/// Whether a character steers what shows it: controls, and what changes the direction of text.
func steers(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0...0x1f, 0x7f...0x9f, 0x61c, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069: return true
    default: return false
    }
}

/// One line of bounded length without control characters, however the names in it read.
private func printable(_ sentence: String) -> String {
    let most = 2000
    let line = sentence.unicodeScalars.lazy.filter { !steers($0) }.prefix(most)
    var kept = String.UnicodeScalarView()
    kept.append(contentsOf: line)
    if kept.count == most {
        kept.removeLast()
        kept.append("…")
    }
    return String(kept)
}
