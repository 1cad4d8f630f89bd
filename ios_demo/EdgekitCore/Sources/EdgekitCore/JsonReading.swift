import Foundation

/// The first two fields of every file that edgekit writes for apps.
private struct SchemaHeader: Decodable {
    let schema: String
    let schemaVersion: Int

    private enum CodingKeys: String, CodingKey {
        case schema
        case schemaVersion = "schema_version"
    }
}

/// The value of a JSON text of this schema and version. `refuse` makes the error of one sentence.
func decoded<Value: Decodable>(
    _ type: Value.Type, from data: Data, at path: String, schema: String, version: Int,
    refuse: (String) -> any Error
) throws -> Value {
    let json = try parsed(data, at: path, refuse: refuse)
    let header = try decoded(SchemaHeader.self, from: json, at: path, refuse: refuse)
    guard header.schema == schema else {
        throw refuse("\(path) has the schema \"\(header.schema)\", not \"\(schema)\".")
    }
    guard header.schemaVersion == version else {
        throw refuse(
            "\(path) has schema version \(header.schemaVersion) and this app reads \(version); use matching versions."
        )
    }
    return try decoded(type, from: json, at: path, refuse: refuse)
}

/// The value of a JSON text without a schema of its own.
func decoded<Value: Decodable>(
    _ type: Value.Type, from data: Data, at path: String, refuse: (String) -> any Error
) throws -> Value {
    try decoded(type, from: parsed(data, at: path, refuse: refuse), at: path, refuse: refuse)
}

private func parsed(_ data: Data, at path: String, refuse: (String) -> any Error) throws -> JsonValue {
    do {
        return try JsonParser.value(of: data)
    } catch let error as JsonRefusal {
        throw refuse("\(path) cannot be read: \(error.reason).")
    }
}

private func decoded<Value: Decodable>(
    _ type: Value.Type, from json: JsonValue, at path: String, refuse: (String) -> any Error
) throws -> Value {
    do {
        return try Value(from: JsonValueDecoder(value: json))
    } catch let error as DecodingError {
        throw refuse("\(path) cannot be read: \(sentencePart(error)).")
    }
}

private func sentencePart(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context):
        return "\(place(context)) has no \"\(key.stringValue)\""
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
        return "\(place(context)) is not of the right type"
    case .dataCorrupted(let context):
        return "\(place(context)) has a value that is not known"
    @unknown default:
        return "it is not of the right form"
    }
}

private func place(_ context: DecodingError.Context) -> String {
    let names = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
    return names.isEmpty ? "the top level" : names.joined(separator: "/")
}
