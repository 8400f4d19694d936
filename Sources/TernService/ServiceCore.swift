internal import TernAudit
internal import TernFindings
internal import TernPlatform

/// The service without its event loop: what is known, and what each request gets. One thread uses it.
struct ServiceCore {
    /// What a request gets.
    enum Answer {
        case reply(HTTPReply)
        /// The study is to be queued.
        case study(Study, waits: Bool)
        /// The frame is to be put on the desk.
        case frame(LiveFrame, FrameSource, deadlineMilliseconds: Int?)
        /// Results after a number; up to `until`, or on and on.
        case stream(after: Int, until: Int?)
        /// The study is to be looked for among the results on the disk, in the file of this one and those before it.
        case search(StudyIdentifier, before: Int, mapLabel: [UInt8]?? = nil)
        /// A map that is on the disk; nil: of the first label.
        case map(StudyIdentifier, label: [UInt8]?)
        /// A map of the result on this line, if it has one.
        case mapOfLine([UInt8], label: [UInt8]?)
        /// Events after a number; up to `until`, or on and on.
        case events(after: Int, until: Int?)
        /// The review is to be stored.
        case review(AuditedReview, note: String?)
    }

    /// What the queue and the server look like at the moment of a request.
    struct Surroundings {
        var waitingCount = 0
        var connectionCount = 0
        var streamCount = 0
        var searchCount = 0
        var slowSenderCount = 0
        var slowReaderCount = 0
        /// Nil when the file system does not say.
        var freeByteCount: Int?
        /// The worker waits for room for the result of an accepted study.
        var isBlocked = false
        var watched: WatchedFolder?
        var auditHead = AuditHead(number: 0, hash: [])
        var live = LiveSnapshot()
        var now: UInt64 = 0
    }

    var identity: ServiceIdentity
    let events: ServiceEvents
    let limits: ServiceLimits
    let startedAt: UInt64
    let recognise: Recogniser
    var ring: ResultRing
    /// Accepted studies without a result yet.
    private(set) var pending: [StudyIdentifier: Int] = [:]
    private(set) var pendingByteCount = 0
    /// The last studies whose result could not be recorded.
    private var unrecorded: [StudyIdentifier] = []
    var counters = Counters()
    var refusals = RefusalTable()
    var reviewRing = ReviewRing()
    /// Nil when no maps are kept.
    var shelf: MapShelf?
    var metrics: Metrics
    var isStopping = false
    /// What the process has given up.
    var sandbox = Sandbox()
    /// False from a result that could not be recorded to the next one that could.
    private(set) var isRecording = true
    /// When a client that does not wait was first refused because of that.
    private var refusedSince: UInt64?
    var disk: DiskWatch
    /// Results that have been read, and may be removed.
    var read: ReadResults
    let index: FindingsIndex
    private(set) var lastSequence: Int
    private(set) var journalByteCount: Int
    let cutByteCount: Int
    /// Accepted studies that the service found when it started, and bytes of others that had not been accepted.
    private(set) var recoveredCount = 0
    private(set) var queueCutByteCount = 0

    init(
        identity: ServiceIdentity, limits: ServiceLimits, file: FindingsFile, read: ReadResults, events: ServiceEvents, startedAt: UInt64,
        recognise: @escaping Recogniser
    ) {
        index = file.index
        self.read = read
        disk = DiskWatch(events: events, reserveByteCount: limits.freeByteCount)
        self.events = events
        self.recognise = recognise
        metrics = Metrics(identity)
        self.identity = identity
        self.limits = limits
        self.startedAt = startedAt
        ring = ResultRing(limitCount: limits.resultCount, limitByteCount: limits.resultByteCount)
        for entry in file.recovered { ring.append(entry) }
        lastSequence = file.lastSequence
        journalByteCount = file.byteCount
        cutByteCount = file.cutByteCount
    }

    /// Decides what a request gets, and counts it.
    mutating func answer(_ request: HTTPRequest, _ around: Surroundings) -> Answer {
        do throws(Problem) {
            let route = try Route(method: request.method, target: request.target)
            if request.method == .post { try checkUser(request.peerUser) }
            switch route {
            case .postStudy(let waits, let selection, let modality, let deadline):
                var study = try study(request, selection, waits: waits, around)
                study.modality = modality
                study.patienceMilliseconds = deadline
                return .study(study, waits: waits)
            case .postFrame(let source, let modality, let deadline):
                let sender =
                    source.map { FrameSource.numbered(user: request.peerUser, $0) }
                    ?? .process(user: request.peerUser, process: request.peerProcess)
                return .frame(try frame(request, modality: modality), sender, deadlineMilliseconds: deadline)
            case .findings(let after, let follows):
                let answer = try stream(after: after, follows: follows, around)
                // Who asks for what comes after a result has it; for one who may only read nothing is removed.
                if let after, request.method == .get, isAllowed(request.peerUser) { read.confirm(through: after) }
                return answer
            case .events(let after, let follows): return try events(after: after, follows: follows, around)
            case .finding(let identifier): return try finding(identifier, around)
            case .map(let identifier, let label): return try map(of: identifier, label: label, around)
            case .reviews(let identifier): return .reply(try reviews(of: identifier))
            case .postReview(let identifier): return try review(request, identifier)
            case .status: return .reply(document(status(around)))
            case .model: return .reply(document(identity.modelDocument))
            case .health: return .reply(HTTPReply(status: isStopping ? 503 : 200, contentType: "text/plain", body: Array((isStopping ? "stopping\n" : "ok\n").utf8)))
            case .metrics: return .reply(HTTPReply(status: 200, contentType: "text/plain; version=0.0.4", body: metrics(around)))
            }
        } catch {
            return .reply(refused(error, request.peerUser))
        }
    }

