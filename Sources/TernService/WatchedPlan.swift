/// What the loop knows of the watched folder, and what is to be done next: one job at a time, for a thread that waits for the disk. No input or
/// output happens here.
///
/// The directory is the truth: notices of the kernel only say where to look first. Whatever is lost on the way (a full queue of notices, more
/// names than are remembered) is found by listing the folder again.
struct WatchedPlan {
    /// A file in `processing/`.
    struct File: Hashable {
        let identifier: StudyIdentifier
        /// The name it keeps.
        let name: [UInt8]
        /// Which opening of the folder it belongs to: a folder that is moved away takes its files with it.
        let generation: Int
    }

    /// A file in `processing/` with its bytes.
    struct Claim: Equatable {
        let file: File
        let byteCount: Int
    }

    /// A file looks the same when both are.
    struct Signature: Equatable {
        var byteCount: Int
        /// Nanoseconds of the file system's clock.
        var changed: Int
    }

    /// A name that may be a file to take.
    struct Candidate: Equatable {
        var name: [UInt8]
        /// The kernel said that it was closed after writing, or moved in.
        var isClosed: Bool
        /// How it looked some time ago.
        var seen: Signature?
    }

    /// How a file ends, and what is written beside it.
    enum Ending: Equatable {
        case result(line: [UInt8], succeeded: Bool)
        case problem(line: [UInt8])
    }

    struct Ended: Equatable {
        let file: File
        let ending: Ending
    }

    /// What a job is to do.
    enum Job: Equatable {
        case open(generation: Int)
        case check
        case scan(limit: Int)
        case claim([Candidate])
        case sync
        case search([Claim])
        case load(Claim)
        case finish([Ended])
    }

    enum State: Equatable {
        case missing
        /// Another process watches it.
        case busy
        case refused(errno: Int32)
        case watching
    }

    /// What became of a candidate.
    enum Claimed: Equatable {
        case claimed(Claim)
        /// There is no such name any more, or it is no regular file.
        case nothing([UInt8])
        /// Somebody writes it, or nobody can say yet.
        case unsettled(Candidate, Signature)
        /// It cannot be moved.
        case stuck([UInt8], errno: Int32)
    }

    /// What became of a file that has ended.
    enum Finished: Equatable {
        case done
        case failed
        /// Its folder is gone; its result is where results are.
        case orphaned
        case again(errno: Int32)
    }

    /// Events since the start.
    struct Counts: Equatable {
        var taken = 0
        var done = 0
        var failed = 0
        var answeredFromFirst = 0
        var orphaned = 0
        var scans = 0
        var overflows = 0
    }

    static let limitNames = 16_384
    static let limitBatch = 32
    /// A file that nobody is known to have closed is taken when it has looked the same for so long.
    static let settleNanoseconds: UInt64 = 2_000_000_000
    /// Seconds after which the folder is listed even though the kernel said nothing: not every file system tells.
    static let scanTicks = 30

    /// Files that may be in the queue at the same time.
    let share: Int
    private(set) var state = State.missing
    private(set) var counts = Counts()
    private(set) var generation = 0
    private(set) var isBusy = false
    var isStopping = false

    private var order: [[UInt8]] = []
    private var candidates: [[UInt8]: Candidate] = [:]
    private var unsettled: [[UInt8]: (candidate: Candidate, signature: Signature, at: UInt64)] = [:]
    private var stuck: Set<[UInt8]> = []
    /// Files of an earlier run whose result is neither in memory nor to come.
    private var unknown: [Claim] = []
    private var claims: [Claim] = []
    private(set) var inFlight: [StudyIdentifier: Claim] = [:]
    private var ended: [Ended] = []

    private var needsOpen = true
    private var needsCheck = false
    private var needsScan = false
    /// The last listing did not hold all names; worth another one once a file of it was taken.
    private var needsRest = false
    private var needsSync = false
    /// Until the next tick: what failed is not tried again at once.
    private var isHeldBack = false
    private var ticks = 0

