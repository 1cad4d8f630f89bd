import EdgekitCore
import Foundation
import Metal

/// A picture with its own mask, as the fused pass reads them. Holding it keeps both buffers.
final class SegmentedFrame: Sendable {
    let image: PixelTexture
    let mask: PixelTexture
    let geometry: FrameGeometry

    init(image: PixelTexture, mask: PixelTexture, geometry: FrameGeometry) {
        self.image = image
        self.mask = mask
        self.geometry = geometry
    }
}

/// The fused pass: one draw from the picture, its mask and the style's tables to the target.
struct StyleRenderer {
    /// Adds the pass to `commands`. The frame must live until they are completed.
    func encode(
        _ frame: SegmentedFrame, style: LoadedStyle, controls: Controls, target: MTLTexture, into commands: MTLCommandBuffer
    ) throws {
        let block = try style.description.uniformBlock(values(of: frame, controls: controls, target: target))
        let pass = MTLRenderPassDescriptor()
        pass.colorAttachments[0].texture = target
        pass.colorAttachments[0].loadAction = .dontCare
        pass.colorAttachments[0].storeAction = .store
        let textures = try style.description.textures.map { slot in
            (try texture(for: slot, frame: frame, style: style), try style.description.metalIndex(of: slot.name))
        }
        let uniformIndex = try style.description.metalUniformIndex()
        guard let encoder = commands.makeRenderCommandEncoder(descriptor: pass) else {
            throw GpuError("The GPU takes no commands for the styled picture.")
        }
        encoder.setRenderPipelineState(style.pipeline)
        for (texture, index) in textures {
            encoder.setFragmentTexture(texture, index: index)
        }
        block.withUnsafeBytes { raw in
            guard let start = raw.baseAddress else { return }
            encoder.setFragmentBytes(start, length: raw.count, index: uniformIndex)
        }
        encoder.drawPrimitives(type: .triangle, vertexStart: 0, vertexCount: 3)
        encoder.endEncoding()
    }

    private func values(of frame: SegmentedFrame, controls: Controls, target: MTLTexture) -> DrawValues {
        let view = PixelSize(width: target.width, height: target.height)
        return DrawValues(
            controls: controls, imageFromOutput: frame.geometry.imageFromOutput(view: view),
            maskFromImage: frame.geometry.maskFromImage, image: frame.image.size
        )
    }

    private func texture(for slot: ShaderTexture, frame: SegmentedFrame, style: LoadedStyle) throws -> MTLTexture {
        switch slot.role {
        case "camera": return frame.image.texture
        case "mask": return frame.mask.texture
        case "lut":
            if let table = style.tables[slot.name] { return table }
        default: break
        }
        throw GpuError("The style \(style.name) needs the texture \(slot.name) (\(slot.role)), which this app does not make.")
    }
}
