import Foundation
#if canImport(CryptoKit)
import CryptoKit
#endif

/// Feeds bytes in pieces, then answers with 64 lowercase hexadecimal digits.
/// CryptoKit where it exists (Apple's systems); elsewhere `PortableSha256`.
struct Sha256 {
    #if canImport(CryptoKit)
    private var state = SHA256()
    #else
    private var state = PortableSha256()
    #endif

    mutating func update(_ data: Data) {
        state.update(data: data)
    }

    mutating func hexDigest() -> String {
        hexadecimal(Array(state.finalize()))
    }
}

/// sha256 of bytes in memory, as 64 lowercase hexadecimal digits.
public func sha256(of data: Data) -> String {
    var hash = Sha256()
    hash.update(data)
    return hash.hexDigest()
}

/// sha256 of a file, read in pieces so that a large artifact is never whole in memory.
public func sha256(ofFileAt url: URL) throws -> String {
    let pieceBytes = 1 << 20
    let handle = try FileHandle(forReadingFrom: url)
    defer { try? handle.close() }
    var hash = Sha256()
    while let piece = try handle.read(upToCount: pieceBytes), !piece.isEmpty {
        hash.update(piece)
    }
    return hash.hexDigest()
}

func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(2 * bytes.count)
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

/// FIPS 180-4, section 6.2, for systems without CryptoKit. Not hardened; it checks public files.
struct PortableSha256 {
    /// First 32 bits of the fractional parts of the square roots of the first 8 primes (5.3.3).
    private var hash: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]
    private var pending: [UInt8] = []
    private var lengthBytes: UInt64 = 0

    private static let blockBytes = 64

    mutating func update(data: Data) {
        lengthBytes += UInt64(data.count)
        pending.append(contentsOf: data)
        compressWholeBlocks()
    }

    /// 32 bytes. The padding of 5.1.1: a one bit, zeros, the length in bits as 64 bits.
    mutating func finalize() -> [UInt8] {
        let lengthBits = lengthBytes &* 8
        pending.append(0x80)
        while pending.count % Self.blockBytes != Self.blockBytes - 8 {
            pending.append(0)
        }
        for shift in stride(from: 56, through: 0, by: -8) {
            pending.append(UInt8(truncatingIfNeeded: lengthBits >> UInt64(shift)))
        }
        compressWholeBlocks()
        return hash.flatMap { word in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
        }
    }

    private mutating func compressWholeBlocks() {
        var start = 0
        pending.withUnsafeBufferPointer { bytes in
            var schedule = [UInt32](repeating: 0, count: 64)
            while bytes.count - start >= Self.blockBytes {
                Self.compress(bytes, from: start, schedule: &schedule, into: &hash)
                start += Self.blockBytes
            }
        }
        pending.removeFirst(start)
    }

    private static func compress(
        _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, schedule w: inout [UInt32], into hash: inout [UInt32]
    ) {
        for t in 0..<16 {
            let at = start + 4 * t
            let high = UInt32(bytes[at]) << 24 | UInt32(bytes[at + 1]) << 16
            w[t] = high | UInt32(bytes[at + 2]) << 8 | UInt32(bytes[at + 3])
        }
        for t in 16..<64 {
            let s0 = rotated(w[t - 15], 7) ^ rotated(w[t - 15], 18) ^ (w[t - 15] >> 3)
            let s1 = rotated(w[t - 2], 17) ^ rotated(w[t - 2], 19) ^ (w[t - 2] >> 10)
            w[t] = w[t - 16] &+ s0 &+ w[t - 7] &+ s1
        }
        var (a, b, c, d) = (hash[0], hash[1], hash[2], hash[3])
        var (e, f, g, h) = (hash[4], hash[5], hash[6], hash[7])
        for t in 0..<64 {
            let sum1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
            let choice = (e & f) ^ (~e & g)
            let t1 = h &+ sum1 &+ choice &+ roundConstants[t] &+ w[t]
            let sum0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
            let majority = (a & b) ^ (a & c) ^ (b & c)
            let t2 = sum0 &+ majority
            (h, g, f, e, d, c, b, a) = (g, f, e, d &+ t1, c, b, a, t1 &+ t2)
        }
        for (i, word) in [a, b, c, d, e, f, g, h].enumerated() {
            hash[i] = hash[i] &+ word
        }
    }

    private static func rotated(_ word: UInt32, _ bits: UInt32) -> UInt32 {
        (word >> bits) | (word << (32 - bits))
    }

    /// First 32 bits of the fractional parts of the cube roots of the first 64 primes (4.2.2).
    private static let roundConstants: [UInt32] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ]
}
