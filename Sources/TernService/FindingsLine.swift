internal import TernFindings

/// A line of `findings.jsonl`, as `FindingResult.line` writes it.
enum FindingsLine {
    /// Longest line of a result: 256 labels (Models/FORMAT.md F-24) of at most 600 bytes and a location of at most 1,100, 256 frames of at most 700 bytes and 4,096 findings of
    /// theirs of at most 500, with room.
    static let limitByteCount = 4 << 20
    /// Number, identifier and day stand within so many bytes of a line's beginning.
    static let headByteCount = 160

    private static let middle = Array(",\"id\":\"".utf8)
    private static let beforeTime = Array("\",\"time\":\"".utf8)

    /// The number of a result from the beginning of its line, and where the rest begins; nil for anything else.
    static func sequence(of line: ArraySlice<UInt8>) -> (number: Int, rest: ArraySlice<UInt8>)? {
        let prefix = FindingResult.linePrefix.utf8
        guard line.starts(with: prefix) else { return nil }
        let digits = line.dropFirst(prefix.count).prefix { (0x30...0x39).contains($0) }
        guard let number = Decimal.parse(digits), number > 0 else { return nil }
        return (number, line[digits.endIndex...])
    }

    /// The bytes of the identifier on a line; nil where there are none.
    static func identifier(of line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let (_, rest) = sequence(of: line), rest.starts(with: middle) else { return nil }
        return rest.dropFirst(middle.count).prefix(36)
    }

    /// The day of a result, `2026-01-31`; empty where there is none.
    static func day(of line: ArraySlice<UInt8>) -> [UInt8] {
        guard let text = identifier(of: line), line[text.endIndex...].starts(with: beforeTime) else { return [] }
        return Array(line[text.endIndex...].dropFirst(beforeTime.count).prefix(10))
    }

    /// A whole line that this program wrote: the prefix, the number, the identifier, no control characters, a closing brace.
    static func entry(of line: ArraySlice<UInt8>) -> ResultRing.Entry? {
        let body = line.dropLast()
        guard line.count <= limitByteCount, body.last == 0x7D, !body.contains(where: { $0 < 0x20 }), let (sequence, _) = sequence(of: line),
            let text = identifier(of: line), let identifier = StudyIdentifier(Array(text))
        else { return nil }
        return ResultRing.Entry(sequence: sequence, identifier: identifier, line: Array(line))
    }
}
