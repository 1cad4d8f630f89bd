import EdgekitCore
import Foundation
import Metal

/// A style of the bundle on the GPU: its own MSL text compiled here, and its tables as 3-D textures.
final class LoadedStyle: @unchecked Sendable {
    let name: String
    let description: ShaderDescription
    let pipeline: MTLRenderPipelineState
    let tables: [String: MTLTexture]

    /// What is drawn into: the screen's drawable and the tests' textures. Never an _srgb format.
    static let targetFormat = MTLPixelFormat.bgra8Unorm

    /// Compiles, which takes some tens of milliseconds: not for the main thread.
    init(name: String, description: ShaderDescription, device: MTLDevice) throws {
        let metal = description.metal
        let library = try device.makeLibrary(source: metal.text, options: nil)
        guard let vertex = library.makeFunction(name: metal.vertexEntry),
            let fragment = library.makeFunction(name: metal.fragmentEntry)
        else {
            throw GpuError("The style \(name) has no \(metal.vertexEntry) or \(metal.fragmentEntry) in its Metal text.")
        }
        let descriptor = MTLRenderPipelineDescriptor()
        descriptor.vertexFunction = vertex
        descriptor.fragmentFunction = fragment
        descriptor.colorAttachments[0].pixelFormat = Self.targetFormat
        pipeline = try device.makeRenderPipelineState(descriptor: descriptor)
        tables = try Self.tables(of: description, device: device)
        self.name = name
        self.description = description
    }

    private static func tables(of description: ShaderDescription, device: MTLDevice) throws -> [String: MTLTexture] {
        var tables: [String: MTLTexture] = [:]
        for texture in description.textures {
            guard let bytes = description.tables[texture.name], let size = texture.size, size.count == 3 else {
                continue
            }
            tables[texture.name] = try table(bytes, width: size[0], height: size[1], depth: size[2], device: device)
        }
        return tables
    }

    /// bytes: RGBA8, red (x) fastest, then green (y), then blue (z).
    private static func table(
        _ bytes: Data, width: Int, height: Int, depth: Int, device: MTLDevice
    ) throws -> MTLTexture {
        let descriptor = MTLTextureDescriptor()
        descriptor.textureType = .type3D
        descriptor.pixelFormat = .rgba8Unorm
        descriptor.width = width
        descriptor.height = height
        descriptor.depth = depth
        descriptor.usage = .shaderRead
        guard let texture = device.makeTexture(descriptor: descriptor) else {
            throw GpuError("There is no memory for a look-up table of \(width)×\(height)×\(depth).")
        }
        bytes.withUnsafeBytes { raw in
            guard let start = raw.baseAddress else { return }
            texture.replace(
                region: MTLRegionMake3D(0, 0, 0, width, height, depth), mipmapLevel: 0, slice: 0,
                withBytes: start, bytesPerRow: 4 * width, bytesPerImage: 4 * width * height
            )
        }
        return texture
    }
}
