import Foundation

/// What a benchmark run is asked for, in launch arguments: `--benchmark run_id=… artifact_sha256=…
/// accelerator=… runs=… seconds=… warmup_runs=…`, all of them, nothing else after `--benchmark`.
public struct BenchRequest: Equatable, Sendable {
    public let runID: String
    public let artifactSha256: String
    public let accelerator: Accelerator
    public let runs: Int
    public let seconds: Int
    public let warmupRuns: Int

    /// The Core ML compute units that are allowed.
    public enum Accelerator: String, CaseIterable, Sendable {
        case cpu, gpu, ane, all
    }

    public static let flag = "--benchmark"

    /// Nil when the app was not started for a benchmark. BenchError: an argument is missing, unknown,
    /// given twice or out of range; never a default.
    public static func read(arguments: [String]) throws -> BenchRequest? {
        guard let flagAt = arguments.firstIndex(of: flag) else { return nil }
        var given: [String: String] = [:]
        for argument in arguments[(flagAt + 1)...] {
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, known.contains(parts[0]), given.updateValue(parts[1], forKey: parts[0]) == nil
            else {
                throw BenchError("The argument \"\(argument)\" is unknown or given twice; known: \(known.joined(separator: ", ")).")
            }
        }
        let name = try text("accelerator", in: given)
        guard let accelerator = Accelerator(rawValue: name) else {
            throw BenchError("The accelerator \"\(name)\" is none of cpu, gpu, ane, all.")
        }
        return BenchRequest(
            runID: try hexadecimal("run_id", digits: 32, in: given),
            artifactSha256: try hexadecimal("artifact_sha256", digits: 64, in: given),
            accelerator: accelerator,
            runs: try whole("runs", 1...100_000, in: given),
            seconds: try whole("seconds", 0...3600, in: given),
            warmupRuns: try whole("warmup_runs", 0...10_000, in: given)
        )
    }

    private static let known = ["run_id", "artifact_sha256", "accelerator", "runs", "seconds", "warmup_runs"]

    private static func text(_ name: String, in given: [String: String]) throws -> String {
        guard let text = given[name] else { throw BenchError("The argument \(name) is missing.") }
        return text
    }

    private static func hexadecimal(_ name: String, digits: Int, in given: [String: String]) throws -> String {
        let text = try text(name, in: given)
        let isHexadecimal = text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
        guard isHexadecimal, text.utf8.count == digits else {
            throw BenchError("\(name) is \"\(text)\"; give \(digits) lowercase hexadecimal digits.")
        }
        return text
    }

    private static func whole(_ name: String, _ range: ClosedRange<Int>, in given: [String: String]) throws -> Int {
        let text = try text(name, in: given)
        guard let number = Int(text), range.contains(number) else {
            throw BenchError("\(name) is \"\(text)\"; give a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }
}

/// Why there is no benchmark report, in one sentence.
public struct BenchError: LocalizedError, Equatable, Sendable {
    public let sentence: String

    public init(_ sentence: String) {
        self.sentence = sentence
    }

    public var errorDescription: String? { sentence }
}
