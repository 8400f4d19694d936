internal import TernAudit
internal import TernFindings
public import TernPlatform

/// The service: one event loop on the caller's thread, one writer that puts studies on the disk before they are accepted, and one worker that
/// reads them in order of acceptance and records each result.
public final class Service {
    var core: ServiceCore
    let server: HTTPServer
    let writer: Worker
    let worker: Worker
    /// The only thread that reads old results, and removes them.
    let reader: Worker
    let archive: FindingsArchive
    let keeper: FindingsRetention
    let live: LiveState
    private let journal: StudyJournal
    /// Studies whose bytes are on the disk and whose names are not yet, in order.
    private var group: [Arrival] = []
    let file: FindingsFile
    let auditor: Auditor
    let directory: StateDirectory
    let reading: ReadingInUse
    /// There while a reload is under way.
    var loader: Worker?
    var reloads: () -> Void = {}
    /// SIGHUP came again while a reload was under way.
    var reloadsAgain = false
    /// Nil when no maps are kept.
    let shelf: MapShelf?
    /// For threads that may not touch `core`.
    let events: ServiceEvents
    var watched: WatchedFolder?
    /// The worker's, when a folder is watched.
    var answeredIndex: AnsweredIndex?
    /// Who waits for a result inside the process.
    var insiders: [(identifier: StudyIdentifier, onResult: (InsideOutcome) -> Void)] = []
    /// Clients that wait for a result.
    private var waiting: [StudyIdentifier: Exchange] = [:]
    var streams: [Exchange: Stream] = [:]
    /// Looks for studies on the disk that have begun, and the clients among theirs that still wait.
    var searchCount = 0
    var searching: Set<Exchange> = []
    /// Answers under way that hold the result of this number.
    private var answering: [Exchange: Int] = [:]
    var housekeeping = Housekeeping()
    /// When it stops whatever the threads do.
    private var stopBy: UInt64 = 0
    /// True when `run` returned although a thread was still at work: the process must end without another word to it.
    public private(set) var hasLeftThreads = false
    /// Set once, on the loop's thread; the worker reads it between studies.
    let stopFlag = StopFlag()
    /// Raised by the worker while it waits for room for a result.
    let blockedFlag = StopFlag()

    /// A study on its way into the queue.
    private struct Arrival {
        var study: Study
        var entry: JournalEntry
        var waits: Bool
        /// Who hears of it; nil for a study from inside.
        var client: LiveState.Client?
        /// When it arrived, monotonic nanoseconds.
        var time: UInt64
        let times = StudyTimes()
    }

    /// A client that reads results or events.
    struct Stream {
        /// Where it stands: the number of the last one it was sent.
        var cursor: FindingsArchive.Cursor
        /// The last one it asked for; nil when it follows.
        var until: Int?
        var readsEvents = false
        /// Its next page is being read from the disk.
        var isReading = false
    }

    /// Prepares a service on a socket; `run` starts it.
    ///
    /// - Parameter frames: the socket of frames, which takes packets; nil for none.
    /// - Throws: `ServiceError.outOfResources`, `.findingsMissing`.
    public init(
        identity: ServiceIdentity, limits: ServiceLimits, socket: ListeningSocket, frames: ListeningSocket? = nil, directory: StateDirectory,
        file: FindingsFile, journal: StudyJournal, events: ServiceEvents, auditor: Auditor, recognise: @escaping Recogniser, analyse: @escaping Analyser,
        analyseFrame: @escaping FrameAnalyser, deliver: @escaping Deliverer
    ) throws(ServiceError) {
        var bounds = HTTPLimits()
        bounds.bodyByteCount = limits.http.bodyByteCount
        // Four clients may send studies of full size at the same time.
        bounds.receivingByteCount = limits.http.bodyByteCount * 4 + (1 << 20)
        bounds.connectionCount = limits.http.connectionCount
        bounds.clientMilliseconds = limits.http.clientMilliseconds
        let read = try file.readResults()
        do throws(PlatformError) { shelf = try MapShelf.open(in: directory, limits.maps, file.index) } catch { throw .maps(errno: error.number) }
        do throws(PlatformError) {
            server = try HTTPServer(listeningOn: socket, limits: bounds)
            writer = try Worker(name: "tern-writer", capacity: limits.queueCount, waking: server)
            worker = try Worker(name: "tern-worker", capacity: max(limits.queueCount, journal.recoveredCount) + 1, waking: server)
            live = try LiveState(limits: limits, socket: frames, server: server)
            try auditor.start(waking: server)
            reading = try ReadingInUse(Reading(identity: identity, analyse: analyse, analyseFrame: analyseFrame, deliver: deliver))
            reader = try Worker(name: "tern-reader", capacity: limits.http.connectionCount + limits.searchCount, waking: server)
        } catch {
            throw .outOfResources
        }
        core = ServiceCore(
            identity: identity, limits: limits, file: file, read: read, events: events, startedAt: Clock.monotonicNanoseconds, recognise: recognise)
        core.shelf = shelf
        self.events = events
        archive = FindingsArchive(file)
        keeper = FindingsRetention(file, journal: journal, limits: limits.retention)
        for entry in auditor.reviews.recovered { core.reviewRing.append(entry) }
        try auditor.begin(identity, file: file, journal: journal)
        try journal.removeAnswered()
        self.auditor = auditor
        self.file = file
        self.directory = directory
        self.journal = journal
    }

