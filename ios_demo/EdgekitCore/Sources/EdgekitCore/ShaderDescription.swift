import Foundation

/// Everything an app needs to draw the fused pass, as `edgekit/shader/description.py` writes it.
public struct ShaderDescription: Sendable {
    public let title: String
    public let layers: [ShaderLayer]
    public let textures: [ShaderTexture]
    public let bindings: [ShaderBinding]
    public let uniforms: [ShaderUniform]
    public let uniformBlockSizeBytes: Int
    public let metal: MetalText
    /// Bytes of the tables by slot name: RGBA8, red fastest, then green, then blue.
    public let tables: [String: Data]

    static let schema = "edgekit/shader-description"
    static let schemaVersion = 1
    static let metalDialect = "msl"
    static let mat3Bytes = 48  // three columns, 16 bytes apart
    static let floatBytes = 4
    static let largestBlockBytes = 65536
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
        var tables: [String: Data] = [:]
        for texture in file.textures {
            tables[texture.name] = try table(of: texture, path: path, bytes: bytes)
        }
        return ShaderDescription(
            title: file.title, layers: file.layers, textures: file.textures, bindings: file.bindings,
            uniforms: file.uniforms, uniformBlockSizeBytes: file.uniformBlockSizeBytes,
            metal: try metalText(in: file.dialects, path: path), tables: tables
        )
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

    private static func table(
        of texture: ShaderTexture, path: String, bytes: (String) throws -> Data
    ) throws -> Data? {
        guard let file = texture.file, texture.role != "picture" else { return nil }
        let data = try bytes(file)
        guard let size = texture.size, size.count == 3, size.allSatisfy({ (2...64).contains($0) }),
            texture.format == "rgba8unorm", data.count == size.reduce(4, *)
        else {
            throw ShaderError("\(path): \(file) is not a table of the size and format that are described.")
        }
        guard sha256(of: data) == texture.sha256 else {
            throw ShaderError("\(path): \(file) is not the table that was described: its sha256 differs.")
        }
        return data
    }

    private static func metalText(in dialects: [DialectFile], path: String) throws -> MetalText {
        for dialect in dialects {
            try check(dialect, path: path)
        }
        guard let dialect = dialects.first(where: { $0.name == metalDialect }),
            let source = dialect.sources.first(where: { $0.file == dialect.fragment.file }),
            dialect.vertex.file == dialect.fragment.file
        else {
            throw ShaderError("\(path) holds no MSL text; write it with edgekit shader --dialect msl.")
        }
        return MetalText(text: source.text, vertexEntry: dialect.vertex.entry, fragmentEntry: dialect.fragment.entry)
    }

    /// The texts of every dialect, so that a changed description is refused whichever of them is drawn.
    private static func check(_ dialect: DialectFile, path: String) throws {
        for source in dialect.sources where sha256(of: Data(source.text.utf8)) != source.sha256 {
            throw ShaderError("\(path): the text of \(source.file) was changed after it was written.")
        }
        for stage in [dialect.vertex, dialect.fragment] where !dialect.sources.contains(where: { $0.file == stage.file }) {
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

    private enum CodingKeys: String, CodingKey {
        case name, type
        case offsetBytes = "offset_bytes"
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

    private enum CodingKeys: String, CodingKey {
        case title, layers, textures, bindings, uniforms, dialects
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

    let name: String
    let sources: [Source]
    let vertex: Stage
    let fragment: Stage
}
