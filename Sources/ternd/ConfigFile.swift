import TernPlatform

/// A file of options: `key = value` a line. A line that begins with `#` is a comment, one of white space is nothing; blanks around key and value
/// do not count, and a value goes to the end of its line.
struct ConfigFile {
    /// One line that says something.
    struct Setting {
        var key: String
        var value: String
        /// From 1.
        var line: Int
    }

    /// In the order of the file; no key occurs twice.
    private(set) var settings: [Setting] = []

    private static let limitByteCount = 64 << 10

    /// Reads a file.
    ///
    /// - Throws: `Failure` with 66 or 77 when the file cannot be opened, 64 for a line that breaks a rule, which it names.
    init(path: String) throws(Failure) {
        let bytes: [UInt8]
        do throws(PlatformError) { bytes = try readFile(path, limitByteCount: Self.limitByteCount) } catch {
            if case .openFailed(let errno) = error { throw Failure(ExitCode(errno: errno, otherwise: .cannotOpen), "config: \(reason(errno))") }
            throw Failure(.cannotOpen, "config: not a regular file of at most \(Self.limitByteCount) bytes")
        }
        try self.init(parsing: bytes)
    }

    /// - Throws: `Failure` with code 64.
    init(parsing bytes: [UInt8]) throws(Failure) {
        var number = 0
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            let words = trimmed(line)
            guard let first = words.first, first != 0x23 else { continue }
            guard let mark = words.firstIndex(of: 0x3D) else { throw .config(number, "not KEY = VALUE") }
            let key = String(decoding: trimmed(words[..<mark]), as: UTF8.self)
            let bytes = trimmed(words[(mark + 1)...])
            let value = String(decoding: bytes, as: UTF8.self)
            guard !bytes.isEmpty else { throw .config(number, "the value is missing") }
            // Bytes that are not UTF-8 would be replaced without a word.
            guard !bytes.contains(where: { $0 < 0x20 }), value.utf8.elementsEqual(bytes) else { throw .config(number, "the value is not text in UTF-8") }
            if let other = settings.first(where: { $0.key == key }) { throw .config(number, "the option is in line \(other.line) already") }
            settings.append(Setting(key: key, value: value, line: number))
        }
    }
}

/// Without white space and control characters at both ends.
func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let first = text.firstIndex(where: { $0 > 0x20 }), let last = text.lastIndex(where: { $0 > 0x20 }) else { return [] }
    return text[first...last]
}

extension Failure {
    /// A line of the configuration file that cannot be followed.
    static func config(_ line: Int, _ what: String) -> Failure { Failure(.usage, "config: line \(line): \(what)") }
}
