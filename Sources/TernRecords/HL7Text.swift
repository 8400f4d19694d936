import TernWords

/// Segments of HL7 version 2 in its vertical-bar form: `|^~\&`, each ended by a carriage return.
struct HL7Text {
    private(set) var text = ""
    private var segment = ""

    /// Begins a segment; fields follow.
    @inline(never)
    mutating func begin(_ name: String) { segment = name }

    /// A field without components.
    @inline(never)
    mutating func field(_ value: String) { segment += "|" + hl7Escaped(value) }

    /// A field of components.
    @inline(never)
    mutating func field(parts: [String]) {
        segment += "|"
        for (index, part) in parts.enumerated() {
            if index > 0 { segment += "^" }
            segment += hl7Escaped(part)
        }
    }

    /// A field of lines of formatted text (data type FT).
    @inline(never)
    mutating func field(lines: [String]) {
        segment += "|"
        for (index, line) in lines.enumerated() {
            if index > 0 { segment += "\\.br\\" }
            segment += hl7Escaped(line)
        }
    }

    /// A field that is HL7 text already.
    @inline(never)
    mutating func field(raw value: String) { segment += "|" + value }

    @inline(never)
    mutating func empty(_ count: Int) { for _ in 0..<count { segment += "|" } }

    /// Ends the segment; empty fields at its end are left out.
    @inline(never)
    mutating func end() {
        var bytes = Array(segment.utf8)
        while bytes.last == 0x7C { bytes.removeLast() }
        text += String(decoding: bytes, as: UTF8.self) + "\r"
        segment = ""
    }
}

/// A number as the data type NM wants it, in digits without an exponent (HL7 version 2.5.1, 2.A.47); it reads back to the same bits.
@inline(never)
func hl7Number(_ number: Float) -> String {
    let text = Array(number.description.utf8)
    guard let mark = text.firstIndex(of: 0x65), let exponent = Int(String(decoding: text[(mark + 1)...], as: UTF8.self)) else { return number.description }
    let sign = text.first == 0x2D ? "-" : "", first = text.first == 0x2D ? 1 : 0
    let digits = text[..<mark].filter { (0x30...0x39).contains($0) }
    // How many of the digits stand before the point.
    let count = (text[..<mark].firstIndex(of: 0x2E) ?? mark) - first + exponent
    func zeros(_ count: Int) -> String { String(repeating: "0", count: count) }
    let all = String(decoding: digits, as: UTF8.self)
    if count <= 0 { return sign + "0." + zeros(-count) + all }
    if count >= digits.count { return sign + all + zeros(count - digits.count) }
    return sign + String(decoding: digits[..<count], as: UTF8.self) + "." + String(decoding: digits[count...], as: UTF8.self)
}

/// HL7 version 2.5.1, 2.7.1: the delimiters of the message as escape sequences; control characters, which would end a segment, are spaces.
@inline(never)
func hl7Escaped(_ text: String) -> String {
    var result = ""
    for scalar in oneLine(text).unicodeScalars {
        switch scalar {
        case "|": result += "\\F\\"
        case "^": result += "\\S\\"
        case "&": result += "\\T\\"
        case "~": result += "\\R\\"
        case "\\": result += "\\E\\"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
