internal import TernPlatform

/// Public keys that an installation trusts: one a line, 64 hexadecimal digits and a name for people behind them; lines that begin with `#` are comments.
/// A file that holds one key alone is one too.
public struct TrustFile: Equatable, Sendable {
    /// An Ed25519 public key.
    public struct Key: Equatable, Sendable {
        /// 32 bytes.
        public var bytes: [UInt8]
        /// Empty when the line has none.
        public var name: String
    }

    /// In the order of the file; never empty, none twice.
    public private(set) var keys: [Key] = []

    /// - Throws: `LineError`; a file without a key is refused at its last line.
    public init(parsing bytes: [UInt8]) throws(LineError) {
        var number = 0
        var lines: [Int] = []
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            let words = trimmed(line)
            guard let first = words.first, first != 0x23 else { continue }
            let digits = words.prefix { $0 > 0x20 }
            guard digits.count == 64, let key = Hexadecimal.bytes(String(decoding: digits, as: UTF8.self)) else {
                throw LineError(line: number, problem: .notAKey)
            }
            let name = trimmed(words.dropFirst(64))
            guard name.count <= Self.limitNameByteCount else { throw LineError(line: number, problem: .nameTooLong(limitByteCount: Self.limitNameByteCount)) }
            if let other = keys.firstIndex(where: { $0.bytes == key }) { throw LineError(line: number, problem: .repeated(line: lines[other])) }
            guard keys.count < Self.limitCount else { throw LineError(line: number, problem: .tooMany(limit: Self.limitCount)) }
            keys.append(Key(bytes: key, name: try text(name, number)))
            lines.append(number)
        }
        if keys.isEmpty { throw LineError(line: number, problem: .notAKey) }
    }

    public static let limitCount = 64
    public static let limitNameByteCount = 64

    /// The name of a key; empty when it is not here or has none.
    public func name(of key: [UInt8]) -> String { keys.first { $0.bytes == key }?.name ?? "" }
}
