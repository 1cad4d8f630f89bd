import Foundation
import XCTest

@testable import EdgekitCore

final class JsonTests: XCTestCase {
    func testReadsEveryKindOfValue() throws {
        let text = #" {"a": [1, -2.5e2, true, null], "b": {"\u00e9\n\"": "x\\\/\ud83d\ude00"}} "#
        let value = try JsonParser.value(of: Data(text.utf8))
        let list: JsonValue = .list([.number("1"), .number("-2.5e2"), .boolean(true), .null])
        XCTAssertEqual(value, .object(["a": list, "b": .object(["é\n\"": .text("x\\/😀")])]))
    }

    func testRefusesWhatIsNoJson() {
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        let bad = [
            "", "{", "[1,]", #"{"a": 1,}"#, "{a: 1}", "01", "1.", ".5", "+1", "-", "1e", "1e999", "NaN", "tru", #""a"#,
            #""\x""#, #""\u12""#, #""\u+123""#, #""\ud800""#, #""\ud800\u0041""#, "\"\n\"", "[1] 2",
            #"{"a": 1, "a": 2}"#, #"{"\u0061": 1, "a": 2}"#, deep, "'a'", "[1 2]",
        ]
        for text in bad {
            XCTAssertThrowsError(try JsonParser.value(of: Data(text.utf8)), text) { XCTAssertTrue($0 is JsonRefusal, text) }
        }
        XCTAssertThrowsError(try JsonParser.value(of: Data([0x22, 0xff, 0x22])))
    }

    func testACountIsWrittenAsOne() throws {
        func counts(_ text: String) throws -> [Int] {
            try [Int](from: JsonValueDecoder(value: JsonParser.value(of: Data(text.utf8))))
        }
        XCTAssertEqual(try counts("[12, -1]"), [12, -1])
        for text in ["[12.0]", "[1e1]", "[true]", #"["1"]"#, "[9223372036854775808]", "[null]", "{}"] {
            XCTAssertThrowsError(try counts(text), text) { XCTAssertTrue($0 is DecodingError, text) }
        }
    }

    func testSentencesHoldNothingThatSteersATerminal() {
        XCTAssertEqual(BundleError("a\u{1b}[31m\u{202e}\n b").sentence, "a[31m b")
        XCTAssertEqual(ShaderError(String(repeating: "x", count: 5000)).sentence.unicodeScalars.count, 2000)
    }
}
