import EdgekitCore
import Metal

/// What a style's passes draw into: textures of half floats, as large as the picture asks for. Every Metal GPU draws
/// into them and filters them.
final class PassTargets {
    static let format = MTLPixelFormat.rgba16Float

    private let device: MTLDevice
    private var textures: [String: MTLTexture] = [:]

    init(device: MTLDevice) {
        self.device = device
    }

    /// By slot. Kept while the sizes stay; command buffers hold those that are replaced until the GPU is done.
    func textures(of sizes: [String: PixelSize]) throws -> [String: MTLTexture] {
        if textures.mapValues({ PixelSize(width: $0.width, height: $0.height) }) != sizes {
            textures = try sizes.mapValues(texture)
        }
        return textures
    }

    private func texture(_ size: PixelSize) throws -> MTLTexture {
        let descriptor = MTLTextureDescriptor.texture2DDescriptor(
            pixelFormat: Self.format, width: size.width, height: size.height, mipmapped: false
        )
        descriptor.usage = [.renderTarget, .shaderRead]
        descriptor.storageMode = .private
        guard let texture = device.makeTexture(descriptor: descriptor) else {
            throw GpuError("There is no memory for a blur of \(size.width)×\(size.height).")
        }
        return texture
    }
}
