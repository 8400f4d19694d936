/// A JSON document (RFC 8259) as values; an object keeps the order of its members.
public indirect enum JSONValue: Equatable, Sendable {
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([JSONMember])

    /// The value of a member, nil when this is not an object or has no such member.
    public subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    /// The number as an integer, nil when it is not a whole number within 53 bits.
    public var integer: Int? {
        guard case .number(let value) = self, value.rounded() == value, value.magnitude <= 9_007_199_254_740_992 else { return nil }
        return Int(value)
    }
    public var double: Double? {
        guard case .number(let value) = self else { return nil }
        return value
    }
    public var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }
    public var boolean: Bool? {
        guard case .boolean(let value) = self else { return nil }
        return value
    }
    public var array: [JSONValue]? {
        guard case .array(let values) = self else { return nil }
        return values
    }
    public var members: [JSONMember]? {
        guard case .object(let members) = self else { return nil }
        return members
    }
}

/// One member of a JSON object.
public struct JSONMember: Equatable, Sendable {
    public var key: String
    public var value: JSONValue
    public init(_ key: String, _ value: JSONValue) {
        self.key = key
        self.value = value
    }
}

extension JSONValue {
    /// The text of the document in one line, without spaces, members in their order.
    public var text: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .boolean(let value): text += value ? "true" : "false"
        case .number(let value): text += value.isFinite ? JSONValue.describe(value) : "null"
        case .string(let value): text += JSONValue.quoted(value)
        case .array(let values):
            text += "["
            for (index, value) in values.enumerated() {
                if index > 0 { text += "," }
                value.write(to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += "," }
                text += JSONValue.quoted(member.key) + ":"
                member.value.write(to: &text)
            }
            text += "}"
        }
    }

    private static func describe(_ value: Double) -> String {
        value.rounded() == value && value.magnitude < 1e15 ? "\(Int64(value))" : "\(value)"
    }

    private static func quoted(_ value: String) -> String {
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}

/// Why bytes are not the JSON that is accepted here.
public enum JSONError: Error, Equatable, Sendable {
    /// The grammar of RFC 8259 is broken at this byte.
    case unexpectedByte(offset: Int)
    case truncated(offset: Int)
    case notUTF8
    case duplicateKey(String)
    case tooDeep(limit: Int, offset: Int)
    case trailingBytes(offset: Int)
}
