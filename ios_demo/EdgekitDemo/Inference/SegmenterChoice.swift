import CoreML
import EdgekitCore
import Foundation

/// The bundle's network on the compute units that are right and fastest on this phone. At the first start this takes
/// seconds; from then on the choice is remembered.
struct SegmenterChoice: Sendable {
    let bundle: EdgekitBundle
    let gpu: Gpu

    /// Not on the main thread. Core ML may use every unit with `all`; with `gpu` it leaves out the Neural Engine.
    func choose() async throws -> Choice<CoreMLSegmenter> {
        let (_, manifest) = try bundle.segmenter(target: CoreMLSegmenter.target)
        let proof = Result { try GoldenProof(bundle: bundle, gpu: gpu) }
        let chooser = AcceleratorChooser<CoreMLSegmenter>(
            place: Self.place, bound: bundle.index.golden.endToEndDeltaE00P95, store: try Self.store(),
            nowMs: { Double(DispatchTime.now().uptimeNanoseconds) / 1_000_000 }, prove: { try proof.get().run($0) }
        )
        func candidate(_ accelerator: BenchRequest.Accelerator) -> Candidate<CoreMLSegmenter> {
            Candidate(accelerator: accelerator.rawValue, artifactSha256: manifest.sha256) {
                try await CoreMLSegmenter(bundle: bundle, computeUnits: accelerator.units)
            }
        }
        return try await chooser.choose(lastResort: candidate(.cpu), others: [candidate(.all), candidate(.gpu)])
    }

    /// Apple's drivers come with the system.
    private static var place: ProvingPlace {
        let app = Bundle.main.infoDictionary?["CFBundleVersion"] as? String ?? "of no version"
        return ProvingPlace(
            device: DeviceFacts.machineName(), driver: ProcessInfo.processInfo.operatingSystemVersionString,
            runtime: "app \(app)"
        )
    }

    private static func store() throws -> ChoiceFile {
        let folder = try FileManager.default.url(
            for: .cachesDirectory, in: .userDomainMask, appropriateFor: nil, create: true
        )
        return ChoiceFile(folder.appendingPathComponent("accelerator-choice.json"))
    }
}
