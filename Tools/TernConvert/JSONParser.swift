extension JSONValue {
    /// Nesting at which a document is refused.
    public static let limitDepth = 32

    /// Parses one document; nothing but white space may follow it. Keeps an explicit stack, so nesting costs no call depth.
    ///
    /// - Throws: `JSONError`. A repeated key in one object is refused, because two readers would disagree about its value.
    public init(parsing bytes: [UInt8]) throws(JSONError) {
        var parser = JSONParser(bytes: bytes)
        self = try parser.document()
    }
}

private struct JSONParser {
    /// An array or object that is not closed yet.
    private enum Container {
        case array([JSONValue])
        case object([JSONMember], keys: Set<String>, pending: String)
    }
    let bytes: [UInt8]
    var offset = 0
    private var stack: [Container] = []

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSONError) -> JSONValue {
        while true {
            var finished = try startValue()
            while let value = finished {
                guard let container = stack.popLast() else {
                    skipSpace()
                    guard offset == bytes.count else { throw .trailingBytes(offset: offset) }
                    return value
                }
                finished = try append(value, to: container)
            }
        }
    }

    /// Reads a scalar and gives it, or opens a container and gives nil; an empty container is given at once.
    private mutating func startValue() throws(JSONError) -> JSONValue? {
        switch try nextByte() {
        case UInt8(ascii: "{"): return try open(.object([], keys: [], pending: ""), closing: UInt8(ascii: "}"), empty: .object([]))
        case UInt8(ascii: "["): return try open(.array([]), closing: UInt8(ascii: "]"), empty: .array([]))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .boolean(true))
        case UInt8(ascii: "f"): return try literal("false", .boolean(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func open(_ container: Container, closing: UInt8, empty: JSONValue) throws(JSONError) -> JSONValue? {
        guard stack.count < JSONValue.limitDepth else { throw .tooDeep(limit: JSONValue.limitDepth, offset: offset) }
        offset += 1
        if try nextByte() == closing {
            offset += 1
            return empty
        }
        if case .object(let members, let keys, _) = container {
            stack.append(.object(members, keys: keys, pending: try key()))
        } else {
            stack.append(container)
        }
        return nil
    }

    /// Adds a finished value to its container; gives the container's value when that closes too.
    private mutating func append(_ value: JSONValue, to container: Container) throws(JSONError) -> JSONValue? {
        let next = try nextByte()
        switch container {
        case .array(var values):
            values.append(value)
            offset += 1
            if next == UInt8(ascii: "]") { return .array(values) }
            guard next == UInt8(ascii: ",") else { throw .unexpectedByte(offset: offset - 1) }
            stack.append(.array(values))
        case .object(var members, var keys, let pending):
            guard keys.insert(pending).inserted else { throw .duplicateKey(pending) }
            members.append(JSONMember(pending, value))
            offset += 1
            if next == UInt8(ascii: "}") { return .object(members) }
            guard next == UInt8(ascii: ",") else { throw .unexpectedByte(offset: offset - 1) }
            stack.append(.object(members, keys: keys, pending: try key()))
        }
        return nil
    }

    private mutating func key() throws(JSONError) -> String {
        guard try nextByte() == UInt8(ascii: "\"") else { throw .unexpectedByte(offset: offset) }
        let key = try string()
        guard try nextByte() == UInt8(ascii: ":") else { throw .unexpectedByte(offset: offset) }
        offset += 1
        return key
    }

    private mutating func skipSpace() {
        while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
    }

    /// The next byte that is not white space; the cursor stays on it.
    private mutating func nextByte() throws(JSONError) -> UInt8 {
        skipSpace()
        guard offset < bytes.count else { throw .truncated(offset: offset) }
        return bytes[offset]
    }

    private mutating func literal(_ text: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for byte in text.utf8 {
            guard offset < bytes.count else { throw .truncated(offset: offset) }
            guard bytes[offset] == byte else { throw .unexpectedByte(offset: offset) }
            offset += 1
        }
        return value
    }

    private mutating func digits() throws(JSONError) {
        guard offset < bytes.count else { throw .truncated(offset: offset) }
        guard isDigit(bytes[offset]) else { throw .unexpectedByte(offset: offset) }
        while offset < bytes.count, isDigit(bytes[offset]) { offset += 1 }
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private mutating func number() throws(JSONError) -> Double {
        let start = offset
        if bytes[offset] == UInt8(ascii: "-") { offset += 1 }
        let first = offset
        try digits()
        guard bytes[first] != UInt8(ascii: "0") || offset == first + 1 else { throw .unexpectedByte(offset: first + 1) }
        if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
            offset += 1
            try digits()
        }
        if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
            offset += 1
            if offset < bytes.count, bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-") { offset += 1 }
            try digits()
        }
        guard let value = Double(String(decoding: bytes[start..<offset], as: UTF8.self)), value.isFinite else {
            throw .unexpectedByte(offset: start)
        }
        return value
    }

    private mutating func string() throws(JSONError) -> String {
        offset += 1
        var utf8: [UInt8] = []
        while true {
            guard offset < bytes.count else { throw .truncated(offset: offset) }
            let byte = bytes[offset]
            offset += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: utf8, as: UTF8.self) else { throw .notUTF8 }
                return text
            case UInt8(ascii: "\\"): utf8 += try escape()
            case 0..<0x20: throw .unexpectedByte(offset: offset - 1)
            default: utf8.append(byte)
            }
        }
    }

    private mutating func escape() throws(JSONError) -> [UInt8] {
        guard offset < bytes.count else { throw .truncated(offset: offset) }
        let byte = bytes[offset]
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw .unexpectedByte(offset: offset - 1)
        }
    }

    private mutating func unicodeEscape() throws(JSONError) -> [UInt8] {
        var code = try hexadecimal()
        if code & 0xFC00 == 0xD800 {
            try _ = literal("\\u", .null)
            let low = try hexadecimal()
            guard low & 0xFC00 == 0xDC00 else { throw .unexpectedByte(offset: offset - 4) }
            code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
        }
        guard let scalar = Unicode.Scalar(code) else { throw .unexpectedByte(offset: offset - 4) }
        return Array(String(Character(scalar)).utf8)
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard offset < bytes.count else { throw .truncated(offset: offset) }
            guard let digit = Character(Unicode.Scalar(bytes[offset])).hexDigitValue else { throw .unexpectedByte(offset: offset) }
            code = code << 4 | UInt32(digit)
            offset += 1
        }
        return code
    }
}
