import CTernPlatform

/// A directory of files (0600) that are there whole or not at all. Any thread may use it; one writes at a time.
@safe public final class FileStore {
    private let directory: Int32

    /// What the name of an unfinished file ends in.
    public static let unfinishedSuffix = ".tmp"

    /// Makes the directory when it is missing, its parent must exist: for its owner alone (0700), or also for its group to read (0750).
    ///
    /// - Parameter isInside: it lies in a directory of the program's own, where a symbolic link has no business; a path that somebody gives may be one.
    /// - Throws: `PlatformError.openFailed`.
    public init(path: String, isShared: Bool = false, isInside: Bool = false) throws(PlatformError) {
        try checkPath(path)
        var descriptor: Int32 = -1
        // SAFETY: the callee reads a terminated string and fills one integer during the call.
        try Self.check(unsafe path.withCString { unsafe tern_store_open($0, isShared ? 0o750 : 0o700, isInside ? 1 : 0, &descriptor) })
        directory = descriptor
    }

    deinit { tern_close(directory) }

    /// A directory that is there; nil when it is not, and none is made.
    ///
    /// - Throws: `PlatformError.openFailed`.
    public static func existing(_ path: String) throws(PlatformError) -> FileStore? {
        realPath(path) == nil ? nil : try FileStore(path: path)
    }

    private static func check(_ failure: Int32) throws(PlatformError) {
        guard failure == 0 else { throw .openFailed(errno: failure) }
    }

    /// Receives the names while the directory is listed.
    private final class Names {
        var names: [String] = []
    }

    /// The names of all files, unfinished ones too, in no order; bytes that are not UTF-8 are replaced.
    public func names() throws(PlatformError) -> [String] {
        let found = Names()
        // SAFETY: `found` outlives the call, which calls back with a terminated string that lives until the callback returns.
        let failure = unsafe tern_store_list(
            directory,
            { context, name in
                guard let context = unsafe context, let name = unsafe name else { return }
                unsafe Unmanaged<Names>.fromOpaque(context).takeUnretainedValue().names.append(String(cString: name))
            },
            Unmanaged.passUnretained(found).toOpaque())
        withExtendedLifetime(found) {}
        try Self.check(failure)
        return found.names
    }

    /// Writes a file of two parts. Its bytes are on the disk when this returns, its name after `sync`.
    ///
    /// - Throws: `PlatformError.openFailed` with ENOSPC, EIO …; nothing is left behind.
    public func write(_ name: String, head: [UInt8], body: [UInt8]) throws(PlatformError) {
        try checkPath(name)
        let temporary = name + Self.unfinishedSuffix
        // SAFETY: the callee reads two terminated strings and `count` bytes of each part during the call.
        let failure = unsafe temporary.withCString { temporary in
            unsafe name.withCString { name in
                unsafe head.withUnsafeBytes { head in
                    unsafe body.withUnsafeBytes { body in
                        unsafe tern_store_write(directory, temporary, name, head.baseAddress, head.count, body.baseAddress, body.count)
                    }
                }
            }
        }
        try Self.check(failure)
    }

    /// Waits until every name that was made or removed is on the disk.
    public func sync() throws(PlatformError) { try Self.check(tern_store_sync(directory)) }

    /// Removes a file.
    public func remove(_ name: String) throws(PlatformError) {
        try checkPath(name)
        // SAFETY: the callee reads a terminated string during the call.
        try Self.check(unsafe name.withCString { unsafe tern_store_remove(directory, $0) })
    }

    /// Removes what `writeFileAtomically` leaves of a file when its process is killed: `NAME.PROCESS.NUMBER.tmp`. Nobody may be writing the file.
    public func removeUnfinished(of name: String) throws(PlatformError) {
        for other in try names() {
            let bytes = other.utf8
            guard bytes.starts(with: (name + ".").utf8), bytes.suffix(4).elementsEqual(Self.unfinishedSuffix.utf8) else { continue }
            let middle = bytes.dropFirst(name.utf8.count + 1).dropLast(4)
            if middle.allSatisfy({ $0 == 0x2E || (0x30...0x39).contains($0) }) { try remove(other) }
        }
    }

    /// Gives a file another name, in place of a file that has it.
    public func rename(_ name: String, to newName: String) throws(PlatformError) { try move(name, to: self, as: newName) }

