import Foundation
import XCTest

@testable import EdgekitCore

final class ShaderPassTests: XCTestCase {
    private let picture = Data((0..<40).map { UInt8($0) })  // 5 × 2 × 4 bytes
    private let text = "fragment …"

    private func json(_ change: (inout [String: Any]) -> Void = { _ in }) throws -> Data {
        let stage = ["file": "fused.metal", "entry": "f"]
        func blurred(_ name: String) -> [String: Any] {
            ["name": name, "role": "blurred", "dimension": "2d", "format": "rgba16float"]
        }
        var value: [String: Any] = [
            "schema": "edgekit/shader-description", "schema_version": 1, "title": "tiny", "layers": [["strength": 1]],
            "textures": [
                ["name": "u_image", "role": "camera", "dimension": "2d", "format": "rgba8unorm"],
                [
                    "name": "u_picture", "role": "picture", "dimension": "2d", "format": "rgba8unorm", "size": [5, 2],
                    "file": "picture.rgba8", "sha256": sha256(of: picture),
                ],
                blurred("u_blurred_x"), blurred("u_blurred"),
            ],
            "bindings": [["name": "params", "kind": "uniforms", "msl_index": 0]],
            "uniforms": [
                ["name": "picture_from_output", "type": "mat3", "offset_bytes": 0],
                ["name": "blur", "type": "float", "offset_bytes": 48, "default": [0.02]],
            ],
            "uniform_block_size_bytes": 64,
            "passes": [
                ["name": "along", "target": "u_blurred_x", "longest_side": 256, "textures": ["u_image"]],
                ["name": "down", "target": "u_blurred", "longest_side": 100, "textures": ["u_blurred_x"]],
            ],
            "dialects": [
                [
                    "name": "msl", "vertex": stage, "fragment": stage,
                    "sources": [["file": "fused.metal", "text": text, "sha256": sha256(of: Data(text.utf8))]],
                    "passes": ["along", "down"].map { ["name": $0, "vertex": stage, "fragment": stage] as [String: Any] },
                ] as [String: Any]
            ],
        ]
        change(&value)
        return try JSONSerialization.data(withJSONObject: value)
    }

    private func read(_ data: Data) throws -> ShaderDescription {
        try ShaderDescription.read(data, at: "shader.json") { _ in picture }
    }

    /// One value of a list of objects in the JSON, replaced.
    private func set(_ list: String, _ index: Int, _ key: String, _ new: Any) -> (inout [String: Any]) -> Void {
        return { value in
            var items = value[list] as? [[String: Any]] ?? []
            items[index][key] = new
            value[list] = items
        }
    }

    func testPassesAndPictureAreRead() throws {
        let shader = try read(json())
        XCTAssertEqual(shader.passes.map(\.target), ["u_blurred_x", "u_blurred"])
        XCTAssertEqual(shader.passes.map(\.textures), [["u_image"], ["u_blurred_x"]])
        XCTAssertEqual(shader.passTexts.count, 2)
        XCTAssertEqual(shader.pictureSize, PixelSize(width: 5, height: 2))
        XCTAssertEqual(shader.shipped, ["u_picture": picture])
        XCTAssertEqual(shader.blur, 0.02)
    }

    func testTargetsFollowTheImage() throws {
        let shader = try read(json())
        let wide = ["u_blurred_x": PixelSize(width: 256, height: 192), "u_blurred": PixelSize(width: 100, height: 75)]
        XCTAssertEqual(shader.targetSizes(for: PixelSize(width: 640, height: 480)), wide)
        let upright = shader.targetSizes(for: PixelSize(width: 480, height: 640))
        XCTAssertEqual(upright["u_blurred"], PixelSize(width: 75, height: 100))
        let small = PixelSize(width: 97, height: 61)
        XCTAssertEqual(shader.targetSizes(for: small)["u_blurred_x"], small)  // nothing is enlarged
    }

    func testHalvesGoToTheEvenNeighbourAndNoSideIsNothing() {
        for (height, expected) in [(3, 2), (5, 2), (1, 1)] {
            let copy = copySize(of: PixelSize(width: 512, height: height), longestSide: 256)
            XCTAssertEqual(copy, PixelSize(width: 256, height: expected))
        }
        XCTAssertEqual(copySize(of: PixelSize(width: 1, height: 5000), longestSide: 256), PixelSize(width: 1, height: 256))
    }

    func testASecondPictureFillsTheOutputAndABlurHasItsDefault() throws {
        let values = DrawValues(
            controls: Controls(intensity: 1, tone: 0, warmth: 0, skinProtection: 0), imageFromOutput: .identity,
            maskFromImage: .identity, image: PixelSize(width: 97, height: 61), output: PixelSize(width: 10, height: 8)
        )
        let bytes = [UInt8](try read(json()).uniformBlock(values))
        let floats = stride(from: 0, to: bytes.count, by: 4).map { at in
            Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) })
        }
        // 10 × 8 shows 2.5 of its 5 columns, from 1.25 on, and both rows.
        let expected: [Float] = [0.5, 0, 0, 0, 0, 1, 0, 0, 0.25, 0, 1, 0, 0.02, 0, 0, 0]
        for (found, wanted) in zip(floats, expected) {
            XCTAssertEqual(found, wanted, accuracy: 1e-6)
        }
    }

    func testRefusals() throws {
        let changes: [(String, (inout [String: Any]) -> Void)] = [
            ("draw each of the textures", set("passes", 1, "target", "u_blurred_x")),
            ("draw each of the textures", set("passes", 1, "target", "u_image")),
            ("along reads u_blurred_x, which holds nothing by then", set("passes", 0, "textures", ["u_blurred_x"])),
            ("along reads u_blurred, which holds nothing by then", set("passes", 0, "textures", ["u_blurred"])),
            ("along reads u_none", set("passes", 0, "textures", ["u_none"])),
            ("no size or reads nothing", set("passes", 0, "textures", [String]())),
            ("no size or reads nothing", set("passes", 0, "longest_side", 0)),
            ("no text for each pass", set("dialects", 0, "passes", [Any]())),
            ("no default from 0 to 1", set("uniforms", 1, "default", [Double]())),
            ("no default from 0 to 1", set("uniforms", 1, "default", [2.0])),
            ("another form of texture", set("textures", 3, "format", "rgba8unorm")),
            ("not a texture of the size", set("textures", 1, "size", [5, 2, 1])),
            ("not a texture of the size", set("textures", 1, "size", [4, 2])),
            ("its sha256 differs", set("textures", 1, "sha256", String(repeating: "0", count: 64))),
        ]
        for (part, change) in changes {
            XCTAssertThrowsError(try read(json(change)), part) { error in
                let sentence = (error as? ShaderError)?.sentence ?? "\(error)"
                XCTAssertTrue(sentence.contains(part), "\(sentence) does not say: \(part)")
            }
        }
        let without = try read(
            json {
                $0["passes"] = nil
                $0["textures"] = [["name": "u_image", "role": "camera", "dimension": "2d", "format": "rgba8unorm"]]
                var dialects = $0["dialects"] as? [[String: Any]] ?? []
                dialects[0]["passes"] = nil
                $0["dialects"] = dialects
            }
        )
        XCTAssertTrue(without.passes.isEmpty && without.passTexts.isEmpty)
    }
}
