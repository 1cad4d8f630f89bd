import CoreGraphics
import CoreVideo
import EdgekitCore
import Foundation
import ImageIO

struct PhotoError: LocalizedError {
    let sentence: String

    init(_ sentence: String) {
        self.sentence = sentence
    }

    var errorDescription: String? { sentence }
}

/// A photo as an upright 32BGRA buffer in sRGB.
struct PhotoLoader {
    /// Metal textures may be larger, but a phone's screen is not, and memory is short.
    static let longestSidePixels = 4096

    /// PhotoError: not a picture.
    func load(_ data: Data) throws -> CVPixelBuffer {
        guard let source = CGImageSourceCreateWithData(data as CFData, nil) else {
            throw PhotoError("This is not a picture that can be read.")
        }
        guard let image = isReady(source) ? CGImageSourceCreateImageAtIndex(source, 0, nil) : reduced(source) else {
            throw PhotoError("This picture is damaged or of a kind that cannot be read.")
        }
        return try buffer(of: image)
    }

    /// Upright and small enough: its pixels are used as they are.
    private func isReady(_ source: CGImageSource) -> Bool {
        guard let properties = CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [String: Any],
            let width = properties[kCGImagePropertyPixelWidth as String] as? Int,
            let height = properties[kCGImagePropertyPixelHeight as String] as? Int
        else { return false }
        let orientation = properties[kCGImagePropertyOrientation as String] as? Int ?? 1
        return orientation == 1 && max(width, height) <= Self.longestSidePixels
    }

    /// Turned as its EXIF orientation says and reduced to the longest side that is allowed.
    private func reduced(_ source: CGImageSource) -> CGImage? {
        let options: [String: Any] = [
            kCGImageSourceCreateThumbnailFromImageAlways as String: true,
            kCGImageSourceCreateThumbnailWithTransform as String: true,
            kCGImageSourceThumbnailMaxPixelSize as String: Self.longestSidePixels,
        ]
        return CGImageSourceCreateThumbnailAtIndex(source, 0, options as CFDictionary)
    }

    /// The picture's pixels in sRGB, first row on top, on black where it is transparent.
    func buffer(of image: CGImage) throws -> CVPixelBuffer {
        let size = PixelSize(width: image.width, height: image.height)
        let buffer = try PixelBufferPool(size: size).buffer()
        guard CVPixelBufferLockBaseAddress(buffer, []) == kCVReturnSuccess else {
            throw PhotoError("There is no memory for this picture.")
        }
        defer { CVPixelBufferUnlockBaseAddress(buffer, []) }
        // Little-endian 32-bit words with the unused byte first: B, G, R, X in memory.
        let layout = CGImageAlphaInfo.noneSkipFirst.rawValue | CGBitmapInfo.byteOrder32Little.rawValue
        guard let srgb = CGColorSpace(name: CGColorSpace.sRGB),
            let context = CGContext(
                data: CVPixelBufferGetBaseAddress(buffer), width: size.width, height: size.height,
                bitsPerComponent: 8, bytesPerRow: CVPixelBufferGetBytesPerRow(buffer), space: srgb, bitmapInfo: layout
            )
        else { throw PhotoError("There is no memory for this picture.") }
        let whole = CGRect(x: 0, y: 0, width: size.width, height: size.height)
        context.setFillColor(red: 0, green: 0, blue: 0, alpha: 1)
        context.fill(whole)
        context.draw(image, in: whole)
        return buffer
    }
}