    /// What the process has given up; `/v1/status` says it.
    public var sandbox: Sandbox {
        get { core.sandbox }
        set { core.sandbox = newValue }
    }

    /// Serves until SIGTERM or SIGINT: then takes nothing new, finishes the study that is being read if that does not take long, leaves it otherwise
    /// and those that wait in the journal, and returns within two seconds. Begins with what an earlier run left there.
    ///
    /// - Throws: `ServiceError.eventLoop` or `.outOfResources`.
    public func run() throws(ServiceError) {
        let events = HTTPEvents(
            request: { [self] request, exchange in received(request, exchange) },
            refused: { [self] status, code, user in
                _ = core.refused(Problem(status: status, code: code, message: ""), user)
                auditor.note(core.refusals.takeFirsts())
            },
            drained: { [self] exchange in pump(exchange) },
            answered: { [self] exchange in
                if let sequence = answering.removeValue(forKey: exchange) { core.read.read(sequence) }
            },
            closed: { [self] exchange in forget(exchange) },
            woken: { [self] in
                writer.collect()
                worker.collect()
                collectLoader()
                watched?.collect()
                watched?.proceed()
                reader.collect()
                pumpEvents()
                auditor.collect()
                collectFrames()
                // Of refusals that a thread decided.
                auditor.note(core.refusals.takeFirsts())
                leaveWhenDone()
            },
            stop: { [self] in stop() },
            reload: { [self] in reloaded() })
        core.events.wakes { [server] in server.wake() }
        do throws(PlatformError) { try startLive() } catch { throw .outOfResources }
        core.takeOver(journal)
        file.onClosingFailed = { [events = core.events] errno in
            events.note("closing_failed", [Problem.Number(name: "errno", value: Int(errno))], level: .warning)
        }
        for (entry, _) in journal.recovered { submit(entry, nil, waits: false) }
        do throws(PlatformError) { try startLooking() } catch { throw .outOfResources }
        do throws(PlatformError) { try watched?.start() } catch { throw .outOfResources }
        do throws(PlatformError) { try startAuditing() } catch { throw .outOfResources }
        do throws(PlatformError) { try server.every(milliseconds: Housekeeping.tickMilliseconds) { [self] in keepHouse() } } catch { throw .outOfResources }
        let succeeded = server.run(events)
        // They hold each other through what the loop calls.
        core.events.wakes {}
        stopFlag.raise()
        writer.collect()
        worker.collect()
        reader.collect()
        auditor.collect()
        guard isIdle, saveLastMark() else {
            hasLeftThreads = true
            return
        }
        writer.end()
        worker.end()
        loader?.end()
        watched?.end()
        auditor.end()
        reader.end()
        // A descriptor that is not closed yet may never be.
        if live.closer?.isIdle == true { live.closer?.end() }
        guard succeeded else { throw .eventLoop }
    }

    /// Refusals are recorded in the end, and what the disk did not take is tried again.
    private func startAuditing() throws(PlatformError) {
        var tickCount = 0
        try server.every(milliseconds: Self.auditMilliseconds) { [self] in
            tickCount += 1
            if tickCount % 6 == 0 { auditor.note(core.refusals.takeRest()) }
            auditor.flush()
        }
    }

    private static let auditMilliseconds = 10_000

    /// Records something that happened, soon; on the loop's thread.
    func record(_ event: AuditEvent) { auditor.note([event]) }

