internal import TernPlatform

/// What is kept of results that have been read; 0 keeps all.
public struct Retention: Equatable, Sendable {
    /// Days after the last result of a closed file until it is removed.
    public var dayCount = 0
    /// Bytes of all files of results, above which closed ones are removed.
    public var byteCount = 0
    public init() {}

    var isLimited: Bool { dayCount > 0 || byteCount > 0 }
}

/// Whether the time of day has gone on since the start as time itself has, or was set.
struct ClockWatch {
    /// What the time of day was ahead of the time elapsed, seconds.
    private let ahead: Int
    private static let limitSeconds = 60

    init(utc: Int = Clock.utcSeconds, elapsed: Int = Clock.elapsedSeconds) { ahead = utc - elapsed }

    /// True while it is more than a minute off.
    func hasMoved(utc: Int = Clock.utcSeconds, elapsed: Int = Clock.elapsedSeconds) -> Bool { abs(utc - elapsed - ahead) > Self.limitSeconds }
}

/// Removes files of results that are past what is kept, the oldest first, and writes down what has been read. The archive's thread uses it.
final class FindingsRetention {
    private let index: FindingsIndex
    private let closed: FileStore
    private let journal: StudyJournal
    private let limits: Retention
    private let clock: ClockWatch

    /// What became of one look.
    struct Outcome: Equatable {
        /// Files that are gone, the oldest first.
        var removed: [FindingsSegment] = []
        /// The first result that is past what is kept and has not been read; the file that holds it stays, and all after it.
        var unread: Int?
        /// Why a file could not be removed; it stays, and all after it.
        var errno: Int32?
    }

    init(_ file: FindingsFile, journal: StudyJournal, limits: Retention, clock: ClockWatch = ClockWatch()) {
        self.clock = clock
        index = file.index
        closed = file.closed
        self.journal = journal
        self.limits = limits
    }

    /// Nothing goes by its age now: the clock was set since the start, and the age of a file may be wrong by as much. Any thread may ask.
    var distrustsClock: Bool { limits.dayCount > 0 && clock.hasMoved() }

    /// Removes what is past the limits at a time in seconds since 1970, but no result from `firstNeeded` on.
    func apply(read: ReadResults, firstNeeded: Int = .max, now: Int) -> Outcome {
        var outcome = Outcome()
        while let segment = index.removable, isPast(segment, now: now) {
            guard segment.last <= read.through else {
                outcome.unread = max(segment.first, read.through + 1)
                break
            }
            guard segment.last < firstNeeded else { break }
            // A study that comes back from a power cut is recognised by its result.
            guard journal.settle() else { break }
            index.removeOldest()
            do throws(PlatformError) {
                try closed.remove(segment.name)
            } catch {
                // ENOENT of Linux: somebody else has removed it.
                if error.number != 2 {
                    index.restoreOldest(segment)
                    outcome.errno = error.number
                    break
                }
            }
            // The older one is gone for good before the next one goes.
            try? closed.sync()
            outcome.removed.append(segment)
        }
        return outcome
    }

    private func isPast(_ segment: FindingsSegment, now: Int) -> Bool {
        if limits.byteCount > 0, index.extent.byteCount > limits.byteCount { return true }
        guard limits.dayCount > 0, !distrustsClock, let written = try? closed.secondsWritten(of: segment.name) else { return false }
        return now - written >= limits.dayCount * 86_400
    }

    /// Writes down what has been read.
    func save(_ read: ReadResults) throws(PlatformError) {
        try closed.write(ReadResults.fileName, head: read.text, body: [])
        try closed.sync()
    }
}

extension FindingsFile {
    /// What was written down as read before the start, together with the files that have gone.
    ///
    /// - Throws: `ServiceError.findingsMissing` when it goes further than the results here.
    func readResults() throws(ServiceError) -> ReadResults {
        try? closed.remove(ReadResults.fileName + FileStore.unfinishedSuffix)
        var read = try Self.readResults(in: closed, newest: lastSequence)
        if let oldest = index.oldest { read.confirm(through: oldest - 1) }
        return read
    }

    /// What was written down in a folder of closed files, when the newest result has a number.
    ///
    /// - Throws: `ServiceError.findingsMissing`.
    static func readResults(in closed: FileStore, newest: Int) throws(ServiceError) -> ReadResults {
        let limit = (ReadResults.limitRangeCount + 1) * 40
        let text = (try? closed.read(ReadResults.fileName, from: 0, limitByteCount: limit)) ?? []
        let read = ReadResults(parsing: text)
        guard read.newest <= newest else { throw .findingsMissing(newest: newest, read: read.newest) }
        return read
    }
}
