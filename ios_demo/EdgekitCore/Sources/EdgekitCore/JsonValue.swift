import Foundation

/// A JSON value (RFC 8259). A number keeps its text: 12.0 is no count.
enum JsonValue: Equatable {
    case object([String: JsonValue])
    case list([JsonValue])
    case text(String)
    case number(String)
    case boolean(Bool)
    case null
}

/// Why a text is no JSON.
struct JsonRefusal: Error {
    let reason: String
}

/// Strict: no key twice, nothing after the value, no number beyond a Double, no half of a surrogate pair.
/// Foundation's own parser lets two equal keys pass, and hands 12.0 out as an Int.
struct JsonParser {
    /// bundle.json nests 5 deep, shader.json 6; more is an attack on the stack.
    static let deepest = 32

    private let bytes: [UInt8]
    private var at = 0

    /// The value of a UTF-8 text.
    static func value(of data: Data) throws -> JsonValue {
        guard String(data: data, encoding: .utf8) != nil else { throw JsonRefusal(reason: "it is not UTF-8 text") }
        var parser = JsonParser(bytes: [UInt8](data))
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.at == parser.bytes.count else { throw parser.refusal("something follows the value") }
        return value
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private mutating func value(depth: Int) throws -> JsonValue {
        guard depth <= Self.deepest else { throw refusal("it nests deeper than \(Self.deepest)") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try list(depth: depth)
        case UInt8(ascii: "\""): return .text(try text())
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func object(depth: Int) throws -> JsonValue {
        var members: [String: JsonValue] = [:]
        try items(until: UInt8(ascii: "}")) { parser in
            parser.skipSpace()
            guard parser.next == UInt8(ascii: "\"") else { throw parser.refusal("a key is missing") }
            let key = try parser.text()
            parser.skipSpace()
            try parser.expect(UInt8(ascii: ":"))
            guard members.updateValue(try parser.value(depth: depth + 1), forKey: key) == nil else {
                throw parser.refusal("the key \"\(key)\" is there twice")
            }
        }
        return .object(members)
    }

    private mutating func list(depth: Int) throws -> JsonValue {
        var items: [JsonValue] = []
        try self.items(until: UInt8(ascii: "]")) { parser in
            items.append(try parser.value(depth: depth + 1))
        }
        return .list(items)
    }

    private mutating func items(until end: UInt8, read: (inout JsonParser) throws -> Void) throws {
        at += 1
        skipSpace()
        if next == end {
            at += 1
            return
        }
        while true {
            try read(&self)
            skipSpace()
            if next == end { break }
            try expect(UInt8(ascii: ","))
        }
        at += 1
    }

    private mutating func text() throws -> String {
        var found: [UInt8] = []
        at += 1
        while true {
            guard let byte = next, byte >= 0x20 else {
                throw refusal("a text is not closed, or holds a control character")
            }
            at += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: found, as: UTF8.self)
            case UInt8(ascii: "\\"): found.append(contentsOf: try escaped())
            default: found.append(byte)
            }
        }
    }

    private mutating func escaped() throws -> [UInt8] {
        guard let byte = next else { throw refusal("an escape is cut off") }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0c]
        case UInt8(ascii: "n"): return [0x0a]
        case UInt8(ascii: "r"): return [0x0d]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return [UInt8](String(Character(try scalar())).utf8)
        default: throw refusal("a text has an unknown escape")
        }
    }

    /// What `\uXXXX` stands for; two of them where the first is half of a surrogate pair.
    private mutating func scalar() throws -> Unicode.Scalar {
        let first = try hex4()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xd800..<0xdc00).contains(first), next == UInt8(ascii: "\\") else {
            throw refusal("a text has half of a surrogate pair")
        }
        at += 1
        try expect(UInt8(ascii: "u"))
        let second = try hex4()
        guard (0xdc00..<0xe000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
        else {
            throw refusal("a text has half of a surrogate pair")
        }
        return scalar
    }

    private mutating func hex4() throws -> UInt32 {
        guard at + 4 <= bytes.count else { throw refusal("an escape is cut off") }
        let digits = bytes[at..<at + 4].map { Character(Unicode.Scalar($0)).hexDigitValue }
        at += 4
        return try digits.reduce(UInt32(0)) { sum, digit in
            guard let digit = digit else { throw refusal("an escape has no four digits") }
            return sum << 4 + UInt32(digit)
        }
    }

    private mutating func number() throws -> String {
        let start = at
        if next == UInt8(ascii: "-") { at += 1 }
        let whole = digits()
        guard whole > 0, whole == 1 || bytes[at - whole] != UInt8(ascii: "0") else {
            throw refusal("a value is missing or malformed")
        }
        if next == UInt8(ascii: ".") {
            at += 1
            guard digits() > 0 else { throw refusal("a number is malformed") }
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            at += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
            guard digits() > 0 else { throw refusal("a number is malformed") }
        }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        guard let value = Double(text), value.isFinite else { throw refusal("a number is too large") }
        return text
    }

    /// Moves behind the digits that are next. Returns how many there were.
    private mutating func digits() -> Int {
        let start = at
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { at += 1 }
        return at - start
    }

    private mutating func word(_ word: String, _ value: JsonValue) throws -> JsonValue {
        for byte in word.utf8 { try expect(byte) }
        return value
    }

    private mutating func skipSpace() {
        while let byte = next, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { at += 1 }
    }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func expect(_ byte: UInt8) throws {
        guard next == byte else { throw refusal("'\(Unicode.Scalar(byte))' is missing") }
        at += 1
    }

    private func refusal(_ reason: String) -> JsonRefusal {
        JsonRefusal(reason: "it is not JSON: \(reason) at byte \(at)")
    }
}
