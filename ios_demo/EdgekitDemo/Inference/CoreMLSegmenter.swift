import CoreML
import CoreVideo
import EdgekitCore
import Foundation

/// The bundle's Core ML artifact. Its image output is written into buffers that Metal can read as they are.
///
/// @unchecked: an MLModel may be used from one thread at a time, and `Segmenter` promises that.
final class CoreMLSegmenter: Segmenter, @unchecked Sendable {
    let inputSize: PixelSize
    /// From opening the compiled model to its being ready; compiling is not in it.
    let loadMs: Double
    private let model: MLModel
    private let inputName: String
    private let outputName: String
    private let masks: PixelBufferPool

    static let target = "coreml"

    /// SegmenterError: the artifact takes or answers something else than its manifest and this app say.
    init(bundle: EdgekitBundle, computeUnits: MLComputeUnits) async throws {
        let (entry, manifest) = try bundle.segmenter(target: Self.target)
        guard let input = manifest.inputs.first, let output = manifest.outputs.first,
            manifest.outputs.count == 1, output.channels == ["skin", "hair", "clothes"]
        else {
            throw SegmenterError("\(entry.path) does not answer with the groups skin, hair, clothes; convert it with --output groups.")
        }
        guard entry.inputSize.isSquare || manifest.preprocessing == Fit.framePreprocessing else {
            throw SegmenterError("\(entry.path) is not for photos fitted by \(Fit.framePreprocessing); use matching versions.")
        }
        let package = try bundle.url(of: entry.path)
        let compiled = try await CompiledModels().compiled(package, sha256: manifest.sha256)
        let configuration = MLModelConfiguration()
        configuration.computeUnits = computeUnits
        let start = DispatchTime.now()
        model = try await MLModel.load(contentsOf: compiled, configuration: configuration)
        loadMs = milliseconds(since: start)
        inputSize = entry.inputSize
        inputName = input.name
        outputName = output.name
        masks = try PixelBufferPool(size: entry.maskSize)
        let described = model.modelDescription
        try Self.require(described.inputDescriptionsByName[input.name], named: input.name, size: inputSize)
        try Self.require(described.outputDescriptionsByName[output.name], named: output.name, size: entry.maskSize)
    }

    func segment(_ input: CVPixelBuffer) throws -> SegmenterOutput {
        let given = try masks.buffer()
        let options = MLPredictionOptions()
        options.outputBackings = [outputName: given]
        let features = try MLDictionaryFeatureProvider(
            dictionary: [inputName: MLFeatureValue(pixelBuffer: input)]
        )
        let start = DispatchTime.now()
        let answer = try model.prediction(from: features, options: options)
        let predictionMs = milliseconds(since: start)
        guard let mask = answer.featureValue(for: outputName)?.imageBufferValue else {
            throw SegmenterError("The network's output \(outputName) is not an image.")
        }
        return SegmenterOutput(mask: mask, predictionMs: predictionMs, isInGivenBuffer: mask === given)
    }

    private static func require(_ feature: MLFeatureDescription?, named name: String, size: PixelSize) throws {
        guard let image = feature?.imageConstraint else {
            throw SegmenterError("The network has no image called \(name).")
        }
        guard image.pixelsWide == size.width, image.pixelsHigh == size.height,
            image.pixelFormatType == kCVPixelFormatType_32BGRA
        else {
            throw SegmenterError("The network's image \(name) is not 32BGRA of \(size.width)×\(size.height) pixels.")
        }
    }
}

func milliseconds(since start: DispatchTime) -> Double {
    Double(DispatchTime.now().uptimeNanoseconds - start.uptimeNanoseconds) / 1_000_000
}
