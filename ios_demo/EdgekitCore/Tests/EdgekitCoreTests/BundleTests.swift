import Foundation
import XCTest

@testable import EdgekitCore

final class BundleTests: XCTestCase {
    func testOpensAndAnswersWithItsFiles() throws {
        let bundle = try EdgekitBundle.open(TinyBundle().write())
        XCTAssertEqual(bundle.index.controls.first?.defaultValue, 0.25)
        XCTAssertEqual(bundle.index.golden.uniforms.controls.warmth, -0.3)
        XCTAssertEqual(bundle.index.golden.uniforms.controls.color, 0)  // of a bundle that does not know it
        XCTAssertEqual(bundle.index.golden.uniforms.controls.grain, 0)
        XCTAssertEqual(bundle.index.controls.map(\.title), ["tone", "warmth", "palette", "skin protection"])
        XCTAssertEqual(try bundle.data(at: "golden/mask.png"), Data("mask".utf8))
        XCTAssertEqual(try bundle.segmenter(target: "coreml").entry.maskSize, PixelSize(width: 128, height: 128))
        let package = try bundle.url(of: "segmenter/x.mlpackage")
        XCTAssertTrue(FileManager.default.fileExists(atPath: package.appendingPathComponent("Manifest.json").path))
    }

    func testASizeIsASideOrRowsByColumns() throws {
        var tiny = try TinyBundle()
        tiny.inputSize = "512x384"
        let entry = try EdgekitBundle.open(tiny.write()).segmenter(target: "coreml").entry
        XCTAssertEqual(entry.inputSize, PixelSize(width: 384, height: 512))
        let shown = PixelSize(width: 384, height: 224)
        let part = Fit.shownPart(ofMask: PixelSize(width: 96, height: 128), shown: shown, in: entry.inputSize)
        XCTAssertEqual(part, PixelSize(width: 96, height: 56))
        for size in ["512x", "x384", "0x384", "512X384", "512", "512x384x3", " 512x384"] {
            try assertRefused("input_size is not of the right type") { $0.inputSize = size }
        }
        try assertRefused("a size in pixels is not from 1") { $0.inputSize = "512x16385" }
    }

    func testAsksForWhatIsNotThere() throws {
        let bundle = try EdgekitBundle.open(TinyBundle().write())
        assertRefusal(containing: "no tflite artifact") { _ = try bundle.segmenter(target: "tflite") }
        assertRefusal(containing: "known: vibrant") { _ = try bundle.style(named: "noir") }
        assertRefusal(containing: "not listed") { _ = try bundle.data(at: "bundle.json") }
        assertRefusal(containing: "not listed") { _ = try bundle.url(of: "segmenter/x.mlpack") }
    }

    func testRefusesOtherSchemas() throws {
        try assertRefused("has the schema \"edgekit/bund\"") { $0.schema = "edgekit/bund" }
        try assertRefused("schema version 2") { $0.schemaVersion = 2 }
    }

