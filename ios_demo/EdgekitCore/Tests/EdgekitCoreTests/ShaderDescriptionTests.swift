import Foundation
import XCTest

@testable import EdgekitCore

final class ShaderDescriptionTests: XCTestCase {
    private let text = "fragment …"
    private let table = Data((0..<32).map { UInt8($0) })  // 2 × 2 × 2 × 4 bytes

    private func json(_ change: (inout [String: Any]) -> Void = { _ in }) throws -> Data {
        var value: [String: Any] = [
            "schema": "edgekit/shader-description", "schema_version": 1, "title": "tiny",
            "layers": [["strength": 0.9], ["strength": 0.7]],
            "textures": [
                ["name": "u_image", "role": "camera", "dimension": "2d", "format": "rgba8unorm"],
                [
                    "name": "u_lut_0", "role": "lut", "dimension": "3d", "format": "rgba8unorm", "size": [2, 2, 2],
                    "file": "lut_0.rgba8", "sha256": sha256(of: table),
                ],
            ],
            "bindings": [
                ["name": "u_image", "kind": "texture", "msl_index": 0],
                ["name": "u_lut_0", "kind": "texture", "msl_index": 1],
                ["name": "params", "kind": "uniforms", "msl_index": 5],
            ],
            "uniforms": [
                ["name": "image_from_output", "type": "mat3", "offset_bytes": 0],
                ["name": "tone", "type": "float", "offset_bytes": 48],
                ["name": "strength_1", "type": "float", "offset_bytes": 52],
            ],
            "uniform_block_size_bytes": 64,
            "dialects": [
                [
                    "name": "msl", "vertex": ["file": "fused.metal", "entry": "v"],
                    "fragment": ["file": "fused.metal", "entry": "f"],
                    "sources": [["file": "fused.metal", "text": text, "sha256": sha256(of: Data(text.utf8))]],
                ]
            ],
        ]
        change(&value)
        return try JSONSerialization.data(withJSONObject: value)
    }

    private func read(_ data: Data) throws -> ShaderDescription {
        try ShaderDescription.read(data, at: "shader.json") { file in
            XCTAssertEqual(file, "lut_0.rgba8")
            return table
        }
    }

    private func drawValues() -> DrawValues {
        DrawValues(
            controls: Controls(intensity: 1, tone: 0.25, warmth: -0.5, skinProtection: 0.75),
            imageFromOutput: Matrix3(rows: (1, 2, 3), (4, 5, 6), (7, 8, 9)), maskFromImage: .identity,
            image: PixelSize(width: 97, height: 61), output: PixelSize(width: 300, height: 200)
        )
    }

    func testMatricesAreColumnsSixteenBytesApart() throws {
        let bytes = [UInt8](try read(json()).uniformBlock(drawValues()))
        let floats = stride(from: 0, to: bytes.count, by: 4).map { at in
            Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) })
        }
        XCTAssertEqual(floats, [1, 4, 7, 0, 2, 5, 8, 0, 3, 6, 9, 0, 0.25, 0.7, 0, 0])
    }

    func testBindingsAndText() throws {
        let shader = try read(json())
        XCTAssertEqual(try shader.metalIndex(of: "u_lut_0"), 1)
        XCTAssertEqual(try shader.metalUniformIndex(), 5)
        XCTAssertEqual(shader.metal, MetalText(text: text, vertexEntry: "v", fragmentEntry: "f"))
        XCTAssertEqual(shader.shipped, ["u_lut_0": table])
        XCTAssertThrowsError(try shader.metalIndex(of: "u_mask"))
    }

    func testRefusals() throws {
        let changes: [(String, (inout [String: Any]) -> Void)] = [
            ("schema version 2", { $0["schema_version"] = 2 }),
            ("has the schema", { $0["schema"] = "edgekit/bundle" }),
            ("no MSL text", { $0["dialects"] = [Any]() }),
            ("outside the uniform block", { $0["uniform_block_size_bytes"] = 48 }),
            ("\"title\"", { $0["title"] = nil }),
        ]
        for (part, change) in changes {
            XCTAssertThrowsError(try read(json(change)), part) { error in
                let sentence = (error as? ShaderError)?.sentence ?? ""
                XCTAssertTrue(sentence.contains(part), sentence)
            }
        }
        let other = Data(table.reversed())
        XCTAssertThrowsError(try ShaderDescription.read(json(), at: "shader.json") { _ in other })
        XCTAssertThrowsError(try ShaderDescription.read(json(), at: "shader.json") { _ in table.dropLast() })
    }

    func testAnUnknownUniformIsAnErrorNotAZero() throws {
        for name in ["exposure", "strength_2", "strength_x", "tone_"] {
            let data = try json { $0["uniforms"] = [["name": name, "type": "float", "offset_bytes": 0]] }
            XCTAssertThrowsError(try read(data).uniformBlock(drawValues()), name)
        }
    }
}