    private func received(_ request: HTTPRequest, _ exchange: Exchange) {
        defer { auditor.note(core.refusals.takeFirsts()) }
        switch core.answer(request, surroundings()) {
        case .reply(let reply): server.reply(exchange, reply)
        case .study(let study, let waits): queue(study, waits: waits, for: .http(exchange))
        case .frame(let frame, let source, let deadline): take(frame, from: source, deadlineMilliseconds: deadline, for: .http(exchange))
        case .review(let review, let note):
            let user = request.peerUser
            let hasPlace = auditor.store(review, note: note) { [self] entry, errno in server.reply(exchange, core.reviewed(entry, errno: errno, user)) }
            if !hasPlace { server.reply(exchange, core.refused(.tooManyReviews, user)) }
        case .stream where request.method == .head, .events where request.method == .head:
            server.reply(exchange, HTTPReply(status: 200, contentType: ServiceCore.streamContentType, body: []))
        case .stream(let after, let until): begin(Stream(cursor: .init(position: after), until: until), exchange)
        case .events(let after, let until): begin(Stream(cursor: .init(position: after), until: until, readsEvents: true), exchange)
        case .search(let identifier, let before, let mapLabel):
            searching.insert(exchange)
            search(identifier, before: before, mapLabel, for: request.peerUser, exchange)
        case .map(let identifier, let label): showMap(of: identifier, label: label, for: request.peerUser, exchange)
        case .mapOfLine(let line, let label): showMap(of: line, label: label, for: request.peerUser, exchange)
        }
    }

    private func begin(_ stream: Stream, _ exchange: Exchange) {
        guard server.beginStream(exchange, contentType: ServiceCore.streamContentType) else { return }
        streams[exchange] = stream
        pump(exchange)
    }

    func surroundings() -> ServiceCore.Surroundings {
        var around = ServiceCore.Surroundings()
        around.waitingCount = max(0, worker.waitingCount - (live.turnWaits.isRaised ? 1 : 0))
        around.connectionCount = server.connectionCount
        around.streamCount = streams.count
        around.searchCount = searchCount
        around.slowSenderCount = server.slowSenderCount
        around.slowReaderCount = server.slowReaderCount
        around.freeByteCount = directory.freeByteCount
        around.isBlocked = blockedFlag.isRaised
        around.watched = watched
        around.auditHead = auditor.log.head
        around.live = liveSnapshot
        around.now = Clock.monotonicNanoseconds
        return around
    }

    /// Has the study written; `client` is nil for one from inside.
    func queue(_ study: Study, waits: Bool, for client: LiveState.Client?) {
        let arrival = Arrival(
            study: study, entry: journal.entry(for: study.identifier), waits: waits, client: client, time: Clock.monotonicNanoseconds)
        let slot = Slot<StudyJournal.Stored>()
        core.queued(study)
        let hasPlace = writer.submit(
            run: { [self] in slot.value = journal.store(study, as: arrival.entry, hasFollower: { writer.waitingCount > 0 }) },
            finish: { [self] in
                if let stored = slot.value { arrived(arrival, stored) }
            })
        precondition(hasPlace, "the writer has a place for every study of the queue")
    }

    /// The writer has done with a study. Those of a group are accepted together, when their names are on the disk.
    private func arrived(_ arrival: Arrival, _ stored: StudyJournal.Stored) {
        if let errno = stored.failure {
            refuse(arrival, errno: errno)
        } else {
            group.append(arrival)
        }
        guard stored.endsGroup else { return }
        for member in group {
            if let errno = stored.groupFailure {
                refuse(member, errno: errno)
            } else {
                accept(member)
            }
        }
        group.removeAll(keepingCapacity: true)
    }

    private func refuse(_ arrival: Arrival, errno: Int32) {
        if let client = arrival.client {
            reply(to: client, core.notStored(arrival.study, errno: errno))
        } else {
            core.leave(arrival.study.identifier)
            tell(arrival.study.identifier, .notStored)
        }
    }

    private func accept(_ arrival: Arrival) {
        core.counters.accepted += 1
        submit(arrival.entry, arrival.study, waits: arrival.waits, arrival.times)
        guard let client = arrival.client else { return }
        let identifier = arrival.study.identifier
        switch client {
        case .http(let exchange) where arrival.waits: waiting[identifier] = exchange
        case .http: reply(to: client, ServiceCore.accepted(identifier))
        case .connection:
            reply(to: client, ServiceCore.accepted(identifier))
            live.followers[identifier] = client
        }
        if let patience = arrival.study.patienceMilliseconds {
            setDeadline(.study(identifier), at: arrival.time + UInt64(patience) * 1_000_000)
        }
    }

