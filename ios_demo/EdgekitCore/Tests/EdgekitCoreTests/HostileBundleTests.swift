import Foundation
import XCTest

@testable import EdgekitCore

/// Writes what this reader makes of each bundle in the folder EDGEKIT_CASES, which tests/support/hostile_bundles.py
/// wrote, to the file EDGEKIT_READINGS_OUT. Python compares it with its table.
final class HostileBundleTests: XCTestCase {
    private struct Case: Decodable {
        let name: String
        let folder: String
    }

    func testReadsHostileBundles() throws {
        let environment = ProcessInfo.processInfo.environment
        guard let place = environment["EDGEKIT_CASES"], let out = environment["EDGEKIT_READINGS_OUT"] else {
            throw XCTSkip("no hostile bundles: tests/ios/test_swift_toolchain.py writes them")
        }
        let root = URL(fileURLWithPath: place)
        let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: root.appendingPathComponent("cases.json")))
        XCTAssertFalse(cases.isEmpty)
        let readings = try cases.map { try reading($0.name, root.appendingPathComponent($0.folder)) }
        try JSONSerialization.data(withJSONObject: readings).write(to: URL(fileURLWithPath: out))
    }

    /// Anything but a BundleError or a ShaderError fails the test.
    private func reading(_ name: String, _ folder: URL) throws -> [String: Any] {
        let start = Date()
        var sentence: String?
        do {
            let bundle = try EdgekitBundle.open(folder)
            for style in bundle.index.styles {
                _ = try bundle.shader(ofStyle: style.name)
            }
            _ = try bundle.segmenter(target: "coreml")
        } catch let error as BundleError {
            sentence = error.sentence
        } catch let error as ShaderError {
            sentence = error.sentence
        }
        let written: Any = sentence ?? NSNull()
        return ["name": name, "sentence": written, "ms": Date().timeIntervalSince(start) * 1000]
    }
}
