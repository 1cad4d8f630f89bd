import CoreML
import CoreVideo
import EdgekitCore
import Foundation
import Metal
import XCTest

@testable import EdgekitDemo

/// The bundle's golden picture through the app's own code, on a device or a simulator with Metal.
final class GoldenPictureTests: XCTestCase {
    private struct Stage {
        let bundle: EdgekitBundle
        let gpu: Gpu
        let style: LoadedStyle
        let geometry: FrameGeometry
        let size: PixelSize
    }

    private func stage() throws -> Stage {
        let root = try XCTUnwrap(
            Bundle.main.url(forResource: "edgekit", withExtension: nil), "run edgekit bundle --into ios_demo"
        )
        let bundle = try EdgekitBundle.open(root)
        let gpu = try Gpu()
        let golden = bundle.index.golden
        let size = PixelSize(width: golden.image.width, height: golden.image.height)
        return Stage(
            bundle: bundle, gpu: gpu,
            style: try LoadedStyle(
                name: golden.style, description: bundle.shader(ofStyle: golden.style), device: gpu.device
            ),
            geometry: FrameGeometry(sensor: size, quarterTurns: 0, isMirrored: false), size: size
        )
    }

    func testPicturesDecodeToTheListedBytes() throws {
        let stage = try stage()
        let golden = stage.bundle.index.golden
        for picture in [golden.image, golden.mask, golden.styled] {
            let pixels = try rgba(of: decoded(picture, in: stage))
            XCTAssertEqual(sha256(of: Data(pixels)), picture.rgba8Sha256, picture.path)
        }
    }

    func testGivenMaskIsDrawnAsTheReferenceDraws() throws {
        let stage = try stage()
        let golden = stage.bundle.index.golden
        let frame = SegmentedFrame(
            image: try stage.gpu.cache.wrap(decoded(golden.image, in: stage)),
            mask: try stage.gpu.cache.wrap(decoded(golden.mask, in: stage)), geometry: stage.geometry
        )
        let drawn = try draw(frame, stage: stage)
        let expected = try rgba(of: decoded(golden.styled, in: stage))
        XCTAssertLessThanOrEqual(largestDifference(drawn, expected), golden.givenMaskMaxLevels)
        // The comparison must be able to fail.
        let unstyled = try rgba(of: decoded(golden.image, in: stage))
        XCTAssertGreaterThan(largestDifference(unstyled, expected), golden.givenMaskMaxLevels)
    }

    func testEndToEndWithTheNetworksOwnMask() async throws {
        let stage = try stage()
        let golden = stage.bundle.index.golden
        let segmenter = try await CoreMLSegmenter(bundle: stage.bundle, computeUnits: .all)
        let worker = try FrameWorker(
            segmenter: segmenter, stretcher: stage.gpu.stretcher, cache: stage.gpu.cache
        ) { _ in }
        let (frame, times) = try worker.segmented(decoded(golden.image, in: stage), geometry: stage.geometry)
        let fills = Fit.shownPart(of: stage.geometry.upright, in: segmenter.inputSize) == segmenter.inputSize
        XCTAssertEqual(times.isMaskWithoutCopy, fills, "Core ML did not use the buffer that it was given")
        let drawn = try draw(frame, stage: stage)
        let expected = try rgba(of: decoded(golden.styled, in: stage))
        XCTAssertLessThanOrEqual(deltaE00P95(drawn, expected), golden.endToEndDeltaE00P95)
    }

    func testAnAcceleratorIsChosenAndRemembered() async throws {
        let stage = try stage()
        let choice = try await SegmenterChoice(bundle: stage.bundle, gpu: stage.gpu).choose()
        XCTAssertEqual(choice.sentences.count, 3)
        let again = try await SegmenterChoice(bundle: stage.bundle, gpu: stage.gpu).choose()
        XCTAssertEqual(again.accelerator, choice.accelerator)
        XCTAssertTrue(again.isRemembered)
    }

    func testEveryStyleCompiles() throws {
        let stage = try stage()
        for style in stage.bundle.index.styles {
            XCTAssertNoThrow(
                try LoadedStyle(
                    name: style.name, description: stage.bundle.shader(ofStyle: style.name), device: stage.gpu.device
                ),
                style.name
            )
        }
    }

    private func decoded(_ picture: Golden.Picture, in stage: Stage) throws -> CVPixelBuffer {
        try PhotoLoader().load(stage.bundle.data(at: picture.path))
    }

    private func draw(_ frame: SegmentedFrame, stage: Stage) throws -> [UInt8] {
        let target = try stage.gpu.makeTarget(stage.size)
        _ = try stage.gpu.draw(
            frame, style: stage.style, controls: stage.bundle.index.golden.uniforms.controls, into: target
        )
        return rgba(of: target)
    }

    private func largestDifference(_ first: [UInt8], _ second: [UInt8]) -> Int {
        XCTAssertEqual(first.count, second.count)
        return zip(first, second).map { abs(Int($0) - Int($1)) }.max() ?? 0
    }
}
