import Foundation
import XCTest

@testable import EdgekitCore

final class ChoiceFileTests: XCTestCase {
    private func folder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        addTeardownBlock { try? FileManager.default.removeItem(at: folder) }
        return folder
    }

    func testWhatWasWrittenLastIsRead() throws {
        let file = try folder().appendingPathComponent("choice.json")
        XCTAssertNil(try ChoiceFile(file).read())
        try ChoiceFile(file).write("ΔE2000, first")
        try ChoiceFile(file).write("second")
        XCTAssertEqual(try ChoiceFile(file).read(), "second")
    }

    func testAFileThatIsNoChoiceIsNotRead() throws {
        let file = try folder().appendingPathComponent("choice.json")
        try Data(count: (1 << 20) + 1).write(to: file)
        XCTAssertNil(try ChoiceFile(file).read())
        try Data([0xff, 0xfe, 0xff]).write(to: file)
        XCTAssertNil(try ChoiceFile(file).read())
    }

    func testAPlaceThatCannotBeWrittenIsAnError() throws {
        let file = try folder().appendingPathComponent("none/choice.json")
        XCTAssertThrowsError(try ChoiceFile(file).write("text"))
    }
}
