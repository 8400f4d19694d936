/// What the loop knows of the watched folder, and what is to be done next: one job at a time, for a thread that waits for the disk. No input or
/// output happens here.
///
/// The directory is the truth: notices of the kernel only say where to look first. Whatever is lost on the way (a full queue of notices, more
/// names than are remembered) is found by listing the folder again.
struct WatchedPlan {
    /// A file in `processing/`.
    struct File: Equatable {
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
    private var wasOpened = false
    var isStopping = false

    /// What is known of a name.
    private struct Known {
        enum Turn {
            /// It is in `order`.
            case waiting
            /// It is looked at again some time after this one.
            case unsettled(since: UInt64)
            /// It could not be moved.
            case stuck
        }
        var turn: Turn
        var isClosed: Bool
        var seen: Signature?
    }

    private var known: [[UInt8]: Known] = [:]
    private var order: [[UInt8]] = []
    /// Files of an earlier run whose result is neither in memory nor to come.
    private var unknown: [Claim] = []
    private var claims: [Claim] = []
    private(set) var inFlight: [Claim] = []
    private var ended: [Ended] = []

    private var needsOpen = true
    private var needsCheck = false
    private var needsScan = false
    /// The last listing did not hold all names; worth another one once a file of it was taken.
    private var needsRest = false
    private var needsSync = false
    /// Until the next tick: what failed is not tried again at once.
    private var isHeldBack = false
    /// The same for the search for results alone: files that are not sought go on.
    private var isSearchHeldBack = false
    private var ticks = 0

    init(share: Int) {
        self.share = share
    }

    var waitingCount: Int { order.count + claims.count + unknown.count }
    private(set) var unsettledCount = 0
    private(set) var stuckCount = 0
    /// Openings of the folder that still have files, some of them several times.
    var generationsInUse: [Int] {
        var used = state == .watching ? [generation] : []
        for claim in inFlight + claims + unknown { used.append(claim.file.generation) }
        for file in ended { used.append(file.file.generation) }
        return used
    }
    /// The first result without which a file might be answered twice: results from this one on belong to files that are still in `processing/`, or may
    /// do so as long as nobody has looked at what an earlier run left there.
    var firstNeeded: Int {
        guard wasOpened, unknown.isEmpty else { return 0 }
        return ended.reduce(.max) { first, file in min(first, FindingsLine.sequence(of: file.ending.line[...])?.number ?? .max) }
    }
    /// True when nothing that was begun is left to do before the service may end; the rest waits for the next start.
    var isIdle: Bool { !isBusy && (ended.isEmpty || isHeldBack) }

    // MARK: What happens

    /// A file was closed after writing, or moved in.
    mutating func noticed(_ name: [UInt8]) {
        guard WatchedName.isTaken(name) else { return }
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
        isSearchHeldBack = false
        if ticks % 2 == 0 { placeChanged() }
        let isOver = ticks % Self.scanTicks == 0
        if isOver { needsScan = true }
        guard unsettledCount > 0 || isOver && stuckCount > 0 else { return }
        for (name, entry) in known {
            switch entry.turn {
            case .unsettled(let since) where now &- since >= Self.settleNanoseconds:
                forget(name)
                add(Candidate(name: name, isClosed: entry.isClosed, seen: entry.seen))
            case .stuck where isOver: forget(name)
            default: break
            }
        }
    }

    /// Gives a name its turn; one that is said to be closed is not asked whether it still looks the same.
    private mutating func add(_ candidate: Candidate) {
        switch known[candidate.name]?.turn {
        case .waiting: if !candidate.isClosed { return }
        case .unsettled, .stuck:
            guard candidate.isClosed else { return }
            forget(candidate.name)
            order.append(candidate.name)
        case nil:
            guard known.count < Self.limitNames else {
                needsRest = true
                return
            }
            order.append(candidate.name)
        }
        known[candidate.name] = Known(turn: .waiting, isClosed: candidate.isClosed, seen: candidate.seen)
    }

    /// Forgets a name that is not in `order`.
    private mutating func forget(_ name: [UInt8]) {
        switch known.removeValue(forKey: name)?.turn {
        case .unsettled: unsettledCount -= 1
        case .stuck: stuckCount -= 1
        default: break
        }
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
        if !unknown.isEmpty, !isSearchHeldBack { return .search(unknown) }
        if let claim = claims.first, !isHeldBack, inFlight.count + ended.count < share, hasRoom(claim.byteCount) {
            claims.removeFirst()
            inFlight.append(claim)
            return .load(claim)
        }
        guard state == .watching, claims.count < Self.limitBatch / 2 else { return nil }
        if !order.isEmpty {
            var batch: [Candidate] = []
            for name in order.prefix(Self.limitBatch) {
                if let entry = known.removeValue(forKey: name) { batch.append(Candidate(name: name, isClosed: entry.isClosed, seen: entry.seen)) }
            }
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
        wasOpened = true
        state = .watching
        needsScan = true
    }

    mutating func notOpened(_ state: State) {
        isBusy = false
        self.state = state
    }

    /// A file of an earlier run whose study waits in the queue.
    mutating func await(_ claim: Claim) { inFlight.append(claim) }

    /// A file of an earlier run of which nothing is known.
    mutating func seek(_ claim: Claim) { unknown.append(claim) }

    /// Those that were sought and have no result are to be read. As long as not every result could be looked at they are sought again: to read them
    /// would answer them twice.
    mutating func sought(_ found: [(identifier: StudyIdentifier, ending: Ending)], isComplete: Bool) {
        isBusy = false
        var left: [Claim] = []
        for claim in unknown {
            if let known = found.first(where: { $0.identifier == claim.file.identifier }) {
                end(claim.file, known.ending)
            } else if isComplete {
                claims.append(claim)
            } else {
                left.append(claim)
            }
        }
        unknown = left
        isSearchHeldBack = !isComplete
    }

    /// The folder is not where it was.
    mutating func checked(isThere: Bool) {
        isBusy = false
        guard !isThere, state == .watching else { return }
        state = .missing
        needsOpen = true
        needsScan = false
        order.removeAll()
        known.removeAll()
        unsettledCount = 0
        stuckCount = 0
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
        for name in listing.names { add(Candidate(name: name, isClosed: false)) }
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
                guard known[candidate.name] == nil else { continue }
                known[candidate.name] = Known(turn: .unsettled(since: now), isClosed: candidate.isClosed, seen: signature)
                unsettledCount += 1
            case .stuck(let name, _):
                guard known[name] == nil else { continue }
                known[name] = Known(turn: .stuck, isClosed: false)
                stuckCount += 1
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
        if let claim = land(identifier) { claims.insert(claim, at: 0) }
        isHeldBack = true
    }

    /// The file is not there any more.
    mutating func vanished(_ identifier: StudyIdentifier) {
        if land(identifier) != nil { counts.orphaned += 1 }
    }

    private mutating func land(_ identifier: StudyIdentifier) -> Claim? {
        inFlight.firstIndex { $0.file.identifier == identifier }.map { inFlight.remove(at: $0) }
    }

    /// A file has its ending.
    mutating func end(_ file: File, _ ending: Ending) {
        _ = land(file.identifier)
        ended.append(Ended(file: file, ending: ending))
    }

    mutating func end(_ identifier: StudyIdentifier, _ ending: Ending) {
        if let claim = land(identifier) { end(claim.file, ending) }
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
