import Foundation
import TernAudit
import TernConvert
import TernPlatform

/// Holds an audit log against itself, against `head`, against hashes that were kept elsewhere, and against the results and reviews beside it.
struct AuditVerification {
    /// One thing that is wrong.
    struct Fault {
        var kind: String
        var message: String
        var file: String?
        var line: Int?
        var number: Int?
    }
    private(set) var faults: [Fault] = []
    /// What a person should know and is no fault.
    private(set) var notes: [String] = []
    private(set) var recordCount = 0
    private(set) var resultCount = 0
    private(set) var reviewCount = 0
    private(set) var chain: AuditChain
    private let first: Int
    /// Digests of lines by what names them, and how the results that lack may lack.
    private var results: [String: (line: String, sequence: Int)] = [:]
    private var reviews: [Int: String] = [:]
    private var removed: [ClosedRange<Int>] = []
    private var unaudited: [ClosedRange<Int>] = []
    private var moved: [ClosedRange<Int>] = []

    /// - Parameters:
    ///   - start: the record before the first, when those before were put elsewhere.
    ///   - expected: hashes that were kept elsewhere.
    init(_ folder: AuditFolder, from start: AuditHead?, expected: [AuditHead], checksResults: Bool) throws {
        chain = start.map { AuditChain(number: $0.number, hash: $0.hash) } ?? AuditChain()
        first = chain.number + 1
        // Read before the records, which a running service writes after it.
        let head = folder.head
        var wanted = Dictionary(expected.map { ($0.number, $0) }, uniquingKeysWith: { one, _ in one })
        if let start { wanted[start.number] = nil }
        try folder.forEach("verifying") { line in
            guard line.isWhole else { return add("torn_tail", "the last record has no end; the next start of the service cuts it off", line) }
            let (record, findings) = chain.take(line.bytes)
            for finding in findings { add(finding, line) }
            guard let record else { return }
            recordCount += 1
            if let kept = wanted.removeValue(forKey: record.number), kept.hash != record.hash {
                add("replaced", "the record is not the one whose hash was kept elsewhere", line, record.number)
            }
            if let head, head.number == record.number, head.hash != record.hash {
                add("replaced", "the record is not the one that head knows", line, record.number)
            }
            note(record, line)
        }
        for number in wanted.keys.sorted() { add("missing", "the record, whose hash was kept elsewhere, is not there", nil, number) }
        if let head {
            if head.number > chain.number { add("truncated", "records \(chain.number + 1) to \(head.number), which head knows of, are not there") }
            if head.number < chain.number { notes.append("head is of record \(head.number): a power cut, or the service writes now") }
        } else {
            add("head", "there is no head: whether records are gone from the end cannot be told")
        }
        if checksResults { try check(folder) }
    }

    private mutating func add(_ kind: String, _ message: String, _ line: AuditFolder.Line? = nil, _ number: Int? = nil) {
        faults.append(Fault(kind: kind, message: message, file: line?.file, line: line?.place, number: number))
    }

    private mutating func add(_ finding: AuditChain.Finding, _ line: AuditFolder.Line) {
        switch finding {
        case .notARecord: add("not_a_record", "the line is no record of an audit log", line)
        case .changed(let number): add("changed", "the record is not what its hash was made of", line, number)
        case .missing(let first, let last):
            add("removed", first == last ? "record \(first) is not there" : "records \(first) to \(last) are not there", line, first)
        case .outOfPlace(let number, let expected):
            add("out_of_place", "record \(number) stands where \(expected) would: inserted, repeated or put elsewhere", line, number)
        case .notLinked(let number): add("not_linked", "the record was made after another one than the record before it", line, number)
        }
    }

