import Foundation
import XCTest

@testable import EdgekitCore

/// The pad on the vectors that the page and Kotlin meet too.
final class PadTests: XCTestCase {
    private struct Vectors: Decodable {
        struct Case: Decodable {
            let x: Double
            let y: Double
            let color: Double
            let tone: Double

            var place: Pad.Place { Pad.Place(x: x, y: y) }
            var expected: Pad.Values { Pad.Values(color: color, tone: tone) }
        }

        let controls: [ControlRange]
        let places: [Case]
        let values: [Case]
    }

    private static let file = (0..<5).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
        .appendingPathComponent("tests/shared/pad.json")

    private func vectors() throws -> Vectors { try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: Self.file)) }

    func testAPlaceHasTheValuesOfTheVectors() throws {
        let vectors = try vectors()
        let pad = try XCTUnwrap(Pad(vectors.controls))
        XCTAssertGreaterThanOrEqual(vectors.places.count, 12)
        for test in vectors.places { XCTAssertEqual(pad.values(at: test.place), test.expected) }
    }

    func testValuesHaveThePlaceOfTheVectors() throws {
        let vectors = try vectors()
        let pad = try XCTUnwrap(Pad(vectors.controls))
        XCTAssertGreaterThanOrEqual(vectors.values.count, 5)
        for test in vectors.values { XCTAssertEqual(pad.place(of: test.expected), test.place) }
    }

    func testStepsStopAtTheEnds() throws {
        let pad = try XCTUnwrap(Pad(vectors().controls))
        XCTAssertEqual(pad.stepped(pad.neutral, right: 1, higher: -1), Pad.Values(color: 0.1, tone: 0.15))
        let corner = pad.stepped(Pad.Values(color: -0.98, tone: 1.49), right: -1, higher: 1)
        XCTAssertEqual(corner, Pad.Values(color: -1, tone: 1.5))
    }

    func testABundleWithoutOneOfTheTwoHasNoPad() throws {
        let controls = try vectors().controls
        XCTAssertEqual(controls.count, 2)
        for missing in controls { XCTAssertNil(Pad(controls.filter { $0 != missing })) }
    }
}
