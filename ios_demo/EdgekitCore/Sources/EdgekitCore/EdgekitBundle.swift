import Foundation

/// A folder that `edgekit bundle` wrote, whose every file was there, listed, and of the right size and
/// sha256 when it was opened.
public struct EdgekitBundle: Sendable {
    public let root: URL
    public let index: BundleIndex
    private let entries: [String: FileEntry]

    public static let indexFile = "bundle.json"
    static let schema = "edgekit/bundle"
    static let schemaVersion = 1
    // The limits of the bundle format: a phone reads all of it before it shows anything.
    static let largestIndexBytes = 1 << 20
    static let largestFileBytes = 64 << 20
    static let largestBundleBytes = 256 << 20
    static let longestPath = 1000  // characters

    /// Reads and verifies the folder. BundleError: one sentence says what is wrong with it.
    public static func open(_ root: URL) throws -> EdgekitBundle {
        let paths = try BundleFolder(root: root).paths()
        guard paths.contains(indexFile) else {
            throw BundleError("There is no \(indexFile); choose the folder that edgekit bundle wrote.")
        }
        let index = try decoded(
            BundleIndex.self, from: try indexData(in: root), at: indexFile, schema: schema, version: schemaVersion
        ) { BundleError($0) }
        try index.check()
        let entries = try checkedEntries(index.files)
        try checkCompleteness(listed: Set(entries.keys), present: paths)
        try checkNames(index, listed: Set(entries.keys))
        for entry in index.files {
            try verify(entry, in: root)
        }
        return EdgekitBundle(root: root, index: index, entries: entries)
    }

    /// The bytes of a listed file, checked again: what is used is what was listed.
    public func data(at path: String) throws -> Data {
        guard let entry = entries[path] else { throw BundleError("\(path) is not listed in \(Self.indexFile).") }
        let data = try readable(path) { try Data(contentsOf: Self.url(of: path, in: root)) }
        guard data.count == entry.sizeBytes, sha256(of: data) == entry.sha256 else {
            throw BundleError("\(path) was changed after the bundle was opened; make the bundle again.")
        }
        return data
    }

    /// Where a listed file, or a folder of listed files such as an .mlpackage, lies.
    public func url(of path: String) throws -> URL {
        guard entries[path] != nil || entries.keys.contains(where: { $0.hasPrefix(path + "/") }) else {
            throw BundleError("\(path) is not listed in \(Self.indexFile).")
        }
        return Self.url(of: path, in: root)
    }

    public func style(named name: String) throws -> StyleEntry {
        guard let style = index.styles.first(where: { $0.name == name }) else {
            let known = index.styles.map(\.name).joined(separator: ", ")
            throw BundleError("There is no style \"\(name)\"; known: \(known).")
        }
        return style
    }

    /// The artifact for a runtime, such as `coreml`, and its manifest.
    public func segmenter(target: String) throws -> (entry: SegmenterEntry, manifest: SegmenterManifest) {
        guard let entry = index.segmenters.first(where: { $0.target == target }) else {
            throw BundleError("The bundle holds no \(target) artifact; make it again with one.")
        }
        let manifest = try decoded(
            SegmenterManifest.self, from: try data(at: entry.manifest), at: entry.manifest
        ) { BundleError($0) }
        return (entry, manifest)
    }

    /// The style's description, with the bytes of its tables.
    public func shader(ofStyle name: String) throws -> ShaderDescription {
        let path = try style(named: name).description
        let folder = components(of: path).dropLast().joined(separator: "/")
        return try ShaderDescription.read(try data(at: path), at: path) { file in
            try data(at: folder.isEmpty ? file : "\(folder)/\(file)")
        }
    }

    private static func indexData(in root: URL) throws -> Data {
        let file = url(of: indexFile, in: root)
        let size = try sizeBytes(of: file, path: indexFile)
        guard size <= largestIndexBytes else {
            throw BundleError("\(indexFile) is larger than 1 MiB; it is no bundle of edgekit's.")
        }
        return try readable(indexFile) { try Data(contentsOf: file) }
    }

    private static func checkedEntries(_ files: [FileEntry]) throws -> [String: FileEntry] {
        var entries: [String: FileEntry] = [:]
        var others: [String: String] = [:]  // by path as file systems compare that ignore case and accents' forms
        var total = 0
        for file in files {
            try requireSafe(file.path)
            guard isSha256(file.sha256) else { throw BundleError("The sha256 listed for \(file.path) is none.") }
            guard (0...largestFileBytes).contains(file.sizeBytes) else {
                throw BundleError("\(file.path) is larger than 64 MiB, the most a bundle's file may be.")
            }
            guard entries.updateValue(file, forKey: file.path) == nil else {
                throw BundleError("\(file.path) is listed twice in \(indexFile).")
            }
            if let other = others.updateValue(file.path, forKey: folded(file.path)) {
                throw BundleError("\(indexFile) lists \(other) and \(file.path), which many file systems hold for one file.")
            }
            total += file.sizeBytes
            guard total <= largestBundleBytes else {
                throw BundleError("The bundle is larger than 256 MiB; put fewer artifacts into it.")
            }
        }
        for path in others.keys {
            for end in path.indices where path[end] == "/" {
                guard let file = others[String(path[..<end])] else { continue }
                throw BundleError("\(indexFile) lists \(file) as a file and as a folder.")
            }
        }
        return entries
    }

