/// Writes rows of comma-separated values that a spreadsheet opens as they are meant (RFC 4180): UTF-8 with a mark in front, lines end with CR LF.
///
/// A text that a spreadsheet would compute gets an apostrophe in front, so that a file's name cannot run a formula.
public struct CSVText {
    /// U+FEFF: without it spreadsheets take the file for one of the machine's own character set.
    public static let byteOrderMark: [UInt8] = Array("\u{FEFF}".utf8)

    public private(set) var utf8: [UInt8] = []
    private var isFirst = true

    public init() {}

    /// A text cell.
    @inline(never)
    public mutating func cell(_ text: String) {
        separate()
        var bytes = Array(text.utf8)
        if Self.isComputed(bytes) { bytes.insert(0x27, at: 0) }
        guard bytes.contains(where: { !Self.isPlain($0) }) else {
            utf8.append(contentsOf: bytes)
            return
        }
        utf8.append(0x22)
        for byte in bytes {
            if byte == 0x22 { utf8.append(0x22) }
            // A zero ends the text for some readers.
            utf8.append(byte == 0 ? 0x20 : byte)
        }
        utf8.append(0x22)
    }

    /// A number; nothing for nil and for what is none.
    @inline(never)
    public mutating func cell(_ number: Float?) {
        separate()
        if let number, number.isFinite { utf8.append(contentsOf: number.description.utf8) }
    }

    @inline(never)
    public mutating func cell(_ number: Int?) {
        separate()
        if let number { utf8.append(contentsOf: String(number).utf8) }
    }

    public mutating func endRow() {
        utf8.append(0x0D)
        utf8.append(0x0A)
        isFirst = true
    }

    private mutating func separate() {
        if !isFirst { utf8.append(0x2C) }
        isFirst = false
    }

    /// Letters, digits and what stands in paths, numbers and words: everything else is quoted, other separators than the comma too.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x80...0xFF: true
        case 0x2D, 0x2E, 0x2F, 0x5F, 0x3A: true
        default: false
        }
    }

    /// Whether the first character that is no white space begins a formula: `=`, `+`, `-`, `@`, also of full width, or a control character.
    private static func isComputed(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.firstIndex(where: { $0 != 0x20 }) else { return false }
        switch bytes[first] {
        case 0x3D, 0x2B, 0x2D, 0x40, 0x00...0x1F, 0x7F: return true
        case 0xEF:
            // U+FF1D, U+FF0B, U+FF0D, U+FF20.
            let rest = bytes[first...].dropFirst().prefix(2)
            return rest.count == 2 && rest[first + 1] == 0xBC && [0x9D, 0x8B, 0x8D, 0xA0].contains(rest[first + 2])
        default: return false
        }
    }
}
