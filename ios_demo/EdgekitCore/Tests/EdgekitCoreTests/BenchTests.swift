import Foundation
import XCTest

@testable import EdgekitCore

final class BenchTests: XCTestCase {
    private let runID = String(repeating: "0a", count: 16)
    private let artifact = String(repeating: "c3", count: 32)
    private var arguments: [String] {
        [
            "/app/EdgekitDemo", "-NSDoubleLocalizedStrings", "YES", "--benchmark", "run_id=\(runID)",
            "artifact_sha256=\(artifact)", "accelerator=ane", "runs=60", "seconds=7", "warmup_runs=5",
        ]
    }

    func testReadsARequest() throws {
        let request = try XCTUnwrap(BenchRequest.read(arguments: arguments))
        XCTAssertEqual(request.runID, runID)
        XCTAssertEqual(request.artifactSha256, artifact)
        XCTAssertEqual(request.accelerator, .ane)
        XCTAssertEqual([request.runs, request.seconds, request.warmupRuns], [60, 7, 5])
        XCTAssertNil(try BenchRequest.read(arguments: ["/app/EdgekitDemo", "runs=60"]))
    }

    func testRefusesWhatIsMissingUnknownOrOutOfRange() {
        for dropped in 4..<10 {
            var fewer = arguments
            fewer.remove(at: dropped)
            XCTAssertThrowsError(try BenchRequest.read(arguments: fewer)) { XCTAssertTrue($0 is BenchError) }
        }
        let wrong = [
            "run_id=\(runID.uppercased())", "artifact_sha256=\(runID)", "accelerator=nnapi", "runs=0", "runs=100001",
            "seconds=3601", "seconds=-1", "seconds=1.5", "warmup_runs=10001", "colour=red", "verbose",
        ]
        for argument in wrong {
            let name = argument.split(separator: "=")[0]
            let others = arguments.filter { !$0.hasPrefix("\(name)=") }
            XCTAssertThrowsError(try BenchRequest.read(arguments: others + [argument]), argument)
        }
        XCTAssertThrowsError(try BenchRequest.read(arguments: arguments + ["runs=60"]))
    }

    func testEveryKeyIsWrittenAndNullIsWritten() throws {
        let report = try makeReport(samples: [12.5, 11.25, 13], stages: ["segmenter": [12, 11, 12], "shader": [1, 2, 3]])
        let object = try JSONSerialization.jsonObject(with: report.json())
        let json = try XCTUnwrap(object as? [String: Any])
        XCTAssertEqual(
            Set(json.keys),
            [
                "schema", "simulated", "device", "artifact", "threads", "accelerator_asked", "accelerator",
                "warmup_runs", "load_ms", "first_inference_ms", "peak_rss_mb", "samples_ms", "stages_ms", "before",
                "after", "accelerator_choice",
            ]
        )
        XCTAssertTrue(json["peak_rss_mb"] is NSNull || json["peak_rss_mb"] as? Double == nil)
        let before = try XCTUnwrap(json["before"] as? [String: Any])
        XCTAssertTrue(before.keys.contains("battery_percent"))
        let after = try XCTUnwrap(json["after"] as? [String: Any])
        XCTAssertEqual(after["thermal_status"] as? Int, 2)
        if let path = ProcessInfo.processInfo.environment["EDGEKIT_REPORT_OUT"] {
            try report.json().write(to: URL(fileURLWithPath: path))
        }
    }

    func testRefusesTimesThatWereNotMeasured() {
        XCTAssertThrowsError(try makeReport(samples: [], stages: [:]))
        XCTAssertThrowsError(try makeReport(samples: [1, 0], stages: [:]))
        XCTAssertThrowsError(try makeReport(samples: [1, .infinity], stages: [:]))
        XCTAssertThrowsError(try makeReport(samples: [1, 2], stages: ["shader": [1]]))
        XCTAssertThrowsError(try makeReport(samples: [1, 2], stages: ["lunch": [1, 2]]))
    }

    private func makeReport(samples: [Double], stages: [String: [Double]]) throws -> BenchReport {
        try BenchReport(
            simulated: true, device: .init(model: "iPhone0,0", os: "iOS 16.0", abi: "arm64", cores: 6),
            artifact: .init(name: "x.mlpackage", sha256: artifact, sizeBytes: 6_635_620),
            request: XCTUnwrap(BenchRequest.read(arguments: arguments)), accelerator: "ane, not reported",
            loadMs: 80.5, firstInferenceMs: 31, peakRssMb: nil, samplesMs: samples, stagesMs: stages,
            before: .init(batteryPercent: nil, thermalStatus: 0), after: .init(batteryPercent: 71, thermalStatus: 2),
            choice: .init(accelerator: "all", isRemembered: true, sentences: ["cpu: proved.", "all: chosen."])
        )
    }
}
