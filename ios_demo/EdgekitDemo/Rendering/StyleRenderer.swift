import EdgekitCore
import Foundation
import Metal

/// A picture with its own mask, as the fused pass reads them. Holding it keeps the buffers. `drawn`: what the user drew,
/// placed as the mask is, drawn_1 to drawn_3 in r, g, b; nil for nothing.
final class SegmentedFrame: Sendable {
    let image: PixelTexture
    let mask: PixelTexture
    let drawn: PixelTexture?
    let geometry: FrameGeometry

    init(image: PixelTexture, mask: PixelTexture, drawn: PixelTexture? = nil, geometry: FrameGeometry) {
        self.image = image
        self.mask = mask
        self.drawn = drawn
        self.geometry = geometry
    }
}

/// The style's passes, and the fused pass from the picture, its mask and what the passes drew to the target.
struct StyleRenderer {
    /// Adds the draws to `commands`. The frame must live until they are completed.
    func encode(
        _ frame: SegmentedFrame, style: LoadedStyle, controls: Controls, target: MTLTexture, into commands: MTLCommandBuffer
    ) throws {
        let description = style.description
        let block = try description.uniformBlock(values(of: frame, controls: controls, target: target))
        let drawn = try style.targets.textures(of: description.targetSizes(for: frame.image.size))
        var textures: [String: MTLTexture] = [:]
        for slot in description.textures {
            textures[slot.name] = try texture(for: slot, frame: frame, style: style, drawn: drawn)
        }
        for (pass, pipeline) in zip(description.passes, style.passPipelines) {
            let read = textures.filter { pass.textures.contains($0.key) }
            try draw(pipeline, reading: read, block: block, of: description, into: drawn[pass.target], commands: commands)
        }
        try draw(style.pipeline, reading: textures, block: block, of: description, into: target, commands: commands)
    }

    private func draw(
        _ pipeline: MTLRenderPipelineState, reading textures: [String: MTLTexture], block: Data,
        of description: ShaderDescription, into target: MTLTexture?, commands: MTLCommandBuffer
    ) throws {
        let pass = MTLRenderPassDescriptor()
        pass.colorAttachments[0].texture = target
        pass.colorAttachments[0].loadAction = .dontCare
        pass.colorAttachments[0].storeAction = .store
        let indexed = try textures.map { name, texture in (texture, try description.metalIndex(of: name)) }
        let uniformIndex = try description.metalUniformIndex()
        guard let encoder = commands.makeRenderCommandEncoder(descriptor: pass) else {
            throw GpuError("The GPU takes no commands for the styled picture.")
        }
        encoder.setRenderPipelineState(pipeline)
        for (texture, index) in indexed {
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
            maskFromImage: frame.geometry.maskFromImage, image: frame.image.size, output: view
        )
    }

    private func texture(
        for slot: ShaderTexture, frame: SegmentedFrame, style: LoadedStyle, drawn: [String: MTLTexture]
    ) throws -> MTLTexture {
        switch slot.role {
        case "camera": return frame.image.texture
        case "mask": return frame.mask.texture
        case "drawn-mask": if let texture = frame.drawn?.texture ?? style.shipped[slot.name] { return texture }
        case "lut", "picture": if let texture = style.shipped[slot.name] { return texture }
        case "blurred": if let texture = drawn[slot.name] { return texture }
        default: break
        }
        throw GpuError("The style \(style.name) needs the texture \(slot.name) (\(slot.role)), which this app does not make.")
    }
}
