internal import TernPlatform

/// The watched folder as files: what the thread does that waits for its disk. Only that thread uses it.
final class WatchedDesk {
    /// One opening of the folder. It is named by descriptors: when the folder is moved, its files still find their place.
    private final class Place {
        let generation: Int
        let home: Folder
        var processing: Folder
        var done: Folder
        var failed: Folder

        init(path: String, generation: Int) throws(PlatformError) {
            self.generation = generation
            home = try Folder(path: path)
            processing = try Folder(inside: home, name: WatchedName.processing)
            done = try Folder(inside: home, name: WatchedName.done)
            failed = try Folder(inside: home, name: WatchedName.failed)
            try processing.lock()
        }

        /// Makes the folders inside anew that were removed.
        func repair() throws(PlatformError) {
            if !processing.isLinked {
                processing = try Folder(inside: home, name: WatchedName.processing)
                try processing.lock()
            }
            if !done.isLinked { done = try Folder(inside: home, name: WatchedName.done) }
            if !failed.isLinked { failed = try Folder(inside: home, name: WatchedName.failed) }
        }

        func sync() throws(PlatformError) {
            try processing.sync()
            try home.sync()
        }
    }

    /// What opening gives.
    struct Opening {
        var state = WatchedPlan.State.missing
        /// What notices of the folder name.
        var watch: Int32?
        var leftovers: [WatchedPlan.Claim] = []
    }

    let path: String
    /// The name of the folder in its parent; empty when the path does not say it.
    let name: [UInt8]
    private let parent: String
    private let watch: FolderWatch
    private let statePath: String
    private var places: [Place] = []
    private var current: Place?
    /// What the watch is on.
    private var watched: (folder: Int32?, parent: Int32?)

