internal import TernAudit
internal import TernFindings
internal import TernPlatform

/// The watched folder on the loop: hands jobs to a thread that waits for its disk, and studies to the queue.
final class WatchedFolder {
    private let service: Service
    private let worker: Worker
    private let watch: FolderWatch
    private let desk: WatchedDesk
    private(set) var plan: WatchedPlan
    /// What notices of the folder name.
    private var number: Int32?
    /// What was said last of the folder.
    private var noted: WatchedPlan.State?
    private var isFinishFailing = false
    private var isSearchFailing = false

    /// - Throws: `PlatformError.openFailed` when there is no memory, thread or inotify.
    init(path: String, statePath: String, service: Service) throws(PlatformError) {
        self.service = service
        watch = try FolderWatch()
        worker = try Worker(name: "tern-watch", capacity: 1, waking: service.server)
        desk = WatchedDesk(path: path, watch: watch, statePath: statePath)
        // The rest of the queue stays for clients.
        plan = WatchedPlan(share: max(1, service.core.limits.queueCount / 2))
    }

    /// Begins; the loop runs next.
    func start() throws(PlatformError) {
        try service.server.watch(descriptor: watch.descriptor) { [self] in
            for (watch, notice) in watch.read() { happened(watch, notice) }
            proceed()
        }
        try service.server.every(milliseconds: 1000) { [self] in
            plan.tick(now: Clock.monotonicNanoseconds)
            proceed()
        }
        proceed()
    }

    func collect() { worker.collect() }

    /// Takes nothing new; what waits is found at the next start.
    func stop() { plan.isStopping = true }

    var isIdle: Bool { plan.isIdle }

    /// Ends the thread, once it is idle.
    func end() { worker.end() }

    private func happened(_ watch: Int32, _ notice: FolderWatch.Notice) {
        switch notice {
        case .file(let name):
            if watch == number { plan.noticed(name) }
        case .entry(let name):
            if name == desk.name { plan.placeChanged() }
        case .gone: plan.placeChanged()
        case .lost:
            plan.overflowed()
            note("watch_overflow")
        }
    }

    /// Starts the next job when none is under way.
    func proceed() {
        guard let job = plan.next(hasRoom: { [self] in $0 > limitByteCount || service.hasRoom($0) }) else { return }
        switch job {
        case .open(let generation):
            let used = plan.generationsInUse
            perform(
                { desk in
                    desk.keep(used)
                    return desk.open(generation)
                },
                then: { [self] in opened($0) })
        case .check:
            perform({ $0.isThere() }, then: { [self] in
                plan.checked(isThere: $0)
                noteState()
            })
        case .scan(let limit): perform({ $0.scan(limit: limit) }, then: { [self] in plan.scanned($0) })
        case .claim(let candidates):
            perform({ $0.claim(candidates) }, then: { [self] in claimed($0.outcomes, isSynced: $0.isSynced) })
        case .sync: perform({ $0.sync() }, then: { [self] in plan.synced($0) })
        case .search(let claims): perform({ $0.search(claims) }, then: { [self] in sought($0.found, errno: $0.errno) })
        case .load(let claim): load(claim)
        case .finish(let files): perform({ $0.finish(files) }, then: { [self] in finished(files, $0.outcomes, isSynced: $0.isSynced) })
        }
    }

    private func perform<Outcome>(_ work: @escaping (WatchedDesk) -> Outcome, then finish: @escaping (Outcome) -> Void) {
        let slot = Slot<Outcome>()
        let hasPlace = worker.submit(
            run: { [desk] in slot.value = work(desk) },
            finish: { [self] in
                if let outcome = slot.value { finish(outcome) }
                proceed()
            })
        precondition(hasPlace, "one job is under way at a time")
    }

    /// Says once what the folder has become.
    private func noteState() {
        guard plan.state != noted else { return }
        noted = plan.state
        switch plan.state {
        case .watching: note("watch_started", level: .info)
        case .missing: note("watch_missing")
        case .busy: note("watch_busy")
        case .refused(let errno): note("watch_refused", errno)
        }
    }

    private func note(_ code: String, _ errno: Int32? = nil, level: ServiceEvents.Level = .warning) {
        service.core.events.note(code, errno.map { [Problem.Number(name: "errno", value: Int($0))] } ?? [], level: level)
    }

    private func claimed(_ outcomes: [WatchedPlan.Claimed], isSynced: Bool) {
        let stuckCount = plan.stuckCount
        plan.claimed(outcomes, isSynced: isSynced, now: Clock.monotonicNanoseconds)
        // The first of some says it for all.
        guard stuckCount == 0 else { return }
        for case .stuck(_, let errno) in outcomes { return note("watch_stuck", errno) }
    }

    private func sought(_ found: [(identifier: StudyIdentifier, ending: WatchedPlan.Ending)], errno: Int32?) {
        plan.sought(found, isComplete: errno == nil)
        if let errno, !isSearchFailing { note("watch_not_sought", errno, level: .error) }
        isSearchFailing = errno != nil
    }

    private func finished(_ files: [WatchedPlan.Ended], _ outcomes: [WatchedPlan.Finished], isSynced: Bool) {
        plan.finished(outcomes)
        var errno: Int32?
        for (file, outcome) in zip(files, outcomes) {
            switch outcome {
            case .again(let number): errno = number
            case .done, .failed:
                // Whoever empties the folders has it.
                if isSynced, case .result(let line, _) = file.ending, let sequence = FindingsLine.sequence(of: line[...])?.number { service.delivered(sequence) }
            case .orphaned: break
            }
        }
        if let errno, !isFinishFailing { note("watch_not_finished", errno, level: .error) }
        isFinishFailing = errno != nil
    }

