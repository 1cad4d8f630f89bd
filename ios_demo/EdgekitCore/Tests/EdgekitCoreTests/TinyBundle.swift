import Foundation
@testable import EdgekitCore

/// A bundle of small text files in a temporary folder, whose index a test may falsify before it is written.
struct TinyBundle {
    let root: URL
    var contents: [String: String] = [
        "segmenter/x.mlpackage/Manifest.json": "{}",
        "segmenter/x.mlpackage/Data/model.bin": "weights",
        "segmenter/x.mlpackage.json": #"{"name": "x", "sha256": "ab", "size_bytes": 9, "inputs": [], "outputs": []}"#,
        "styles/vibrant/shader.json": "{}",
        "golden/image.png": "image", "golden/mask.png": "mask", "golden/styled.png": "styled",
        "golden/vectors.json": "{}",
    ]
    var schema = "edgekit/bundle"
    var schemaVersion = 1
    var inputSize: Any = 512
    var defaultStyle = "vibrant"
    var goldenStyle = "vibrant"
    /// What the index says of a path instead of the truth, or of a path that is not there.
    var listedPaths: [String: String] = [:]
    var listedSizes: [String: Int] = [:]
    var listedHashes: [String: String] = [:]
    var unlisted: Set<String> = []
    var isListedTwice = false

    init() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("edgekit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    }

    func write() throws -> URL {
        for (path, text) in contents {
            let file = root.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true
            )
            try Data(text.utf8).write(to: file)
        }
        let json = try JSONSerialization.data(withJSONObject: index())
        try json.write(to: root.appendingPathComponent("bundle.json"))
        return root
    }

    private func index() -> [String: Any] {
        func picture(_ path: String) -> [String: Any] {
            ["path": path, "width": 5, "height": 3, "rgba8_sha256": String(repeating: "0", count: 64)]
        }
        return [
            "schema": schema, "schema_version": schemaVersion, "name": "tiny", "edgekit_version": "0",
            "segmenters": [
                [
                    "target": "coreml", "path": "segmenter/x.mlpackage", "manifest": "segmenter/x.mlpackage.json",
                    "input_size": inputSize, "mask_size": 128, "recipe": "w8", "minimum_os": "iOS 16",
                ]
            ],
            "class_names": ["Background", "Face"], "groups": ["skin": [1]],
            "styles": [["name": "vibrant", "title": "Vibrant", "description": "styles/vibrant/shader.json"]],
            "default_style": defaultStyle,
            "controls": [
                ["name": "tone", "minimum": -1, "maximum": 1, "default": 0.25],
                ["name": "warmth", "minimum": -1, "maximum": 1, "default": 0],
                ["name": "intensity", "minimum": 0, "maximum": 1, "default": 1],
                ["name": "skin_protection", "minimum": 0, "maximum": 1, "default": 0],
            ],
            "golden": [
                "style": goldenStyle,
                "uniforms": ["intensity": 1, "tone": 0.2, "warmth": -0.3, "skin_protection": 0.5],
                "image": picture("golden/image.png"), "mask": picture("golden/mask.png"),
                "styled": picture("golden/styled.png"), "given_mask_max_levels": 2,
                "end_to_end_delta_e00_p95": 1.5, "vectors": "golden/vectors.json",
            ],
            "files": files(),
        ]
    }

    private func files() -> [[String: Any]] {
        let listed = contents.keys.filter { !unlisted.contains($0) }.sorted().map { path -> [String: Any] in
            let data = Data(contents[path, default: ""].utf8)
            return [
                "path": listedPaths[path] ?? path, "size_bytes": listedSizes[path] ?? data.count,
                "sha256": listedHashes[path] ?? sha256(of: data),
            ]
        }
        return isListedTwice ? listed + [listed[0]] : listed
    }
}