    /// Takes what a record says of results, of reviews and of what the service itself found.
    private mutating func note(_ record: AuditLine, _ line: AuditFolder.Line) {
        guard let document = line.document else { return }
        func range() -> ClosedRange<Int>? {
            guard let first = document["first"]?.integer, let last = document["last"]?.integer, first <= last else { return nil }
            return first...last
        }
        switch record.event {
        case "result":
            if let identifier = document["id"]?.string, let digest = document["line"]?.string, let sequence = document["sequence"]?.integer {
                results[identifier] = (digest, sequence)
            }
        case "review": if let number = document["review"]?.integer, let digest = document["line"]?.string { reviews[number] = digest }
        case "retention": if let range = range() { removed.append(range) }
        case "unaudited":
            if let range = range() { unaudited.append(range) }
            notes.append("record \(record.number): results \(document["first"]?.integer ?? 0) to \(document["last"]?.integer ?? 0) have no record")
        case "findings_missing":
            if let range = range() { moved.append(range) }
            notes.append("record \(record.number): the findings were moved away, and results are counted anew")
        case "tail_missing": add("truncated", "the service found at its start that records were gone from the end", line, record.number)
        case "head_missing": add("head", "the service found at its start that head was gone", line, record.number)
        case "lost": notes.append("record \(record.number): \(document["count"]?.integer ?? 0) events have no record: the disk took none for too long")
        case "torn_tail": notes.append("record \(record.number): an unfinished record was cut off after a power cut or a kill")
        default: break
        }
    }

    /// Holds the results and the reviews against their records.
    private mutating func check(_ folder: AuditFolder) throws {
        var left = results
        try folder.forEachResult { line in
            guard line.isWhole else { return }
            resultCount += 1
            guard let identifier = line.document?["id"]?.string, let sequence = line.document?["sequence"]?.integer else {
                return add("result_changed", "the line is no result", line)
            }
            guard let recorded = results[identifier] else {
                let isKnown = unaudited.contains { $0.contains(sequence) } || first > 1
                return isKnown ? () : add("result_unknown", "result \(sequence) has no record", line)
            }
            left[identifier] = nil
            if recorded.line != Hexadecimal.string(Digest.sha256(Array(line.bytes))) {
                add("result_changed", "result \(sequence) is not the one that was recorded", line)
            }
        }
        for lost in left.values.sorted(by: { $0.sequence < $1.sequence })
        where !removed.contains(where: { $0.contains(lost.sequence) }) && !moved.contains(where: { $0.contains(lost.sequence) }) && folder.state != nil {
            add("result_removed", "result \(lost.sequence) is recorded and not among the findings")
        }
        var lostReviews = reviews
        try folder.forEachReview { line in
            guard line.isWhole else { return }
            reviewCount += 1
            let number = line.document?["review"]?.integer ?? 0
            let recorded = lostReviews.removeValue(forKey: number)
            if let recorded, recorded != Hexadecimal.string(Digest.sha256(Array(line.bytes))) {
                add("review_changed", "review \(number) is not the one that was recorded", line)
            } else if recorded == nil, first == 1 {
                add("review_unknown", "review \(number) has no record", line)
            }
        }
        for number in lostReviews.keys.sorted() where folder.state != nil {
            add("review_removed", "review \(number) is recorded and not in reviews.jsonl")
        }
    }
}

extension AuditVerification {
    var json: JSONValue {
        func number(_ value: Int?) -> JSONValue { value.map { .number(Double($0)) } ?? .null }
        let list = faults.map { fault in
            JSONValue.object([
                JSONMember("kind", .string(fault.kind)), JSONMember("message", .string(fault.message)),
                JSONMember("file", fault.file.map { .string($0) } ?? .null), JSONMember("line", number(fault.line)), JSONMember("number", number(fault.number)),
            ])
        }
        return .object([
            JSONMember("intact", .boolean(faults.isEmpty)), JSONMember("records", number(recordCount)), JSONMember("results", number(resultCount)),
            JSONMember("reviews", number(reviewCount)), JSONMember("last", number(chain.number)),
            JSONMember("hash", .string(String(decoding: chain.hash, as: UTF8.self))), JSONMember("faults", .array(list)),
            JSONMember("notes", .array(notes.map { .string($0) })),
        ])
    }

    /// For people; at most so many faults are listed.
    var text: String {
        var lines: [String] = []
        for fault in faults.prefix(100) {
            let place = fault.file.map { file in file + (fault.line.map { ":\($0)" } ?? "") + ": " } ?? ""
            let number = fault.number.map { "record \($0): " } ?? ""
            lines.append("\(place)\(number)\(fault.kind): \(fault.message)")
        }
        if faults.count > 100 { lines.append("\(faults.count - 100) faults more") }
        lines += notes.map { "note: " + $0 }
        lines.append(
            faults.isEmpty
                ? "\(recordCount) records, to number \(chain.number), hash \(String(decoding: chain.hash, as: UTF8.self)): intact; "
                    + "\(resultCount) results and \(reviewCount) reviews are as they were recorded"
                : "\(recordCount) records: \(faults.count) faults")
        return lines.joined(separator: "\n")
    }
}
