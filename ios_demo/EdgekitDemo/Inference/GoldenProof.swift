import CoreVideo
import EdgekitCore
import Foundation
import Metal

/// Styles the golden picture with a network's own mask and compares it with the golden result.
///
/// @unchecked: one thread at a time uses it, as `Segmenter` asks.
final class GoldenProof: @unchecked Sendable {
    private let gpu: Gpu
    private let style: LoadedStyle
    private let controls: Controls
    private let picture: CVPixelBuffer
    private let geometry: FrameGeometry
    private let expected: [UInt8]
    private let target: MTLTexture

    init(bundle: EdgekitBundle, gpu: Gpu) throws {
        let golden = bundle.index.golden
        self.gpu = gpu
        style = try LoadedStyle(name: golden.style, description: bundle.shader(ofStyle: golden.style), device: gpu.device)
        controls = golden.uniforms.controls
        picture = try PhotoLoader().load(bundle.data(at: golden.image.path))
        let size = PixelSize(width: golden.image.width, height: golden.image.height)
        geometry = FrameGeometry(sensor: size, quarterTurns: 0, isMirrored: false)
        expected = try rgba(of: PhotoLoader().load(bundle.data(at: golden.styled.path)))
        target = try gpu.makeTarget(size)
    }

    func run(_ segmenter: any Segmenter) throws -> GoldenRun {
        let worker = try FrameWorker(segmenter: segmenter, stretcher: gpu.stretcher, cache: gpu.cache) { _ in }
        let (frame, times) = try worker.segmented(picture, geometry: geometry)
        _ = try gpu.draw(frame, style: style, controls: controls, into: target)
        let drawn = rgba(of: target)
        guard drawn.count == expected.count else { throw GpuError("The golden pictures are of two sizes.") }
        return GoldenRun(deltaE00P95: deltaE00P95(drawn, expected), inferenceMs: times.segmentMs)
    }
}
