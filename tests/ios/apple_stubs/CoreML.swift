@_exported import CoreVideo
@_exported import Foundation

public enum MLComputeUnits: Int, Sendable { case cpuOnly, cpuAndGPU, all, cpuAndNeuralEngine }
open class MLModelConfiguration: NSObject { open var computeUnits = MLComputeUnits.all }
open class MLImageConstraint: NSObject {
    open var pixelsHigh: Int { 0 }
    open var pixelsWide: Int { 0 }
    open var pixelFormatType: OSType { 0 }
}
open class MLFeatureDescription: NSObject { open var imageConstraint: MLImageConstraint? { nil } }
open class MLModelDescription: NSObject {
    open var inputDescriptionsByName: [String: MLFeatureDescription] { [:] }
    open var outputDescriptionsByName: [String: MLFeatureDescription] { [:] }
}
open class MLFeatureValue: NSObject {
    public convenience init(pixelBuffer value: CVPixelBuffer) { fatalError() }
    open var imageBufferValue: CVPixelBuffer? { nil }
}
public protocol MLFeatureProvider { func featureValue(for featureName: String) -> MLFeatureValue? }
open class MLDictionaryFeatureProvider: NSObject, MLFeatureProvider {
    public init(dictionary: [String: Any]) throws {}
    open func featureValue(for featureName: String) -> MLFeatureValue? { nil }
}
open class MLPredictionOptions: NSObject { open var outputBackings: [String: Any] = [:] }
open class MLModel: NSObject {
    open class func compileModel(at modelURL: URL) async throws -> URL { fatalError() }
    open class func load(contentsOf url: URL, configuration: MLModelConfiguration = MLModelConfiguration()) async throws -> MLModel { fatalError() }
    open var modelDescription: MLModelDescription { fatalError() }
    open func prediction(from input: MLFeatureProvider, options: MLPredictionOptions) throws -> MLFeatureProvider { fatalError() }
}
