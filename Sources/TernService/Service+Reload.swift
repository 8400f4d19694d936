internal import TernAudit
internal import TernFindings
internal import TernPlatform

/// What reads studies, and what the service says of it.
struct Reading {
    var identity: ServiceIdentity
    var analyse: Analyser
    var analyseFrame: FrameAnalyser
    var deliver: Deliverer
}

/// The reading in use: replaced on the loop's thread, taken by the worker for one study. What was replaced goes when the study that it reads ends.
final class ReadingInUse {
    private let lock: Lock
    private var next: Reading
    /// The worker's alone: what reads the study that it is at.
    private(set) var taken: Reading?

    init(_ reading: Reading) throws(PlatformError) {
        lock = try Lock()
        next = reading
    }

    func take() -> Reading {
        let reading = lock.withLock { next }
        taken = reading
        return reading
    }

    /// For one frame, also while a study is being read.
    var current: Reading { lock.withLock { next } }

    func giveBack() { taken = nil }

    func replace(_ reading: Reading) {
        // Freed outside the lock: a model takes its time.
        let old = lock.withLock {
            let old = next
            next = reading
            return old
        }
        withExtendedLifetime(old) {}
    }
}

/// Replacing what reads studies while the service runs. All on the loop's thread.
extension Service {
    /// Calls `reload` at each SIGHUP, and at the end of `inBackground` once for all that came meanwhile.
    public func onReload(_ reload: @escaping () -> Void) { reloads = reload }

    /// Runs a job on a thread of its own, then `finish` on the loop's. One at a time.
    ///
    /// - Returns: False when the system refuses the thread, or the service stops; nothing has happened then.
    public func inBackground(run: @escaping () -> Void, finish: @escaping () -> Void) -> Bool {
        guard loader == nil, !core.isStopping, let made = try? Worker(name: "tern-loader", capacity: 1, waking: server) else { return false }
        loader = made
        return made.submit(run: run, finish: finish)
    }

    /// True from the moment the service begins to stop; any thread may ask.
    public var isStopping: Bool { stopFlag.isRaised }

    /// Studies that begin from now on are read by `analyse`; status, model and metrics name the new identity.
    public func replace(
        identity: ServiceIdentity, analyse: @escaping Analyser, analyseFrame: @escaping FrameAnalyser, deliver: @escaping Deliverer
    ) {
        if identity.model != core.identity.model {
            core.counters.replacedModels += 1
            core.metrics.drift = ScoreDrift(identity)
        }
        if (identity.model, identity.operatingPoint) != (core.identity.model, core.identity.operatingPoint) {
            auditor.note([.model(identity.model, operatingPoint: identity.operatingPoint)])
        }
        core.identity = identity
        reading.replace(Reading(identity: identity, analyse: analyse, analyseFrame: analyseFrame, deliver: deliver))
    }

    /// A model that was to take over did not.
    public func countRefusedModel(code: String) {
        core.counters.refusedModels += 1
        auditor.note([.modelRefused(digest: nil, code: code)])
    }

    func reloaded() {
        reloadsAgain = loader != nil
        guard loader == nil else { return }
        auditor.note([.reload])
        reloads()
    }

    func collectLoader() {
        guard let loader else { return }
        loader.collect()
        guard loader.isIdle else { return }
        loader.end()
        self.loader = nil
        if reloadsAgain { reloaded() }
    }
}