    private func opened(_ opening: WatchedDesk.Opening) {
        defer { noteState() }
        number = opening.watch
        guard opening.state == .watching else {
            plan.notOpened(opening.state)
            return
        }
        plan.opened()
        for claim in opening.leftovers {
            switch service.knowledge(of: claim.file.identifier) {
            case .result(let line): plan.end(claim.file, WatchedPlan.Ending(line: line))
            case .pending:
                plan.await(claim)
                service.follow(claim.file.identifier) { [self] in answered(claim.file.identifier, $0) }
            case .nothing: plan.seek(claim)
            }
        }
    }

    private var limitByteCount: Int { service.core.limits.http.bodyByteCount }

    private enum Loaded {
        /// With their SHA-256 when they are nothing that is read.
        case bytes([UInt8], refusedDigest: String?)
        case failed(PlatformError)
    }

    private func load(_ claim: WatchedPlan.Claim) {
        let limit = limitByteCount
        let recognise = service.core.recognise
        if claim.byteCount <= limit { service.reserve(claim.file.identifier, byteCount: claim.byteCount) }
        perform(
            { desk in
                guard claim.byteCount <= limit else { return .failed(.fileTooLarge(limitByteCount: limit)) }
                do throws(PlatformError) {
                    let bytes = try desk.load(claim)
                    return .bytes(bytes, refusedDigest: recognise(bytes) == nil ? Hexadecimal.string(Digest.sha256(bytes)) : nil)
                } catch {
                    return .failed(error)
                }
            },
            then: { [self] in loaded(claim, $0) })
    }

    private func loaded(_ claim: WatchedPlan.Claim, _ loaded: Loaded) {
        plan.loaded()
        let file = claim.file
        service.release(file.identifier)
        switch loaded {
        case .bytes(let bytes, let digest):
            guard !bytes.isEmpty else { return refuse(file, .emptyBody, digest) }
            guard let kind = service.core.recognise(bytes) else {
                return refuse(file, WatchedName.isHalfOfPair(file.name) ? .halfOfPair : .unknownContent, digest)
            }
            guard !plan.isStopping else { return plan.putBack(file.identifier) }
            var study = Study(identifier: file.identifier, kind: kind, bytes: bytes)
            study.origin = .folder
            service.follow(file.identifier) { [self] in answered(file.identifier, $0) }
            service.queue(study, waits: false, for: nil)
        case .failed(.fileTooLarge): refuse(file, claim.byteCount > limitByteCount ? .bodyTooLarge(limit: limitByteCount) : .stillWritten)
        case .failed(let error):
            switch error.number {
            case Folder.noSuchName: plan.vanished(file.identifier)
            // EMFILE, ENFILE, ENOMEM: of ours, not of the file.
            case 24, 23, 12: plan.putBack(file.identifier)
            default: refuse(file, .unreadableFile)
            }
        }
    }

    /// Counts a refusal, records it, and ends the file with it. `digest` is the SHA-256 of its bytes, nil when they were not read.
    private func refuse(_ file: WatchedPlan.File, _ problem: Problem, _ digest: String? = nil) {
        service.core.counters.refuse(problem)
        service.record(.refusedFile(status: problem.status, code: problem.code, identifier: file.identifier.text, digest: digest))
        plan.end(file, .problem(line: problem.reply(identifier: file.identifier).body))
    }

    private func answered(_ identifier: StudyIdentifier, _ outcome: Service.InsideOutcome) {
        switch outcome {
        case .recorded(let line, let isCopy):
            plan.end(identifier, WatchedPlan.Ending(line: line))
            if isCopy { plan.answeredFromFirst() }
        case .notStored: plan.putBack(identifier)
        // The next start goes on with it.
        case .kept: break
        }
        proceed()
    }
}

extension Problem {
    fileprivate static var unreadableFile: Problem {
        Problem(status: 400, code: "unreadable_file", message: "the file cannot be opened or read")
    }

    fileprivate static var stillWritten: Problem {
        Problem(status: 400, code: "still_written", message: "the file grew after it was taken; write it under another name and rename it")
    }

    fileprivate static var unknownContent: Problem {
        Problem(status: 415, code: "unknown_kind", message: "the file does not begin like DICOM, NIfTI, JPEG or PNG")
    }

    fileprivate static var halfOfPair: Problem {
        Problem(status: 415, code: "nifti_pair", message: "the samples of a NIfTI pair are no image without their header; one file with both is read")
    }
}

extension WatchedFolder {
    /// The member `watch` of the status.
    func write(to text: inout JSONText) {
        text.key("watch")
        text.beginObject()
        let state: String
        switch plan.state {
        case .missing: state = "missing"
        case .busy: state = "busy"
        case .refused: state = "refused"
        case .watching: state = "watching"
        }
        text.member("state", state)
        if case .refused(let errno) = plan.state { text.member("errno", Int(errno)) }
        let counts = plan.counts
        text.member("waiting", plan.waitingCount)
        text.member("unsettled", plan.unsettledCount)
        text.member("stuck", plan.stuckCount)
        text.member("in_queue", plan.inFlight.count)
        text.member("taken", counts.taken)
        text.member("done", counts.done)
        text.member("failed", counts.failed)
        text.member("answered_from_first", counts.answeredFromFirst)
        text.member("orphaned", counts.orphaned)
        text.member("scans", counts.scans)
        text.member("overflows", counts.overflows)
        text.endObject()
    }
}
