/// Base 64 with padding (RFC 4648 section 4).
enum Base64 {
    static func characterCount(byteCount: Int) -> Int { (byteCount + 2) / 3 * 4 }

    static func text(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(characterCount(byteCount: bytes.count))
        var index = 0
        while index < bytes.count {
            let left = bytes.count - index
            let second = left > 1 ? UInt32(bytes[index + 1]) : 0
            let third = left > 2 ? UInt32(bytes[index + 2]) : 0
            let word = UInt32(bytes[index]) << 16 | second << 8 | third
            text.append(character(word >> 18))
            text.append(character(word >> 12))
            text.append(left > 1 ? character(word >> 6) : 0x3D)
            text.append(left > 2 ? character(word) : 0x3D)
            index += 3
        }
        return text
    }

    private static func character(_ word: UInt32) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: word & 63)
        switch value {
        case 0..<26: return 0x41 + value
        case 26..<52: return 0x61 + (value - 26)
        case 52..<62: return 0x30 + (value - 52)
        case 62: return 0x2B
        default: return 0x2F
        }
    }
}