    /// Whoever may connect may read; who may change something is told by the kernel (SO_PEERCRED), and one it does not name may not.
    func checkUser(_ user: Int?) throws(Problem) {
        guard isAllowed(user) else { throw .userNotAllowed }
    }

    private func isAllowed(_ user: Int?) -> Bool {
        guard let users = limits.users else { return true }
        return user.map { users.contains($0) } ?? false
    }

    /// Counts a refusal, and gives the answer.
    mutating func refused(_ problem: Problem, _ user: Int?) -> HTTPReply {
        counters.refuse(problem)
        refusals.count(problem, user: user)
        return problem.reply()
    }

    func document(_ json: [UInt8]) -> HTTPReply {
        HTTPReply(status: 200, contentType: "application/json", body: json + [0x0A])
    }

    private mutating func study(_ request: HTTPRequest, _ selection: FrameSelection, waits: Bool, _ around: Surroundings) throws(Problem) -> Study {
        if isStopping { throw .stopping }
        var study = try admit(request.body, as: try kind(of: request), selection, waits: waits, around)
        study.origin = .socket(user: request.peerUser, process: request.peerProcess)
        return study
    }

    /// The kind of a request's body, which must be what it says.
    func kind(of request: HTTPRequest) throws(Problem) -> InputKind {
        guard let kind = InputKind(contentType: request.contentType) else { throw .unknownKind }
        guard !request.body.isEmpty else { throw .emptyBody }
        guard request.body.count <= limits.http.bodyByteCount else { throw .bodyTooLarge(limit: limits.http.bodyByteCount) }
        guard recognise(request.body) == kind else { throw .kindMismatch }
        return kind
    }

    /// A study of bytes that are what they are said to be, when there is room for it.
    mutating func admit(
        _ bytes: [UInt8], as kind: InputKind, _ selection: FrameSelection, waits: Bool, _ around: Surroundings
    ) throws(Problem) -> Study {
        if let free = around.freeByteCount, free - bytes.count < limits.freeByteCount {
            disk.lacks(bytes.count)
            throw .diskFull
        }
        if around.isBlocked { throw .diskFull }
        if !isRecording, !waits, !mayProbe(at: around.now) { throw .diskFull }
        guard hasPlace(byteCount: bytes.count) else { throw .queueFull }
        do {
            return Study(identifier: try StudyIdentifier(), kind: kind, bytes: bytes, selection: selection)
        } catch {
            throw .internalFailure
        }
    }

    /// A disk that did not take a result is tried again every few seconds with a study whose sender does not wait: its result can.
    mutating func mayProbe(at now: UInt64) -> Bool {
        let since = refusedSince ?? now
        let isDue = now - since >= Self.probeNanoseconds
        refusedSince = isDue ? now : since
        return isDue
    }

    private static let probeNanoseconds: UInt64 = 5_000_000_000

    /// The number of the oldest result that is kept, in memory or on the disk.
    var oldest: Int { min(ring.oldest ?? .max, index.oldest ?? lastSequence + 1) }

    private func stream(after: Int?, follows: Bool, _ around: Surroundings) throws(Problem) -> Answer {
        if let after {
            if after > lastSequence { throw .sequenceAhead(newest: lastSequence) }
            if after + 1 < oldest { throw .findingsGone(oldest: oldest, newest: lastSequence) }
        }
        if follows { try checkFollower(around) }
        return .stream(after: after ?? (ring.oldest ?? oldest) - 1, until: follows ? nil : lastSequence)
    }

    private func events(after: Int?, follows: Bool, _ around: Surroundings) throws(Problem) -> Answer {
        let newest = events.newest
        if let after, after > newest { throw .eventAhead(newest: newest) }
        if follows { try checkFollower(around) }
        return .events(after: after ?? 0, until: follows ? nil : newest)
    }

    private func checkFollower(_ around: Surroundings) throws(Problem) {
        if isStopping { throw .stopping }
        guard around.streamCount < limits.streamCount else { throw .tooManyStreams }
    }

    private func finding(_ identifier: StudyIdentifier, _ around: Surroundings) throws(Problem) -> Answer {
        if let line = ring.line(of: identifier) { return .reply(Self.found(line)) }
        if pending[identifier] != nil { return .reply(Self.accepted(identifier)) }
        if unrecorded.contains(identifier) { throw .notRecorded }
        guard let first = ring.oldest, oldest < first else { throw .noSuchFinding }
        guard around.searchCount < limits.searchCount else { throw .tooManySearches }
        return .search(identifier, before: first)
    }

