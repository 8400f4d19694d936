internal import TernPlatform

/// Reads results that are no longer in memory from the disk, a page at a time. One thread uses it, never the loop's.
final class FindingsArchive {
    private let index: FindingsIndex
    private let top: FileStore
    private let closed: FileStore

    /// Where a reader stands.
    struct Cursor: Equatable {
        /// Number of the last result it has.
        var position: Int
        /// First number of the file that holds the next one, and where in it that begins; nil when not known.
        var place: (first: Int, byteOffset: Int)?

        static func == (one: Cursor, other: Cursor) -> Bool {
            one.position == other.position && one.place?.first == other.place?.first && one.place?.byteOffset == other.place?.byteOffset
        }
    }

    /// What there is for a reader.
    enum Page {
        /// Whole lines, at least one, and where the reader stands behind them.
        case lines([UInt8], Cursor)
        /// The next result is not on the disk any more.
        case gone
        /// The disk does not give it back as it was written.
        case failed(errno: Int32)
    }

    init(_ file: FindingsFile) {
        index = file.index
        top = file.top
        closed = file.closed
    }

    /// Lines after a position up to the result `until`, about `byteCount` bytes but at least one line.
    func page(_ cursor: Cursor, until: Int, byteCount limit: Int) -> Page {
        let next = cursor.position + 1
        do throws(PlatformError) {
            guard let (segment, file) = try open(holding: next) else { return .gone }
            var start = 0
            if let place = cursor.place, place.first == segment.first { start = place.byteOffset } else { start = try offset(of: next, in: file, segment) }
            let bytes = try lines(file, from: start, to: segment.byteCount, about: limit)
            var position = cursor.position
            var count = 0
            while position < until, let end = bytes[count...].firstIndex(of: 0x0A) {
                guard end > count, bytes[end - 1] == 0x7D, let (number, _) = FindingsLine.sequence(of: bytes[count...end]), number == position + 1 else { break }
                position = number
                count = end + 1
            }
            guard count > 0 else { return .failed(errno: Self.damaged) }
            return .lines(Array(bytes[..<count]), Cursor(position: position, place: (segment.first, start + count)))
        } catch {
            return .failed(errno: error.number)
        }
    }

    /// The line of a study in one file, looked for from its beginning to its end; nil when it is not there, or the file is not.
    func line(of identifier: StudyIdentifier, in wanted: FindingsSegment) throws(PlatformError) -> [UInt8]? {
        guard let (segment, file) = try open(holding: wanted.first) else { return nil }
        let text = Array(identifier.text.utf8)
        var start = 0
        while start < segment.byteCount {
            let bytes = try lines(file, from: start, to: segment.byteCount, about: Self.scanByteCount)
            var position = 0
            while let end = bytes[position...].firstIndex(of: 0x0A) {
                if let found = FindingsLine.identifier(of: bytes[position...end]), found.elementsEqual(text) { return Array(bytes[position...end]) }
                position = end + 1
            }
            guard position > 0 else { throw .openFailed(errno: Self.damaged) }
            start += position
        }
        return nil
    }

    /// Bytes read at once while a file is searched.
    private static let scanByteCount = 256 << 10
    /// EIO of Linux: what is read is not what was written.
    private static let damaged: Int32 = 5

    /// Opens the file that holds a result; nil when none does.
    private func open(holding sequence: Int) throws(PlatformError) -> (FindingsSegment, StoredFile)? {
        // The active file may be closed, or the oldest one removed, between looking and opening; then it is looked for again.
        for _ in 0..<4 {
            guard let segment = index.segment(holding: sequence) else { return nil }
            let file: StoredFile
            do throws(PlatformError) { file = try (segment.isActive ? top : closed).file(segment.name) } catch {
                // ENOENT of Linux.
                if error.number == 2 { continue }
                throw error
            }
            guard file.byteCount >= segment.byteCount else { continue }
            let head = try file.read(0..<min(segment.byteCount, FindingsLine.headByteCount))
            if let (first, _) = FindingsLine.sequence(of: head[...]), first == segment.first { return (segment, file) }
        }
        throw .openFailed(errno: Self.damaged)
    }

    /// Bytes from the beginning of a line, about `limit` of them or as many as the line has; they may end inside another one.
    private func lines(_ file: StoredFile, from start: Int, to end: Int, about limit: Int) throws(PlatformError) -> [UInt8] {
        var count = min(limit, end - start)
        while true {
            let bytes = try file.read(start..<(start + count))
            if bytes.contains(0x0A) || start + count == end || count >= FindingsLine.limitByteCount { return bytes }
            count = min(count * 4, end - start)
        }
    }

    /// Where the line of a result begins: numbers ascend in a file, so that its middle tells in which half.
    private func offset(of sequence: Int, in file: StoredFile, _ segment: FindingsSegment) throws(PlatformError) -> Int {
        // The line begins in low ... high, and low is the beginning of one.
        var low = 0
        var high = segment.byteCount - 1
        while high - low > Self.probeByteCount {
            let middle = low + (high - low) / 2
            if let start = try lineStart(in: file, after: middle, to: high), try number(at: start, in: file, segment) <= sequence {
                low = start
            } else {
                high = middle
            }
        }
        while try number(at: low, in: file, segment) != sequence {
            guard let start = try lineStart(in: file, after: low, to: segment.byteCount - 1) else { throw .openFailed(errno: Self.damaged) }
            low = start
        }
        return low
    }

    private static let probeByteCount = 4096

    /// The beginning of the next line, at most at `end`; nil when none begins there.
    private func lineStart(in file: StoredFile, after start: Int, to end: Int) throws(PlatformError) -> Int? {
        var position = start
        while position < end {
            let bytes = try file.read(position..<min(position + Self.probeByteCount, end))
            if let index = bytes.firstIndex(of: 0x0A) { return position + index + 1 }
            position += bytes.count
        }
        return nil
    }

    private func number(at start: Int, in file: StoredFile, _ segment: FindingsSegment) throws(PlatformError) -> Int {
        let head = try file.read(start..<min(start + FindingsLine.headByteCount, segment.byteCount))
        guard let (number, _) = FindingsLine.sequence(of: head[...]) else { throw .openFailed(errno: Self.damaged) }
        return number
    }
}
