internal import TernPlatform

/// What the loop knows of live frames, of the connections of the socket of frames, and of deadlines.
final class LiveState {
    /// Who hears what became of a frame, or of a study that came as one.
    enum Client {
        case http(Exchange)
        case connection(FrameConnection, token: Int)
    }

    /// What is due at a time.
    enum Due: Equatable {
        case frame(number: Int)
        case study(StudyIdentifier)
    }

    let desk: FrameDesk
    let promises: Promises
    /// Nil without a socket of frames.
    let socket: ListeningSocket?
    /// Closes descriptors that may take their time; there with the socket.
    let closer: Worker?
    var counters = LiveCounters()
    var lastNumber = 0
    /// Of frames that wait or are being read.
    var clients: [Int: Client] = [:]
    /// Of studies that came over the socket of frames.
    var followers: [StudyIdentifier: Client] = [:]
    var connections: [Int32: FrameConnection] = [:]
    /// A job that looks for frames alone is in the worker's queue.
    var isTurnQueued = false
    /// Raised as long as that job waits.
    let turnWaits = StopFlag()
    /// Nothing is received while the closer has no room.
    var isPaused = false
    private var due: [(at: UInt64, what: Due)] = []

    init(limits: ServiceLimits, socket: ListeningSocket?, server: HTTPServer) throws(PlatformError) {
        desk = try FrameDesk(limitSourceCount: limits.frameSourceCount, limitByteCount: limits.http.bodyByteCount * 2)
        promises = try Promises()
        self.socket = socket
        closer = socket == nil ? nil : try Worker(name: "tern-closer", capacity: Self.closerCapacity, waking: server)
    }

    private static let closerCapacity = 16

    /// A message brings at most two descriptors.
    var closerHasRoom: Bool { closer.map { $0.waitingCount <= Self.closerCapacity - 2 } ?? true }

    /// Closes descriptors: shared memory here, any other on a thread that may wait.
    func close(_ descriptors: [PassedDescriptor]) {
        for descriptor in descriptors {
            if descriptor.isSharedMemory {
                descriptor.close()
            } else if closer?.submit(run: { descriptor.close() }, finish: {}) == false {
                // What it has done was not collected yet.
                closer?.collect()
                precondition(closer?.submit(run: { descriptor.close() }, finish: {}) == true, "the closer has room for what one message brings")
            }
        }
    }

    /// Notes when something is due.
    func add(_ what: Due, at time: UInt64) { due.append((time, what)) }

    /// Takes out what is due.
    func takeDue(now: UInt64) -> [Due] {
        let passed = due.filter { $0.at <= now }.map { $0.what }
        due.removeAll { $0.at <= now }
        return passed
    }

    func forgetDue(_ what: Due) { due.removeAll { $0.what == what } }

    /// Milliseconds to the next deadline, rounded up; nil when there is none.
    func millisecondsToNext(now: UInt64) -> Int? {
        var next: UInt64?
        for (time, _) in due where time < next ?? .max { next = time }
        guard let next else { return nil }
        return next <= now ? 0 : Int(clamping: (next - now + 999_999) / 1_000_000)
    }
}

/// What the status says of live frames.
struct LiveSnapshot {
    var counters = LiveCounters()
    var waitingCount = 0
    var connectionCount = 0
}
