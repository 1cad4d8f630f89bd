@_exported import Metal
@_exported import UIKit

public protocol CAMetalDrawable: MTLDrawable { var texture: MTLTexture { get } }
@preconcurrency @MainActor public protocol MTKViewDelegate: NSObjectProtocol {
    func mtkView(_ view: MTKView, drawableSizeWillChange size: CGSize)
    func draw(in view: MTKView)
}
@MainActor open class MTKView: UIView {
    open weak var delegate: MTKViewDelegate?
    open var device: MTLDevice?
    open var colorPixelFormat = MTLPixelFormat.bgra8Unorm
    open var isPaused = false
    open var enableSetNeedsDisplay = false
    open var currentDrawable: CAMetalDrawable? { nil }
}
