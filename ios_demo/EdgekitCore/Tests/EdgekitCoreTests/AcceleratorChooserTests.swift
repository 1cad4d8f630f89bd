import Foundation
import XCTest

@testable import EdgekitCore

/// The choice of an accelerator on the vectors that Kotlin and JavaScript meet too.
final class AcceleratorChooserTests: XCTestCase {
    private struct Vectors: Decodable {
        struct Place: Decodable {
            let device: String
            let driver: String
            let runtime: String
        }

        struct Run: Decodable {
            let delta_e00_p95: Double?
            let inference_ms: Double
            let `throws`: String?
        }

        struct Network: Decodable {
            let accelerator: String
            let artifact_sha256: String
            let opens_ms: Double
            let refuses: String?
            let runs: [Run]
        }

        struct Expected: Decodable {
            let error: String?
            let chosen: String?
            let remembered: Bool
            let sentences: [String]
            let events: [String]
        }

        struct Case: Decodable {
            let name: String
            let last_resort: String
            let others: [String]
            let stored: String?
            let spaces: Int
            let unwritable: Bool
            let expected: Expected
        }

        let bound: Double
        let place: Place
        let networks: [String: Network]
        let cases: [Case]
    }

    private static let file = (0..<5).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
        .appendingPathComponent("tests/shared/accelerator_choice.json")

    /// A place where fake networks run, and what happened there. @unchecked: a test waits for each step.
    private final class Stage: ChoiceStore, @unchecked Sendable {
        let vectors: Vectors
        let test: Vectors.Case
        var events: [String] = []
        private var clockMs = 0.0
        private var text: String?

        init(vectors: Vectors, test: Vectors.Case) {
            self.vectors = vectors
            self.test = test
            text = test.stored.map { $0 + String(repeating: " ", count: test.spaces) }
        }

        func choose() async throws -> Choice<Fake> {
            let place = vectors.place
            let chooser = AcceleratorChooser<Fake>(
                place: ProvingPlace(device: place.device, driver: place.driver, runtime: place.runtime),
                bound: vectors.bound, store: self, nowMs: { self.clockMs }, prove: { try self.prove($0) }
            )
            return try await chooser.choose(
                lastResort: try candidate(test.last_resort), others: try test.others.map(candidate)
            )
        }

        func read() -> String? { text }

        func write(_ text: String) throws {
            if test.unwritable { throw BundleError("the disk is full") }
            self.text = text
            let written = try JSONDecoder().decode(Written.self, from: Data(text.utf8))
            events.append(written.chosen.map { "chosen \($0)" } ?? (["mark"] + written.marked).joined(separator: " "))
        }

        private func candidate(_ name: String) throws -> Candidate<Fake> {
            let network = try XCTUnwrap(vectors.networks[name])
            return Candidate(accelerator: network.accelerator, artifactSha256: network.artifact_sha256) {
                self.events.append("open \(network.accelerator)")
                self.clockMs += network.opens_ms
                if let sentence = network.refuses { throw BundleError(sentence) }
                return Fake(accelerator: network.accelerator, runs: network.runs) {
                    self.events.append("close \(network.accelerator)")
                }
            }
        }

        private func prove(_ network: Fake) throws -> GoldenRun {
            let run = try network.next()
            clockMs += run.inference_ms
            if let sentence = run.throws { throw Thrown(sentence: sentence) }
            return GoldenRun(deltaE00P95: run.delta_e00_p95 ?? .nan, inferenceMs: run.inference_ms)
        }
    }

    private struct Written: Decodable {
        let marked: [String]
        let chosen: String?
    }

    private struct Thrown: LocalizedError {
        let sentence: String
        var errorDescription: String? { sentence }
    }

    private final class Fake: @unchecked Sendable {
        let accelerator: String
        private var runs: [Vectors.Run]
        private let onEnd: () -> Void

        init(accelerator: String, runs: [Vectors.Run], onEnd: @escaping () -> Void) {
            self.accelerator = accelerator
            self.runs = runs
            self.onEnd = onEnd
        }

        deinit { onEnd() }

        func next() throws -> Vectors.Run {
            runs.count > 1 ? runs.removeFirst() : try XCTUnwrap(runs.first)
        }
    }

    func testEveryCase() async throws {
        guard FileManager.default.fileExists(atPath: Self.file.path) else {
            throw XCTSkip("no vectors: they lie in edgekit's repository")
        }
        let vectors = try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: Self.file))
        XCTAssertGreaterThanOrEqual(vectors.cases.count, 48)
        for test in vectors.cases { try await check(test, of: vectors) }
    }

    private func check(_ test: Vectors.Case, of vectors: Vectors) async throws {
        let (name, expected) = (test.name, test.expected)
        let stage = Stage(vectors: vectors, test: test)
        if let sentence = expected.error {
            do {
                _ = try await stage.choose()
                XCTFail("\(name): something was chosen")
            } catch {
                XCTAssertEqual(error.localizedDescription, sentence, name)
            }
            XCTAssertEqual(stage.events, expected.events, name)
            return
        }
        let choice = try await stage.choose()
        XCTAssertEqual(choice.accelerator, expected.chosen, name)
        XCTAssertEqual(choice.network.accelerator, expected.chosen, name)
        XCTAssertEqual(choice.isRemembered, expected.remembered, name)
        XCTAssertEqual(choice.sentences, expected.sentences, name)
        XCTAssertEqual(stage.events, expected.events, name)
        guard !test.unwritable else { return }
        stage.events = []
        let again = try await stage.choose()
        XCTAssertEqual(again.accelerator, choice.accelerator, name)
        XCTAssertTrue(again.isRemembered, name)
        XCTAssertEqual(again.sentences, choice.sentences, name)
        XCTAssertEqual(stage.events, ["open \(choice.accelerator)"], name)
    }
}
