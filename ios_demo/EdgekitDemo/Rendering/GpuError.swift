import Foundation

/// What the GPU or the pixel buffers refused, in one sentence.
struct GpuError: LocalizedError {
    let sentence: String

    init(_ sentence: String) {
        self.sentence = sentence
    }

    var errorDescription: String? { sentence }
}
