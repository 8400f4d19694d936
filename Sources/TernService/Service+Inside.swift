internal import TernPlatform

/// Studies that come from inside the process.
extension Service {
    /// What became of a study.
    enum InsideOutcome {
        /// On the disk, as this line, answered from the first of the same content or not.
        case recorded(line: [UInt8], isCopy: Bool)
        /// It was not accepted: the disk did not take it.
        case notStored
        /// The service stopped before its turn; the next one answers it.
        case kept
    }

    /// What is known of a study in memory.
    enum Knowledge {
        case result(line: [UInt8])
        case pending
        case nothing
    }

    /// Watches a folder from the start of `run` on. A file whose content has a result already is answered from that, as long as the settings of the
    /// service (`ServiceIdentity.settings`) are those of the first.
    ///
    /// - Throws: `ServiceError.outOfResources`.
    public func watch(folder path: String) throws(ServiceError) {
        let index = AnsweredIndex(settings: { [reading] in reading.taken?.identity.settings ?? [] })
        for entry in core.ring.all { index.record(entry) }
        answeredIndex = index
        do throws(PlatformError) { watched = try WatchedFolder(path: path, statePath: directory.path, service: self) } catch { throw .outOfResources }
    }

    func knowledge(of identifier: StudyIdentifier) -> Knowledge {
        if let line = core.ring.line(of: identifier) { return .result(line: line) }
        return core.pending[identifier] == nil ? .nothing : .pending
    }

    /// Whether the queue takes a study of so many bytes.
    func hasRoom(_ byteCount: Int) -> Bool {
        guard !core.isStopping, !blockedFlag.isRaised, core.hasPlace(byteCount: byteCount) else { return false }
        guard core.isRecording || core.mayProbe(at: Clock.monotonicNanoseconds) else { return false }
        guard let free = directory.freeByteCount else { return true }
        return free - byteCount >= core.limits.freeByteCount
    }

    /// Takes a place in the queue before the study is read.
    func reserve(_ identifier: StudyIdentifier, byteCount: Int) { core.enter(identifier, byteCount: byteCount) }

    /// Gives a place back.
    func release(_ identifier: StudyIdentifier) { core.leave(identifier) }

    /// Tells once, on the loop's thread, what becomes of a study.
    func follow(_ identifier: StudyIdentifier, _ onResult: @escaping (InsideOutcome) -> Void) { insiders.append((identifier, onResult)) }

    func tell(_ identifier: StudyIdentifier, _ outcome: InsideOutcome) {
        guard let index = insiders.firstIndex(where: { $0.identifier == identifier }) else { return }
        insiders.remove(at: index).onResult(outcome)
    }
}
