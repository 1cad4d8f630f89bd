import CoreVideo
import EdgekitCore
import Foundation
import Metal

/// Draws the sensor's picture upright into the first rows and columns of a buffer for the segmenter.
final class InputStretcher: @unchecked Sendable {
    private let queue: MTLCommandQueue
    private let pipeline: MTLRenderPipelineState

    /// The same fields, in the same order, as `StretchParams` in Stretch.metal.
    private struct Params {
        var uprightWidth: Int32
        var uprightHeight: Int32
        var outputWidth: Int32
        var outputHeight: Int32
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

    /// `shown`: the rows and columns that the picture fills; the rest is padding.
    /// Returns the GPU's time in milliseconds. Waits for the GPU: Core ML reads the buffer next. Not for the
    /// main thread.
    func stretch(_ image: PixelTexture, geometry: FrameGeometry, into input: PixelTexture, shown: PixelSize) throws -> Double {
        let pass = MTLRenderPassDescriptor()
        pass.colorAttachments[0].texture = input.texture
        pass.colorAttachments[0].loadAction = .clear
        pass.colorAttachments[0].clearColor = MTLClearColor(red: 0, green: 0, blue: 0, alpha: 1)  // the padding
        pass.colorAttachments[0].storeAction = .store
        guard let commands = queue.makeCommandBuffer(),
            let encoder = commands.makeRenderCommandEncoder(descriptor: pass)
        else { throw GpuError("The GPU takes no commands for the segmenter's input.") }
        var params = Params(
            uprightWidth: Int32(geometry.upright.width), uprightHeight: Int32(geometry.upright.height),
            outputWidth: Int32(shown.width), outputHeight: Int32(shown.height), quarterTurns: Int32(geometry.quarterTurns)
        )
        encoder.setViewport(
            MTLViewport(originX: 0, originY: 0, width: Double(shown.width), height: Double(shown.height), znear: 0, zfar: 1)
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
