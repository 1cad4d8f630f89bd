import CoreVideo
import EdgekitCore
import Foundation

/// What the app asks of a network, whatever runs it.
///
/// In: a 32BGRA buffer of the input's size with the whole upright picture. Out: a 32BGRA buffer whose r, g, b are the
/// weights of skin, hair and clothes; its alpha means nothing. Calls come one at a time.
protocol Segmenter: AnyObject, Sendable {
    var inputSize: PixelSize { get }
    func segment(_ input: CVPixelBuffer) throws -> SegmenterOutput
}

struct SegmenterOutput: @unchecked Sendable {
    let mask: CVPixelBuffer
    /// The prediction alone, on the CPU's clock: the caller waits so long, whichever unit works.
    let predictionMs: Double
    /// False when the runtime answered in a buffer of its own instead of the one it was given.
    let isInGivenBuffer: Bool
}

struct SegmenterError: LocalizedError {
    let sentence: String

    init(_ sentence: String) {
        self.sentence = sentence
    }

    var errorDescription: String? { sentence }
}
