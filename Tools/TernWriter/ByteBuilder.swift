/// Appends little-endian fields.
struct ByteBuilder {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ value: some FixedWidthInteger) {
        var rest = value
        for _ in 0..<(value.bitWidth / 8) {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    mutating func append(_ value: Float) { append(value.bitPattern) }

    mutating func append(_ more: [UInt8]) { bytes += more }

    mutating func appendUInt32(_ value: Int) throws(WriterError) {
        guard let exact = UInt32(exactly: value) else { throw .number(value) }
        append(exact)
    }

    mutating func appendUInt64(_ value: Int) throws(WriterError) {
        guard let exact = UInt64(exactly: value) else { throw .number(value) }
        append(exact)
    }

    /// Printable ASCII, padded with zeros to `byteCount`, at least one.
    mutating func append(_ text: String, byteCount: Int) throws(WriterError) {
        let characters = Array(text.utf8)
        guard characters.count < byteCount, characters.allSatisfy({ $0 >= 32 && $0 <= 126 }) else {
            throw .text(text, limitByteCount: byteCount - 1)
        }
        append(characters)
        appendZeros(byteCount - characters.count)
    }

    mutating func appendZeros(_ count: Int) { bytes += [UInt8](repeating: 0, count: count) }

    /// Zeros up to an offset from the start.
    mutating func pad(to byteCount: Int) { if bytes.count < byteCount { appendZeros(byteCount - bytes.count) } }

    mutating func pad(toMultipleOf alignment: Int) {
        let rest = bytes.count % alignment
        if rest != 0 { appendZeros(alignment - rest) }
    }
}

/// The values as binary32, little endian.
public func littleEndianBytes(_ values: [Float]) -> [UInt8] {
    var builder = ByteBuilder()
    for value in values { builder.append(value) }
    return builder.bytes
}
