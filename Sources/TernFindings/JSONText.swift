/// Writes JSON (RFC 8259) on one line: no spaces, members in the order they are given.
///
/// Calls stand by the dozen in a row: none is inlined, which keeps the program small.
///
/// The text is well formed when calls are: a value after each key, as many ends as beginnings.
public struct JSONText {
    private var bytes: [UInt8] = []
    private var needsComma = false

    public init() {}

    /// The text so far, UTF-8.
    public var utf8: [UInt8] { bytes }

    /// The text so far.
    public var string: String { String(decoding: bytes, as: UTF8.self) }

    public mutating func beginObject() { open(0x7B) }
    public mutating func endObject() { close(0x7D) }
    public mutating func beginArray() { open(0x5B) }
    public mutating func endArray() { close(0x5D) }

    /// The name of the member whose value comes next.
    @inline(never)
    public mutating func key(_ name: String) {
        separate()
        quote(name)
        bytes.append(0x3A)
        needsComma = false
    }

    @inline(never)
    public mutating func value(_ text: String) {
        separate()
        quote(text)
    }

    @inline(never)
    public mutating func value(_ number: Int) { raw(String(number)) }
    @inline(never)
    public mutating func value(_ flag: Bool) { raw(flag ? "true" : "false") }
    @inline(never)
    public mutating func null() { raw("null") }

    /// The shortest decimal that reads back to the same binary32; `null` for what JSON has no number for.
    @inline(never)
    public mutating func value(_ number: Float) {
        if number.isFinite { raw(number.description) } else { null() }
    }

    /// As for binary32.
    @inline(never)
    public mutating func value(_ number: Double) {
        if number.isFinite { raw(number.description) } else { null() }
    }

    /// A value that is JSON text already, on one line.
    @inline(never)
    public mutating func value(json text: [UInt8]) {
        separate()
        bytes.append(contentsOf: text)
        needsComma = true
    }

    /// A key with its value.
    @inline(never)
    public mutating func member(_ name: String, _ text: String) {
        key(name)
        value(text)
    }

    @inline(never)
    public mutating func member(_ name: String, _ number: Int) {
        key(name)
        value(number)
    }

    @inline(never)
    public mutating func member(_ name: String, _ flag: Bool) {
        key(name)
        value(flag)
    }

    @inline(never)
    public mutating func member(_ name: String, _ number: Float) {
        key(name)
        value(number)
    }

    @inline(never)
    public mutating func member(_ name: String, _ number: Double) {
        key(name)
        value(number)
    }

    @inline(never)
    private mutating func raw(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(0x2C) }
        needsComma = false
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    // RFC 8259 section 7: quotation mark, reverse solidus and the control characters are escaped.
    @inline(never)
    private mutating func quote(_ text: String) {
        bytes.append(0x22)
        for byte in text.utf8 {
            switch byte {
            case 0x22, 0x5C: escape(byte)
            case 0x0A: escape(0x6E)
            case 0x0D: escape(0x72)
            case 0x09: escape(0x74)
            case 0..<0x20, 0x7F:
                escape(0x75)
                bytes.append(0x30)
                bytes.append(0x30)
                bytes.append(hexadecimal(byte >> 4))
                bytes.append(hexadecimal(byte & 15))
            default: bytes.append(byte)
            }
        }
        bytes.append(0x22)
        needsComma = true
    }

    /// Letter by letter: of several array literals of two bytes the Embedded build (Swift 6.3.1, -Osize) takes the wrong one.
    @inline(never)
    private mutating func escape(_ letter: UInt8) {
        bytes.append(0x5C)
        bytes.append(letter)
    }

    private func hexadecimal(_ digit: UInt8) -> UInt8 { digit < 10 ? 0x30 + digit : 0x57 + digit }
}
