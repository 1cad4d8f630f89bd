@_exported import Foundation

public enum MTLPixelFormat: UInt, Sendable { case rgba8Unorm = 70, bgra8Unorm = 80, rgba16Float = 115 }
public struct MTLTextureUsage: OptionSet, Sendable {
    public let rawValue: UInt
    public init(rawValue: UInt) { self.rawValue = rawValue }
    public static var shaderRead: MTLTextureUsage { .init(rawValue: 1) }
    public static var renderTarget: MTLTextureUsage { .init(rawValue: 4) }
}
public enum MTLTextureType: UInt { case type2D = 2, type3D = 7 }
public enum MTLStorageMode: UInt { case shared, managed, `private`, memoryless }
public enum MTLLoadAction: UInt { case dontCare, load, clear }
public enum MTLStoreAction: UInt { case dontCare, store }
public enum MTLPrimitiveType: UInt { case point, line, lineStrip, triangle, triangleStrip }
public struct MTLRegion {}
public struct MTLClearColor {
    public init(red: Double, green: Double, blue: Double, alpha: Double) {}
}
public struct MTLViewport {
    public init(originX: Double, originY: Double, width: Double, height: Double, znear: Double, zfar: Double) {}
}
public func MTLRegionMake2D(_ x: Int, _ y: Int, _ width: Int, _ height: Int) -> MTLRegion { MTLRegion() }
public func MTLRegionMake3D(_ x: Int, _ y: Int, _ z: Int, _ width: Int, _ height: Int, _ depth: Int) -> MTLRegion { MTLRegion() }

public protocol MTLResource: NSObjectProtocol {}
public protocol MTLTexture: MTLResource {
    var width: Int { get }
    var height: Int { get }
    func replace(
        region: MTLRegion, mipmapLevel level: Int, slice: Int, withBytes pixelBytes: UnsafeRawPointer,
        bytesPerRow: Int, bytesPerImage: Int
    )
    func getBytes(_ pixelBytes: UnsafeMutableRawPointer, bytesPerRow: Int, from region: MTLRegion, mipmapLevel level: Int)
}
open class MTLTextureDescriptor: NSObject {
    open class func texture2DDescriptor(
        pixelFormat: MTLPixelFormat, width: Int, height: Int, mipmapped: Bool
    ) -> MTLTextureDescriptor { fatalError() }
    open var textureType = MTLTextureType.type2D
    open var pixelFormat = MTLPixelFormat.rgba8Unorm
    open var width = 1
    open var height = 1
    open var depth = 1
    open var usage = MTLTextureUsage.shaderRead
    open var storageMode = MTLStorageMode.shared
}
public protocol MTLFunction: NSObjectProtocol {}
public protocol MTLLibrary: NSObjectProtocol { func makeFunction(name functionName: String) -> MTLFunction? }
public protocol MTLRenderPipelineState: NSObjectProtocol {}
open class MTLCompileOptions: NSObject {}
open class MTLRenderPipelineColorAttachmentDescriptor: NSObject { open var pixelFormat = MTLPixelFormat.bgra8Unorm }
open class MTLRenderPipelineColorAttachmentDescriptorArray: NSObject {
    open subscript(index: Int) -> MTLRenderPipelineColorAttachmentDescriptor! {
        get { fatalError() }
        set { fatalError() }
    }
}
open class MTLRenderPipelineDescriptor: NSObject {
    open var vertexFunction: MTLFunction?
    open var fragmentFunction: MTLFunction?
    open var colorAttachments: MTLRenderPipelineColorAttachmentDescriptorArray! { fatalError() }
}
open class MTLRenderPassColorAttachmentDescriptor: NSObject {
    open var texture: MTLTexture?
    open var loadAction = MTLLoadAction.dontCare
    open var storeAction = MTLStoreAction.store
    open var clearColor = MTLClearColor(red: 0, green: 0, blue: 0, alpha: 1)
}
open class MTLRenderPassColorAttachmentDescriptorArray: NSObject {
    open subscript(index: Int) -> MTLRenderPassColorAttachmentDescriptor! {
        get { fatalError() }
        set { fatalError() }
    }
}
open class MTLRenderPassDescriptor: NSObject {
    open var colorAttachments: MTLRenderPassColorAttachmentDescriptorArray! { fatalError() }
}
public protocol MTLDrawable: NSObjectProtocol {}
public protocol MTLRenderCommandEncoder: NSObjectProtocol {
    func setRenderPipelineState(_ pipelineState: MTLRenderPipelineState)
    func setViewport(_ viewport: MTLViewport)
    func setFragmentTexture(_ texture: MTLTexture?, index: Int)
    func setFragmentBytes(_ bytes: UnsafeRawPointer, length: Int, index: Int)
    func drawPrimitives(type primitiveType: MTLPrimitiveType, vertexStart: Int, vertexCount: Int)
    func endEncoding()
}
public typealias MTLCommandBufferHandler = @Sendable (MTLCommandBuffer) -> Void
public protocol MTLCommandBuffer: NSObjectProtocol {
    var error: Error? { get }
    var gpuStartTime: CFTimeInterval { get }
    var gpuEndTime: CFTimeInterval { get }
    func makeRenderCommandEncoder(descriptor renderPassDescriptor: MTLRenderPassDescriptor) -> MTLRenderCommandEncoder?
    func present(_ drawable: MTLDrawable)
    func addCompletedHandler(_ block: @escaping MTLCommandBufferHandler)
    func commit()
    func waitUntilCompleted()
}
public typealias CFTimeInterval = Double
public protocol MTLCommandQueue: NSObjectProtocol { func makeCommandBuffer() -> MTLCommandBuffer? }
public protocol MTLDevice: NSObjectProtocol {
    func makeCommandQueue() -> MTLCommandQueue?
    func makeDefaultLibrary() -> MTLLibrary?
    func makeLibrary(source: String, options: MTLCompileOptions?) throws -> MTLLibrary
    func makeTexture(descriptor: MTLTextureDescriptor) -> MTLTexture?
    func makeRenderPipelineState(descriptor: MTLRenderPipelineDescriptor) throws -> MTLRenderPipelineState
}
public func MTLCreateSystemDefaultDevice() -> MTLDevice? { nil }
