public import TernPlatform

/// `audit/` in a state directory: `audit.jsonl`, to which records are added, closed files `FIRST-LAST.jsonl` named by the numbers in them, and `head`,
/// the number and the hash of the newest record, against which the end of the log is held.
///
/// Any thread may use it.
public final class AuditLog {
    private let store: FileStore
    private let path: String
    private let segmentByteCount: Int
    /// Held while the disk is waited for; `headLock` never is.
    private let fileLock: Lock
    private let headLock: Lock
    /// Nil when the active file could not be opened after a rotation; the next append tries again.
    private var file: AppendFile?
    private var state: AuditRecovery
    /// What the start found; the first append records it.
    private var found: [AuditEvent] = []
    private var shown: AuditHead
    /// Whether there is a `head` that a power cut leaves.
    private var hasHead: Bool

    /// The highest number of a result that had a record when the log was opened, and of a review.
    public let recordedSequence: Int
    public let recordedReview: Int
    /// Bytes of an unfinished last line that were cut off.
    public let cutByteCount: Int
    /// Whether records are gone from the end of the log, as far as `head` says.
    public let lacksRecords: Bool

    private static let activeName = "audit.jsonl"
    private static let headName = "head"
    /// A file is closed when it has so many bytes.
    public static let standardSegmentByteCount = 8 << 20
    /// Most bytes of a file that is read back: a full one, and what was appended at once behind it.
    private static let limitRecoveryByteCount = 64 << 20

    /// Opens the log of a state directory, makes one where there is none, and checks its newest file.
    ///
    /// - Throws: `AuditError`; nothing was changed then, but for an empty active file that may have been made.
    public init(directory: String, segmentByteCount: Int = AuditLog.standardSegmentByteCount) throws(AuditError) {
        let path = directory + "/audit"
        let store: FileStore
        let file: AppendFile
        let bytes: [UInt8]
        let closed: AuditSegmentName?
        let head: AuditHead?
        do throws(PlatformError) {
            store = try FileStore(path: path, isInside: true)
            try store.removeUnfinished(of: Self.headName)
            fileLock = try Lock()
            headLock = try Lock()
            (closed, head) = try Self.newest(in: store)
            file = try AppendFile(path: path + "/" + Self.activeName)
            guard file.byteCount <= Self.limitRecoveryByteCount else { throw .fileTooLarge(limitByteCount: Self.limitRecoveryByteCount) }
            bytes = try file.read(0..<file.byteCount)
        } catch {
            throw AuditError(error)
        }
        let state: AuditRecovery
        (state, cutByteCount) = try Self.recovery(bytes, behind: closed, in: store, head)
        do throws(PlatformError) {
            if cutByteCount > 0 { try file.truncate(to: file.byteCount - cutByteCount) }
            // A killed run may have left whole records that are not on the disk yet.
            try file.append([])
        } catch {
            throw AuditError(error)
        }
        hasHead = head != nil
        lacksRecords = state.contradictsHead
        if cutByteCount > 0 { found.append(.tornTail(byteCount: cutByteCount)) }
        if let head, lacksRecords {
            found.append(.tailMissing(first: min(state.head.number + 1, head.number), last: head.number))
        } else if head == nil, state.head.number > 0 {
            found.append(.headMissing)
        }
        (recordedSequence, recordedReview, shown) = (state.lastSequence, state.lastReview, state.head)
        (self.store, self.path, self.segmentByteCount, self.file, self.state) = (store, path, segmentByteCount, file, state)
    }

    /// Checks the newest file of a state directory's log as `init` does, and throws what it throws; makes none where there is none.
    public static func check(directory: String) throws(AuditError) {
        let store: FileStore
        let bytes: [UInt8]
        let closed: AuditSegmentName?
        let head: AuditHead?
        do throws(PlatformError) {
            guard let found = try FileStore.existing(directory + "/audit") else { return }
            store = found
            (closed, head) = try newest(in: store)
            let file = try store.existingFile(activeName)
            let byteCount = file?.byteCount ?? 0
            guard byteCount <= limitRecoveryByteCount else { throw .fileTooLarge(limitByteCount: limitRecoveryByteCount) }
            bytes = try file?.read(0..<byteCount) ?? []
        } catch {
            throw AuditError(error)
        }
        _ = try recovery(bytes, behind: closed, in: store, head)
    }

    /// The newest closed file, and what `head` says; nil where there is none.
    private static func newest(in store: FileStore) throws(PlatformError) -> (closed: AuditSegmentName?, head: AuditHead?) {
        var closed: AuditSegmentName?
        for name in try store.names() {
            if let name = AuditSegmentName(name), name.last > closed?.last ?? 0 { closed = name }
        }
        return (closed, AuditHead(parsing: (try? store.read(headName, from: 0, limitByteCount: AuditHead.byteCount)) ?? []))
    }

