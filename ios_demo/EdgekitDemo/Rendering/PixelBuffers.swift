import CoreVideo
import EdgekitCore
import Foundation
import Metal

/// A pixel buffer and the Metal texture that is its memory: nothing is copied.
///
/// 32BGRA wrapped as bgra8Unorm: a shader that samples it gets r, g, b in this order.
/// The wrapper is kept because the texture is only valid while it lives.
final class PixelTexture: @unchecked Sendable {
    let buffer: CVPixelBuffer
    let texture: MTLTexture
    private let wrapper: CVMetalTexture

    fileprivate init(buffer: CVPixelBuffer, texture: MTLTexture, wrapper: CVMetalTexture) {
        self.buffer = buffer
        self.texture = texture
        self.wrapper = wrapper
    }

    var size: PixelSize { PixelSize(width: texture.width, height: texture.height) }
}

/// Wraps IOSurface-backed 32BGRA buffers as textures. CVMetalTextureCache may be used from any thread.
final class PixelTextureCache: @unchecked Sendable {
    private let cache: CVMetalTextureCache

    init(device: MTLDevice) throws {
        var created: CVMetalTextureCache?
        let status = CVMetalTextureCacheCreate(kCFAllocatorDefault, nil, device, nil, &created)
        guard status == kCVReturnSuccess, let created else {
            throw GpuError("The texture cache cannot be made (CoreVideo error \(status)).")
        }
        cache = created
    }

    /// GpuError: another pixel format, or a buffer that is not backed by an IOSurface.
    func wrap(_ buffer: CVPixelBuffer) throws -> PixelTexture {
        let format = CVPixelBufferGetPixelFormatType(buffer)
        guard format == kCVPixelFormatType_32BGRA else {
            throw GpuError("A pixel buffer has the format \(format), not 32BGRA.")
        }
        let usage: MTLTextureUsage = [.shaderRead, .renderTarget]
        let attributes = [kCVMetalTextureUsage as String: NSNumber(value: usage.rawValue)]
        var wrapper: CVMetalTexture?
        let status = CVMetalTextureCacheCreateTextureFromImage(
            kCFAllocatorDefault, cache, buffer, attributes as CFDictionary, .bgra8Unorm,
            CVPixelBufferGetWidth(buffer), CVPixelBufferGetHeight(buffer), 0, &wrapper
        )
        guard status == kCVReturnSuccess, let wrapper, let texture = CVMetalTextureGetTexture(wrapper) else {
            throw GpuError("A pixel buffer cannot be a Metal texture without a copy (CoreVideo error \(status)).")
        }
        return PixelTexture(buffer: buffer, texture: texture, wrapper: wrapper)
    }

    /// Gives back what no texture uses any more.
    func flush() {
        CVMetalTextureCacheFlush(cache, 0)
    }
}

/// IOSurface-backed 32BGRA buffers of one size. A buffer comes back to the pool when nobody holds it, so
/// one that the GPU still reads is never written.
final class PixelBufferPool: @unchecked Sendable {
    private let pool: CVPixelBufferPool

    init(size: PixelSize) throws {
        let attributes: [String: Any] = [
            kCVPixelBufferPixelFormatTypeKey as String: Int(kCVPixelFormatType_32BGRA),
            kCVPixelBufferWidthKey as String: size.width,
            kCVPixelBufferHeightKey as String: size.height,
            kCVPixelBufferIOSurfacePropertiesKey as String: [String: Any](),
            kCVPixelBufferMetalCompatibilityKey as String: true,
        ]
        var created: CVPixelBufferPool?
        let status = CVPixelBufferPoolCreate(kCFAllocatorDefault, nil, attributes as CFDictionary, &created)
        guard status == kCVReturnSuccess, let created else {
            throw GpuError("Pixel buffers of \(size.width)×\(size.height) cannot be made (CoreVideo error \(status)).")
        }
        pool = created
    }

    func buffer() throws -> CVPixelBuffer {
        var buffer: CVPixelBuffer?
        let status = CVPixelBufferPoolCreatePixelBuffer(kCFAllocatorDefault, pool, &buffer)
        guard status == kCVReturnSuccess, let buffer else {
            throw GpuError("There is no memory for a pixel buffer (CoreVideo error \(status)).")
        }
        return buffer
    }
}
