import EdgekitCore
import Foundation
import Metal

/// The device and what is made once for it.
struct Gpu: @unchecked Sendable {
    let device: MTLDevice
    let queue: MTLCommandQueue
    let cache: PixelTextureCache
    let stretcher: InputStretcher

    /// GpuError: no Metal.
    init() throws {
        guard let device = MTLCreateSystemDefaultDevice(), let queue = device.makeCommandQueue() else {
            throw GpuError("This device has no Metal GPU; the demo needs one.")
        }
        self.device = device
        self.queue = queue
        cache = try PixelTextureCache(device: device)
        stretcher = try InputStretcher(device: device, queue: queue)
    }
}

extension Gpu {
    /// A texture to draw into off the screen; the CPU can read it.
    func makeTarget(_ size: PixelSize) throws -> MTLTexture {
        let descriptor = MTLTextureDescriptor.texture2DDescriptor(
            pixelFormat: LoadedStyle.targetFormat, width: size.width, height: size.height, mipmapped: false
        )
        descriptor.usage = [.renderTarget, .shaderRead]
        descriptor.storageMode = .shared
        guard let texture = device.makeTexture(descriptor: descriptor) else {
            throw GpuError("There is no memory for a picture of \(size.width)×\(size.height).")
        }
        return texture
    }

    /// Draws and waits; returns the GPU's time in milliseconds. Not for the main thread.
    func draw(
        _ frame: SegmentedFrame, style: LoadedStyle, controls: Controls, into target: MTLTexture
    ) throws -> Double {
        guard let commands = queue.makeCommandBuffer() else { throw GpuError("The GPU takes no commands.") }
        try StyleRenderer().encode(frame, style: style, controls: controls, target: target, into: commands)
        commands.commit()
        commands.waitUntilCompleted()
        if let error = commands.error { throw GpuError("The picture was not drawn: \(error.localizedDescription)") }
        return gpuMilliseconds(of: commands)
    }
}
