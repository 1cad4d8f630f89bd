import CoreML
import Foundation

/// Compiled models in the app's caches, so that the .mlpackage is compiled once and not at every start.
struct CompiledModels {
    private let folder: URL

    init() throws {
        let caches = try FileManager.default.url(
            for: .cachesDirectory, in: .userDomainMask, appropriateFor: nil, create: true
        )
        folder = caches.appendingPathComponent("edgekit", isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// Where the compiled form lies. The key holds the artifact's sha256 and the system's version: another
    /// model, or another Core ML, is compiled anew.
    func compiled(_ package: URL, sha256: String) async throws -> URL {
        let version = ProcessInfo.processInfo.operatingSystemVersion
        let system = "\(version.majorVersion).\(version.minorVersion).\(version.patchVersion)"
        let place = folder.appendingPathComponent("\(sha256)-\(system).mlmodelc", isDirectory: true)
        if FileManager.default.fileExists(atPath: place.path) { return place }
        let fresh = try await MLModel.compileModel(at: package)
        do {
            try FileManager.default.moveItem(at: fresh, to: place)
        } catch {
            // Another load was quicker; its result is as good.
            guard FileManager.default.fileExists(atPath: place.path) else { throw error }
        }
        return place
    }
}
