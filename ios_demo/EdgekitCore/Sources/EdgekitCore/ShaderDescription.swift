import Foundation

/// Everything an app needs to draw the fused pass, as `edgekit/shader/description.py` writes it.
public struct ShaderDescription: Sendable {
    public let title: String
    public let layers: [ShaderLayer]
    public let textures: [ShaderTexture]
    public let bindings: [ShaderBinding]
    public let uniforms: [ShaderUniform]
    public let uniformBlockSizeBytes: Int
    /// The draws before the fused one, in order.
    public let passes: [ShaderPass]
    public let metal: MetalText
    /// In the order of `passes`.
    public let passTexts: [MetalText]
    /// The default of the uniform of this name, a share of the image's longer side; 0 without a blur.
    public let blur: Double
    /// Bytes of the tables and of the second picture by slot name: RGBA8, first row first; a table's red runs fastest.
    public let shipped: [String: Data]

    static let schema = "edgekit/shader-description"
    static let schemaVersion = 1
    static let metalDialect = "msl"
    static let mat3Bytes = 48  // three columns, 16 bytes apart
    static let floatBytes = 4
    static let largestBlockBytes = 65536
    static let largestPictureSide = 16384  // pixels: the largest texture that a GPU of today takes
    static let roles: Set = ["camera", "mask", "coefficients", "drawn-mask", "lut", "picture", "blurred"]

    /// `bytes` answers with a file that lies beside the description.
    public static func read(
        _ data: Data, at path: String, bytes: (String) throws -> Data
    ) throws -> ShaderDescription {
        let file = try decoded(
            DescriptionFile.self, from: data, at: path, schema: schema, version: schemaVersion
        ) { ShaderError($0) }
        guard (16...largestBlockBytes).contains(file.uniformBlockSizeBytes) else {
            throw ShaderError("\(path): a uniform block has 16 to \(largestBlockBytes) bytes.")
        }
        guard file.layers.allSatisfy({ (0...1).contains($0.strength) }) else {
            throw ShaderError("\(path): a layer's strength is not from 0 to 1.")
        }
        if let unknown = file.textures.first(where: { !roles.contains($0.role) }) {
            throw ShaderError("\(path): the texture \(unknown.name) has the unknown role \(unknown.role).")
        }
        for uniform in file.uniforms {
            try check(uniform, blockSizeBytes: file.uniformBlockSizeBytes, path: path)
        }
        let passes = file.passes ?? []
        try check(passes, textures: file.textures, path: path)
        var shipped: [String: Data] = [:]
        for texture in file.textures {
            shipped[texture.name] = try shippedBytes(of: texture, path: path, bytes: bytes)
        }
        let texts = try metalTexts(in: file.dialects, passes: passes, path: path)
        return ShaderDescription(
            title: file.title, layers: file.layers, textures: file.textures, bindings: file.bindings,
            uniforms: file.uniforms, uniformBlockSizeBytes: file.uniformBlockSizeBytes, passes: passes,
            metal: texts.fused, passTexts: texts.passes, blur: try blur(in: file.uniforms, path: path), shipped: shipped
        )
    }

    /// The size of the second picture; nil where the style shows none of its own.
    public var pictureSize: PixelSize? {
        guard let texture = textures.first(where: { $0.role == "picture" }), let size = texture.size, size.count == 2
        else { return nil }
        return PixelSize(width: size[0], height: size[1])
    }

    /// MSL's index of a texture slot or of the uniform block.
    public func metalIndex(of binding: String) throws -> Int {
        guard let index = bindings.first(where: { $0.name == binding })?.mslIndex else {
            throw ShaderError("The description \"\(title)\" binds no \(binding) in MSL; write it again with edgekit shader.")
        }
        return index
    }

    /// MSL's index of the uniform block.
    public func metalUniformIndex() throws -> Int {
        guard let index = bindings.first(where: { $0.kind == "uniforms" })?.mslIndex else {
            throw ShaderError("The description \"\(title)\" binds no uniforms in MSL; write it again with edgekit shader.")
        }
        return index
    }

    private static func check(_ uniform: ShaderUniform, blockSizeBytes: Int, path: String) throws {
        let size = uniform.type == .mat3 ? mat3Bytes : floatBytes
        let offset = uniform.offsetBytes
        guard (0...largestBlockBytes).contains(offset), offset % floatBytes == 0, offset + size <= blockSizeBytes else {
            throw ShaderError("\(path): the uniform \(uniform.name) lies outside the uniform block.")
        }
    }

    private static func blur(in uniforms: [ShaderUniform], path: String) throws -> Double {
        guard let uniform = uniforms.first(where: { $0.name == "blur" }) else { return 0 }
        guard let blur = uniform.defaultValue?.first, (0...1).contains(blur) else {
            throw ShaderError("\(path): the blur has no default from 0 to 1.")
        }
        return blur
    }

