public import TernPlatform

/// `queue/` in the state directory: every accepted study that has no result yet, one file each, on the disk before its sender hears of it.
///
/// Four threads use it: the loop calls `entry`, the writer `store`, the worker `load`, `answered` and `discard`, the archive's `settle`.
public final class StudyJournal {
    private let store: FileStore
    private var nextNumber = 1
    /// The writer's: entries whose names are not known to be on the disk.
    private var unsynced: [JournalEntry] = []
    /// The worker's: bytes of results recorded since their entries' removal was last known to be on the disk.
    private var removedLineByteCount = 0
    /// Entries that could not be removed, of the writer and of the worker; each tries its own again. One that stays would be answered at the
    /// next start although its sender heard that it was not taken, or a second time when its result is no longer among those read back.
    private var unremovedByWriter: [JournalEntry] = []
    private var unremovedByWorker: [JournalEntry] = []

    /// Raised while the worker has an entry that it could not remove.
    private let isLeft = StopFlag()

    /// Entries that wait for a result since before the start, in order of acceptance, and the bytes of each study.
    private(set) var recovered: [(entry: JournalEntry, byteCount: Int)] = []
    /// How many of them there are.
    public var recoveredCount: Int { recovered.count }
    /// Bytes of studies that were being written when the service ended, and were never accepted; they are gone.
    public private(set) var cutByteCount = 0
    /// Entries whose result was recorded before the service ended; `removeAnswered` removes them.
    public var answeredCount: Int { answeredEntries.count }
    private var answeredEntries: [JournalEntry] = []
    /// Those studies, without their bytes: who asked, and for what.
    private(set) var answered: [Study] = []
    /// Files that are not the journal's own; they are left alone.
    public private(set) var foreignCount = 0

    /// An entry that a power cut brings back is recognised by its result, which must then be among those that are read back: this and the
    /// longest line are less than `FindingsFile.limitRecoveryByteCount`.
    private static let limitRemovedLineByteCount = 1 << 20

    /// Opens the journal and sorts what the last run left; `file` says which studies have their result.
    ///
    /// - Throws: `ServiceError.journal`.
    public init(directory: StateDirectory, file: FindingsFile) throws(ServiceError) {
        do throws(PlatformError) {
            store = try FileStore(path: directory.path + "/queue", isInside: true)
            try recover(file)
            // What a killed run had renamed or removed stays so.
            try store.sync()
        } catch {
            if case .openFailed(let errno) = error { throw .journal(errno: errno) }
            throw .journal(errno: 0)
        }
    }

    private func recover(_ file: FindingsFile) throws(PlatformError) {
        var entries: [JournalEntry] = []
        for name in try store.names() {
            if let entry = JournalEntry(name: name) {
                entries.append(entry)
            } else if JournalEntry(name: name, suffix: FileStore.unfinishedSuffix) != nil {
                cutByteCount += try store.byteCount(of: name)
                try store.remove(name)
            } else {
                foreignCount += 1
            }
        }
        entries.sort { $0.number < $1.number }
        /// The number of its entry, 0 for a study that has its result.
        var known: [StudyIdentifier: Int] = [:]
        if !entries.isEmpty { for result in file.recovered { known[result.identifier] = 0 } }
        for entry in entries {
            nextNumber = max(nextNumber, entry.number &+ 1)
            switch known[entry.identifier] {
            case 0:
                if let study = try load(entry) { answered.append(study.withoutBytes) }
                answeredEntries.append(entry)
            // A study has one result; a second file of it was put there by somebody else.
            case .some: foreignCount += 1
            case nil:
                known[entry.identifier] = entry.number
                // What cannot be looked at is answered as damaged when its turn comes.
                let byteCount = (try? store.byteCount(of: entry.name)) ?? 0
                recovered.append((entry, max(0, byteCount - JournalEntry.headByteCount)))
            }
        }
    }

