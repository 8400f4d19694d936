import CTernPlatform

/// A private directory (0700) of files (0600) that are there whole or not at all. Any thread may use it; one writes at a time.
@safe public final class FileStore {
    private let directory: Int32

    /// What the name of an unfinished file ends in.
    public static let unfinishedSuffix = ".tmp"

    /// Makes the directory when it is missing, its parent must exist.
    ///
    /// - Throws: `PlatformError.openFailed`.
    public init(path: String) throws(PlatformError) {
        try checkPath(path)
        var descriptor: Int32 = -1
        // SAFETY: the callee reads a terminated string and fills one integer during the call.
        try Self.check(unsafe path.withCString { unsafe tern_store_open($0, &descriptor) })
        directory = descriptor
    }

    deinit { tern_close(directory) }

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

    /// Gives a file another name, in place of a file that has it.
    public func rename(_ name: String, to newName: String) throws(PlatformError) {
        try checkPath(name)
        try checkPath(newName)
        // SAFETY: the callee reads two terminated strings during the call.
        let failure = unsafe name.withCString { name in unsafe newName.withCString { unsafe tern_store_rename(directory, name, $0) } }
        try Self.check(failure)
    }

    /// Makes a file when it is missing (0640) and writes bytes at its beginning. Nothing is flushed: a power cut may undo it.
    public func overwrite(_ name: String, _ bytes: [UInt8]) throws(PlatformError) {
        try checkPath(name)
        // SAFETY: the callee reads a terminated string and `count` bytes during the call.
        let failure = unsafe name.withCString { name in
            unsafe bytes.withUnsafeBytes { unsafe tern_store_overwrite(directory, name, $0.baseAddress, $0.count) }
        }
        try Self.check(failure)
    }

    /// How many bytes a regular file holds.
    public func byteCount(of name: String) throws(PlatformError) -> Int {
        let file = try open(name)
        tern_close(file.descriptor)
        return file.byteCount
    }

    /// The bytes of a regular file from one position to its end, or `limitByteCount` of them when it has more.
    public func read(_ name: String, from start: Int, limitByteCount: Int) throws(PlatformError) -> [UInt8] {
        precondition(start >= 0 && limitByteCount >= 0, "a range of bytes does not begin before the file")
        let file = try open(name)
        defer { tern_close(file.descriptor) }
        let count = min(max(file.byteCount - start, 0), limitByteCount)
        var failure: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            // SAFETY: the callee fills all bytes of the buffer, or the result is thrown away.
            unsafe failure = tern_read_at(file.descriptor, UInt64(start), buffer.baseAddress, count)
            initializedCount = failure == 0 ? count : 0
        }
        try Self.check(failure)
        return bytes
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
