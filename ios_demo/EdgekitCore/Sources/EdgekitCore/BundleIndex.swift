import Foundation

/// `bundle.json` as it is written; `EdgekitBundle.open` checks what it says.
public struct BundleIndex: Decodable, Sendable {
    public let name: String
    public let edgekitVersion: String
    public let segmenters: [SegmenterEntry]
    public let classNames: [String]
    /// What the mask's channels sum, as indices into `classNames`.
    public let groups: [String: [Int]]
    public let styles: [StyleEntry]
    public let defaultStyle: String
    public let controls: [ControlRange]
    public let golden: Golden
    public let files: [FileEntry]

    private enum CodingKeys: String, CodingKey {
        case name, segmenters, groups, styles, controls, golden, files
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
    /// What the network takes and answers.
    public let inputSize: PixelSize
    public let maskSize: PixelSize
    public let recipe: String
    public let minimumOS: String
    /// Artifacts of the same network for other processors; the key is absent where there is none.
    public let accelerated: [AcceleratedEntry]

    private enum CodingKeys: String, CodingKey {
        case target, path, manifest, recipe, accelerated
        case inputSize = "input_size"
        case maskSize = "mask_size"
        case minimumOS = "minimum_os"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        target = try container.decode(String.self, forKey: .target)
        path = try container.decode(String.self, forKey: .path)
        manifest = try container.decode(String.self, forKey: .manifest)
        inputSize = try container.decode(PixelSize.self, forKey: .inputSize)
        maskSize = try container.decode(PixelSize.self, forKey: .maskSize)
        recipe = try container.decode(String.self, forKey: .recipe)
        minimumOS = try container.decode(String.self, forKey: .minimumOS)
        accelerated =
            container.contains(.accelerated) ? try container.decode([AcceleratedEntry].self, forKey: .accelerated) : []
    }
}

/// An artifact of the same network and sizes for another processor; its file may be the segmenter's own.
public struct AcceleratedEntry: Decodable, Equatable, Sendable {
    /// `gpu`.
    public let accelerator: String
    public let path: String
    public let manifest: String
    public let recipe: String
}

extension PixelSize: Decodable {
    /// A square by its side, any other size by its text, rows x columns.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let side = try? container.decode(Int.self) {
            self.init(width: side, height: side)
            return
        }
        let sides = try container.decode(String.self).split(separator: "x", omittingEmptySubsequences: false)
        guard sides.count == 2, let height = Self.side(sides[0]), let width = Self.side(sides[1]) else {
            let wanted = "neither a side nor rows x columns"
            throw DecodingError.typeMismatch(
                PixelSize.self, .init(codingPath: decoder.codingPath, debugDescription: wanted)
            )
        }
        self.init(width: width, height: height)
    }

    private static func side(_ text: Substring) -> Int? {
        let digits = text.utf8
        guard (1...5).contains(digits.count), digits.allSatisfy((48...57).contains), digits.first != 48 else { return nil }
        return Int(text)
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
        public let values: [String: Double]
        public let controls: Controls

        public init(from decoder: any Decoder) throws {
            let values = try [String: Double](from: decoder)
            func value(_ control: Control) throws -> Double {
                guard let value = values[control.rawValue] else {
                    throw DecodingError.valueNotFound(
                        Double.self, .init(codingPath: decoder.codingPath, debugDescription: control.rawValue)
                    )
                }
                return value
            }
            self.values = values
            controls = Controls(
                intensity: try value(.intensity), tone: try value(.tone), warmth: try value(.warmth),
                skinProtection: try value(.skinProtection),
                // Bundles of edgekit 0.1 do not name these.
                color: values[Control.color.rawValue] ?? 0, grain: values[Control.grain.rawValue] ?? 0
            )
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
    public let preprocessing: String?

    private enum CodingKeys: String, CodingKey {
        case name, sha256, inputs, outputs, preprocessing
        case sizeBytes = "size_bytes"
    }

    public struct Tensor: Decodable, Equatable, Sendable {
        public let name: String
        public let shape: [Int]
        public let channels: [String]
    }
}
