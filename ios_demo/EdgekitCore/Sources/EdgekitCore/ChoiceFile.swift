import Foundation

/// The remembered accelerator as a file of the app's own.
public struct ChoiceFile: ChoiceStore {
    private static let mostBytes = 1 << 20  // far more than a choice ever has
    private let file: URL

    public init(_ file: URL) {
        self.file = file
    }

    public func read() throws -> String? {
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        let data = try FileHandle(forReadingFrom: file).read(upToCount: Self.mostBytes + 1) ?? Data()
        return data.count <= Self.mostBytes ? String(data: data, encoding: .utf8) : nil
    }

    public func write(_ text: String) throws {
        try Data(text.utf8).write(to: file, options: .atomic)
    }
}
