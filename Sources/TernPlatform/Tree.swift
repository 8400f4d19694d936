import CTernPlatform

/// A path as the file system has it: bytes without a zero, which need not be UTF-8.
public typealias PathBytes = [UInt8]

/// What lies in a tree of folders.
public enum Tree {
    /// What a path names.
    public enum Kind: Equatable, Sendable {
        case file
        case folder
        case link
        /// A device, a pipe or a socket.
        case other
    }

    /// One entry of a folder.
    public struct Entry: Equatable, Sendable {
        public var kind: Kind
        public var byteCount: Int
        /// When the contents were last written, nanoseconds since 1970.
        public var written: Int
        /// The same of two entries that are one and the same folder.
        public var device, inode: UInt64
    }

    /// Looks at a path; follows no link in its last part.
    ///
    /// - Throws: `PlatformError`.
    public static func look(_ path: PathBytes) throws(PlatformError) -> Entry {
        var entry = tern_entry()
        // SAFETY: the callee reads a terminated string and fills one structure during the call.
        let failure = unsafe try withPath(path) { unsafe tern_entry_look($0, &entry) }
        guard failure == 0 else { throw .openFailed(errno: failure) }
        let kind: Kind =
            switch entry.kind {
            case Int32(TERN_ENTRY_FILE): .file
            case Int32(TERN_ENTRY_FOLDER): .folder
            case Int32(TERN_ENTRY_LINK): .link
            default: .other
            }
        return Entry(kind: kind, byteCount: Int(clamping: entry.byte_count), written: Int(entry.written), device: entry.device, inode: entry.inode)
    }

    /// Receives the names while a folder is listed.
    private final class Names {
        let limit: Int
        var names: [PathBytes] = []
        var isComplete = true
        init(limit: Int) { self.limit = limit }
    }

    /// The names in a folder, in no order, `limit` of them at most; a link in its place is refused.
    ///
    /// - Returns: the names, and whether they are all.
    /// - Throws: `PlatformError.openFailed`.
    public static func names(in path: PathBytes, limit: Int) throws(PlatformError) -> (names: [PathBytes], isComplete: Bool) {
        let found = Names(limit: limit)
        // SAFETY: `found` outlives the call, which calls back with a terminated string that lives until the callback returns.
        let failure = unsafe try withPath(path) { path in
            unsafe tern_entry_list(
                path,
                { context, name in
                    guard let context = unsafe context, let name = unsafe name else { return }
                    let found = unsafe Unmanaged<Names>.fromOpaque(context).takeUnretainedValue()
                    if found.names.count < found.limit { unsafe found.names.append(Folder.bytes(name)) } else { found.isComplete = false }
                },
                Unmanaged.passUnretained(found).toOpaque())
        }
        withExtendedLifetime(found) {}
        guard failure == 0 else { throw .openFailed(errno: failure) }
        return (found.names, found.isComplete)
    }

    /// The first bytes of a regular file, `count` of them or all it has.
    ///
    /// - Throws: `PlatformError`.
    public static func start(of path: PathBytes, count: Int) throws(PlatformError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            // SAFETY: the callee fills at most `count` bytes of the buffer, says how many, and keeps no pointer.
            do throws(PlatformError) {
                unsafe failure = try withPath(path) { unsafe tern_entry_start($0, buffer.baseAddress, count, &initializedCount) }
            } catch {
                failure = 22
            }
            if failure != 0 { initializedCount = 0 }
        }
        guard failure == 0 else { throw PlatformError(fileFailure: failure) }
        return bytes
    }
}

/// Calls `body` with a path as a terminated string.
func withPath(_ path: PathBytes, _ body: (UnsafePointer<CChar>) -> Int32) throws(PlatformError) -> Int32 {
    guard !path.contains(0) else { throw .badPath }
    let terminated = path.map { CChar(bitPattern: $0) } + [0]
    return unsafe terminated.withUnsafeBufferPointer { buffer in
        // SAFETY: the array ends with a zero and is never empty, so that its base address exists.
        guard let start = buffer.baseAddress else { return 22 }
        return unsafe body(start)
    }
}

/// A file that is written in pieces and has its name once it is whole.
@safe public final class StagedFile {
    private let descriptor: Int32
    private let temporary: String
    private let path: String
    private var pending: [UInt8] = []
    private var isOpen = true
    /// Bytes that were given to it.
    public private(set) var byteCount = 0

    /// Begins the file as `PATH.tmp`, in place of one that was left there.
    ///
    /// - Throws: `PlatformError.openFailed`.
    public init(path: String) throws(PlatformError) {
        try checkPath(path)
        self.path = path
        temporary = path + ".tmp"
        var opened: Int32 = -1
        // SAFETY: the callee reads a terminated string and fills one integer during the call.
        let failure = unsafe temporary.withCString { unsafe tern_stage_open($0, &opened) }
        guard failure == 0 else { throw .openFailed(errno: failure) }
        descriptor = opened
    }

    deinit {
        // SAFETY: the callee reads a terminated string during the call.
        if isOpen { unsafe temporary.withCString { unsafe tern_stage_abandon(descriptor, $0) } }
    }

    /// Appends bytes; they are written some hundred kilobytes at a time.
    ///
    /// - Throws: `PlatformError.openFailed` with ENOSPC, EIO …; the file is then good for nothing.
    public func write(_ bytes: [UInt8]) throws(PlatformError) {
        pending.append(contentsOf: bytes)
        byteCount += bytes.count
        if pending.count >= 256 << 10 { try drain() }
    }

    private func drain() throws(PlatformError) {
        // SAFETY: the callee reads `count` bytes during the call.
        let failure = unsafe pending.withUnsafeBytes { unsafe tern_write_all(descriptor, $0.baseAddress, $0.count) }
        pending.removeAll(keepingCapacity: true)
        guard failure == 0 else { throw .openFailed(errno: failure) }
    }

    /// Gives the file its name, in place of one that has it; it is on the disk then. Nothing may be written after it.
    ///
    /// - Throws: `PlatformError.openFailed`; what was there before is then untouched.
    public func finish() throws(PlatformError) {
        try drain()
        isOpen = false
        // SAFETY: the callee reads two terminated strings during the call.
        let failure = unsafe temporary.withCString { temporary in
            unsafe path.withCString { unsafe tern_stage_finish(descriptor, temporary, $0) }
        }
        guard failure == 0 else { throw .openFailed(errno: failure) }
    }
}

/// Reads a whole regular file whose path need not be UTF-8; see `readFile` of a string.
public func readFile(_ path: PathBytes, limitByteCount: Int) throws(PlatformError) -> [UInt8] {
    var descriptor: Int32 = -1
    var byteCount = 0
    // SAFETY: the callee reads a terminated string and fills two integers; all live for the call.
    let failure = unsafe try withPath(path) { unsafe tern_open_file($0, max(limitByteCount, 0), &descriptor, &byteCount) }
    guard failure == 0 else { throw PlatformError(fileFailure: failure, limitByteCount: limitByteCount) }
    defer { tern_close_descriptor(descriptor) }
    return try readOpenFile(descriptor, byteCount: byteCount)
}
