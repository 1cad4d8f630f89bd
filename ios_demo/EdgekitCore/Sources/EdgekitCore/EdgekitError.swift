import Foundation

/// A bundle that is refused, in one sentence: what, where, what to do next.
public struct BundleError: LocalizedError, Equatable, Sendable {
    public let sentence: String

    public init(_ sentence: String) {
        self.sentence = sentence
    }

    public var errorDescription: String? { sentence }
}

/// A shader description that cannot be drawn, in one sentence.
public struct ShaderError: LocalizedError, Equatable, Sendable {
    public let sentence: String

    public init(_ sentence: String) {
        self.sentence = sentence
    }

    public var errorDescription: String? { sentence }
}