    /// `statePath` is where results are.
    init(path: String, watch: FolderWatch, statePath: String) {
        var bytes = Array(path.utf8)
        while bytes.count > 1, bytes.last == 0x2F { bytes.removeLast() }
        let slash = bytes.lastIndex(of: 0x2F)
        let name = slash.map { Array(bytes[($0 + 1)...]) } ?? bytes
        self.name = name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) ? [] : name
        parent = slash.map { $0 == 0 ? "/" : String(decoding: bytes[..<$0], as: UTF8.self) } ?? "."
        self.path = String(decoding: bytes, as: UTF8.self)
        self.watch = watch
        self.statePath = statePath
    }

    /// Forgets openings that no file belongs to.
    func keep(_ generations: [Int]) {
        places.removeAll { !generations.contains($0.generation) }
        current = nil
    }

    private func place(of generation: Int) -> Place? { places.first { $0.generation == generation } }

    /// Takes over a new watch for the one before, which was on another folder of that name.
    private func replace(_ watched: inout Int32?, by path: String, isParent: Bool) throws(PlatformError) {
        let before = watched
        watched = nil
        defer { if let before, before != watched { watch.remove(before) } }
        watched = try watch.add(path: path, isParent: isParent)
    }

    /// Opens the folder. The watch comes before anything is listed, so that nothing falls between the two.
    func open(_ generation: Int) -> Opening {
        var opening = Opening()
        if !name.isEmpty { try? replace(&watched.parent, by: parent, isParent: true) }
        do throws(PlatformError) {
            try replace(&watched.folder, by: path, isParent: false)
            opening.watch = watched.folder
            let place = try Place(path: path, generation: generation)
            opening.leftovers = try leftovers(place, generation)
            // What a killed run had moved stays so.
            try place.sync()
            places.append(place)
            current = place
            opening.state = .watching
        } catch {
            opening.leftovers = []
            let errno = error.number
            opening.state = errno == Folder.noSuchName ? .missing : errno == StateDirectory.heldByAnother ? .busy : .refused(errno: errno)
        }
        return opening
    }

    private func leftovers(_ place: Place, _ generation: Int) throws(PlatformError) -> [WatchedPlan.Claim] {
        var claims: [WatchedPlan.Claim] = []
        let listing = try place.processing.names(limit: Int.max) { _ in true }
        for name in listing.names {
            if let claim = WatchedName.claim(name) {
                // What cannot be looked at is answered when it is read.
                let look = try? place.processing.look(name)
                let file = WatchedPlan.File(identifier: claim.identifier, name: claim.kept, generation: generation)
                claims.append(WatchedPlan.Claim(file: file, byteCount: look?.byteCount ?? 0))
            } else if name.count == 42, name.first == 0x2E, let identifier = StudyIdentifier(Array(name[1..<37])),
                name == WatchedName.unfinishedAnswer(identifier)
            {
                try place.processing.remove(name)
            }
        }
        return claims
    }

    /// Whether the folder is where it was.
    func isThere() -> Bool { current?.home.isAt(path) ?? false }

    /// The names of files that may be taken; nil when the folder cannot be listed.
    func scan(limit: Int) -> (names: [[UInt8]], isComplete: Bool)? {
        try? current?.home.names(limit: limit) { name in
            WatchedName.isTaken(name) && ![WatchedName.processing, WatchedName.done, WatchedName.failed].contains { name.elementsEqual($0.utf8) }
        }
    }

    /// Moves files into `processing/`; what was moved is on the disk when `isSynced`.
    func claim(_ candidates: [WatchedPlan.Candidate]) -> (outcomes: [WatchedPlan.Claimed], isSynced: Bool) {
        guard let place = current else { return (candidates.map { .nothing($0.name) }, true) }
        let outcomes = candidates.map { claim($0, place) }
        return (outcomes, sync())
    }

    private func claim(_ candidate: WatchedPlan.Candidate, _ place: Place) -> WatchedPlan.Claimed {
        do throws(PlatformError) {
            let look = try place.home.look(candidate.name)
            guard look.isRegular else { return .nothing(candidate.name) }
            let signature = WatchedPlan.Signature(byteCount: look.byteCount, changed: look.changed)
            if look.isWritten ?? !(candidate.isClosed || candidate.seen == signature) { return .unsettled(candidate, signature) }
            let identifier: StudyIdentifier
            do { identifier = try StudyIdentifier() } catch { return .stuck(candidate.name, errno: 11) }
            let kept = WatchedName.kept(candidate.name)
            if !place.processing.isLinked { try place.repair() }
            try place.home.move(candidate.name, to: place.processing, as: WatchedName.claimed(identifier, kept))
            let file = WatchedPlan.File(identifier: identifier, name: kept, generation: place.generation)
            return .claimed(WatchedPlan.Claim(file: file, byteCount: look.byteCount))
        } catch {
            return error.number == Folder.noSuchName ? .nothing(candidate.name) : .stuck(candidate.name, errno: error.number)
        }
    }

    /// Waits until every file that was moved into `processing/` is there on the disk.
    func sync() -> Bool {
        guard let current else { return false }
        return (try? current.sync()) != nil
    }

    /// Results among all that are on the disk; `errno` says why not all could be looked at.
    func search(_ claims: [WatchedPlan.Claim]) -> (found: [(identifier: StudyIdentifier, ending: WatchedPlan.Ending)], errno: Int32?) {
        let outcome = FindingsSearch(statePath: statePath).lines(of: claims.map { $0.file.identifier })
        return (outcome.found.map { ($0.identifier, WatchedPlan.Ending(line: $0.line)) }, outcome.errno)
    }

    /// The bytes of a file.
    ///
    /// - Throws: `PlatformError`; `.fileTooLarge` when it has more bytes than when it was taken.
    func load(_ claim: WatchedPlan.Claim) throws(PlatformError) -> [UInt8] {
        guard let place = place(of: claim.file.generation) else { throw .openFailed(errno: Folder.noSuchName) }
        return try place.processing.read(WatchedName.claimed(claim.file.identifier, claim.file.name), limitByteCount: claim.byteCount)
    }

    /// Writes what is to stand beside files, and moves them there; all of it is on the disk when `isSynced`.
    func finish(_ files: [WatchedPlan.Ended]) -> (outcomes: [WatchedPlan.Finished], isSynced: Bool) {
        var outcomes: [WatchedPlan.Finished] = []
        for ended in files {
            guard let place = place(of: ended.file.generation) else {
                outcomes.append(.orphaned)
                continue
            }
            do throws(PlatformError) {
                try place.repair()
                try finish(ended, place)
                outcomes.append(ended.ending.succeeded ? .done : .failed)
            } catch {
                outcomes.append(place.home.isLinked ? .again(errno: error.number) : .orphaned)
            }
        }
        var isSynced = true
        for place in places where files.contains(where: { $0.file.generation == place.generation }) {
            // Before that is on the disk, a power cut may bring a file back into `processing/`: its result is then found again.
            do throws(PlatformError) {
                try place.done.sync()
                try place.failed.sync()
            } catch {
                isSynced = false
            }
        }
        return (outcomes, isSynced)
    }

    /// First what stands beside the file, then the file: a file in its place always has its answer. A run that was killed between the two finds the
    /// answer that it wrote itself.
    private func finish(_ ended: WatchedPlan.Ended, _ place: Place) throws(PlatformError) {
        let target = ended.ending.succeeded ? place.done : place.failed
        let claimed = WatchedName.claimed(ended.file.identifier, ended.file.name)
        // The name is its own when nothing else has it; else the identifier makes it so.
        for name in [ended.file.name, claimed] {
            guard try !target.has(name), try write(ended, as: WatchedName.answer(name), in: target, place) else { continue }
            do throws(PlatformError) { try place.processing.move(claimed, to: target, as: name) } catch {
                if error.number == Folder.nameTaken {
                    try target.remove(WatchedName.answer(name))
                    continue
                }
                // Somebody removed the file; its answer stands alone.
                if error.number != Folder.noSuchName { throw error }
            }
            return
        }
        throw .openFailed(errno: Folder.nameTaken)
    }

    /// Puts an answer into its place.
    ///
    /// - Returns: false when another file has its name.
    private func write(_ ended: WatchedPlan.Ended, as name: [UInt8], in target: Folder, _ place: Place) throws(PlatformError) -> Bool {
        if try target.has(name) { return (try? target.read(name, limitByteCount: ended.ending.line.count)) == ended.ending.line }
        let unfinished = WatchedName.unfinishedAnswer(ended.file.identifier)
        try place.processing.write(unfinished, ended.ending.line)
        do throws(PlatformError) { try place.processing.move(unfinished, to: target, as: name) } catch {
            if error.number == Folder.nameTaken { return false }
            throw error
        }
        return true
    }
}

extension Folder {
    /// Whether anything has this name.
    fileprivate func has(_ name: [UInt8]) throws(PlatformError) -> Bool {
        do throws(PlatformError) { _ = try look(name) } catch {
            if error.number == Folder.noSuchName { return false }
            throw error
        }
        return true
    }
}

extension WatchedPlan.Ending {
    /// How a recorded result ends its file.
    init(line: [UInt8]) { self = .result(line: line, succeeded: ResultLine(line).hasSucceeded) }

    var line: [UInt8] {
        switch self {
        case .result(let line, _), .problem(let line): line
        }
    }

    /// Whether the file belongs into `done/`.
    var succeeded: Bool {
        if case .result(_, let succeeded) = self { return succeeded }
        return false
    }
}
