import CoreVideo
import EdgekitCore
import Foundation
import Metal

/// Draws the sensor's picture upright and stretched into a square buffer for the segmenter.
final class InputStretcher: @unchecked Sendable {
    private let queue: MTLCommandQueue
    private let pipeline: MTLRenderPipelineState

    /// The same fields, in the same order, as `StretchParams` in Stretch.metal.
    private struct Params {
        var uprightWidth: Int32
        var uprightHeight: Int32
        var outputSize: Int32
        var quarterTurns: Int32
    }

    init(device: MTLDevice, queue: MTLCommandQueue) throws {
        guard let library = device.makeDefaultLibrary() else {
            throw GpuError("The app holds no Metal library; Stretch.metal must be compiled into it.")
        }
        let descriptor = MTLRenderPipelineDescriptor()
        descriptor.vertexFunction = library.makeFunction(name: "stretch_vertex")
        descriptor.fragmentFunction = library.makeFunction(name: "stretch_fragment")
        descriptor.colorAttachments[0].pixelFormat = .bgra8Unorm
        pipeline = try device.makeRenderPipelineState(descriptor: descriptor)
        self.queue = queue
    }

    /// Returns the GPU's time in milliseconds. Waits for the GPU: Core ML reads the buffer next. Not for the
    /// main thread.
    func stretch(_ image: PixelTexture, geometry: FrameGeometry, into input: PixelTexture) throws -> Double {
        let pass = MTLRenderPassDescriptor()
        pass.colorAttachments[0].texture = input.texture
        pass.colorAttachments[0].loadAction = .dontCare
        pass.colorAttachments[0].storeAction = .store
        guard let commands = queue.makeCommandBuffer(),
            let encoder = commands.makeRenderCommandEncoder(descriptor: pass)
        else { throw GpuError("The GPU takes no commands for the segmenter's input.") }
        var params = Params(
            uprightWidth: Int32(geometry.upright.width), uprightHeight: Int32(geometry.upright.height),
            outputSize: Int32(input.texture.width), quarterTurns: Int32(geometry.quarterTurns)
        )
        encoder.setRenderPipelineState(pipeline)
        encoder.setFragmentTexture(image.texture, index: 0)
        encoder.setFragmentBytes(&params, length: MemoryLayout<Params>.stride, index: 0)
        encoder.drawPrimitives(type: .triangle, vertexStart: 0, vertexCount: 3)
        encoder.endEncoding()
        commands.commit()
        commands.waitUntilCompleted()
        if let error = commands.error {
            throw GpuError("The segmenter's input was not drawn: \(error.localizedDescription)")
        }
        return gpuMilliseconds(of: commands)
    }
}

/// How long the GPU worked on a completed command buffer.
func gpuMilliseconds(of commands: MTLCommandBuffer) -> Double {
    (commands.gpuEndTime - commands.gpuStartTime) * 1000
}