    private static func checkCompleteness(listed: Set<String>, present: Set<String>) throws {
        if let extra = present.subtracting(listed).subtracting([indexFile]).min() {
            throw BundleError("\(extra) is not listed in \(indexFile); remove it or make the bundle again.")
        }
        if let missing = listed.subtracting(present).min() {
            throw BundleError("\(missing) is listed in \(indexFile) but missing; make the bundle again.")
        }
    }

    private static func checkNames(_ index: BundleIndex, listed: Set<String>) throws {
        let styles = Set(index.styles.map(\.name))
        for (key, name) in [("default_style", index.defaultStyle), ("golden/style", index.golden.style)]
        where !styles.contains(name) {
            throw BundleError("\(indexFile): \(key) is \"\(name)\", which is none of the bundle's styles.")
        }
        let golden = index.golden
        let accelerated = index.segmenters.flatMap(\.accelerated)
        let named =
            index.styles.map(\.description) + index.segmenters.map(\.manifest) + accelerated.map(\.manifest)
            + [golden.image.path, golden.mask.path, golden.styled.path, golden.vectors]
        for path in named where !listed.contains(path) {
            throw BundleError("\(indexFile) names \(path) but does not list it; make the bundle again.")
        }
        for artifact in index.segmenters.map(\.path) + accelerated.map(\.path)
        where !listed.contains(artifact) && !listed.contains(where: { $0.hasPrefix(artifact + "/") }) {
            throw BundleError("\(indexFile) names \(artifact) but does not list it; make the bundle again.")
        }
    }

    /// Size first: a file of another size is never read.
    private static func verify(_ entry: FileEntry, in root: URL) throws {
        let file = url(of: entry.path, in: root)
        let size = try sizeBytes(of: file, path: entry.path)
        guard size == entry.sizeBytes else {
            throw BundleError("\(entry.path) has \(size) bytes, not the \(entry.sizeBytes) listed; copy the bundle again.")
        }
        guard try readable(entry.path, { try sha256(ofFileAt: file) }) == entry.sha256 else {
            throw BundleError("\(entry.path) is not the file that was listed: its sha256 differs; copy the bundle again.")
        }
    }

    private static func sizeBytes(of file: URL, path: String) throws -> Int {
        let attributes = try readable(path) { try FileManager.default.attributesOfItem(atPath: file.path) }
        guard let size = attributes[.size] as? NSNumber else { throw BundleError("\(path) cannot be read.") }
        return size.intValue
    }

    /// `path` has passed `requireSafe`, or is this file's own constant.
    private static func url(of path: String, in root: URL) -> URL {
        components(of: path).reduce(root) { $0.appendingPathComponent($1) }
    }

    private static func requireSafe(_ path: String) throws {
        let isPlain = components(of: path).allSatisfy { !["", ".", ".."].contains($0) }
        let scalars = path.unicodeScalars
        guard isPlain, scalars.count <= longestPath, !scalars.contains(where: { "\\:".unicodeScalars.contains($0) || steers($0) }),
            folded(path) != indexFile
        else {
            throw BundleError("\(indexFile) lists the path \"\(path)\", which could leave the bundle's folder or is no file's.")
        }
    }
}

/// What lies between the slashes. As file systems see it: to Swift, "/" and an accent behind it are one character.
private func components(of path: String) -> [String] {
    path.unicodeScalars.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
}

/// The path as a file system compares it that ignores case and the form of accents.
private func folded(_ path: String) -> String {
    path.precomposedStringWithCanonicalMapping.lowercased().uppercased().lowercased()
        .precomposedStringWithCanonicalMapping
}

/// The files below a bundle's root.
struct BundleFolder {
    let root: URL

    /// Relative paths with `/`. BundleError: a symbolic link or anything else that is no plain file or folder.
    func paths() throws -> Set<String> {
        var found: Set<String> = []
        try collect("", into: &found)
        return found
    }

    private func collect(_ folder: String, into found: inout Set<String>) throws {
        let place = folder.isEmpty ? root.path : "\(root.path)/\(folder)"
        let names = try readable(folder.isEmpty ? "The bundle's folder" : folder) {
            try FileManager.default.contentsOfDirectory(atPath: place)
        }
        for name in names {
            let path = folder.isEmpty ? name : "\(folder)/\(name)"
            // Does not follow links.
            let attributes = try readable(path) {
                try FileManager.default.attributesOfItem(atPath: "\(root.path)/\(path)")
            }
            switch attributes[.type] as? FileAttributeType {
            case .some(.typeDirectory): try collect(path, into: &found)
            case .some(.typeRegular): found.insert(path)
            default: throw BundleError("\(path) is a link or a special file; a bundle holds plain files only.")
            }
        }
    }
}

/// The closure's value; what the file system refuses becomes one sentence.
private func readable<Value>(_ path: String, _ read: () throws -> Value) throws -> Value {
    do {
        return try read()
    } catch let error as BundleError {
        throw error
    } catch {
        throw BundleError("\(path) cannot be read: \(error.localizedDescription)")
    }
}
