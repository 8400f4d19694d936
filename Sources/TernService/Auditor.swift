public import TernAudit
internal import TernFindings
public import TernPlatform

/// What the service records of itself: the audit log, the reviews, and a thread that writes what the event loop has to say.
///
/// The worker writes the record of a result itself, before anyone sees it. All else is the loop's, which waits for no disk.
public final class Auditor {
    public let log: AuditLog
    public let reviews: ReviewFile
    /// Nil until the service is made.
    private var worker: Worker?
    /// What the loop has to record and the thread has not taken yet, in order.
    private var pending = PendingEvents()
    private var isWriting = false
    private var reviewCount = 0

    /// Reviews that may be on their way to the disk.
    private static let limitReviewCount = 32

    /// Opens `audit/` and `reviews.jsonl` of a state directory.
    ///
    /// - Throws: `ServiceError.audit`, `.reviewsFile` or `.reviewsFileDamaged`.
    public init(directory: StateDirectory) throws(ServiceError) {
        do throws(AuditError) { log = try AuditLog(directory: directory.path) } catch { throw .audit(error) }
        reviews = try ReviewFile(directory: directory)
    }

    /// Records the start, and before it what an earlier run was killed over: results and reviews that are on the disk and have no record.
    ///
    /// - Throws: `ServiceError.audit`.
    func begin(_ identity: ServiceIdentity, file: FindingsFile, journal: StudyJournal) throws(ServiceError) {
        var events = missingResults(file, journal, operatingPoint: identity.operatingPoint)
        for entry in reviews.recovered where entry.number > log.recordedReview {
            let digest = Hexadecimal.string(Digest.sha256(Array(entry.line.dropLast())))
            events.append(.recoveredReview(number: entry.number, identifier: entry.identifier.text, lineDigest: digest))
        }
        events.append(
            .start(
                version: identity.version, model: identity.model, operatingPoint: identity.operatingPoint, instructionSet: identity.instructionSet))
        do throws(PlatformError) { try log.append(events) } catch { throw .audit(.files(errno: error.number)) }
    }

    private func missingResults(_ file: FindingsFile, _ journal: StudyJournal, operatingPoint: String?) -> [AuditEvent] {
        var events: [AuditEvent] = []
        var recorded = log.recordedSequence
        if recorded > file.lastSequence {
            events.append(.findingsMissing(first: file.lastSequence + 1, last: recorded))
            recorded = file.lastSequence
        }
        for entry in file.recovered where entry.sequence > recorded {
            let request = journal.answered.first { $0.identifier == entry.identifier }.map { AuditedResult.Request($0) }
            if entry.sequence > recorded + 1 { events.append(.unaudited(first: recorded + 1, last: entry.sequence - 1)) }
            if var result = AuditedResult(line: entry.line, request: request, operatingPoint: operatingPoint) {
                result.isRecovered = true
                events.append(.result(result))
            } else {
                events.append(.unaudited(first: entry.sequence, last: entry.sequence))
            }
            recorded = entry.sequence
        }
        if recorded < file.lastSequence { events.append(.unaudited(first: recorded + 1, last: file.lastSequence)) }
        return events
    }

    /// Starts the thread.
    func start(waking server: HTTPServer) throws(PlatformError) {
        worker = try Worker(name: "tern-audit", capacity: Self.limitReviewCount + 1, waking: server)
    }

    /// Records events soon, in order.
    func note(_ events: [AuditEvent]) {
        guard !events.isEmpty else { return }
        pending.append(events)
        flush()
    }

    /// Hands what waits to the thread; what it cannot write waits on.
    func flush() {
        guard !isWriting, !pending.isEmpty, let worker else { return }
        let batch = pending.take()
        let slot = Slot<Bool>()
        isWriting = worker.submit(
            run: { [log] in slot.value = (try? log.append(batch)) != nil },
            finish: { [self] in
                isWriting = false
                if slot.value == true { flush() } else { pending.giveBack(batch) }
            })
        if !isWriting { pending.giveBack(batch) }
    }

