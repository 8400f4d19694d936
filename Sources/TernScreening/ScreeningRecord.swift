import TernPlatform

/// Where a file's record lies in the journal, and what is asked of it most.
struct ScreeningRecord {
    /// Parts of a record, in their order.
    enum Part: Int, CaseIterable {
        case path
        case study
        case series
        case line
        case row
        case head
        case pictureHead
    }
    var kind: ScreenedItem.Kind
    var isIncomplete: Bool
    var byteCount: Int
    var written: Int
    var pictureOffset: Int
    var pictureByteCount: Int
    /// Of each part.
    var counts: [Int]
    /// In the journal, of the first part.
    var offset = 0

    static let limitHeadByteCount = 320
    /// A result's line is below two megabytes; the report's item has it once more, with maps.
    static let limitPartByteCount = 64 << 20

    var partsByteCount: Int { counts.reduce(0, +) }

    /// In the journal.
    func range(_ part: Part) -> Range<Int> {
        var start = offset
        for index in 0..<part.rawValue { start += counts[index] }
        return start..<(start + counts[part.rawValue])
    }

    /// The record of an item: a line of numbers and their digest, then the parts, then a line feed.
    static func text(of item: ScreenedItem, pictureOffset: Int) -> (record: ScreeningRecord, bytes: [UInt8]) {
        let parts = [item.file.path, item.study, item.series, item.line, item.row, item.head, item.pictureHead]
        var record = ScreeningRecord(
            kind: item.kind, isIncomplete: item.isIncomplete, byteCount: item.file.byteCount, written: item.file.written, pictureOffset: pictureOffset,
            pictureByteCount: item.picture.count, counts: parts.map { $0.count })
        var body: [UInt8] = []
        body.reserveCapacity(record.partsByteCount + 1)
        for part in parts { body.append(contentsOf: part) }
        body.append(0x0A)
        let numbers = record.numbers
        let head = Array((digest(of: numbers, body) + numbers).utf8)
        record.offset = head.count
        return (record, head + body)
    }

    private var numbers: String {
        var text = " \(kind.rawValue) \(isIncomplete ? 1 : 0) \(byteCount) \(written) \(pictureOffset) \(pictureByteCount)"
        for count in counts { text += " \(count)" }
        return text + "\n"
    }

    private static func digest(of numbers: String, _ body: [UInt8]) -> String {
        Hexadecimal.string(Array(Digest.blake2b256(Array(numbers.utf8) + body).prefix(8)))
    }

    /// Reads the line of numbers at the beginning of `start`, which may hold more; nil when it is none.
    init?(parsing start: [UInt8]) {
        guard let end = start.firstIndex(of: 0x0A) else { return nil }
        let words = start[..<end].split(separator: 0x20)
        guard words.count == 7 + Part.allCases.count, words[0].count == 16 else { return nil }
        var values: [Int] = []
        for word in words.dropFirst() {
            // As it was written: digits, no sign but a minus.
            guard let value = Int(String(decoding: Array(word), as: UTF8.self)) else { return nil }
            values.append(value)
        }
        guard let kind = ScreenedItem.Kind(rawValue: values[0]), values[1] == 0 || values[1] == 1, values[4] >= 0, values[5] >= 0 else { return nil }
        let counts = Array(values[6...])
        for count in counts where count < 0 || count > Self.limitPartByteCount { return nil }
        self.init(
            kind: kind, isIncomplete: values[1] == 1, byteCount: values[2], written: values[3], pictureOffset: values[4], pictureByteCount: values[5],
            counts: counts)
        offset = end + 1
    }

    private init(
        kind: ScreenedItem.Kind, isIncomplete: Bool, byteCount: Int, written: Int, pictureOffset: Int, pictureByteCount: Int, counts: [Int]
    ) {
        self.kind = kind
        self.isIncomplete = isIncomplete
        self.byteCount = byteCount
        self.written = written
        self.pictureOffset = pictureOffset
        self.pictureByteCount = pictureByteCount
        self.counts = counts
    }

    /// Whether the digest at the beginning of `head` is that of the numbers and of `body`.
    func isWhole(_ head: [UInt8], _ body: [UInt8]) -> Bool {
        body.last == 0x0A && Self.digest(of: numbers, body).utf8.elementsEqual(head.prefix(16))
    }
}