    func testRefusesWhatIsNoBundle() throws {
        let tiny = try TinyBundle()
        assertRefusal(containing: "There is no bundle.json") { _ = try EdgekitBundle.open(tiny.root) }
        let index = tiny.root.appendingPathComponent("bundle.json")
        try Data("{\"schema\": ".utf8).write(to: index)
        assertRefusal(containing: "it is not JSON") { _ = try EdgekitBundle.open(tiny.root) }
        try Data(#"{"schema": "edgekit/bundle", "schema_version": 1, "name": 5}"#.utf8).write(to: index)
        assertRefusal(containing: "name is not of the right type") { _ = try EdgekitBundle.open(tiny.root) }
        try Data(repeating: 32, count: EdgekitBundle.largestIndexBytes + 1).write(to: index)
        assertRefusal(containing: "larger than 1 MiB") { _ = try EdgekitBundle.open(tiny.root) }
        let nowhere = tiny.root.appendingPathComponent("nowhere")
        assertRefusal(containing: "cannot be read") { _ = try EdgekitBundle.open(nowhere) }
    }

    func testRefusesPathsThatCouldLeaveTheFolder() throws {
        let escapes = [
            "/etc/passwd", "../image.png", "golden/../../image.png", "golden//image.png", "golden/./image.png",
            "golden\\image.png", "C:/image.png", "C:image.png", "", "golden/", "golden/a\0b", "golden/a:b",
            // To Swift, a mark and the accent behind it are one character.
            "../\u{301}image.png", "golden/a:\u{301}b",
        ]
        for path in escapes {
            try assertRefused("could leave the bundle's folder") { $0.listedPaths = ["golden/image.png": path] }
        }
    }

    func testRefusesMissingAndUnlistedFiles() throws {
        try assertRefused("golden/mask.png is listed in bundle.json but missing") { _ in } afterWriting: {
            try FileManager.default.removeItem(at: $0.appendingPathComponent("golden/mask.png"))
        }
        try assertRefused("golden/.hidden is not listed") { _ in } afterWriting: {
            try Data().write(to: $0.appendingPathComponent("golden/.hidden"))
        }
        try assertRefused("names golden/vectors.json but does not list it") {
            $0.unlisted = ["golden/vectors.json"]
        } afterWriting: {
            try FileManager.default.removeItem(at: $0.appendingPathComponent("golden/vectors.json"))
        }
    }

    func testRefusesChangedFiles() throws {
        try assertRefused("has 5 bytes, not the 6 listed") { $0.listedSizes = ["golden/image.png": 6] }
        let other = sha256(of: Data("other".utf8))
        try assertRefused("its sha256 differs") { $0.listedHashes = ["golden/image.png": other] }
        try assertRefused("sha256 listed for golden/image.png is none") {
            $0.listedHashes = ["golden/image.png": other.uppercased()]
        }
        try assertRefused("listed twice") { $0.isListedTwice = true }
    }

    func testRefusesOversize() throws {
        let most = EdgekitBundle.largestFileBytes
        try assertRefused("golden/image.png is larger than 64 MiB") { $0.listedSizes = ["golden/image.png": most + 1] }
        try assertRefused("golden/image.png is larger than 64 MiB") { $0.listedSizes = ["golden/image.png": -1] }
        try assertRefused("larger than 256 MiB") {
            for name in ["image", "mask", "styled"] { $0.listedSizes["golden/\(name).png"] = most }
            $0.listedSizes["golden/vectors.json"] = most
        }
    }

    func testRefusesPathsThatAreOneFileElsewhere() throws {
        for other in ["golden/MASK.png", "Golden/mask.png"] {
            try assertRefused("many file systems hold for one file") { $0.contents[other] = "mask" }
        }
        try assertRefused("as a file and as a folder") { $0.listedPaths = ["golden/image.png": "GOLDEN"] }
    }

    func testRefusesLinks() throws {
        try assertRefused("golden/image.png is a link") { _ in } afterWriting: {
            let file = $0.appendingPathComponent("golden/image.png")
            try FileManager.default.moveItem(at: file, to: $0.appendingPathComponent("elsewhere.png"))
            try FileManager.default.createSymbolicLink(
                at: file, withDestinationURL: $0.appendingPathComponent("elsewhere.png")
            )
        }
    }

    func testRefusesUnknownStyles() throws {
        try assertRefused("default_style is \"noir\"") { $0.defaultStyle = "noir" }
        try assertRefused("golden/style is \"noir\"") { $0.goldenStyle = "noir" }
    }

    func testChecksAgainWhatItHandsOut() throws {
        let root = try TinyBundle().write()
        let bundle = try EdgekitBundle.open(root)
        try Data("MASK".utf8).write(to: root.appendingPathComponent("golden/mask.png"))
        assertRefusal(containing: "was changed after") { _ = try bundle.data(at: "golden/mask.png") }
    }

    private func assertRefused(
        _ part: String, line: UInt = #line, _ change: (inout TinyBundle) -> Void,
        afterWriting: (URL) throws -> Void = { _ in }
    ) throws {
        var tiny = try TinyBundle()
        change(&tiny)
        let root = try tiny.write()
        try afterWriting(root)
        assertRefusal(containing: part, line: line) { _ = try EdgekitBundle.open(root) }
        try FileManager.default.removeItem(at: root)
    }

    private func assertRefusal(containing part: String, line: UInt = #line, _ call: () throws -> Void) {
        XCTAssertThrowsError(try call(), line: line) { error in
            let sentence = (error as? BundleError)?.sentence ?? "\(error)"
            XCTAssertTrue(error is BundleError, sentence, line: line)
            XCTAssertTrue(sentence.contains(part), "\(sentence) does not say: \(part)", line: line)
        }
    }
}