    init(share: Int) {
        self.share = share
    }

    var waitingCount: Int { candidates.count + claims.count + unknown.count }
    var unsettledCount: Int { unsettled.count }
    var stuckCount: Int { stuck.count }
    /// Openings of the folder that still have files.
    var generationsInUse: Set<Int> {
        var used = Set(inFlight.values.map { $0.file.generation })
        for claim in claims + unknown { used.insert(claim.file.generation) }
        for file in ended { used.insert(file.file.generation) }
        if state == .watching { used.insert(generation) }
        return used
    }
    /// True when nothing that was begun is left to do before the service may end; the rest waits for the next start.
    var isIdle: Bool { !isBusy && (ended.isEmpty || isHeldBack) }

    // MARK: What happens

    /// A file was closed after writing, or moved in.
    mutating func noticed(_ name: [UInt8]) {
        guard WatchedName.isTaken(name) else { return }
        unsettled[name] = nil
        stuck.remove(name)
        add(Candidate(name: name, isClosed: true))
    }

    /// Notices were lost.
    mutating func overflowed() {
        counts.overflows += 1
        needsScan = true
        needsCheck = true
    }

    /// The folder may have come, gone or been replaced.
    mutating func placeChanged() {
        if state == .watching { needsCheck = true } else { needsOpen = true }
    }

    /// A second has passed.
    mutating func tick(now: UInt64) {
        ticks += 1
        isHeldBack = false
        for (name, entry) in unsettled where now &- entry.at >= Self.settleNanoseconds {
            unsettled[name] = nil
            add(Candidate(name: name, isClosed: entry.candidate.isClosed, seen: entry.signature))
        }
        if ticks % 2 == 0 { placeChanged() }
        if ticks % Self.scanTicks == 0 {
            stuck.removeAll()
            needsScan = true
        }
    }

    private mutating func add(_ candidate: Candidate) {
        if candidates[candidate.name] == nil {
            guard candidates.count + unsettled.count < Self.limitNames else {
                needsRest = true
                return
            }
            order.append(candidate.name)
        } else if !candidate.isClosed {
            return
        }
        candidates[candidate.name] = candidate
    }

    // MARK: What is next

    /// The next job, which is then under way; `hasRoom` tells whether the queue takes a study of so many bytes.
    mutating func next(hasRoom: (_ byteCount: Int) -> Bool) -> Job? {
        guard !isBusy, let job = choose(hasRoom) else { return nil }
        isBusy = true
        return job
    }

    private mutating func choose(_ hasRoom: (Int) -> Bool) -> Job? {
        if !ended.isEmpty, !isHeldBack { return .finish(Array(ended.prefix(Self.limitBatch))) }
        guard !isStopping else { return nil }
        if needsOpen {
            needsOpen = false
            generation += 1
            return .open(generation: generation)
        }
        if needsCheck {
            needsCheck = false
            return .check
        }
        if needsSync { return isHeldBack ? nil : .sync }
        if !unknown.isEmpty {
            return .search(unknown)
        }
        if let claim = claims.first, !isHeldBack, inFlight.count + ended.count < share, hasRoom(claim.byteCount) {
            claims.removeFirst()
            inFlight[claim.file.identifier] = claim
            return .load(claim)
        }
        guard state == .watching, claims.count < Self.limitBatch / 2 else { return nil }
        if !order.isEmpty {
            let batch = order.prefix(Self.limitBatch).compactMap { candidates.removeValue(forKey: $0) }
            order.removeFirst(min(order.count, Self.limitBatch))
            return .claim(batch)
        }
        guard needsScan else { return nil }
        needsScan = false
        return .scan(limit: Self.limitNames)
    }

    // MARK: What jobs give

    /// The folder is open; `leftovers` are the files in `processing/`, of which the caller says afterwards what is known (`await`, `end`, `seek`).
    mutating func opened() {
        isBusy = false
        state = .watching
        needsScan = true
    }