    /// The deadline of a study's client has passed: it hears so, and the study stays accepted.
    func studyIsLate(_ identifier: StudyIdentifier) {
        let problem = Problem.deadlinePassed
        if let follower = live.followers.removeValue(forKey: identifier) {
            core.counters.refuse(problem)
            reply(to: follower, problem.reply(identifier: identifier))
        } else if waiting[identifier] != nil, live.promises.promise(identifier), let exchange = waiting.removeValue(forKey: identifier) {
            core.counters.refuse(problem)
            server.reply(exchange, problem.reply(identifier: identifier))
        }
    }

    /// The worker waits for room: whoever waits for a result hears that his study stays accepted, unless it is taken back this very moment.
    func answerWaiting() {
        for (identifier, exchange) in waiting where live.promises.promise(identifier) {
            waiting[identifier] = nil
            core.counters.refuse(.resultDelayed)
            server.reply(exchange, Problem.resultDelayed.reply(identifier: identifier))
        }
    }

    private func submit(_ entry: JournalEntry, _ study: Study?, waits: Bool, _ times: StudyTimes = StudyTimes()) {
        let slot = Slot<StudyOutcome>()
        times.queued = Clock.monotonicNanoseconds
        let hasPlace = worker.submit(
            run: { [self] in slot.value = read(entry, study, waits: waits, times) },
            finish: { [self] in
                guard let outcome = slot.value else { return }
                finish(entry.identifier, outcome)
                if case .recorded = outcome { core.metrics.observe(times, wasStored: study != nil) }
            })
        precondition(hasPlace, "the worker has a place for every study of the queue")
    }

    /// On the worker's thread: the only place that takes the reading and uses `file` while the service runs. `study` is nil for one of an earlier run.
    private func read(_ entry: JournalEntry, _ study: Study?, waits: Bool, _ times: StudyTimes) -> StudyOutcome {
        if stopFlag.isRaised { return .kept }
        takeFrameTurn()
        times.begun = Clock.monotonicNanoseconds
        let study = study ?? load(entry)
        if study == nil, stopFlag.isRaised { return .kept }
        let reading = self.reading.take()
        defer { self.reading.giveBack() }
        let model = reading.identity.model
        var analysis = study.map { answeredIndex?.copy(for: $0, model: model) ?? reading.analyse($0) } ?? damaged(entry, model)
        keepMaps(of: &analysis, entry.identifier)
        times.analysed = Clock.monotonicNanoseconds
        while true {
            do throws(PlatformError) {
                if let study, analysis.result.answeredFrom == nil {
                    analysis.result.sequence = file.lastSequence + 1
                    try reading.deliver(study, analysis)
                }
                let line = try file.append(&analysis.result)
                // A result without its record is not shown; the next start makes it.
                guard audited(line, study, operatingPoint: reading.identity.operatingPoint) else { return .kept }
                times.recorded = Clock.monotonicNanoseconds
                journal.answered(entry, lineByteCount: line.count)
                blockedFlag.lower()
                answeredIndex?.record(ResultRing.Entry(sequence: analysis.result.sequence, identifier: entry.identifier, line: line))
                return .recorded(analysis, line: line, fileByteCount: file.byteCount)
            } catch {
                // A client that waits hears that its study was not taken after all; to every other it was promised.
                if waits, live.promises.withdraw(entry.identifier) {
                    journal.discard(entry)
                    shelf?.withdraw(entry.identifier)
                    return .notRecorded(errno: error.number)
                }
                blockedFlag.raise()
                Worker.step()
                if stopFlag.wait(milliseconds: Self.retryMilliseconds) { return .kept }
            }
        }
    }

    private static let retryMilliseconds = 200

    /// A study of an earlier run. What the system does not read now, it may read in a moment: without descriptors or memory nothing is damaged.
    private func load(_ entry: JournalEntry) -> Study? {
        for _ in 0..<Self.loadAttempts {
            do throws(PlatformError) { return try journal.load(entry) } catch {
                if stopFlag.wait(milliseconds: Self.retryMilliseconds) { return nil }
            }
        }
        return nil
    }

    private static let loadAttempts = 10

