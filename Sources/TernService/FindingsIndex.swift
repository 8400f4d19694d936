internal import TernPlatform

/// A file of results, one line each, in order and without gap.
struct FindingsSegment: Equatable {
    /// Number of its first result.
    var first: Int
    /// Number of its last result; `first - 1` for a file without one.
    var last: Int
    var byteCount: Int
    /// True for `findings.jsonl`, which grows, false for a closed file in `findings/`.
    var isActive = false

    static let activeName = "findings.jsonl"
    private static let suffix = ".jsonl"

    /// `findings.jsonl`, or nineteen digits of the first number, a hyphen, nineteen of the last, `.jsonl`: names sort in order of their results.
    var name: String { isActive ? Self.activeName : Decimal.padded(first) + "-" + Decimal.padded(last) + Self.suffix }

    init(first: Int, last: Int, byteCount: Int, isActive: Bool = false) {
        self.first = first
        self.last = last
        self.byteCount = byteCount
        self.isActive = isActive
    }

    /// A closed file by its name; nil for any other name.
    init?(name: String) {
        let bytes = Array(name.utf8)
        guard bytes.count == 45, bytes[19] == 0x2D, bytes[39...].elementsEqual(Self.suffix.utf8), let first = Decimal.parse(bytes[..<19]),
            let last = Decimal.parse(bytes[20..<39]), first > 0, last >= first
        else { return nil }
        self.init(first: first, last: last, byteCount: 0)
    }
}

/// Which file holds which results. The worker appends and closes, the reader of old results removes, and every thread looks; nobody holds the lock
/// while a disk is at work.
final class FindingsIndex {
    private let lock: Lock
    /// Ascending and without gap.
    private var closed: [FindingsSegment]
    private var active: FindingsSegment
    private var closedByteCount: Int

    init(closed: [FindingsSegment], active: FindingsSegment) throws(PlatformError) {
        lock = try Lock()
        closedByteCount = closed.reduce(0) { $0 + $1.byteCount }
        self.closed = closed
        self.active = active
    }

    /// A result is on the disk, at the end of the active file.
    func appended(byteCount: Int) {
        lock.withLock {
            active.last += 1
            active.byteCount += byteCount
        }
    }

    /// The active file has become a closed one.
    func closedActive() {
        lock.withLock {
            active.isActive = false
            closedByteCount += active.byteCount
            closed.append(active)
            active = FindingsSegment(first: active.last + 1, last: active.last, byteCount: 0, isActive: true)
        }
    }

    /// The file that holds a result; nil when none does.
    func segment(holding sequence: Int) -> FindingsSegment? {
        lock.withLock {
            if sequence >= active.first { return sequence <= active.last ? active : nil }
            var low = 0
            var high = closed.count
            while low < high {
                let middle = low + (high - low) / 2
                if closed[middle].last < sequence { low = middle + 1 } else { high = middle }
            }
            return low < closed.count && closed[low].first <= sequence ? closed[low] : nil
        }
    }

    /// The newest file that holds a result before this one; nil when none does.
    func segment(before sequence: Int) -> FindingsSegment? { sequence > 1 ? segment(holding: min(sequence - 1, newest)) : nil }

    /// The number of the oldest result on the disk; nil when there is none.
    var oldest: Int? { lock.withLock { closed.first?.first ?? (active.last >= active.first ? active.first : nil) } }

    /// The number of the newest result on the disk; 0 when there has been none.
    var newest: Int { lock.withLock { active.last } }

    /// How many files hold results, and how many bytes.
    var extent: (count: Int, byteCount: Int) {
        lock.withLock { (closed.count + (active.byteCount > 0 ? 1 : 0), closedByteCount + active.byteCount) }
    }

    /// The closed file that goes first when something must go. The last one stays as long as the active file has no line: it says where the numbers go on.
    var removable: FindingsSegment? { lock.withLock { closed.count > 1 || active.byteCount > 0 ? closed.first : nil } }

    /// Forgets `removable`, before its file is removed.
    func removeOldest() { lock.withLock { closedByteCount -= closed.removeFirst().byteCount } }

    /// Takes back a file that could not be removed.
    func restoreOldest(_ segment: FindingsSegment) {
        lock.withLock {
            closed.insert(segment, at: 0)
            closedByteCount += segment.byteCount
        }
    }
}
