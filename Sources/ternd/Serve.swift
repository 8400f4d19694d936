import TernAudit
import TernBytes
import TernEngine
import TernFindings
import TernKernels
import TernModel
import TernPlatform
import TernService

/// `ternd serve`.
func runServe(_ words: [String]) throws(Failure) -> ExitCode {
    let arguments = try Arguments(words, verb: "serve", table: ServeOptions.table)
    try arguments.refuseOperands()
    if arguments.has("--check") { return try runCheck(arguments) }
    let loader = try ModelLoader(arguments)
    Process.holdReload()
    Process.neverWaitWithMessages()
    var limits = ServiceLimits()
    limits.queueCount = try arguments.number("--queue")
    limits.http.bodyByteCount = try arguments.number("--max-body")
    limits.queueByteCount = limits.http.bodyByteCount * 4
    limits.http.clientMilliseconds = try arguments.number("--client-timeout") * 1000
    limits.resultCount = try arguments.number("--keep")
    let events: ServiceEvents
    do throws(ServiceError) { events = try ServiceEvents(say: { level, words in say("event " + words, Priority(level)) }) } catch { throw Failure(error) }
    limits.users = try arguments.allowedUsers()
    limits.maps = try arguments.mapLimits()
    try arguments.openOutbox()
    var confinement = try Confinement(arguments)
    let directory = try openState(try arguments.required("--state"))
    TrialRecord.removeUnfinished(directory.path)
    try confinement.restrictFiles(arguments)
    let file: FindingsFile
    var files = FindingsFile.Limits()
    files.segmentByteCount = try arguments.number("--segment-bytes")
    limits.retention.dayCount = try arguments.number("--retain-days")
    limits.retention.byteCount = try arguments.number("--retain-bytes")
    files.closesDaily = limits.retention.dayCount > 0
    do throws(ServiceError) { file = try FindingsFile(directory: directory, limits: files) } catch { throw Failure(error) }
    if file.cutByteCount > 0 { say("findings.jsonl: cut \(file.cutByteCount) bytes of an unfinished last line", .warning) }
    if file.foreignCount > 0 { say("findings: left \(file.foreignCount) closed files alone behind which results are missing", .warning) }
    let journal = try openJournal(directory, file)
    let auditor = try openAuditor(directory, events)

    let (service, reloader, socket) = try prepare(words, loader, limits, directory, file, journal, events, auditor, &confinement)
    do throws(ServiceError) { try service.run() } catch { throw Failure(error) }
    reloader.model.trial?.end()
    if service.hasLeftThreads {
        Process.notifyManager("STOPPING=1")
        say("stopped; a thread was still at work, and what it has not done waits for the next start")
        // Its thread is still at work: nothing it uses may be freed.
        socket.removePath()
        withExtendedLifetime((service, reloader)) { Process.exit(ExitCode.ok.rawValue) }
    }
    reloader.model.letGo()
    service.onReload {}
    Process.notifyManager("STOPPING=1")
    say("stopped")
    return .ok
}

/// Loads the model, opens the socket and says that all is ready. No reference to the model stays here: a reload takes its place.
private func prepare(
    _ words: [String], _ loader: ModelLoader, _ limits: ServiceLimits, _ directory: StateDirectory, _ file: FindingsFile, _ journal: StudyJournal,
    _ events: ServiceEvents, _ auditor: Auditor, _ confinement: inout Confinement
) throws(Failure) -> (Service, Reloader, ListeningSocket) {
    let model = try loader.start(events)
    let arguments = loader.arguments
    let socketPath = arguments.value("--socket")
    let socket = try openSocket(socketPath, confinement.socketGroup)
    if socket.replacedStaleSocket { say("replaced a socket that nobody listened on", .warning) }
    let frames = try openFrames(arguments.value("--frames"), confinement.socketGroup)
    let service: Service
    do throws(ServiceError) {
        service = try Service(
            identity: model.identity, limits: limits, socket: socket, frames: frames, directory: directory, file: file, journal: journal, events: events,
            auditor: auditor, recognise: { InputKind(recognising: $0) }, analyse: model.analyser, analyseFrame: model.frameAnalyser,
            deliver: model.deliverer(events))
        model.takeFrameTurns(of: service)
        if let folder = arguments.value("--watch") { try service.watch(folder: folder) }
    } catch {
        throw Failure(error)
    }
    let reloader = Reloader(words, arguments, service: service, events: events, model: model)
    service.onReload { reloader.reload() }
    try confinement.restrictCalls()
    service.sandbox = confinement.sandbox
    Process.notifyManager("READY=1")
    say(
        "ready: socket \(socketPath ?? "of the service manager"), model \(model.words), \(model.identity.instructionSet), golden vectors agree, "
            + "next sequence \(file.lastSequence + 1)")
    return (service, reloader, socket)
}