    /// Waits until the record of a result is on the disk.
    ///
    /// - Returns: False when the service stops before.
    private func audited(_ line: [UInt8], _ study: Study?, operatingPoint: String?) -> Bool {
        let request = study.map { AuditedResult.Request($0) }
        guard let result = AuditedResult(line: line, request: request, operatingPoint: operatingPoint) else { return true }
        while (try? auditor.log.append([.result(result)])) == nil {
            blockedFlag.raise()
            Worker.step()
            if stopFlag.wait(milliseconds: Self.retryMilliseconds) { return false }
        }
        return true
    }

    private func damaged(_ entry: JournalEntry, _ model: ModelReference) -> Analysis {
        let result = FindingResult(
            sequence: 0, id: entry.identifier.text, time: Clock.utcNow, model: model, input: InputReference(kind: nil, sha256: nil), status: .failed,
            reason: ServiceCore.damagedReason)
        return Analysis(result: result, problem: nil)
    }

    private func finish(_ identifier: StudyIdentifier, _ outcome: StudyOutcome) {
        let answer = core.finished(identifier, outcome)
        if let exchange = waiting.removeValue(forKey: identifier) {
            if case .recorded(let analysis, _, _) = outcome { answering[exchange] = analysis.result.sequence }
            server.reply(exchange, answer)
        }
        if case .recorded(let analysis, let line, _) = outcome {
            tell(identifier, .recorded(line: line, isCopy: analysis.result.answeredFrom != nil))
        } else {
            tell(identifier, .kept)
        }
        // A place in the queue is free.
        watched?.proceed()
        if let follower = live.followers.removeValue(forKey: identifier) { reply(to: follower, answer, about: identifier) }
        live.forgetDue(.study(identifier))
        live.promises.forget(identifier)
        for exchange in Array(streams.keys) { pump(exchange) }
    }

    /// Sends the next page to a stream that can take one.
    func pump(_ exchange: Exchange) {
        guard let stream = streams[exchange], !stream.isReading, server.canWrite(exchange) else { return }
        let position = stream.cursor.position
        let until = stream.until ?? Int.max
        let page: (lines: [UInt8], last: Int)?
        if stream.readsEvents {
            page = core.events.page(after: position, until: until, byteCount: core.limits.pageByteCount)
        } else if let oldest = core.ring.oldest, position + 1 < oldest, position < until {
            return readPage(for: exchange, stream)
        } else {
            page = core.ring.page(after: position, until: until, byteCount: core.limits.pageByteCount)
        }
        if let page {
            if server.write(exchange, page: page.lines) { streams[exchange]?.cursor = .init(position: page.last) }
        } else if stream.until != nil || (core.isStopping && isIdle) {
            streams[exchange] = nil
            server.endStream(exchange)
        }
    }

    private func pumpEvents() {
        for (exchange, stream) in streams where stream.readsEvents { pump(exchange) }
    }

    private func forget(_ exchange: Exchange) {
        streams[exchange] = nil
        searching.remove(exchange)
        answering[exchange] = nil
        if let identifier = waiting.first(where: { $0.value == exchange })?.key { waiting[identifier] = nil }
        forgetFrames { client in
            if case .http(let other) = client { return other == exchange }
            return false
        }
    }

    private func stop() {
        guard !core.isStopping else { return }
        core.isStopping = true
        watched?.stop()
        auditor.note(core.refusals.takeFirsts() + core.refusals.takeRest())
        stopFlag.raise()
        server.stopAccepting()
        stopBy = Clock.monotonicNanoseconds + Self.stopNanoseconds
        // Without memory for it the loop ends when the threads are done.
        try? server.every(milliseconds: 50) { [self] in leaveWhenDone() }
        stopLive()
        leaveWhenDone()
    }

    /// For the study that is being read, and pages from the disk; answers that are under way have the rest of two seconds.
    private static let stopNanoseconds: UInt64 = 1_400_000_000

    private var isIdle: Bool { writer.isIdle && worker.isIdle && reader.isIdle && auditor.isIdle && loader == nil && watched?.isIdle != false }

    private func leaveWhenDone() {
        guard core.isStopping else { return }
        if !isIdle {
            guard Clock.monotonicNanoseconds >= stopBy else { return }
            // The study that is being read and those behind it stay in the journal.
            for (identifier, exchange) in waiting { server.reply(exchange, Problem.stoppingBeforeResult.reply(identifier: identifier)) }
            waiting = [:]
        }
        for exchange in Array(streams.keys) { pump(exchange) }
        server.finish()
    }
}

/// Where a thread leaves what became of its job; the queue of the worker orders its two users.
final class Slot<Value> {
    var value: Value?
}
