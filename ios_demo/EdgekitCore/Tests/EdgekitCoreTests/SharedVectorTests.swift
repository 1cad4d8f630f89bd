import Foundation
import XCTest

@testable import EdgekitCore

/// Swift against Python, on a real bundle: the folder named by EDGEKIT_BUNDLE, or the demo app's own.
final class SharedVectorTests: XCTestCase {
    private struct Vectors: Decodable {
        struct Transform: Decodable {
            let sensor_width: Int
            let sensor_height: Int
            let quarter_turns: Int
            let mirror: Bool
            let view_width: Int
            let view_height: Int
            let image_from_output: [Double]
            let mask_from_image: [Double]

            var geometry: FrameGeometry {
                FrameGeometry(
                    sensor: PixelSize(width: sensor_width, height: sensor_height), quarterTurns: quarter_turns,
                    isMirrored: mirror
                )
            }
            var view: PixelSize { PixelSize(width: view_width, height: view_height) }
        }

        struct UniformBlock: Decodable {
            let style: String
            let values: Golden.Uniforms
            let transform: Int
            let block_base64: String
        }

        struct Hash: Decodable {
            let path: String
            let sha256: String
        }

        struct Fitted: Decodable {
            let photo_height: Int
            let photo_width: Int
            let input_height: Int
            let input_width: Int
            let height: Int
            let width: Int
        }

        struct Copy: Decodable {
            let photo_height: Int
            let photo_width: Int
            let longest_side: Int
            let height: Int
            let width: Int
        }

        let transforms: [Transform]
        let fits: [Fitted]
        let copies: [Copy]
        let uniform_blocks: [UniformBlock]
        let hashes: [Hash]
    }

    /// Opened once: every file of it is hashed.
    private static let opened = Result { try open() }

    private func openedBundle() throws -> EdgekitBundle { try Self.opened.get() }

    private static func open() throws -> EdgekitBundle {
        let place = ProcessInfo.processInfo.environment["EDGEKIT_BUNDLE"]
        let demo = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("EdgekitDemo/Resources/edgekit")
        let root = place.map { URL(fileURLWithPath: $0) } ?? demo
        guard FileManager.default.fileExists(atPath: root.path) else {
            throw XCTSkip("no bundle: set EDGEKIT_BUNDLE, or run edgekit bundle --into ios_demo")
        }
        return try EdgekitBundle.open(root)
    }

    private func vectors(of bundle: EdgekitBundle) throws -> Vectors {
        try JSONDecoder().decode(Vectors.self, from: bundle.data(at: bundle.index.golden.vectors))
    }

    func testTransforms() throws {
        let cases = try vectors(of: openedBundle()).transforms
        XCTAssertGreaterThanOrEqual(cases.count, 12)
        for (index, expected) in cases.enumerated() {
            assertEqual(
                expected.geometry.imageFromOutput(view: expected.view).rowMajor, expected.image_from_output,
                "image_from_output of case \(index)"
            )
            assertEqual(
                expected.geometry.maskFromImage.rowMajor, expected.mask_from_image, "mask_from_image of case \(index)"
            )
        }
    }

    func testUniformBlocks() throws {
        let bundle = try openedBundle()
        let vectors = try vectors(of: bundle)
        XCTAssertGreaterThanOrEqual(vectors.uniform_blocks.count, 6)
        for (index, expected) in vectors.uniform_blocks.enumerated() {
            let transform = vectors.transforms[expected.transform]
            let block = try bundle.shader(ofStyle: expected.style).uniformBlock(
                DrawValues(
                    controls: expected.values.controls,
                    imageFromOutput: transform.geometry.imageFromOutput(view: transform.view),
                    maskFromImage: transform.geometry.maskFromImage, image: transform.geometry.sensor,
                    output: transform.view
                )
            )
            let bytes = try XCTUnwrap(Data(base64Encoded: expected.block_base64))
            assertEqual(floats(block), floats(bytes), "block \(index)")
        }
    }

    func testFits() throws {
        let cases = try vectors(of: openedBundle()).fits
        XCTAssertGreaterThanOrEqual(cases.count, 20)
        for expected in cases {
            let photo = PixelSize(width: expected.photo_width, height: expected.photo_height)
            let input = PixelSize(width: expected.input_width, height: expected.input_height)
            let shown = PixelSize(width: expected.width, height: expected.height)
            XCTAssertEqual(Fit.shownPart(of: photo, in: input), shown, "\(photo) in \(input)")
        }
    }