    /// Stores a review and its record.
    ///
    /// - Returns: False when too many are on their way; nothing happens then.
    func store(_ review: AuditedReview, note: String?, done: @escaping (ReviewFile.Entry?, Int32) -> Void) -> Bool {
        guard let worker, reviewCount < Self.limitReviewCount else { return false }
        let slot = Slot<ReviewFile.Entry>()
        let failure = Slot<Int32>()
        let hasPlace = worker.submit(
            run: { [log, reviews] in
                do throws(PlatformError) { slot.value = try reviews.append(review, note: note, to: log) } catch { failure.value = error.number }
            },
            finish: { [self] in
                reviewCount -= 1
                done(slot.value, failure.value ?? 0)
            })
        if hasPlace { reviewCount += 1 }
        return hasPlace
    }

    func collect() { worker?.collect() }

    var isIdle: Bool { worker?.isIdle != false }

    /// Ends the thread, when it is idle, and records the end.
    func end() {
        worker?.end()
        worker = nil
        try? log.append(pending.take() + [.stop])
    }
}

extension AuditedResult.Request {
    /// What is asked of a study, and by whom.
    init(_ study: Study) {
        self.init(origin: AuditOrigin(study.origin), selection: study.selection, modality: study.modality)
    }
}

extension AuditOrigin {
    init(_ origin: StudyOrigin) {
        switch origin {
        case .socket(let user, let process): self.init(.socket, user: user, process: process)
        case .folder: self.init(AuditOrigin.Way.folder)
        case .frames(let user, let process): self.init(.frames, user: user, process: process)
        }
    }
}

/// Events that wait for the disk, in order. When it takes none for long, those of refusals are given up first, then the oldest, and how many is recorded.
struct PendingEvents {
    private var events: [AuditEvent] = []
    private var lostCount = 0
    static let limitCount = 4096

    var isEmpty: Bool { events.isEmpty && lostCount == 0 }

    mutating func append(_ more: [AuditEvent]) {
        events += more
        bound()
    }

    mutating func take() -> [AuditEvent] {
        defer { (events, lostCount) = ([], 0) }
        return lostCount > 0 ? [.lost(count: lostCount)] + events : events
    }

    /// Puts back what was taken and could not be recorded.
    mutating func giveBack(_ taken: [AuditEvent]) {
        var taken = taken
        if case .lost(let count)? = taken.first {
            lostCount += count
            taken.removeFirst()
        }
        events = taken + events
        bound()
    }

    private mutating func bound() {
        var excess = events.count - Self.limitCount
        guard excess > 0 else { return }
        lostCount += excess
        events.removeAll { event in
            guard excess > 0, case .refusal = event else { return false }
            excess -= 1
            return true
        }
        events.removeFirst(excess)
    }
}

/// Refusals since they were last recorded. The first of a kind is recorded at once, the rest of them together later, so that a client that asks the
/// same wrong thing again and again costs a line a minute.
struct RefusalTable {
    private struct Kind {
        var status: Int
        var code: String
        /// Nil for unknown, and for those past the limit.
        var user: Int?
        var count = 0
    }
    private var kinds: [Kind] = []
    private var firsts: [AuditEvent] = []
    private static let limitKindCount = 64
    /// The code of those past the limit, one kind for each status.
    private static let otherCode = "other"

    mutating func count(_ problem: Problem, user: Int?) {
        if let index = index(of: problem.status, problem.code, user) {
            kinds[index].count += 1
        } else if kinds.count < Self.limitKindCount {
            begin(problem.status, problem.code, user)
        } else if let index = index(of: problem.status, Self.otherCode, nil) {
            kinds[index].count += 1
        } else {
            begin(problem.status, Self.otherCode, nil)
        }
    }

    private mutating func begin(_ status: Int, _ code: String, _ user: Int?) {
        kinds.append(Kind(status: status, code: code, user: user))
        firsts.append(.refusal(status: status, code: code, user: user, count: 1))
    }

    private func index(of status: Int, _ code: String, _ user: Int?) -> Int? {
        kinds.firstIndex { $0.status == status && $0.user == user && $0.code.utf8.elementsEqual(code.utf8) }
    }

    /// Those that are new of their kind.
    mutating func takeFirsts() -> [AuditEvent] {
        defer { firsts = [] }
        return firsts
    }

    /// Those that came after the first of their kind; every kind is new again.
    mutating func takeRest() -> [AuditEvent] {
        defer { kinds = [] }
        return kinds.filter { $0.count > 0 }.map { .refusal(status: $0.status, code: $0.code, user: $0.user, count: $0.count) }
    }
}