    /// nil: an app or a pass fills the texture.
    private static func shippedBytes(
        of texture: ShaderTexture, path: String, bytes: (String) throws -> Data
    ) throws -> Data? {
        guard let file = texture.file else { return nil }
        let data = try bytes(file)
        let isTable = texture.role != "picture"
        let sides = isTable ? 2...64 : 1...largestPictureSide
        guard let size = texture.size, size.count == (isTable ? 3 : 2), size.allSatisfy(sides.contains),
            texture.dimension == (isTable ? "3d" : "2d"), texture.format == "rgba8unorm", data.count == size.reduce(4, *)
        else {
            throw ShaderError("\(path): \(file) is not a texture of the size and format that are described.")
        }
        guard sha256(of: data) == texture.sha256 else {
            throw ShaderError("\(path): \(file) is not the texture that was described: its sha256 differs.")
        }
        return data
    }

    private static func metalTexts(
        in dialects: [DialectFile], passes: [ShaderPass], path: String
    ) throws -> (fused: MetalText, passes: [MetalText]) {
        for dialect in dialects {
            try check(dialect, passes: passes, path: path)
        }
        guard let dialect = dialects.first(where: { $0.name == metalDialect }) else {
            throw ShaderError("\(path) holds no MSL text; write it with edgekit shader --dialect msl.")
        }
        func text(_ vertex: DialectFile.Stage, _ fragment: DialectFile.Stage) throws -> MetalText {
            guard let source = dialect.sources.first(where: { $0.file == fragment.file }), vertex.file == fragment.file else {
                throw ShaderError("\(path): the MSL stages \(vertex.file) and \(fragment.file) are not one text.")
            }
            return MetalText(text: source.text, vertexEntry: vertex.entry, fragmentEntry: fragment.entry)
        }
        return (
            try text(dialect.vertex, dialect.fragment), try (dialect.passes ?? []).map { try text($0.vertex, $0.fragment) }
        )
    }

    /// The texts of every dialect, so that a changed description is refused whichever of them is drawn.
    private static func check(_ dialect: DialectFile, passes: [ShaderPass], path: String) throws {
        let texts = dialect.passes ?? []
        guard texts.map(\.name) == passes.map(\.name) else {
            throw ShaderError("\(path): the dialect \(dialect.name) has no text for each pass.")
        }
        for source in dialect.sources where sha256(of: Data(source.text.utf8)) != source.sha256 {
            throw ShaderError("\(path): the text of \(source.file) was changed after it was written.")
        }
        let stages = [dialect.vertex, dialect.fragment] + texts.flatMap { [$0.vertex, $0.fragment] }
        for stage in stages where !dialect.sources.contains(where: { $0.file == stage.file }) {
            throw ShaderError("\(path) has no text for \(stage.file).")
        }
    }
}

/// One MSL text with both stages.
public struct MetalText: Equatable, Sendable {
    public let text: String
    public let vertexEntry: String
    public let fragmentEntry: String
}

public struct ShaderLayer: Decodable, Equatable, Sendable {
    public let strength: Double
}

public struct ShaderTexture: Decodable, Equatable, Sendable {
    public let name: String
    /// `camera`, `mask`, `lut` and others; the app supplies those without a file.
    public let role: String
    public let dimension: String
    public let format: String
    /// Width, height and, for a table, depth.
    public let size: [Int]?
    public let file: String?
    public let sha256: String?
}

public struct ShaderBinding: Decodable, Equatable, Sendable {
    public let name: String
    public let kind: String
    public let mslIndex: Int?

    private enum CodingKeys: String, CodingKey {
        case name, kind
        case mslIndex = "msl_index"
    }
}

public struct ShaderUniform: Decodable, Equatable, Sendable {
    public enum Kind: String, Decodable, Sendable {
        case float, mat3
    }

    public let name: String
    public let type: Kind
    public let offsetBytes: Int
    public let defaultValue: [Double]?

    private enum CodingKeys: String, CodingKey {
        case name, type
        case offsetBytes = "offset_bytes"
        case defaultValue = "default"
    }
}

private struct DescriptionFile: Decodable {
    let title: String
    let layers: [ShaderLayer]
    let textures: [ShaderTexture]
    let bindings: [ShaderBinding]
    let uniforms: [ShaderUniform]
    let uniformBlockSizeBytes: Int
    let dialects: [DialectFile]
    let passes: [ShaderPass]?

    private enum CodingKeys: String, CodingKey {
        case title, layers, textures, bindings, uniforms, dialects, passes
        case uniformBlockSizeBytes = "uniform_block_size_bytes"
    }
}

private struct DialectFile: Decodable {
    struct Source: Decodable {
        let file: String
        let text: String
        let sha256: String
    }

    struct Stage: Decodable {
        let file: String
        let entry: String
    }

    struct Pass: Decodable {
        let name: String
        let vertex: Stage
        let fragment: Stage
    }

    let name: String
    let sources: [Source]
    let vertex: Stage
    let fragment: Stage
    let passes: [Pass]?
}
