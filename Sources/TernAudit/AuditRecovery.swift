/// What the records so far come to: all that the next record needs, also when it is the first one after a start.
struct AuditRecovery {
    private(set) var head = AuditHead(number: 0, hash: AuditLine.origin)
    /// The number of the first record of the file; 0 when it has none.
    var firstNumber = 0
    /// The highest numbers that have a record.
    private(set) var lastSequence = 0
    private(set) var lastReview = 0
    /// Bytes up to the end of the last record.
    private(set) var byteCount = 0
    /// Whether `head` knows of another record than the one with its number, or of one that is not there.
    private(set) var contradictsHead = false

    /// Reads a whole file. Of the active one the last line may be unfinished, or have bytes of zero where a power cut left blocks unwritten.
    ///
    /// - Throws: `AuditError.damaged` for anything else that is not the next record.
    init(_ bytes: [UInt8], isActive: Bool, head known: AuditHead?) throws(AuditError) {
        var chain = AuditChain()
        while let end = bytes[byteCount...].firstIndex(of: 0x0A) {
            let line = bytes[byteCount..<end]
            if firstNumber == 0, let first = AuditLine(parsing: line) {
                firstNumber = first.number
                chain = AuditChain(number: first.number - 1, hash: first.previous)
            }
            let (record, findings) = chain.take(line)
            guard let record, findings.isEmpty else {
                guard isActive, end + 1 == bytes.count, line.contains(0) else { throw .damaged(byteOffset: byteCount) }
                break
            }
            if let known, known.number == record.number, known.hash != record.hash { contradictsHead = true }
            take(record)
            byteCount = end + 1
        }
        guard isActive || byteCount == bytes.count else { throw .damaged(byteOffset: byteCount) }
        head = AuditHead(number: chain.number, hash: chain.hash)
        if let known, known.number > head.number { contradictsHead = true }
    }

    private mutating func take(_ record: AuditLine) {
        switch record.event {
        case "result": lastSequence = record.leadingNumber("sequence") ?? lastSequence
        case "unaudited": lastSequence = record.leadingNumber("last") ?? lastSequence
        case "findings_missing": lastSequence = (record.leadingNumber("first") ?? lastSequence + 1) - 1
        case "review": lastReview = record.leadingNumber("review") ?? lastReview
        case "rotation":
            lastSequence = record.leadingNumber("sequence") ?? lastSequence
            lastReview = record.leadingNumber("review") ?? lastReview
        default: break
        }
    }

    /// The line of the next record.
    mutating func line(of event: AuditEvent, time: String) -> [UInt8] {
        let number = head.number + 1
        let (line, hash) = AuditLine.line(of: event, number: number, time: time, previous: head.hash)
        head = AuditHead(number: number, hash: hash)
        if firstNumber == 0 { firstNumber = number }
        switch event {
        case .result(let result): lastSequence = result.sequence
        case .unaudited(_, let last): lastSequence = last
        case .findingsMissing(let first, _): lastSequence = first - 1
        case .review(let review): lastReview = review.number
        case .recoveredReview(let number, _, _): lastReview = number
        default: break
        }
        return line
    }
}