    mutating func notOpened(_ state: State) {
        isBusy = false
        self.state = state
    }

    /// A file of an earlier run whose study waits in the queue.
    mutating func await(_ claim: Claim) { inFlight[claim.file.identifier] = claim }

    /// A file of an earlier run of which nothing is known.
    mutating func seek(_ claim: Claim) { unknown.append(claim) }

    /// Those that were sought and have no result are to be read.
    mutating func sought(_ found: [StudyIdentifier: Ending]) {
        isBusy = false
        for claim in unknown {
            if let ending = found[claim.file.identifier] { end(claim.file, ending) } else { claims.append(claim) }
        }
        unknown.removeAll()
    }

    /// The folder is not where it was.
    mutating func checked(isThere: Bool) {
        isBusy = false
        guard !isThere, state == .watching else { return }
        state = .missing
        needsOpen = true
        needsScan = false
        order.removeAll()
        candidates.removeAll()
        unsettled.removeAll()
        stuck.removeAll()
    }

    /// Names of files in the folder; nil when it could not be listed.
    mutating func scanned(_ listing: (names: [[UInt8]], isComplete: Bool)?) {
        isBusy = false
        guard let listing else {
            needsCheck = true
            return
        }
        counts.scans += 1
        needsRest = !listing.isComplete
        for name in listing.names where unsettled[name] == nil && !stuck.contains(name) { add(Candidate(name: name, isClosed: false)) }
    }

    mutating func claimed(_ outcomes: [Claimed], isSynced: Bool, now: UInt64) {
        isBusy = false
        for outcome in outcomes {
            switch outcome {
            case .claimed(let claim):
                counts.taken += 1
                claims.append(claim)
                // Names that were not remembered are worth a listing when these are taken.
                if needsRest { needsScan = true }
            case .nothing: break
            case .unsettled(let candidate, let signature):
                // One that was closed meanwhile waits for its turn already.
                if candidates[candidate.name] == nil { unsettled[candidate.name] = (candidate, signature, now) }
            case .stuck(let name, _):
                if stuck.count < Self.limitNames { stuck.insert(name) }
            }
        }
        synced(isSynced)
    }

    /// Whether the names in `processing/` are known to be on the disk; before that none of them is read.
    mutating func synced(_ isSynced: Bool) {
        isBusy = false
        needsSync = !isSynced
        if !isSynced { isHeldBack = true }
    }

    /// The file that was read is in the queue.
    mutating func loaded() { isBusy = false }

    /// The file cannot be put into the queue now.
    mutating func putBack(_ identifier: StudyIdentifier) {
        if let claim = inFlight.removeValue(forKey: identifier) { claims.insert(claim, at: 0) }
        isHeldBack = true
    }

    /// The file is not there any more.
    mutating func vanished(_ identifier: StudyIdentifier) {
        inFlight[identifier] = nil
        counts.orphaned += 1
    }

    /// A file has its ending.
    mutating func end(_ file: File, _ ending: Ending) {
        inFlight[file.identifier] = nil
        ended.append(Ended(file: file, ending: ending))
    }

    mutating func end(_ identifier: StudyIdentifier, _ ending: Ending) {
        if let claim = inFlight[identifier] { end(claim.file, ending) }
    }

    /// A result was taken from that of the same content.
    mutating func answeredFromFirst() { counts.answeredFromFirst += 1 }

    /// What became of the first files that had ended, in order.
    mutating func finished(_ outcomes: [Finished]) {
        isBusy = false
        var left: [Ended] = []
        for (file, outcome) in zip(ended, outcomes) {
            switch outcome {
            case .done: counts.done += 1
            case .failed: counts.failed += 1
            case .orphaned: counts.orphaned += 1
            case .again:
                left.append(file)
                isHeldBack = true
            }
        }
        ended.replaceSubrange(..<min(outcomes.count, ended.count), with: left)
    }
}
