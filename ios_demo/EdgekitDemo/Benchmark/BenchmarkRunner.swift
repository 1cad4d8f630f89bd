import CoreML
import CoreVideo
import EdgekitCore
import Foundation
import Metal

/// Measures the bundle's Core ML artifact and writes the report that `edgekit bench report` reads.
///
/// The picture is the bundle's golden one, so runs compare. Stages: resize (GPU), segmenter (the
/// prediction call, as in samples_ms), shader (the fused pass into a 1080×1920 texture, GPU). The camera
/// is not timed: a frame's arrival is the sensor's pace, not work.
struct BenchmarkRunner: Sendable {
    let request: BenchRequest

    static let shaderTarget = PixelSize(width: 1080, height: 1920)

    /// Writes the report or the error; returns the sentence for the screen.
    func run() async -> String {
        do {
            let report = try await measured()
            try write(report.json(), named: BenchFile.report(runID: request.runID))
            return "Done: \(BenchFile.report(runID: request.runID)) lies in the app's documents."
        } catch {
            let sentence = error.localizedDescription
            // With no place to write, the screen is all there is.
            try? write(Data(sentence.utf8), named: BenchFile.error(runID: request.runID))
            return sentence
        }
    }

    private func measured() async throws -> BenchReport {
        guard let root = Bundle.main.url(forResource: "edgekit", withExtension: nil) else {
            throw BenchError("The app holds no bundle; run edgekit bundle --into ios_demo and build it again.")
        }
        let bundle = try EdgekitBundle.open(root)
        let (entry, manifest) = try bundle.segmenter(target: CoreMLSegmenter.target)
        guard manifest.sha256 == request.artifactSha256 else {
            throw BenchError("The app's bundle holds \(entry.path) with another sha256 (\(manifest.sha256)); bundle the artifact that is to be measured.")
        }
        // As at the app's first start; what is timed is what was asked for.
        let choice = try await SegmenterChoice(bundle: bundle, gpu: Gpu()).choose().report
        let before = await DeviceFacts.state()
        let segmenter = try await CoreMLSegmenter(bundle: bundle, computeUnits: request.accelerator.units)
        let bench = try GoldenBench(bundle: bundle, segmenter: segmenter)
        let times = try bench.run(request)
        return try BenchReport(
            simulated: DeviceFacts.isSimulator, device: await DeviceFacts.device(),
            artifact: .init(
                name: URL(fileURLWithPath: entry.path).lastPathComponent, sha256: manifest.sha256,
                sizeBytes: manifest.sizeBytes
            ),
            request: request, accelerator: request.accelerator.obtained, loadMs: segmenter.loadMs,
            firstInferenceMs: times.firstInferenceMs, peakRssMb: DeviceFacts.peakMemoryMb(),
            samplesMs: times.samplesMs,
            stagesMs: ["resize": times.resizeMs, "segmenter": times.samplesMs, "shader": times.shaderMs],
            before: before, after: await DeviceFacts.state(), choice: choice
        )
    }

    /// The name exists only when the file is whole.
    private func write(_ data: Data, named name: String) throws {
        let documents = try FileManager.default.url(
            for: .documentDirectory, in: .userDomainMask, appropriateFor: nil, create: true
        )
        try data.write(to: documents.appendingPathComponent(name), options: .atomic)
    }
}

extension BenchRequest.Accelerator {
    var units: MLComputeUnits {
        switch self {
        case .cpu: return .cpuOnly
        case .gpu: return .cpuAndGPU
        case .ane: return .cpuAndNeuralEngine
        case .all: return .all
        }
    }

    /// Core ML on iOS 16 does not say which unit worked; only the CPU alone is certain.
    var obtained: String {
        switch self {
        case .cpu: return "cpu (Core ML, cpuOnly)"
        case .gpu: return "not reported (Core ML, cpuAndGPU)"
        case .ane: return "not reported (Core ML, cpuAndNeuralEngine)"
        case .all: return "all (Core ML's own choice, not reported)"
        }
    }
}

struct BenchTimes: Sendable {
    let firstInferenceMs: Double
    let samplesMs: [Double]
    let resizeMs: [Double]
    let shaderMs: [Double]
}

/// The golden picture through the whole path, again and again.
struct GoldenBench {
    private let worker: FrameWorker
    private let gpu: Gpu
    private let style: LoadedStyle
    private let controls: Controls
    private let picture: CVPixelBuffer
    private let geometry: FrameGeometry
    private let target: MTLTexture

    init(bundle: EdgekitBundle, segmenter: any Segmenter) throws {
        gpu = try Gpu()
        worker = try FrameWorker(segmenter: segmenter, stretcher: gpu.stretcher, cache: gpu.cache) { _ in }
        let golden = bundle.index.golden
        style = try LoadedStyle(
            name: golden.style, description: bundle.shader(ofStyle: golden.style), device: gpu.device
        )
        controls = golden.uniforms.controls
        picture = try PhotoLoader().load(bundle.data(at: golden.image.path))
        let size = PixelSize(width: golden.image.width, height: golden.image.height)
        geometry = FrameGeometry(sensor: size, quarterTurns: 0, isMirrored: false)
        target = try gpu.makeTarget(BenchmarkRunner.shaderTarget)
    }

    /// At least `runs` inferences and at least `seconds`, after the first and the warm-up, which do not count.
    func run(_ request: BenchRequest) throws -> BenchTimes {
        let first = try one()
        for _ in 0..<request.warmupRuns { _ = try one() }
        var samples: [(segmentMs: Double, resizeMs: Double, shaderMs: Double)] = []
        let start = DispatchTime.now()
        while samples.count < request.runs || milliseconds(since: start) < 1000 * Double(request.seconds) {
            samples.append(try one())
        }
        return BenchTimes(
            firstInferenceMs: first.segmentMs, samplesMs: samples.map(\.segmentMs), resizeMs: samples.map(\.resizeMs),
            shaderMs: samples.map(\.shaderMs)
        )
    }

    private func one() throws -> (segmentMs: Double, resizeMs: Double, shaderMs: Double) {
        try autoreleasepool {
            let (frame, times) = try worker.segmented(picture, geometry: geometry)
            let shaderMs = try gpu.draw(frame, style: style, controls: controls, into: target)
            return (times.segmentMs, times.stretchMs, shaderMs)
        }
    }
}
