import CTernPlatform

/// A directory that belongs to one process at a time.
@safe public final class StateDirectory {
    /// The path as given.
    public let path: String
    private let lock: Int32

    /// Makes the directory when it is missing (0750; its parent must exist) and takes its lock, which ends with the process however that ends.
    ///
    /// - Throws: `PlatformError.openFailed`; its errno is `StateDirectory.heldByAnother` when another process has the lock.
    public init(path: String) throws(PlatformError) {
        try checkPath(path)
        // SAFETY: the callee reads a terminated string during the call.
        var failure = unsafe path.withCString { unsafe tern_make_directory($0, 0o750) }
        guard failure == 0 else { throw .openFailed(errno: failure) }
        var descriptor: Int32 = -1
        // SAFETY: as above; one integer is filled.
        failure = unsafe (path + "/lock").withCString { unsafe tern_lock_file($0, &descriptor) }
        guard failure == 0 else { throw .openFailed(errno: failure) }
        self.path = path
        lock = descriptor
    }

    deinit { tern_close(lock) }

    /// EWOULDBLOCK of Linux.
    public static var heldByAnother: Int32 { 11 }

    /// Bytes an ordinary process may still write to the file system; nil when the system does not say.
    public var freeByteCount: Int? {
        var bytes: UInt64 = 0
        // SAFETY: the callee reads a terminated string and fills one integer during the call.
        guard unsafe path.withCString({ unsafe tern_free_bytes($0, &bytes) }) == 0 else { return nil }
        return Int(clamping: bytes)
    }
}

/// A file that only grows: what `append` has returned for is on the disk.
@safe public final class AppendFile {
    private let descriptor: Int32
    /// Bytes that are on the disk.
    public private(set) var byteCount: Int

    /// Opens or makes the file (0640).
    ///
    /// - Throws: `PlatformError.openFailed`.
    public init(path: String) throws(PlatformError) {
        try checkPath(path)
        var file: Int32 = -1
        var count: UInt64 = 0
        // SAFETY: the callee reads a terminated string and fills two integers during the call.
        let failure = unsafe path.withCString { unsafe tern_append_open($0, 0o640, &file, &count) }
        guard failure == 0 else { throw .openFailed(errno: failure) }
        descriptor = file
        byteCount = Int(clamping: count)
    }

    deinit { tern_close(descriptor) }

    /// Appends bytes and waits until they are on the disk. What a failure leaves behind is cut off again.
    ///
    /// - Throws: `PlatformError.openFailed` with ENOSPC, EIO …; the file is then as before, unless `isDamaged`.
    public func append(_ bytes: [UInt8]) throws(PlatformError) {
        if isDamaged { try truncate(to: byteCount) }
        // SAFETY: the callee reads `count` bytes during the call.
        let failure = unsafe bytes.withUnsafeBytes { unsafe tern_append(descriptor, $0.baseAddress, $0.count) }
        guard failure == 0 else {
            isDamaged = true
            try? truncate(to: byteCount)
            throw .openFailed(errno: failure)
        }
        byteCount += bytes.count
    }

    /// True while bytes behind `byteCount` could not be cut off; the next append cuts them first, or fails.
    public private(set) var isDamaged = false

    /// Cuts the file and waits until that is on the disk. What lies behind `count` counts no more, also when this fails.
    ///
    /// - Throws: `PlatformError.openFailed`; the file is then `isDamaged`.
    public func truncate(to count: Int) throws(PlatformError) {
        precondition(count >= 0 && count <= byteCount, "truncate only shortens")
        byteCount = count
        let failure = tern_truncate(descriptor, UInt64(count))
        isDamaged = failure != 0
        guard failure == 0 else { throw .openFailed(errno: failure) }
    }

    /// The bytes of a range that lies inside the file.
    public func read(_ range: Range<Int>) throws(PlatformError) -> [UInt8] {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "a read stays inside the file")
        return try bytes(of: descriptor, in: range)
    }
}