    /// Makes a file when it is missing (0640) and writes bytes at its beginning. Nothing is flushed: a power cut may undo it.
    public func overwrite(_ name: String, _ bytes: [UInt8]) throws(PlatformError) {
        try checkPath(name)
        // SAFETY: the callee reads a terminated string and `count` bytes during the call.
        let failure = unsafe name.withCString { name in
            unsafe bytes.withUnsafeBytes { unsafe tern_store_overwrite(directory, name, $0.baseAddress, $0.count) }
        }
        try Self.check(failure)
    }

    /// Moves a file into another directory of the same file system.
    public func move(_ name: String, to store: FileStore, as other: String) throws(PlatformError) {
        try checkPath(name)
        try checkPath(other)
        // SAFETY: the callee reads two terminated strings during the call.
        let failure = unsafe name.withCString { name in
            unsafe other.withCString { unsafe tern_store_move(directory, name, store.directory, $0) }
        }
        try Self.check(failure)
    }

    /// When a file was last written, seconds since 1970.
    public func secondsWritten(of name: String) throws(PlatformError) -> Int {
        try checkPath(name)
        var seconds: Int64 = 0
        // SAFETY: the callee reads a terminated string and fills one integer during the call.
        try Self.check(unsafe name.withCString { unsafe tern_store_written_at(directory, $0, &seconds) })
        return Int(seconds)
    }

    /// How many bytes a regular file holds.
    public func byteCount(of name: String) throws(PlatformError) -> Int { try file(name).byteCount }

    /// Opens a regular file for reading.
    public func file(_ name: String) throws(PlatformError) -> StoredFile {
        let file = try open(name)
        return StoredFile(descriptor: file.descriptor, byteCount: file.byteCount)
    }

    /// Opens a regular file for reading; nil when there is none of that name.
    public func existingFile(_ name: String) throws(PlatformError) -> StoredFile? {
        do throws(PlatformError) { return try file(name) } catch {
            // ENOENT of Linux.
            if error == .openFailed(errno: 2) { return nil }
            throw error
        }
    }

    /// The bytes of a regular file from one position to its end, or `limitByteCount` of them when it has more.
    public func read(_ name: String, from start: Int, limitByteCount: Int) throws(PlatformError) -> [UInt8] {
        precondition(start >= 0 && limitByteCount >= 0, "a range of bytes does not begin before the file")
        let file = try file(name)
        let first = min(start, file.byteCount)
        return try file.read(first..<(first + min(file.byteCount - first, limitByteCount)))
    }

    private func open(_ name: String) throws(PlatformError) -> (descriptor: Int32, byteCount: Int) {
        try checkPath(name)
        var descriptor: Int32 = -1
        var count: UInt64 = 0
        // SAFETY: the callee reads a terminated string and fills two integers during the call.
        try Self.check(unsafe name.withCString { unsafe tern_store_read(directory, $0, &descriptor, &count) })
        return (descriptor, Int(clamping: count))
    }
}

/// A regular file that is open for reading, also when its name has gone since.
@safe public final class StoredFile {
    private let descriptor: Int32
    /// How many bytes it held when it was opened.
    public let byteCount: Int

    init(descriptor: Int32, byteCount: Int) {
        self.descriptor = descriptor
        self.byteCount = byteCount
    }

    deinit { tern_close(descriptor) }

    /// The bytes of a range.
    ///
    /// - Throws: `PlatformError.openFailed`, with EIO when the file ends before the range does.
    public func read(_ range: Range<Int>) throws(PlatformError) -> [UInt8] { try bytes(of: descriptor, in: range) }
}

/// The bytes of a range of an open file; EIO when it ends before the range does.
func bytes(of descriptor: Int32, in range: Range<Int>) throws(PlatformError) -> [UInt8] {
    precondition(range.lowerBound >= 0, "a range of bytes does not begin before the file")
    var failure: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: range.count) { buffer, initializedCount in
        // SAFETY: the callee fills all bytes of the buffer, or the result is thrown away.
        unsafe failure = tern_read_at(descriptor, UInt64(range.lowerBound), buffer.baseAddress, range.count)
        initializedCount = failure == 0 ? range.count : 0
    }
    guard failure == 0 else { throw .openFailed(errno: failure) }
    return bytes
}
