import Foundation

/// `bundle.json` as it is written; `EdgekitBundle.open` checks what it says.
public struct BundleIndex: Decodable, Sendable {
    public let name: String
    public let edgekitVersion: String
    public let segmenters: [SegmenterEntry]
    public let classNames: [String]
    public let styles: [StyleEntry]
    public let defaultStyle: String
    public let controls: [ControlRange]
    public let golden: Golden
    public let files: [FileEntry]

    private enum CodingKeys: String, CodingKey {
        case name, segmenters, styles, controls, golden, files
        case edgekitVersion = "edgekit_version"
        case classNames = "class_names"
        case defaultStyle = "default_style"
    }
}

public struct SegmenterEntry: Decodable, Equatable, Sendable {
    /// `coreml` or `tflite`.
    public let target: String
    public let path: String
    public let manifest: String
    /// Pixels a side of what the network takes and answers.
    public let inputSize: Int
    public let maskSize: Int
    public let recipe: String
    public let minimumOS: String

    private enum CodingKeys: String, CodingKey {
        case target, path, manifest, recipe
        case inputSize = "input_size"
        case maskSize = "mask_size"
        case minimumOS = "minimum_os"
    }
}

public struct StyleEntry: Decodable, Equatable, Sendable {
    public let name: String
    public let title: String
    public let description: String
}

public struct FileEntry: Decodable, Equatable, Sendable {
    public let path: String
    public let sizeBytes: Int
    public let sha256: String

    private enum CodingKeys: String, CodingKey {
        case path, sha256
        case sizeBytes = "size_bytes"
    }
}

/// The picture that every platform draws: `styled` is `image` with `mask`, in `style` with `uniforms`.
public struct Golden: Decodable, Equatable, Sendable {
    public let style: String
    public let uniforms: Uniforms
    public let image: Picture
    public let mask: Picture
    public let styled: Picture
    public let givenMaskMaxLevels: Int
    public let endToEndDeltaE00P95: Double
    public let vectors: String

    private enum CodingKeys: String, CodingKey {
        case style, uniforms, image, mask, styled, vectors
        case givenMaskMaxLevels = "given_mask_max_levels"
        case endToEndDeltaE00P95 = "end_to_end_delta_e00_p95"
    }

    /// A PNG and the sha256 of its decoded RGBA bytes, first row on top, alpha 255.
    public struct Picture: Decodable, Equatable, Sendable {
        public let path: String
        public let width: Int
        public let height: Int
        public let rgba8Sha256: String

        private enum CodingKeys: String, CodingKey {
            case path, width, height
            case rgba8Sha256 = "rgba8_sha256"
        }
    }

    public struct Uniforms: Decodable, Equatable, Sendable {
        public let intensity: Double
        public let tone: Double
        public let warmth: Double
        public let skinProtection: Double

        private enum CodingKeys: String, CodingKey {
            case intensity, tone, warmth
            case skinProtection = "skin_protection"
        }

        public var controls: Controls {
            Controls(intensity: intensity, tone: tone, warmth: warmth, skinProtection: skinProtection)
        }
    }
}

/// What the app needs of the manifest beside an artifact.
public struct SegmenterManifest: Decodable, Equatable, Sendable {
    public let name: String
    public let sha256: String
    public let sizeBytes: Int
    public let inputs: [Tensor]
    public let outputs: [Tensor]

    private enum CodingKeys: String, CodingKey {
        case name, sha256, inputs, outputs
        case sizeBytes = "size_bytes"
    }

    public struct Tensor: Decodable, Equatable, Sendable {
        public let name: String
        public let shape: [Int]
        public let channels: [String]
    }
}
