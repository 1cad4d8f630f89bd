import Foundation
import XCTest

@testable import EdgekitCore

final class Sha256Tests: XCTestCase {
    /// FIPS 180-4's examples, and lengths around the block's padding.
    private let known: [(Data, String)] = [
        (Data(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (Data("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            Data("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            Data(repeating: UInt8(ascii: "a"), count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
        (Data(repeating: UInt8(ascii: "x"), count: 63), "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2"),
        (Data(repeating: UInt8(ascii: "x"), count: 64), "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c"),
    ]

    func testPortableKnowsTheStandardsExamples() {
        for (data, digest) in known {
            var hash = PortableSha256()
            hash.update(data: data)
            XCTAssertEqual(hexadecimal(hash.finalize()), digest, "\(data.count) bytes")
        }
    }

    func testPiecesAndSlicesDoNotMatter() {
        var hash = PortableSha256()
        let data = known[3].0
        for start in stride(from: 0, to: data.count, by: 77_777) {
            hash.update(data: data[start..<min(start + 77_777, data.count)])
        }
        XCTAssertEqual(hexadecimal(hash.finalize()), known[3].1)
    }

    func testTheOneInUseAndOfFiles() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        for (data, digest) in known {
            XCTAssertEqual(sha256(of: data), digest)
            try data.write(to: file)
            XCTAssertEqual(try sha256(ofFileAt: file), digest)
        }
        try FileManager.default.removeItem(at: file)
    }
}