    /// What the active file comes to, or without a record in it the newest closed one, and how many bytes of the active one are unfinished.
    private static func recovery(
        _ bytes: [UInt8], behind closed: AuditSegmentName?, in store: FileStore, _ head: AuditHead?
    ) throws(AuditError) -> (state: AuditRecovery, cutByteCount: Int) {
        var state = try AuditRecovery(bytes, isActive: true, head: head)
        let cutByteCount = bytes.count - state.byteCount
        guard state.head.number == 0, let closed else { return (state, cutByteCount) }
        let older: [UInt8]
        do throws(PlatformError) { older = try store.read(closed.text, from: 0, limitByteCount: limitRecoveryByteCount) } catch {
            throw AuditError(error)
        }
        state = try AuditRecovery(older, isActive: false, head: head)
        guard state.head.number == closed.last else { throw .damaged(byteOffset: older.count) }
        state.firstNumber = 0
        return (state, cutByteCount)
    }

    /// Where the chain ends. It waits for no disk.
    public var head: AuditHead { headLock.withLock { shown } }

    /// Adds records, in order, and waits until they are on the disk. They are there all or not at all.
    ///
    /// - Throws: `PlatformError`; nothing is recorded then.
    public func append(_ events: [AuditEvent]) throws(PlatformError) {
        try fileLock.withLock { () throws(PlatformError) in try write(events) }
    }

    private func write(_ events: [AuditEvent]) throws(PlatformError) {
        let file = try activeFile()
        var next = state
        var lines: [UInt8] = []
        let time = Clock.utcNow
        if state.firstNumber == 0, state.head.number > 0 {
            lines += next.line(of: .rotation(lastSequence: state.lastSequence, lastReview: state.lastReview), time: time)
        }
        for event in found { lines += next.line(of: event, time: time) }
        for event in events { lines += next.line(of: event, time: time) }
        guard !lines.isEmpty else { return }
        try file.append(lines)
        state = next
        found = []
        headLock.withLock { shown = next.head }
        if hasHead {
            // What a power cut undoes here leaves an older head, which is still true.
            try? store.overwrite(Self.headName, next.head.text)
        } else {
            hasHead = (try? writeFileAtomically(path + "/" + Self.headName, next.head.text)) != nil
        }
    }

    /// The file to add to; a full one is closed first.
    private func activeFile() throws(PlatformError) -> AppendFile {
        if let file {
            guard file.byteCount >= segmentByteCount, state.firstNumber > 0 else { return file }
            try store.rename(Self.activeName, to: AuditSegmentName(first: state.firstNumber, last: state.head.number).text)
            state.firstNumber = 0
            self.file = nil
        }
        try store.sync()
        let opened = try AppendFile(path: path + "/" + Self.activeName)
        file = opened
        return opened
    }
}

/// Where a chain ends.
public struct AuditHead: Equatable, Sendable {
    /// Of the newest record; 0 before the first.
    public let number: Int
    /// Its hash, 64 hexadecimal digits.
    public let hash: [UInt8]

    public init(number: Int, hash: [UInt8]) {
        self.number = number
        self.hash = hash
    }

    static let byteCount = 84

    /// Eighteen digits, a space, the hash, a line feed.
    var text: [UInt8] { Array(paddedDigits(number).utf8) + [0x20] + hash + [0x0A] }

    /// Nil for anything else.
    public init?(parsing bytes: [UInt8]) {
        guard bytes.count == Self.byteCount, bytes[18] == 0x20, bytes[83] == 0x0A else { return nil }
        guard bytes[..<18].allSatisfy({ (0x30...0x39).contains($0) }), let number = AuditLine.number(bytes[..<18]) else { return nil }
        self.init(number: number, hash: Array(bytes[19..<83]))
    }
}

/// The name of a closed file: the numbers of its first and its last record, eighteen digits each, a hyphen between.
public struct AuditSegmentName: Equatable, Sendable {
    public let first: Int
    public let last: Int

    init(first: Int, last: Int) {
        self.first = first
        self.last = last
    }

    /// Nil for the name of any other file.
    public init?(_ name: String) {
        let bytes = Array(name.utf8)
        guard bytes.count == 43, bytes[18] == 0x2D, bytes[37...].elementsEqual(".jsonl".utf8),
            (bytes[..<18] + bytes[19..<37]).allSatisfy({ (0x30...0x39).contains($0) }), let first = AuditLine.number(bytes[..<18]),
            let last = AuditLine.number(bytes[19..<37]), first > 0, last >= first
        else { return nil }
        self.init(first: first, last: last)
    }

    public var text: String { paddedDigits(first) + "-" + paddedDigits(last) + ".jsonl" }
}

/// Eighteen digits.
private func paddedDigits(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 18 - digits.utf8.count)) + digits
}

/// Why a log cannot be opened.
public enum AuditError: Error, Equatable, Sendable {
    /// A file or the directory cannot be opened, read or written.
    case files(errno: Int32)
    /// The newest file has, where this byte is, something else than the next record of its chain.
    case damaged(byteOffset: Int)

    init(_ error: PlatformError) {
        if case .openFailed(let errno) = error { self = .files(errno: errno) } else { self = .files(errno: 0) }
    }
}
