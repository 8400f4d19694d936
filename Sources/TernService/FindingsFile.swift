public import TernFindings
public import TernPlatform

/// The results on the disk, one line each, there before anyone sees them: `findings.jsonl` in the state directory, which grows, and the files that it
/// was closed to, `findings/FIRST-LAST.jsonl`. One thread writes.
public final class FindingsFile {
    let index: FindingsIndex
    /// The state directory, and `findings` in it.
    let top: FileStore
    let closed: FileStore
    private let path: String
    private let limits: Limits
    /// Nil between the closing of one file and the making of the next.
    private var file: AppendFile?
    /// The day of the first result in the active file, `2026-01-31`; empty when it has none, or none of this run.
    private var day: [UInt8] = []
    private var closingFailed = false
    /// Called on the writing thread when the active file cannot be closed, once until it can; results go on into it.
    var onClosingFailed: (Int32) -> Void = { _ in }

    /// Of the last recorded result; 0 when there is none.
    public var lastSequence: Int { index.newest }
    /// Bytes of an unfinished line that were cut off when the file was opened.
    public private(set) var cutByteCount = 0
    /// Closed files that are left alone, since results are missing between them and the others.
    public private(set) var foreignCount = 0
    /// The newest lines that were there when the file was opened.
    private(set) var recovered: [ResultRing.Entry] = []

    /// When the active file is closed: by the first result after it has so many bytes, or of another day (UTC).
    public struct Limits: Equatable, Sendable {
        public var segmentByteCount = 8 << 20
        public var closesDaily = false
        public init() {}
    }

    /// Bytes read back when the file is opened.
    static let limitRecoveryByteCount = 8 << 20

    /// Opens the files, cuts a torn last line, and reads the newest lines back.
    ///
    /// - Throws: `ServiceError.findingsFile`; `.findingsFileDamaged` or `.findingsSegmentDamaged` when a whole line is not a result or not in its
    ///   place. Nothing has changed then.
    public init(directory: StateDirectory, limits: Limits = Limits()) throws(ServiceError) {
        path = directory.path + "/" + FindingsSegment.activeName
        self.limits = limits
        let active: AppendFile
        var segments: [FindingsSegment]
        do throws(PlatformError) {
            top = try FileStore(path: directory.path, isShared: true)
            closed = try FileStore(path: directory.path + "/findings", isShared: true, isInside: true)
            segments = try Self.segments(in: closed)
            active = try AppendFile(path: path)
        } catch {
            throw ServiceError(error)
        }
        let found = segments.count
        let recovery = try Recovery(
            byteCount: active.byteCount, read: { (range) throws(PlatformError) in try active.read(range) }, behind: &segments, in: closed)
        foreignCount = found - segments.count
        recovered = recovery.entries
        cutByteCount = active.byteCount - recovery.validByteCount
        do throws(PlatformError) {
            if cutByteCount > 0 { try active.truncate(to: recovery.validByteCount) }
            // A killed run may have left a whole line that is not on the disk yet, and its study leaves the journal now. So with the name of a file
            // that it has closed.
            try active.append([])
            try closed.sync()
            index = try FindingsIndex(
                closed: segments,
                active: FindingsSegment(first: recovery.first, last: recovery.last, byteCount: active.byteCount, isActive: true))
        } catch {
            throw ServiceError(error)
        }
        if active.byteCount > 0 { day = recovery.day }
        file = active
    }

    /// The closed files, ascending, each with its bytes.
    static func segments(in store: FileStore) throws(PlatformError) -> [FindingsSegment] {
        var segments: [FindingsSegment] = []
        for name in try store.names() {
            guard var segment = FindingsSegment(name: name) else { continue }
            segment.byteCount = try store.byteCount(of: name)
            segments.append(segment)
        }
        segments.sort { $0.first < $1.first }
        return segments
    }

    /// Bytes of the active file.
    public var byteCount: Int { file?.byteCount ?? 0 }

    /// Writes a result under the next sequence number and waits until it is on the disk.
    ///
    /// - Returns: the line as written.
    /// - Throws: `PlatformError`; the number is then used by the next result.
    public func append(_ result: inout FindingResult) throws(PlatformError) -> [UInt8] {
        let today = Array(result.time.utf8.prefix(10))
        if let file, !file.isDamaged, file.byteCount > 0, file.byteCount >= limits.segmentByteCount || limits.closesDaily && today != day { close() }
        let file = try openedFile()
        result.sequence = lastSequence + 1
        let line = result.line()
        try file.append(line)
        if file.byteCount == line.count { day = today }
        index.appended(byteCount: line.count)
        return line
    }

    /// Moves the active file to the closed ones. It stays the active one when that fails.
    private func close() {
        guard let segment = index.segment(holding: lastSequence), segment.isActive else { return }
        var name = segment
        name.isActive = false
        do throws(PlatformError) {
            try top.move(segment.name, to: closed, as: name.name)
            file = nil
            index.closedActive()
            closingFailed = false
        } catch {
            if !closingFailed { onClosingFailed(error.number) }
            closingFailed = true
        }
    }

    /// The file to append to; a new one after `close`, when the name of the closed one is on the disk.
    private func openedFile() throws(PlatformError) -> AppendFile {
        if let file { return file }
        try closed.sync()
        let new = try AppendFile(path: path)
        // EEXIST of Linux: somebody else put a file there.
        guard new.byteCount == 0 else { throw .openFailed(errno: 17) }
        file = new
        return new
    }
}

extension ServiceError {
    init(_ error: PlatformError) { self = .findingsFile(errno: error.number) }
}