func openState(_ path: String) throws(Failure) -> StateDirectory {
    do throws(PlatformError) { return try StateDirectory(path: path) } catch {
        guard case .openFailed(let errno) = error else { throw Failure(.cannotOpen, "state directory: a bad path") }
        if errno == StateDirectory.heldByAnother { throw Failure(.busy, "state directory: another ternd uses it") }
        throw Failure(ExitCode(errno: errno, otherwise: .cannotOpen), "state directory: \(reason(errno))")
    }
}

private func openJournal(_ directory: StateDirectory, _ file: FindingsFile) throws(Failure) -> StudyJournal {
    let journal: StudyJournal
    do throws(ServiceError) { journal = try StudyJournal(directory: directory, file: file) } catch { throw Failure(error) }
    if journal.cutByteCount > 0 { say("queue: cut \(journal.cutByteCount) bytes of studies that had not been accepted", .warning) }
    if journal.answeredCount > 0 { say("queue: \(journal.answeredCount) of the studies there had their result already") }
    if journal.recoveredCount > 0 { say("queue: \(journal.recoveredCount) accepted studies wait for their result") }
    if journal.foreignCount > 0 { say("queue: left \(journal.foreignCount) files alone that are not accepted studies", .warning) }
    return journal
}

private func openAuditor(_ directory: StateDirectory, _ events: ServiceEvents) throws(Failure) -> Auditor {
    let auditor: Auditor
    do throws(ServiceError) { auditor = try Auditor(directory: directory) } catch { throw Failure(error) }
    if auditor.log.cutByteCount > 0 { say("audit.jsonl: cut \(auditor.log.cutByteCount) bytes of an unfinished last record", .warning) }
    if auditor.log.lacksRecords { events.note("audit_records_missing", level: .error) }
    if auditor.reviews.cutByteCount > 0 { say("reviews.jsonl: cut \(auditor.reviews.cutByteCount) bytes of an unfinished last line", .warning) }
    return auditor
}

private func openSocket(_ path: String?, _ group: Int?) throws(Failure) -> ListeningSocket {
    do throws(SocketError) {
        if path == nil, let adopted = try ListeningSocket.adopted() { return adopted }
        if let path { return try ListeningSocket(path: path, group: group) }
    } catch {
        throw Failure(error)
    }
    throw Failure(.usage, "serve: --socket is missing, and the service manager gave none; see ternd serve --help")
}

extension Failure {
    init(_ error: SocketError) {
        switch error {
        case .anotherServerAnswers: self.init(.busy, "socket: another server answers or starts there")
        case .notASocket: self.init(.cannotOpen, "socket: the path exists and is not a socket; nothing was changed")
        case .pathTooLong(let limit): self.init(.usage, "socket: a path has 1 to \(limit) bytes")
        case .notListening: self.init(.unavailable, "socket: the service manager gave something else than one listening Unix socket")
        case .refused(let errno): self.init(ExitCode(errno: errno, otherwise: .cannotOpen), "socket: \(reason(errno))")
        }
    }

