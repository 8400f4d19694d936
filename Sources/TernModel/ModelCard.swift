import TernBytes

/// What programs read of a model card: texts for people, of which none decides anything.
public struct ModelCard: Equatable, Sendable {
    /// Empty where the card says nothing, or is not JSON of this form.
    public var title = ""
    public var intendedUse = ""
    public var notIntendedUse = ""
    /// At most `limitCount`.
    public var limits: [String] = []

    /// Further limits are left out.
    public static let limitCount = 64

    /// Reads the members of that name of the card's object. A card promises UTF-8 only: what stands before the first fault is taken.
    public init(reading card: RawSpan) {
        var reader = CardReader(bytes: card.array)
        guard reader.take(0x7B) else { return }
        while let name = reader.string(), reader.take(0x3A) {
            switch name {
            case Array("title".utf8): title = reader.text()
            case Array("intendedUse".utf8): intendedUse = reader.text()
            case Array("notIntendedUse".utf8): notIntendedUse = reader.text()
            case Array("limits".utf8): limits = reader.texts(limit: Self.limitCount)
            default: reader.skipValue()
            }
            guard reader.take(0x2C) else { return }
        }
    }
}

/// Walks over JSON without recursion; on a fault it stands at the end.
private struct CardReader {
    let bytes: [UInt8]
    private var offset = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// Goes behind the byte when it is the next that is no white space.
    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        offset += 1
        return true
    }

    /// The next byte that is no white space.
    private var next: UInt8? {
        mutating get {
            while offset < bytes.count, bytes[offset] == 0x20 || (0x09...0x0D).contains(bytes[offset]) { offset += 1 }
            return offset < bytes.count ? bytes[offset] : nil
        }
    }

    /// The string that is the value here; empty for any other value.
    mutating func text() -> String {
        guard next == 0x22, let utf8 = string() else {
            skipValue()
            return ""
        }
        return String(decoding: utf8, as: UTF8.self)
    }

    /// The strings of the array that is the value here.
    mutating func texts(limit: Int) -> [String] {
        guard next == 0x5B else {
            skipValue()
            return []
        }
        offset += 1
        var found: [String] = []
        guard !take(0x5D) else { return found }
        repeat {
            let text = self.text()
            if !text.isEmpty, found.count < limit { found.append(text) }
        } while take(0x2C)
        if !take(0x5D) { offset = bytes.count }
        return found
    }

    /// Goes behind one value of any kind.
    mutating func skipValue() {
        var depth = 0
        repeat {
            switch next {
            case nil: return
            case 0x22: if string() == nil { return }
            case 0x7B, 0x5B:
                depth += 1
                offset += 1
            case 0x7D, 0x5D:
                // Of the object around: there is no value here.
                if depth == 0 { return }
                depth -= 1
                offset += 1
            case 0x2C, 0x3A:
                if depth == 0 { return }
                offset += 1
            default: while offset < bytes.count, isPlain(bytes[offset]) { offset += 1 }
            }
        } while depth > 0
    }

    /// Of a number, `true`, `false` or `null`; never a byte that `skipValue` waits for.
    private func isPlain(_ byte: UInt8) -> Bool { byte > 0x20 && ![0x22, 0x2C, 0x3A, 0x5B, 0x5D, 0x7B, 0x7D].contains(byte) || byte < 0x09 || (0x0E..<0x20).contains(byte) }

    /// The bytes that the string here stands for, UTF-8 where its own are; nil for anything else.
    mutating func string() -> [UInt8]? {
        guard take(0x22) else { return nil }
        var utf8: [UInt8] = []
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            if byte == 0x22 { return utf8 }
            if byte == 0x5C { escape(into: &utf8) } else { utf8.append(byte) }
        }
        return nil
    }

    private mutating func escape(into utf8: inout [UInt8]) {
        guard offset < bytes.count else { return }
        let byte = bytes[offset]
        offset += 1
        switch byte {
        case 0x62: utf8.append(0x08)
        case 0x66: utf8.append(0x0C)
        case 0x6E: utf8.append(0x0A)
        case 0x72: utf8.append(0x0D)
        case 0x74: utf8.append(0x09)
        case 0x75:
            var code = hexadecimal()
            if code & 0xFC00 == 0xD800, offset + 1 < bytes.count, bytes[offset] == 0x5C, bytes[offset + 1] == 0x75 {
                offset += 2
                code = 0x10000 + (code & 0x3FF) << 10 + (hexadecimal() & 0x3FF)
            }
            let scalar = Unicode.Scalar(code) ?? "\u{FFFD}"
            utf8 += UTF8.encode(scalar).map { Array($0) } ?? []
        default: utf8.append(byte)
        }
    }

    private mutating func hexadecimal() -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 where offset < bytes.count {
            let byte = bytes[offset]
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x37
            case 0x61...0x66: digit = byte - 0x57
            default: return 0xFFFD
            }
            offset += 1
            code = code << 4 | UInt32(digit)
        }
        return code
    }
}