    func testCopies() throws {
        let cases = try vectors(of: openedBundle()).copies
        XCTAssertGreaterThanOrEqual(cases.count, 8)
        for expected in cases {
            let photo = PixelSize(width: expected.photo_width, height: expected.photo_height)
            let copy = PixelSize(width: expected.width, height: expected.height)
            XCTAssertEqual(copySize(of: photo, longestSide: expected.longest_side), copy, "\(photo)")
        }
    }

    func testHashes() throws {
        let bundle = try openedBundle()
        let hashes = try vectors(of: bundle).hashes
        XCTAssertFalse(hashes.isEmpty)
        for expected in hashes {
            XCTAssertEqual(sha256(of: try bundle.data(at: expected.path)), expected.sha256, expected.path)
        }
    }

    func testTheRestOfTheBundle() throws {
        let bundle = try openedBundle()
        for style in bundle.index.styles {
            let shader = try bundle.shader(ofStyle: style.name)
            XCTAssertFalse(shader.shipped.isEmpty)
            for texture in shader.textures {
                XCTAssertNoThrow(try shader.metalIndex(of: texture.name))
            }
            XCTAssertNoThrow(try shader.metalUniformIndex())
        }
        let names = Set(bundle.index.controls.map(\.name))
        XCTAssertEqual(names, Set(Control.allCases.map(\.rawValue)))
        let (entry, manifest) = try bundle.segmenter(target: "coreml")
        XCTAssertEqual(manifest.inputs.first?.shape.suffix(2), [entry.inputSize.height, entry.inputSize.width])
        XCTAssertEqual(manifest.outputs.first?.channels, ["skin", "hair", "clothes"])
        if let out = ProcessInfo.processInfo.environment["EDGEKIT_BLOCK_OUT"] {
            try goldenBlock(of: bundle).write(to: URL(fileURLWithPath: out))
        }
        if let out = ProcessInfo.processInfo.environment["EDGEKIT_PASSES_OUT"] {
            try JSONSerialization.data(withJSONObject: goldenPasses(of: bundle)).write(to: URL(fileURLWithPath: out))
        }
    }

    /// What the app draws before the fused pass of the golden picture: a text's place, its target, and what it reads.
    private func goldenPasses(of bundle: EdgekitBundle) throws -> [[String: Any]] {
        let golden = bundle.index.golden
        let shader = try bundle.shader(ofStyle: golden.style)
        let sizes = shader.targetSizes(for: PixelSize(width: golden.image.width, height: golden.image.height))
        return try zip(shader.passes, shader.passTexts).map { pass, text in
            let size = try XCTUnwrap(sizes[pass.target])
            return [
                "text": text.text, "entry": text.fragmentEntry, "target": pass.target, "textures": pass.textures,
                "height": size.height, "width": size.width,
            ]
        }
    }

    /// The uniform block that draws the golden picture upright and uncropped.
    private func goldenBlock(of bundle: EdgekitBundle) throws -> Data {
        let golden = bundle.index.golden
        let size = PixelSize(width: golden.image.width, height: golden.image.height)
        let geometry = FrameGeometry(sensor: size, quarterTurns: 0, isMirrored: false)
        return try bundle.shader(ofStyle: golden.style).uniformBlock(
            DrawValues(
                controls: golden.uniforms.controls, imageFromOutput: geometry.imageFromOutput(view: size),
                maskFromImage: geometry.maskFromImage, image: size, output: size
            )
        )
    }

    private func floats(_ data: Data) -> [Double] {
        let bytes = [UInt8](data)
        return stride(from: 0, to: bytes.count - 3, by: 4).map { at in
            let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) }
            return Double(Float(bitPattern: bits))
        }
    }

    /// Equal but for the order in which Python and Swift add and multiply.
    private func assertEqual(_ found: [Double], _ expected: [Double], _ what: String) {
        XCTAssertEqual(found.count, expected.count, what)
        for (a, b) in zip(found, expected) {
            XCTAssertEqual(a, b, accuracy: 1e-6, what)
        }
    }
}
