/// The newest results as lines, in ascending order of sequence, bounded in count and bytes.
struct ResultRing {
    /// A recorded result.
    struct Entry: Equatable {
        var sequence: Int
        var identifier: StudyIdentifier
        /// JSON with its line feed.
        var line: [UInt8]
    }

    let limitCount: Int
    let limitByteCount: Int
    private var entries: [Entry] = []
    /// Index of the oldest entry that is kept; those before are dropped in bulk.
    private var start = 0
    private var byteCount = 0

    init(limitCount: Int, limitByteCount: Int) {
        precondition(limitCount > 0, "a ring keeps at least one result")
        self.limitCount = limitCount
        self.limitByteCount = limitByteCount
    }

    var count: Int { entries.count - start }
    /// Sequence of the oldest result kept; nil when none is.
    var oldest: Int? { count == 0 ? nil : entries[start].sequence }
    /// Sequence of the newest result; nil when none is kept.
    var newest: Int? { entries.last?.sequence }

    /// Appends a result whose sequence follows the newest; the oldest leave when a limit is passed. The newest always stays.
    mutating func append(_ entry: Entry) {
        entries.append(entry)
        byteCount += entry.line.count
        while count > 1, count > limitCount || byteCount > limitByteCount {
            byteCount -= entries[start].line.count
            entries[start].line = []
            start += 1
        }
        if start > entries.count / 2 {
            entries.removeFirst(start)
            start = 0
        }
    }

    /// Those that are kept, ascending.
    var all: ArraySlice<Entry> { entries[start...] }

    func line(of identifier: StudyIdentifier) -> [UInt8]? {
        entries[start...].last { $0.identifier == identifier }?.line
    }

    /// Lines after a sequence number, up to `until`, about `byteCount` bytes but at least one line.
    ///
    /// - Returns: the lines joined and the sequence of the last; nil when there is none.
    func page(after sequence: Int, until: Int, byteCount limit: Int) -> (lines: [UInt8], last: Int)? {
        var lines: [UInt8] = []
        var last = sequence
        var index = firstIndex(after: sequence)
        while index < entries.count, entries[index].sequence <= until, lines.isEmpty || lines.count + entries[index].line.count <= limit {
            lines += entries[index].line
            last = entries[index].sequence
            index += 1
        }
        return lines.isEmpty ? nil : (lines, last)
    }

    private func firstIndex(after sequence: Int) -> Int {
        var low = start
        var high = entries.count
        while low < high {
            let middle = low + (high - low) / 2
            if entries[middle].sequence <= sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
