import EdgekitCore
import Foundation
import Metal

/// A style of the bundle on the GPU: its own MSL texts compiled here, its tables as 3-D textures, its second picture as
/// a 2-D one, and what its passes draw into.
///
/// @unchecked: one thread at a time draws with it.
final class LoadedStyle: @unchecked Sendable {
    let name: String
    let description: ShaderDescription
    let pipeline: MTLRenderPipelineState
    /// In the order of the description's passes.
    let passPipelines: [MTLRenderPipelineState]
    /// The tables, the second picture and an empty drawn map by slot name.
    let shipped: [String: MTLTexture]
    let targets: PassTargets

    /// What is drawn into: the screen's drawable and the tests' textures. Never an _srgb format.
    static let targetFormat = MTLPixelFormat.bgra8Unorm

    /// Compiles, which takes some tens of milliseconds: not for the main thread.
    init(name: String, description: ShaderDescription, device: MTLDevice) throws {
        pipeline = try Self.pipeline(of: description.metal, style: name, into: Self.targetFormat, device: device)
        passPipelines = try description.passTexts.map {
            try Self.pipeline(of: $0, style: name, into: PassTargets.format, device: device)
        }
        shipped = try Self.shipped(by: description, device: device)
        targets = PassTargets(device: device)
        self.name = name
        self.description = description
    }

    private static func pipeline(
        of metal: MetalText, style: String, into format: MTLPixelFormat, device: MTLDevice
    ) throws -> MTLRenderPipelineState {
        let library = try device.makeLibrary(source: metal.text, options: nil)
        guard let vertex = library.makeFunction(name: metal.vertexEntry),
            let fragment = library.makeFunction(name: metal.fragmentEntry)
        else {
            throw GpuError("The style \(style) has no \(metal.vertexEntry) or \(metal.fragmentEntry) in its Metal text.")
        }
        let descriptor = MTLRenderPipelineDescriptor()
        descriptor.vertexFunction = vertex
        descriptor.fragmentFunction = fragment
        descriptor.colorAttachments[0].pixelFormat = format
        return try device.makeRenderPipelineState(descriptor: descriptor)
    }

    private static func shipped(by description: ShaderDescription, device: MTLDevice) throws -> [String: MTLTexture] {
        var shipped: [String: MTLTexture] = [:]
        for texture in description.textures {
            if texture.role == "drawn-mask" { // until the app gives one, nothing is drawn
                shipped[texture.name] = try Self.texture(Data(count: 4), size: [1, 1], device: device)
            }
            guard let bytes = description.shipped[texture.name], let size = texture.size else { continue }
            shipped[texture.name] = try Self.texture(bytes, size: size, device: device)
        }
        return shipped
    }

    /// bytes: RGBA8, x fastest, then y, then z. size: two or three sides, as the core has checked.
    private static func texture(_ bytes: Data, size: [Int], device: MTLDevice) throws -> MTLTexture {
        let (width, height, depth) = (size[0], size[1], size.count == 3 ? size[2] : 1)
        let descriptor = MTLTextureDescriptor()
        descriptor.textureType = size.count == 3 ? .type3D : .type2D
        descriptor.pixelFormat = .rgba8Unorm
        descriptor.width = width
        descriptor.height = height
        descriptor.depth = depth
        descriptor.usage = .shaderRead
        guard let texture = device.makeTexture(descriptor: descriptor) else {
            throw GpuError("There is no memory for a texture of \(width)×\(height)×\(depth).")
        }
        bytes.withUnsafeBytes { raw in
            guard let start = raw.baseAddress else { return }
            texture.replace(
                region: MTLRegionMake3D(0, 0, 0, width, height, depth), mipmapLevel: 0, slice: 0,
                withBytes: start, bytesPerRow: 4 * width, bytesPerImage: size.count == 3 ? 4 * width * height : 0
            )
        }
        return texture
    }
}
