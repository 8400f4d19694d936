/// Text of `key = value` lines. A line that begins with `#` is a comment, one of white space is nothing; blanks around key and value do not count, and
/// a value goes to the end of its line.
public struct SettingsFile: Equatable, Sendable {
    /// One line that says something.
    public struct Setting: Equatable, Sendable {
        public var key: String
        /// Not empty.
        public var value: String
        /// From 1.
        public var line: Int
    }

    /// In the order of the text; no key occurs twice.
    public private(set) var settings: [Setting] = []

    /// Reads a text.
    ///
    /// - Throws: `LineError` of the first line that breaks a rule.
    public init(parsing bytes: [UInt8]) throws(LineError) {
        var number = 0
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            let words = trimmed(line)
            guard let first = words.first, first != 0x23 else { continue }
            guard let mark = words.firstIndex(of: 0x3D) else { throw LineError(line: number, problem: .noEquals) }
            let value = trimmed(words[(mark + 1)...])
            guard !value.isEmpty else { throw LineError(line: number, problem: .noValue) }
            let key = try text(trimmed(words[..<mark]), number)
            if let other = settings.first(where: { $0.key == key }) { throw LineError(line: number, problem: .repeated(line: other.line)) }
            guard settings.count < Self.limitCount else { throw LineError(line: number, problem: .tooMany(limit: Self.limitCount)) }
            settings.append(Setting(key: key, value: try text(value, number), line: number))
        }
    }

    /// More than there are options; finding a repetition looks at all.
    public static let limitCount = 256

    /// The value of a key, nil when it is not there.
    public func value(_ key: String) -> String? { settings.first { $0.key == key }?.value }
}

/// A line that cannot be followed.
public struct LineError: Error, Equatable, Sendable {
    public enum Problem: Equatable, Sendable {
        case noEquals
        case noValue
        /// Control characters, or bytes that are not UTF-8, which would be replaced without a word.
        case notText
        /// An earlier line says the same.
        case repeated(line: Int)
        case tooMany(limit: Int)
        case notAKey
        case nameTooLong(limitByteCount: Int)
    }
    /// From 1.
    public var line: Int
    public var problem: Problem

    /// For people.
    public var message: String {
        let what =
            switch problem {
            case .noEquals: "not KEY = VALUE"
            case .noValue: "the value is missing"
            case .notText: "not text in UTF-8"
            case .repeated(let other): "line \(other) says so already"
            case .tooMany(let limit): "more than \(limit) entries"
            case .notAKey: "not a public key of 64 hexadecimal digits, and a name behind it"
            case .nameTooLong(let limit): "a name has at most \(limit) bytes"
            }
        return "line \(line): " + what
    }
}

/// Without white space and control characters at both ends.
func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let first = text.firstIndex(where: { $0 > 0x20 }), let last = text.lastIndex(where: { $0 > 0x20 }) else { return [] }
    return text[first...last]
}

/// - Throws: `LineError` with `.notText`.
func text(_ bytes: ArraySlice<UInt8>, _ line: Int) throws(LineError) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }), text.utf8.elementsEqual(bytes) else { throw LineError(line: line, problem: .notText) }
    return text
}
