internal import TernFindings
public import TernPlatform

/// The service: one event loop on the caller's thread, one worker that reads studies in order of arrival and records each result.
public final class Service {
    private var core: ServiceCore
    private let server: HTTPServer
    private let worker: Worker
    private let file: FindingsFile
    private let directory: StateDirectory
    private let analyse: Analyser
    private let model: ModelReference
    /// Clients that wait for a result.
    private var waiting: [StudyIdentifier: Exchange] = [:]
    private var streams: [Exchange: Stream] = [:]
    /// Set once, on the loop's thread; the worker reads it between studies.
    private let stopFlag = StopFlag()

    /// A client that reads results.
    private struct Stream {
        /// Sequence of the last result it was sent.
        var position: Int
        /// The last one it asked for; nil when it follows.
        var until: Int?
    }

    /// Prepares a service on a socket; `run` starts it.
    ///
    /// - Throws: `ServiceError.outOfResources`.
    public init(
        identity: ServiceIdentity, limits: ServiceLimits, socket: ListeningSocket, directory: StateDirectory, file: FindingsFile,
        recognise: @escaping Recogniser, analyse: @escaping Analyser
    ) throws(ServiceError) {
        var bounds = HTTPLimits()
        bounds.bodyByteCount = limits.http.bodyByteCount
        // Four clients may send studies of full size at the same time.
        bounds.receivingByteCount = limits.http.bodyByteCount * 4 + (1 << 20)
        bounds.connectionCount = limits.http.connectionCount
        bounds.clientMilliseconds = limits.http.clientMilliseconds
        do throws(PlatformError) {
            server = try HTTPServer(listeningOn: socket, limits: bounds)
            worker = try Worker(capacity: limits.queueCount, waking: server)
        } catch {
            throw .outOfResources
        }
        core = ServiceCore(identity: identity, limits: limits, file: file, startedAt: Clock.monotonicNanoseconds, recognise: recognise)
        self.file = file
        self.directory = directory
        self.analyse = analyse
        model = identity.model
    }

    /// Serves until SIGTERM or SIGINT: then takes nothing new, finishes the study that is being read, records those that wait as not
    /// attempted, and returns.
    ///
    /// - Throws: `ServiceError.eventLoop`.
    public func run() throws(ServiceError) {
        let events = HTTPEvents(
            request: { [self] request, exchange in received(request, exchange) },
            drained: { [self] exchange in pump(exchange) },
            closed: { [self] exchange in forget(exchange) },
            woken: { [self] in
                worker.collect()
                leaveWhenDone()
            },
            stop: { [self] in stop() })
        let succeeded = server.run(events)
        stopFlag.raise()
        worker.end()
        guard succeeded else { throw .eventLoop }
    }

    private func received(_ request: HTTPRequest, _ exchange: Exchange) {
        switch core.answer(request, surroundings()) {
        case .reply(let reply): server.reply(exchange, reply)
        case .study(let study, let waits): queue(study, waits: waits, exchange)
        case .stream where request.method == .head:
            server.reply(exchange, HTTPReply(status: 200, contentType: ServiceCore.streamContentType, body: []))
        case .stream(let after, let until):
            guard server.beginStream(exchange, contentType: ServiceCore.streamContentType) else { return }
            streams[exchange] = Stream(position: after, until: until)
            pump(exchange)
        }
    }

    private func surroundings() -> ServiceCore.Surroundings {
        var around = ServiceCore.Surroundings()
        around.waitingCount = worker.waitingCount
        around.connectionCount = server.connectionCount
        around.streamCount = streams.count
        around.slowSenderCount = server.slowSenderCount
        around.slowReaderCount = server.slowReaderCount
        around.freeByteCount = directory.freeByteCount
        around.now = Clock.monotonicNanoseconds
        return around
    }

    private func queue(_ study: Study, waits: Bool, _ exchange: Exchange) {
        let slot = OutcomeSlot()
        let accepted = worker.submit(
            run: { [self] in slot.outcome = read(study) },
            finish: { [self] in
                if let outcome = slot.outcome { finish(study.identifier, outcome) }
            })
        guard accepted else {
            core.counters.refuse(503)
            server.reply(exchange, Problem.queueFull.reply())
            return
        }
        core.queued(study)
        if waits {
            waiting[study.identifier] = exchange
        } else {
            server.reply(exchange, ServiceCore.accepted(study.identifier))
        }
    }

    /// On the worker's thread: the only place that uses `analyse` and `file` while the service runs.
    private func read(_ study: Study) -> StudyOutcome {
        var analysis = stopFlag.isRaised ? notAttempted(study) : analyse(study)
        do throws(PlatformError) {
            let line = try file.append(&analysis.result)
            return .recorded(analysis, line: line, fileByteCount: file.byteCount)
        } catch {
            if case .openFailed(let errno) = error { return .notRecorded(errno: errno) }
            return .notRecorded(errno: 0)
        }
    }

    private func notAttempted(_ study: Study) -> Analysis {
        let reason = CodedTerm(scheme: "99TERN", value: "stopping", meaning: "the service stopped before this study's turn")
        let result = FindingResult(
            sequence: 0, id: study.identifier.text, time: Clock.utcNow, model: model,
            input: InputReference(kind: study.kind, sha256: Hexadecimal.string(Digest.sha256(study.bytes))), status: .notAttempted, reason: reason)
        return Analysis(result: result, problem: .stopping)
    }

    private func finish(_ identifier: StudyIdentifier, _ outcome: StudyOutcome) {
        let reply = core.finished(identifier, outcome)
        if let exchange = waiting.removeValue(forKey: identifier) { server.reply(exchange, reply) }
        for exchange in Array(streams.keys) { pump(exchange) }
    }

    /// Sends the next page to a stream that can take one.
    private func pump(_ exchange: Exchange) {
        guard let stream = streams[exchange], server.canWrite(exchange) else { return }
        if let oldest = core.ring.oldest, stream.position + 1 < oldest {
            streams[exchange] = nil
            core.counters.laggingStreams += 1
            server.drop(exchange)
            return
        }
        let until = stream.until ?? Int.max
        if let page = core.ring.page(after: stream.position, until: until, byteCount: core.limits.pageByteCount) {
            streams[exchange]?.position = page.last
            server.write(exchange, page: page.lines)
        } else if stream.until != nil || (core.isStopping && worker.isIdle) {
            streams[exchange] = nil
            server.endStream(exchange)
        }
    }

    private func forget(_ exchange: Exchange) {
        streams[exchange] = nil
        if let identifier = waiting.first(where: { $0.value == exchange })?.key { waiting[identifier] = nil }
    }

    private func stop() {
        guard !core.isStopping else { return }
        core.isStopping = true
        stopFlag.raise()
        server.stopAccepting()
        leaveWhenDone()
    }

    private func leaveWhenDone() {
        guard core.isStopping, worker.isIdle else { return }
        for exchange in Array(streams.keys) { pump(exchange) }
        server.finish()
    }
}

/// Where the worker leaves what became of a study; the worker's queue orders its two users.
private final class OutcomeSlot {
    var outcome: StudyOutcome?
}