    /// 200: the line of a result.
    static func found(_ line: [UInt8]) -> HTTPReply { HTTPReply(status: 200, contentType: "application/json", body: line) }

    /// 202: the study waits or is being read.
    static func accepted(_ identifier: StudyIdentifier) -> HTTPReply {
        var text = JSONText()
        text.beginObject()
        text.member("id", identifier.text)
        text.member("state", "pending")
        text.endObject()
        return HTTPReply(status: 202, contentType: "application/json", body: text.utf8 + [0x0A])
    }

    /// A study takes its place in the queue; it is accepted when it is on the disk.
    mutating func queued(_ study: Study) { enter(study.identifier, byteCount: study.bytes.count) }

    /// Whether the queue is within its limits with one study more.
    func hasPlace(byteCount: Int) -> Bool { pending.count <= limits.queueCount && pendingByteCount + byteCount <= limits.queueByteCount }

    mutating func enter(_ identifier: StudyIdentifier, byteCount: Int) {
        pending[identifier] = byteCount
        pendingByteCount += byteCount
    }

    /// What an earlier run left in the journal takes its place, whatever the limits of this one.
    mutating func takeOver(_ journal: StudyJournal) {
        for (entry, byteCount) in journal.recovered {
            pending[entry.identifier] = byteCount
            pendingByteCount += byteCount
        }
        recoveredCount = journal.recoveredCount
        queueCutByteCount = journal.cutByteCount
    }

    /// A study could not be written to the journal. Gives the answer for its client.
    mutating func notStored(_ study: Study, errno: Int32) -> HTTPReply {
        if Self.isFull(errno) { disk.refused(pending[study.identifier] ?? 0) }
        leave(study.identifier)
        let problem = Self.isFull(errno) ? Problem.diskFull : .notStored
        return refused(problem, study.origin.user)
    }

    mutating func leave(_ identifier: StudyIdentifier) {
        if let byteCount = pending.removeValue(forKey: identifier) { pendingByteCount -= byteCount }
    }

    /// ENOSPC, EFBIG, EDQUOT of Linux.
    static func isFull(_ errno: Int32) -> Bool { [28, 27, 122].contains(errno) }

    /// A study has its result. Gives the answer for the client that waits for it.
    mutating func finished(_ identifier: StudyIdentifier, _ outcome: StudyOutcome) -> HTTPReply {
        leave(identifier)
        switch outcome {
        case .kept: return Problem.stoppingBeforeResult.reply(identifier: identifier)
        case .recorded(let analysis, let line, let fileByteCount):
            isRecording = true
            refusedSince = nil
            disk.took()
            lastSequence = analysis.result.sequence
            journalByteCount = fileByteCount
            ring.append(ResultRing.Entry(sequence: lastSequence, identifier: identifier, line: line))
            counters.count(analysis.result)
            measure(analysis.result)
            if analysis.result.reason == Self.damagedReason { counters.damaged += 1 }
            guard let problem = analysis.problem else { return Self.found(line) }
            return problem.reply(identifier: identifier, sequence: lastSequence)
        case .notRecorded(let errno):
            isRecording = false
            if Self.isFull(errno) { disk.refused(0) }
            counters.unrecorded += 1
            unrecorded.append(identifier)
            if unrecorded.count > Self.limitUnrecorded { unrecorded.removeFirst() }
            return (Self.isFull(errno) ? Problem.diskFull : .notRecorded).reply(identifier: identifier)
        }
    }

    static let damagedReason = CodedTerm(
        scheme: "99TERN", value: "QUEUE-DAMAGED", meaning: "The accepted study could not be read back from the disk as it was written")
    private static let limitUnrecorded = 64
    static let streamContentType = "application/jsonl"
}

/// How a study ended.
enum StudyOutcome {
    /// On the disk, as this line; the file has so many bytes now.
    case recorded(Analysis, line: [UInt8], fileByteCount: Int)
    case notRecorded(errno: Int32)
    /// The service stopped before its turn; the next one answers it.
    case kept
}

extension InputKind {
    /// The kind a Content-Type names; parameters after a semicolon are allowed, letter case does not matter (RFC 9110 8.3.1).
    init?(contentType: String?) {
        guard let contentType else { return nil }
        var name: [UInt8] = []
        for character in contentType.utf8 {
            if character == 0x3B { break }
            if character != 0x20, character != 0x09 { name.append((0x41...0x5A).contains(character) ? character | 0x20 : character) }
        }
        if name.elementsEqual("application/dicom".utf8) {
            self = .dicom
        } else if name.elementsEqual("image/jpeg".utf8) {
            self = .jpeg
        } else if name.elementsEqual("image/png".utf8) {
            self = .png
        } else if name.elementsEqual("application/nifti".utf8) {
            self = .nifti
        } else {
            return nil
        }
    }
}
