@_exported import CoreVideo
@_exported import Foundation

public class CGImage {
    public var width: Int { 0 }
    public var height: Int { 0 }
}
public enum CGImageAlphaInfo: UInt32 { case noneSkipFirst = 6 }
public struct CGBitmapInfo: OptionSet {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static var byteOrder32Little: CGBitmapInfo { .init(rawValue: 2 << 12) }
}
public class CGColorSpace {
    public init?(name: CFString) { nil }
    public static var sRGB: CFString { fatalError() }
}
public class CGContext {
    public init?(
        data: UnsafeMutableRawPointer?, width: Int, height: Int, bitsPerComponent: Int, bytesPerRow: Int,
        space: CGColorSpace, bitmapInfo: UInt32
    ) { nil }
    public func setFillColor(red: CGFloat, green: CGFloat, blue: CGFloat, alpha: CGFloat) {}
    public func fill(_ rect: CGRect) {}
    public func draw(_ image: CGImage, in rect: CGRect) {}
}
