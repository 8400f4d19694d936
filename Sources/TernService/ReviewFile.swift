internal import TernAudit
internal import TernFindings
internal import TernPlatform

/// `reviews.jsonl` in the state directory: what people said of results, one line each, with their notes. It may say anything of patients.
public final class ReviewFile {
    /// A review as it is stored.
    struct Entry: Equatable {
        var number: Int
        var identifier: StudyIdentifier
        /// JSON with its line feed.
        var line: [UInt8]
    }

    private let file: AppendFile
    private var lastNumber = 0
    /// The newest that were there when the file was opened.
    private(set) var recovered: [Entry] = []
    /// Bytes of an unfinished line that were cut off when the file was opened.
    public private(set) var cutByteCount = 0

    static let limitRecoveryByteCount = 1 << 20
    private static let prefix = Array("{\"schema\":\"tern.review/1\",\"review\":".utf8)
    private static let identifierKey = Array(",\"id\":\"".utf8)

    /// Opens the file, cuts a torn last line, and reads the newest lines back.
    ///
    /// - Throws: `ServiceError.reviewsFile`, or `.reviewsFileDamaged` when a whole line is no review or not in its place; the file is then as before.
    init(directory: StateDirectory) throws(ServiceError) {
        let bytes: [UInt8]
        let start: Int
        do throws(PlatformError) {
            file = try AppendFile(path: directory.path + "/reviews.jsonl")
            start = max(0, file.byteCount - Self.limitRecoveryByteCount)
            bytes = try file.read(start..<file.byteCount)
        } catch {
            throw .reviewsFile(errno: error.number)
        }
        let valid: Int
        (recovered, valid) = try Self.readBack(bytes, from: start)
        lastNumber = recovered.last?.number ?? 0
        cutByteCount = file.byteCount - valid
        do throws(PlatformError) {
            if cutByteCount > 0 { try file.truncate(to: valid) }
            // As with findings.jsonl: a killed run may have left a line that is not on the disk yet.
            try file.append([])
        } catch {
            throw .reviewsFile(errno: error.number)
        }
    }

    /// Reads a file as `init` does, and throws what it throws; makes none.
    static func check(path: String) throws(ServiceError) {
        let bytes: [UInt8]
        let start: Int
        do throws(PlatformError) {
            guard let file = try FileStore.existing(path)?.existingFile("reviews.jsonl") else { return }
            start = max(0, file.byteCount - limitRecoveryByteCount)
            bytes = try file.read(start..<file.byteCount)
        } catch {
            throw .reviewsFile(errno: error.number)
        }
        _ = try readBack(bytes, from: start)
    }

    /// - Returns: the reviews, and the byte of the file where the last valid line ends; see `FindingsFile`.
    private static func readBack(_ bytes: [UInt8], from start: Int) throws(ServiceError) -> (entries: [Entry], validByteCount: Int) {
        var entries: [Entry] = []
        var position = 0
        if start > 0 {
            guard let end = bytes.firstIndex(of: 0x0A) else { throw .reviewsFileDamaged(byteOffset: start) }
            position = end + 1
        }
        while let end = bytes[position...].firstIndex(of: 0x0A) {
            guard let entry = Self.entry(bytes[position...end]), entry.number > entries.last?.number ?? 0 else {
                guard end + 1 == bytes.count, bytes[position...end].contains(0) else { throw .reviewsFileDamaged(byteOffset: start + position) }
                break
            }
            entries.append(entry)
            position = end + 1
        }
        return (entries, start + position)
    }

    private static func entry(_ line: ArraySlice<UInt8>) -> Entry? {
        let body = line.dropLast()
        guard body.starts(with: prefix), body.last == 0x7D, !body.contains(where: { $0 < 0x20 }) else { return nil }
        let digits = body.dropFirst(prefix.count).prefix { (0x30...0x39).contains($0) }
        let rest = body[digits.endIndex...]
        guard let number = Decimal.parse(digits), number > 0, rest.starts(with: identifierKey),
            let identifier = StudyIdentifier(Array(rest.dropFirst(identifierKey.count).prefix(36)))
        else { return nil }
        return Entry(number: number, identifier: identifier, line: Array(line))
    }

    /// Writes a review and its record in the audit log, and waits until both are on the disk. One thread calls it.
    ///
    /// - Throws: `PlatformError`; neither is there then, unless the process ends in between: the next start records it.
    func append(_ review: AuditedReview, note: String?, to log: AuditLog) throws(PlatformError) -> Entry {
        var review = review
        review.number = lastNumber + 1
        let line = Self.line(of: review, note: note)
        review.lineDigest = Hexadecimal.string(Digest.sha256(line))
        if let note { review.note = AuditedReview.Note(sha256: Hexadecimal.string(Digest.sha256(Array(note.utf8))), byteCount: note.utf8.count) }
        let before = file.byteCount
        let entry = Self.entry((line + [0x0A])[...])
        guard let entry else { throw .openFailed(errno: 0) }
        try file.append(entry.line)
        do throws(PlatformError) { try log.append([.review(review)]) } catch {
            // What cannot be cut now is cut before the next review is written.
            try? file.truncate(to: before)
            throw error
        }
        lastNumber = entry.number
        return entry
    }

    private static func line(of review: AuditedReview, note: String?) -> [UInt8] {
        var text = JSONText()
        text.beginObject()
        text.member("schema", "tern.review/1")
        text.member("review", review.number)
        text.member("id", review.identifier)
        text.member("sequence", review.sequence)
        text.member("time", Clock.utcNow)
        text.member("decision", review.decision.rawValue)
        text.member("label", review.label)
        text.member("call", review.call?.rawValue)
        text.member("note", note)
        text.key("uid")
        if let user = review.origin.user { text.value(user) } else { text.null() }
        text.endObject()
        return text.utf8
    }
}

/// The newest reviews, bounded in count and bytes.
struct ReviewRing {
    private var entries: [ReviewFile.Entry] = []
    private var byteCount = 0
    private static let limitCount = 1000

    /// Reviews since the beginning that are known, whether they are kept here or not.
    private(set) var lastNumber = 0

    mutating func append(_ entry: ReviewFile.Entry) {
        entries.append(entry)
        byteCount += entry.line.count
        lastNumber = entry.number
        while entries.count > Self.limitCount || byteCount > ReviewFile.limitRecoveryByteCount {
            byteCount -= entries.removeFirst().line.count
        }
    }

    /// `{"reviews":[…]}` of one result, the oldest first.
    func document(of identifier: StudyIdentifier) -> [UInt8] {
        var text = JSONText()
        text.beginObject()
        text.key("reviews")
        text.beginArray()
        for entry in entries where entry.identifier == identifier { text.value(json: entry.line.dropLast()) }
        text.endArray()
        text.endObject()
        return text.utf8
    }
}
