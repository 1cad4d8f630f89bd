import CoreVideo
import EdgekitCore
import Foundation
import Metal

/// A 32BGRA buffer's pixels as RGBA bytes, first row on top, without the padding of its rows; alpha is 255.
func rgba(of buffer: CVPixelBuffer) throws -> [UInt8] {
    CVPixelBufferLockBaseAddress(buffer, .readOnly)
    defer { CVPixelBufferUnlockBaseAddress(buffer, .readOnly) }
    guard let base = CVPixelBufferGetBaseAddress(buffer) else { throw GpuError("A picture's pixels cannot be read.") }
    let (width, height) = (CVPixelBufferGetWidth(buffer), CVPixelBufferGetHeight(buffer))
    let rowBytes = CVPixelBufferGetBytesPerRow(buffer)
    var bytes: [UInt8] = []
    for row in 0..<height {
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: base + row * rowBytes, count: 4 * width))
    }
    return rgbaFromBgra(bytes)
}

/// A bgra8Unorm texture's pixels as RGBA bytes, first row on top; alpha is 255.
func rgba(of texture: MTLTexture) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 4 * texture.width * texture.height)
    texture.getBytes(
        &bytes, bytesPerRow: 4 * texture.width, from: MTLRegionMake2D(0, 0, texture.width, texture.height),
        mipmapLevel: 0
    )
    return rgbaFromBgra(bytes)
}

private func rgbaFromBgra(_ bytes: [UInt8]) -> [UInt8] {
    var turned = bytes
    for at in stride(from: 0, to: bytes.count, by: 4) {
        turned[at] = bytes[at + 2]
        turned[at + 2] = bytes[at]
        turned[at + 3] = 255
    }
    return turned
}
