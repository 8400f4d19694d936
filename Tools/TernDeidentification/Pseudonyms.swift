import TernPlatform

/// The secret that new identifiers and date shifts come from: the same key gives the same, and without it none can be traced back or guessed by trial.
public struct DeidentificationKey: Sendable {
    public static let byteCount = 32
    private let bytes: [UInt8]

    /// Nil unless `bytes` are 32.
    public init?(bytes: [UInt8]) {
        guard bytes.count == DeidentificationKey.byteCount else { return nil }
        self.bytes = bytes
    }

    /// A key file: 64 hexadecimal digits, and white space around them. Nil for anything else.
    public init?(parsing text: String) {
        guard let digits = text.split(whereSeparator: \.isWhitespace).first, text.split(whereSeparator: \.isWhitespace).count == 1,
            let bytes = Hexadecimal.bytes(String(digits))
        else { return nil }
        self.init(bytes: bytes)
    }

    /// The text of a key file.
    public var text: String { Hexadecimal.string(bytes) + "\n" }

    /// HMAC-SHA-256 (RFC 2104, FIPS 180-4) of a purpose and a message, 32 bytes. A zero byte ends the purpose, so no two purposes share a message.
    func code(_ purpose: String, _ message: [UInt8]) -> [UInt8] {
        let blockByteCount = 64
        let padded = bytes + [UInt8](repeating: 0, count: blockByteCount - bytes.count)
        let inner = Digest.sha256(padded.map { $0 ^ 0x36 } + Array(purpose.utf8) + [0] + message)
        return Digest.sha256(padded.map { $0 ^ 0x5C } + inner)
    }
}

/// New values for old ones, from the key alone: nothing is stored, and every file that names the same thing gets the same name for it.
struct Pseudonyms: Sendable {
    let key: DeidentificationKey

    /// A unique identifier for another: 2.25 and a UUID of version 8 (RFC 9562) as a decimal number (PS3.5 2024d B.2), at most 44 characters.
    func identifier(for characters: [UInt8]) -> [UInt8] {
        var uuid = Array(key.code("uid", characters).prefix(16))
        uuid[6] = uuid[6] & 0x0F | 0x80
        uuid[8] = uuid[8] & 0x3F | 0x80
        return Array("2.25.".utf8) + decimalDigits(uuid)
    }

    /// What stands for a patient's name and identifier: 16 hexadecimal digits.
    func patient(_ identity: [UInt8]) -> [UInt8] {
        Array("TERN-\(Hexadecimal.string(Array(key.code("patient", identity).prefix(8))))".utf8)
    }

    /// Days that a patient's dates move back: 1 ... 3,652, ten years.
    func dayShift(_ identity: [UInt8]) -> Int {
        var number = UInt64(0)
        for byte in key.code("days", identity).prefix(8) { number = number << 8 | UInt64(byte) }
        return 1 + Int(number % 3_652)
    }
}

/// A number of big-endian bytes in decimal digits.
private func decimalDigits(_ number: [UInt8]) -> [UInt8] {
    var rest = number
    var digits: [UInt8] = []
    while rest.contains(where: { $0 != 0 }) {
        var remainder = 0
        for index in rest.indices {
            remainder = remainder << 8 | Int(rest[index])
            rest[index] = UInt8(remainder / 10)
            remainder %= 10
        }
        digits.append(0x30 + UInt8(remainder))
    }
    return digits.isEmpty ? [0x30] : digits.reversed()
}
