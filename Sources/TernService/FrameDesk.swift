internal import TernPlatform

/// Where frames wait for the worker: of each source the newest alone. Sources take turns in the order in which their first waiting frame came.
///
/// The loop puts frames and collects answers, the worker takes frames and hands answers in; a lock lets one in at a time.
final class FrameDesk {
    /// A frame on its way.
    struct Ticket {
        let number: Int
        let source: FrameSource
        let frame: LiveFrame
        /// Monotonic nanoseconds; nil for no deadline.
        let dueAt: UInt64?
        /// How many frames of the source it has replaced, one after the other.
        var supersededCount = 0
    }

    /// What became of a frame that was put.
    enum Placing: Equatable {
        case waits
        /// It took the place of the source's older frame.
        case replaced(number: Int)
        /// Too many sources or bytes wait.
        case full
    }

    private let lock: Lock
    private let limitSourceCount: Int
    private let limitByteCount: Int
    private var waiting: [Ticket] = []
    private var answers: [Answer] = []

    /// What the analysis of a frame gave.
    struct Answer {
        let number: Int
        let supersededCount: Int
        let analysis: Analysis
    }

    init(limitSourceCount: Int, limitByteCount: Int) throws(PlatformError) {
        lock = try Lock()
        self.limitSourceCount = limitSourceCount
        self.limitByteCount = limitByteCount
    }

    var waitingCount: Int { lock.withLock { waiting.count } }

    func put(_ ticket: Ticket) -> Placing {
        lock.withLock {
            let index = waiting.firstIndex { $0.source == ticket.source }
            var byteCount = ticket.frame.heldByteCount
            for other in waiting where other.source != ticket.source { byteCount += other.frame.heldByteCount }
            guard byteCount <= limitByteCount, index != nil || waiting.count < limitSourceCount else { return .full }
            guard let index else {
                waiting.append(ticket)
                return .waits
            }
            let older = waiting[index]
            waiting[index] = ticket
            waiting[index].supersededCount = older.supersededCount + 1
            return .replaced(number: older.number)
        }
    }

    /// The next frame whose deadline has not passed.
    func take(now: UInt64) -> Ticket? {
        lock.withLock {
            // The loop answers those that are late.
            waiting.removeAll { $0.dueAt.map { $0 <= now } ?? false }
            return waiting.isEmpty ? nil : waiting.removeFirst()
        }
    }

    func hand(in answer: Answer) { lock.withLock { answers.append(answer) } }

    func collect() -> [Answer] {
        lock.withLock {
            defer { answers = [] }
            return answers
        }
    }

    /// Forgets a frame, wherever it is; the worker's answer to it comes all the same.
    func remove(_ number: Int) { lock.withLock { waiting.removeAll { $0.number == number } } }

    /// Forgets the frames that wait, and gives their numbers.
    func removeAll() -> [Int] {
        lock.withLock {
            defer { waiting = [] }
            return waiting.map { $0.number }
        }
    }
}

/// Whether a study was promised to a client that waited for it: the loop says so when the client's deadline passes, the worker takes the study back when its
/// result cannot be written. Whoever comes first has its way.
final class Promises {
    private let lock: Lock
    private var promised: Set<StudyIdentifier> = []
    private var withdrawn: Set<StudyIdentifier> = []

    init() throws(PlatformError) { lock = try Lock() }

    func promise(_ identifier: StudyIdentifier) -> Bool {
        lock.withLock { !withdrawn.contains(identifier) && (promised.insert(identifier).inserted || true) }
    }

    func withdraw(_ identifier: StudyIdentifier) -> Bool {
        lock.withLock { !promised.contains(identifier) && (withdrawn.insert(identifier).inserted || true) }
    }

    /// The study is answered.
    func forget(_ identifier: StudyIdentifier) {
        lock.withLock {
            promised.remove(identifier)
            withdrawn.remove(identifier)
        }
    }
}
