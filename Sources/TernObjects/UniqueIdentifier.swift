import TernPlatform

/// Unique identifiers that follow from what they name: the same for the same content on every machine, and without a registry.
enum UniqueIdentifier {
    /// `2.25.` and the decimal number of a UUID of version 8 whose other bits are the first of the SHA-256 of the parts (PS3.5 2024d B.2, RFC 9562 5.8). At
    /// most 44 characters.
    ///
    /// - Parameter kind: what is named; two kinds never share an identifier.
    @inline(never)
    static func derived(_ kind: String, from parts: [[UInt8]]) -> String {
        var seed = Array("tern:".utf8)
        seed.append(contentsOf: kind.utf8)
        for part in parts {
            // The length before each part: no two lists of parts are the same bytes.
            seed.append(long: UInt32(truncatingIfNeeded: part.count))
            seed.append(contentsOf: part)
        }
        var number = Array(Digest.sha256(seed).prefix(16))
        number[6] = number[6] & 0x0F | 0x80
        number[8] = number[8] & 0x3F | 0x80
        return "2.25." + decimal(number)
    }

    /// The implementation that writes objects; a name like the others, of this text: "Tern, implementation class of its DICOM objects".
    static let implementation = "2.25.56852769523597577686362087450746924975"

    /// A big-endian number in decimal digits.
    private static func decimal(_ bytes: [UInt8]) -> String {
        var number = bytes
        var digits: [UInt8] = []
        while number.contains(where: { $0 != 0 }) {
            var rest = 0
            for index in number.indices {
                let value = rest << 8 | Int(number[index])
                number[index] = UInt8(truncatingIfNeeded: value / 10)
                rest = value % 10
            }
            digits.append(0x30 + UInt8(truncatingIfNeeded: rest))
        }
        return String(decoding: digits.reversed(), as: UTF8.self)
    }
}
