/// Checks records one after another: what was changed, removed, inserted or put elsewhere.
///
/// The chain has no key: who can write the files can write a whole new chain, with every hash. That is found only against a hash that was kept
/// elsewhere, for which `number` and `hash` are there.
public struct AuditChain: Sendable {
    /// What is wrong with a line.
    public enum Finding: Equatable, Sendable {
        /// It is no record of an audit log.
        case notARecord
        /// Its bytes are not those that its hash was made of.
        case changed(number: Int)
        /// The records from one number to another are not there.
        case missing(first: Int, last: Int)
        /// Its number is not above the one before: it was inserted, repeated or put elsewhere.
        case outOfPlace(number: Int, expected: Int)
        /// Its number follows, but it was made after another record than the one before it.
        case notLinked(number: Int)
    }

    /// Of the last record; 0 before the first.
    public private(set) var number: Int
    /// Of the last record, 64 hexadecimal digits.
    public private(set) var hash: [UInt8]

    /// A chain that goes on after a record: from the beginning when none is given.
    public init(number: Int = 0, hash: [UInt8] = AuditLine.origin) {
        self.number = number
        self.hash = hash
    }

    /// Takes the next line, without its line feed.
    ///
    /// - Returns: the record, nil when it is none, and what is wrong. After a finding the chain goes on from the record, so that one fault is
    ///   found once.
    public mutating func take(_ line: ArraySlice<UInt8>) -> (record: AuditLine?, findings: [Finding]) {
        guard let record = AuditLine(parsing: line) else { return (nil, [.notARecord]) }
        var findings: [Finding] = []
        if !record.isIntact { findings.append(.changed(number: record.number)) }
        if record.number <= number {
            // It does not count: the records behind it are held against the one before it.
            findings.append(.outOfPlace(number: record.number, expected: number + 1))
            return (record, findings)
        }
        if record.number > number + 1 {
            findings.append(.missing(first: number + 1, last: record.number - 1))
        } else if record.previous != hash {
            findings.append(.notLinked(number: record.number))
        }
        number = record.number
        hash = record.hash
        return (record, findings)
    }
}
