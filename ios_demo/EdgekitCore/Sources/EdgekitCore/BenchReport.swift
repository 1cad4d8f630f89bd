import Foundation

/// The app's own benchmark, in the form that `edgekit bench report` reads. Times in milliseconds;
/// nil where the phone does not tell.
public struct BenchReport: Encodable, Equatable, Sendable {
    public struct Device: Encodable, Equatable, Sendable {
        public let model: String
        public let os: String
        public let abi: String
        public let cores: Int

        public init(model: String, os: String, abi: String, cores: Int) {
            self.model = model
            self.os = os
            self.abi = abi
            self.cores = cores
        }
    }

    public struct Artifact: Encodable, Equatable, Sendable {
        public let name: String
        public let sha256: String
        public let sizeBytes: Int

        public init(name: String, sha256: String, sizeBytes: Int) {
            self.name = name
            self.sha256 = sha256
            self.sizeBytes = sizeBytes
        }

        private enum CodingKeys: String, CodingKey {
            case name, sha256
            case sizeBytes = "size_bytes"
        }
    }

    public struct PhoneState: Encodable, Equatable, Sendable {
        public let batteryPercent: Int?
        public let thermalStatus: Int?

        public init(batteryPercent: Int?, thermalStatus: Int?) {
            self.batteryPercent = batteryPercent
            self.thermalStatus = thermalStatus
        }

        private enum CodingKeys: String, CodingKey {
            case batteryPercent = "battery_percent"
            case thermalStatus = "thermal_status"
        }

        // Written out because a synthesised one leaves nil out, and every key is required.
        public func encode(to encoder: Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(batteryPercent, forKey: .batteryPercent)
            try container.encode(thermalStatus, forKey: .thermalStatus)
        }
    }

    public static let stages = ["camera", "resize", "segmenter", "refinement", "shader"]
    /// Core ML chooses its threads itself and does not tell how many.
    public static let threadsChosenByCoreML = 0

    public let simulated: Bool
    public let device: Device
    public let artifact: Artifact
    public let request: BenchRequest
    public let accelerator: String
    public let loadMs: Double
    public let firstInferenceMs: Double
    public let peakRssMb: Double?
    public let samplesMs: [Double]
    public let stagesMs: [String: [Double]]
    public let before: PhoneState
    public let after: PhoneState
    public let choice: ChoiceReport

    /// BenchError: no samples, a time that is not positive, or a stage that is unknown or of another length.
    public init(
        simulated: Bool, device: Device, artifact: Artifact, request: BenchRequest, accelerator: String,
        loadMs: Double, firstInferenceMs: Double, peakRssMb: Double?, samplesMs: [Double],
        stagesMs: [String: [Double]], before: PhoneState, after: PhoneState, choice: ChoiceReport
    ) throws {
        let times = stagesMs.values.flatMap { $0 } + samplesMs + [loadMs, firstInferenceMs]
        guard !samplesMs.isEmpty, times.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw BenchError("A time was not measured: a benchmark has samples, and every time is positive.")
        }
        for (stage, series) in stagesMs where !Self.stages.contains(stage) || series.count != samplesMs.count {
            throw BenchError("The stage \(stage) is unknown or has \(series.count) times for \(samplesMs.count) samples.")
        }
        self.simulated = simulated
        self.device = device
        self.artifact = artifact
        self.request = request
        self.accelerator = accelerator
        self.loadMs = loadMs
        self.firstInferenceMs = firstInferenceMs
        self.peakRssMb = peakRssMb
        self.samplesMs = samplesMs
        self.stagesMs = stagesMs
        self.before = before
        self.after = after
        self.choice = choice
    }

    private enum CodingKeys: String, CodingKey {
        case schema, simulated, device, artifact, threads, accelerator, before, after
        case acceleratorAsked = "accelerator_asked"
        case choice = "accelerator_choice"
        case warmupRuns = "warmup_runs"
        case loadMs = "load_ms"
        case firstInferenceMs = "first_inference_ms"
        case peakRssMb = "peak_rss_mb"
        case samplesMs = "samples_ms"
        case stagesMs = "stages_ms"
    }

    public func encode(to encoder: Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode("edgekit-app-bench/1", forKey: .schema)
        try container.encode(simulated, forKey: .simulated)
        try container.encode(device, forKey: .device)
        try container.encode(artifact, forKey: .artifact)
        try container.encode(Self.threadsChosenByCoreML, forKey: .threads)
        try container.encode(request.accelerator.rawValue, forKey: .acceleratorAsked)
        try container.encode(accelerator, forKey: .accelerator)
        try container.encode(choice, forKey: .choice)
        try container.encode(request.warmupRuns, forKey: .warmupRuns)
        try container.encode(loadMs, forKey: .loadMs)
        try container.encode(firstInferenceMs, forKey: .firstInferenceMs)
        try container.encode(peakRssMb, forKey: .peakRssMb)
        try container.encode(samplesMs, forKey: .samplesMs)
        try container.encode(stagesMs, forKey: .stagesMs)
        try container.encode(before, forKey: .before)
        try container.encode(after, forKey: .after)
    }

    /// The report as JSON text.
    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return try encoder.encode(self)
    }
}

/// Where a run's report or error lies in the app's documents: the name exists only when it is whole.
public enum BenchFile {
    public static func report(runID: String) -> String { "edgekit-app-bench-\(runID).json" }
    public static func error(runID: String) -> String { "edgekit-app-bench-\(runID).error.txt" }
}