    /// Removes the entries whose result was recorded before the start, once the audit log has who asked: until then they alone say it.
    ///
    /// - Throws: `ServiceError.journal`.
    func removeAnswered() throws(ServiceError) {
        guard !answeredEntries.isEmpty else { return }
        do throws(PlatformError) {
            for entry in answeredEntries { try store.remove(entry.name) }
            try store.sync()
        } catch {
            throw .journal(errno: error.number)
        }
    }

    /// The next entry.
    func entry(for identifier: StudyIdentifier) -> JournalEntry {
        defer { nextNumber += 1 }
        return JournalEntry(number: nextNumber, identifier: identifier)
    }

    /// What became of an attempt to store a study.
    struct Stored {
        /// Why this study could not be written; nil when it was.
        var failure: Int32?
        /// True when the names of all studies stored so far have been synced, or could not be.
        var endsGroup = false
        /// Why they could not; those of the group are gone then.
        var groupFailure: Int32?
    }

    /// Writes a study. It is on the disk when its group ends; the group goes on as long as `hasFollower`.
    func store(_ study: Study, as entry: JournalEntry, hasFollower: () -> Bool) -> Stored {
        var stored = Stored()
        if !unremovedByWriter.isEmpty { remove(nil, &unremovedByWriter) }
        do throws(PlatformError) {
            try store.write(entry.name, head: entry.head(of: study), body: study.bytes)
            unsynced.append(entry)
        } catch {
            stored.failure = error.number
        }
        guard !hasFollower() else { return stored }
        stored.endsGroup = true
        if !unsynced.isEmpty {
            do throws(PlatformError) { try store.sync() } catch {
                for entry in unsynced { remove(entry, &unremovedByWriter) }
                stored.groupFailure = error.number
            }
        }
        unsynced.removeAll(keepingCapacity: true)
        return stored
    }

    /// The study of an entry; nil when it is not there or not as it was written.
    ///
    /// - Throws: `PlatformError` when the system does not read it now.
    func load(_ entry: JournalEntry) throws(PlatformError) -> Study? {
        do throws(PlatformError) {
            let head = try store.read(entry.name, from: 0, limitByteCount: JournalEntry.headByteCount)
            let bytes = try store.read(entry.name, from: JournalEntry.headByteCount, limitByteCount: .max)
            return entry.study(head: head, bytes: bytes)
        } catch {
            if error.number == Self.noSuchFile { return nil }
            throw error
        }
    }

    /// Removes an entry whose result has been recorded as a line of so many bytes.
    func answered(_ entry: JournalEntry, lineByteCount: Int) {
        discard(entry)
        removedLineByteCount += lineByteCount
        if removedLineByteCount >= Self.limitRemovedLineByteCount, (try? store.sync()) != nil { removedLineByteCount = 0 }
    }

    /// Removes an entry whose study is answered, or not taken after all. The worker calls it.
    func discard(_ entry: JournalEntry) {
        remove(entry, &unremovedByWorker)
        if unremovedByWorker.isEmpty { isLeft.lower() } else { isLeft.raise() }
    }

    /// Waits until every removal so far is on the disk; false while one is refused, whose study is then known by its result alone.
    func settle() -> Bool { !isLeft.isRaised && (try? store.sync()) != nil }

    @inline(never) private func remove(_ entry: JournalEntry?, _ unremoved: inout [JournalEntry]) {
        if let entry { unremoved.append(entry) }
        unremoved.removeAll {
            do throws(PlatformError) { try store.remove($0.name) } catch { return error.number == Self.noSuchFile }
            return true
        }
        // A disk that removes nothing for so long is seen by everybody else, too.
        if unremoved.count > Self.limitUnremoved { unremoved.removeFirst() }
    }

    private static let limitUnremoved = 1000
    /// ENOENT of Linux.
    private static let noSuchFile: Int32 = 2
}

extension PlatformError {
    /// The errno value; 0 when there is none.
    public var number: Int32 {
        if case .openFailed(let errno) = self { return errno }
        return 0
    }
}
