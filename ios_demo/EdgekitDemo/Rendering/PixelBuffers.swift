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

/// Cuts the part of a mask that shows the picture. One thread at a time uses it, as `Segmenter` asks.
final class MaskCutter: @unchecked Sendable {
    private var pool: (size: PixelSize, buffers: PixelBufferPool)?

    /// The mask itself where the picture fills the input; else a copy of its first rows and columns.
    func shownPart(of mask: CVPixelBuffer, shown: PixelSize, in input: PixelSize) throws -> CVPixelBuffer {
        if shown == input { return mask }
        let whole = PixelSize(width: CVPixelBufferGetWidth(mask), height: CVPixelBufferGetHeight(mask))
        let part = Fit.shownPart(ofMask: whole, shown: shown, in: input)
        let cut = try buffers(of: part).buffer()
        CVPixelBufferLockBaseAddress(mask, .readOnly)
        CVPixelBufferLockBaseAddress(cut, [])
        defer {
            CVPixelBufferUnlockBaseAddress(cut, [])
            CVPixelBufferUnlockBaseAddress(mask, .readOnly)
        }
        guard let from = CVPixelBufferGetBaseAddress(mask), let to = CVPixelBufferGetBaseAddress(cut) else {
            throw GpuError("The mask's pixels cannot be read.")
        }
        let (fromRow, toRow) = (CVPixelBufferGetBytesPerRow(mask), CVPixelBufferGetBytesPerRow(cut))
        for row in 0..<part.height {
            (to + row * toRow).copyMemory(from: from + row * fromRow, byteCount: part.width * 4)
        }
        return cut
    }

    private func buffers(of size: PixelSize) throws -> PixelBufferPool {
        if let pool, pool.size == size { return pool.buffers }
        let made = try PixelBufferPool(size: size)
        pool = (size, made)
        return made
    }
}