    init(_ error: ServiceError) {
        switch error {
        case .noRandomness: self.init(.unavailable, "the system gives no random bytes")
        case .findingsFile(let errno): self.init(ExitCode(errno: errno, otherwise: .inputOutput), "findings.jsonl: \(reason(errno))")
        case .findingsFileDamaged(let offset):
            self.init(
                .inputOutput,
                "findings.jsonl: the line at byte \(offset) is not a result with a number above the one before; nothing was changed: "
                    + "repair the line, or move the file away to start a new one")
        case .findingsSegmentDamaged(let first, let last):
            self.init(
                .inputOutput,
                "findings: the file of results \(first) to \(last) is not as it was closed; nothing was changed: restore it, or move it and those before it away")
        case .findingsMissing(let newest, let read):
            self.init(
                .inputOutput,
                "findings: the newest result here has the number \(newest), and findings/read says that \(read) has been read: files are missing; "
                    + "nothing was changed: put them back, or move findings.jsonl and findings away together to count from 1")
        case .maps(let errno): self.init(ExitCode(errno: errno, otherwise: .inputOutput), "maps: \(reason(errno))")
        case .journal(let errno): self.init(ExitCode(errno: errno, otherwise: .inputOutput), "queue: \(reason(errno))")
        case .audit(.files(let errno)): self.init(ExitCode(errno: errno, otherwise: .inputOutput), "audit: \(reason(errno))")
        case .audit(.damaged(let offset)):
            self.init(
                .inputOutput,
                "audit: the newest file is not its own chain at byte \(offset); nothing was changed: tern audit verify says what is wrong; "
                    + "move the folder away to start a new one")
        case .reviewsFile(let errno): self.init(ExitCode(errno: errno, otherwise: .inputOutput), "reviews.jsonl: \(reason(errno))")
        case .reviewsFileDamaged(let offset):
            self.init(
                .inputOutput,
                "reviews.jsonl: the line at byte \(offset) is not a review with a number above the one before; nothing was changed: "
                    + "repair the line, or move the file away to start a new one")
        case .outOfResources: self.init(.unavailable, "the system refuses memory or a thread")
        case .eventLoop: self.init(.ourFault, "the event loop failed")
        }
    }
}

/// The answer to `GET /v1/model`; `labels` have the thresholds in use.
func modelDocument(_ model: ModelFile, _ labels: Labels) -> [UInt8] {
    let reference = ModelReference(model)
    var text = JSONText()
    text.beginObject()
    text.members(of: reference)
    text.member("keyId", reference.keyIdentifier)
    text.key("input")
    text.beginObject()
    text.member("modality", model.recipe.modality)
    text.member("channels", model.header.channels)
    text.member("height", model.header.height)
    text.member("width", model.header.width)
    text.endObject()
    text.member("outputs", model.header.outputCount)
    text.member("calibrated", labels.isCalibrated)
    text.key("labels")
    text.beginArray()
    for (index, label) in labels.labels.enumerated() where label.isReported {
        text.beginObject()
        text.member("label", label.name)
        text.key("code")
        text.value(CodedTerm(label.code))
        text.member("threshold", label.threshold)
        text.member("operatingPoint", label.operatingPoint)
        text.member("operatingPoints", model.operatingPoints, label: index)
        text.endObject()
    }
    text.endArray()
    text.member("operatingPointsMeasuredOn", model.operatingPoints.isEmpty ? nil : model.operatingPointsMeasuredOn)
    text.key("outOfDistribution")
    if let statistics = model.featureStatistics {
        text.beginObject()
        text.member("threshold", statistics.threshold)
        text.member("falseAlarmRate", statistics.falseAlarmRate)
        text.endObject()
    } else {
        text.null()
    }
    text.key("qualityGate")
    text.value(model.qualityRules)
    text.key("scoreReference")
    text.value(model.scoreReference, model.labels.labels)
    text.member("operatingPointConfirmed", model.isConfirmed)
    text.key("readingRules")
    text.value(model.readingRules, model.labels)
    // As text: the file promises that the card is UTF-8, not that it is well formed.
    text.member("card", cardText(model))
    text.endObject()
    return text.utf8
}

extension JSONText {
    /// What an image must be before the model sees it; null for a model without a quality gate.
    fileprivate mutating func value(_ gate: QualityRules?) {
        guard let gate else { return null() }
        beginObject()
        member("measuredOn", gate.measuredOn)
        member("cases", gate.cases)
        member("refused", gate.refused)
        key("rules")
        beginArray()
        for rule in gate.rules {
            beginObject()
            member("criterion", rule.criterion.name)
            member("threshold", rule.criterion.isMeasured ? rule.threshold : nil)
            member("allowed", rule.criterion == .viewPosition ? rule.text : nil)
            member("cases", rule.cases)
            member("refused", rule.refused)
            endObject()
        }
        endArray()
        endObject()
    }
}

/// The model card.
func cardText(_ model: ModelFile) -> String {
    String(decoding: model.card.array, as: UTF8.self)
}
