import CTernPlatform

/// A folder that others put files into. Names are bytes, as the file system has them. Any thread may use it.
@safe public final class Folder {
    private let directory: Int32

    /// Opens a folder that is there.
    ///
    /// - Throws: `PlatformError.openFailed`.
    public init(path: String) throws(PlatformError) {
        try checkPath(path)
        var descriptor: Int32 = -1
        // SAFETY: the callee reads a terminated string and fills one integer during the call.
        try Self.check(unsafe path.withCString { unsafe tern_folder_open($0, &descriptor) })
        directory = descriptor
    }

    /// Opens a folder inside another, made (0750) when it is missing; a link in its place is refused.
    ///
    /// - Throws: `PlatformError.openFailed`.
    public init(inside folder: Folder, name: String) throws(PlatformError) {
        try checkPath(name)
        var descriptor: Int32 = -1
        // SAFETY: as above.
        try Self.check(unsafe name.withCString { unsafe tern_folder_inside(folder.directory, $0, &descriptor) })
        directory = descriptor
    }

    deinit { tern_close(directory) }

    private static func check(_ failure: Int32) throws(PlatformError) {
        guard failure == 0 else { throw .openFailed(errno: failure) }
    }

    /// Takes the folder's lock, which ends with this object.
    ///
    /// - Throws: `PlatformError.openFailed`; its errno is `StateDirectory.heldByAnother` when another process has it.
    public func lock() throws(PlatformError) { try Self.check(tern_folder_lock(directory)) }

    /// False for a folder that has been removed.
    public var isLinked: Bool { tern_folder_is_linked(directory) != 0 }

    /// True while a path names this folder and no other.
    public func isAt(_ path: String) -> Bool {
        // SAFETY: the callee reads a terminated string during the call.
        unsafe path.withCString { unsafe tern_folder_is_at(directory, $0) } != 0
    }

    /// Waits until every name that was made, moved or removed is on the disk.
    public func sync() throws(PlatformError) { try Self.check(tern_store_sync(directory)) }

    /// Receives the names while the folder is listed.
    private final class Names {
        let limit: Int
        var names: [[UInt8]] = []
        var isComplete = true
        let isWanted: ([UInt8]) -> Bool
        init(_ limit: Int, _ isWanted: @escaping ([UInt8]) -> Bool) {
            self.limit = limit
            self.isWanted = isWanted
        }
    }

    /// Names of what is inside and wanted, in no order, `limit` of them at most.
    ///
    /// - Returns: the names, and whether they are all.
    public func names(limit: Int, where isWanted: @escaping ([UInt8]) -> Bool) throws(PlatformError) -> (names: [[UInt8]], isComplete: Bool) {
        let found = Names(limit, isWanted)
        // SAFETY: `found` outlives the call, which calls back with a terminated string that lives until the callback returns.
        let failure = unsafe tern_store_list(
            directory,
            { context, name in
                guard let context = unsafe context, let name = unsafe name else { return }
                let found = unsafe Unmanaged<Names>.fromOpaque(context).takeUnretainedValue()
                let bytes = unsafe Folder.bytes(name)
                guard found.isWanted(bytes) else { return }
                if found.names.count < found.limit { found.names.append(bytes) } else { found.isComplete = false }
            },
            Unmanaged.passUnretained(found).toOpaque())
        withExtendedLifetime(found) {}
        try Self.check(failure)
        return (found.names, found.isComplete)
    }

    /// What a name stands for.
    public struct Look: Equatable, Sendable {
        /// Not a folder, link, device, pipe or socket.
        public var isRegular: Bool
        /// Nil when the system does not say whether anybody has the file open for writing: it says so to the file's owner and to the superuser.
        public var isWritten: Bool?
        public var byteCount: Int
        /// When the file or what is known of it was changed, nanoseconds of the file system's clock.
        public var changed: Int
    }

    /// Looks at a name; follows no link.
    ///
    /// - Throws: `PlatformError.openFailed` with `Folder.noSuchName` and others.
    public func look(_ name: [UInt8]) throws(PlatformError) -> Look {
        var look = tern_look()
        // SAFETY: the callee reads a terminated string and fills one structure during the call.
        try Self.check(unsafe Self.withName(name) { unsafe tern_folder_look(directory, $0, &look) })
        return Look(
            isRegular: look.is_regular != 0, isWritten: look.is_written < 0 ? nil : look.is_written > 0, byteCount: Int(clamping: look.byte_count),
            changed: Int(look.changed))
    }

    /// ENOENT and EEXIST of Linux.
    public static var noSuchName: Int32 { 2 }
    public static var nameTaken: Int32 { 17 }

    /// Renames a file into a folder.
    ///
    /// - Throws: `PlatformError.openFailed` with `Folder.nameTaken` when the new name is there already, and others.
    public func move(_ name: [UInt8], to folder: Folder, as newName: [UInt8]) throws(PlatformError) {
        // SAFETY: the callee reads two terminated strings during the call.
        let failure = unsafe Self.withName(name) { name in
            unsafe Self.withName(newName) { unsafe tern_folder_move(directory, name, folder.directory, $0) }
        }
        try Self.check(failure)
    }

    /// Writes a file (0640); its bytes are on the disk when this returns, its name after `sync`.
    ///
    /// - Throws: `PlatformError.openFailed`; nothing is left behind then.
    public func write(_ name: [UInt8], _ bytes: [UInt8]) throws(PlatformError) {
        // SAFETY: the callee reads a terminated string and `count` bytes during the call.
        let failure = unsafe Self.withName(name) { name in
            unsafe bytes.withUnsafeBytes { unsafe tern_folder_write(directory, name, $0.baseAddress, $0.count) }
        }
        try Self.check(failure)
    }

    /// Removes a file.
    public func remove(_ name: [UInt8]) throws(PlatformError) {
        // SAFETY: the callee reads a terminated string during the call.
        try Self.check(unsafe Self.withName(name) { unsafe tern_store_remove(directory, $0) })
    }

    /// The bytes of a regular file.
    ///
    /// - Throws: `PlatformError.fileTooLarge`, before anything is allocated, `.openFailed`.
    public func read(_ name: [UInt8], limitByteCount: Int) throws(PlatformError) -> [UInt8] {
        var descriptor: Int32 = -1
        var found: UInt64 = 0
        // SAFETY: the callee reads a terminated string and fills two integers during the call.
        try Self.check(unsafe Self.withName(name) { unsafe tern_store_read(directory, $0, &descriptor, &found) })
        defer { tern_close(descriptor) }
        let count = Int(clamping: found)
        guard count <= limitByteCount else { throw .fileTooLarge(limitByteCount: limitByteCount) }
        var failure: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            // SAFETY: the callee fills all bytes of the buffer, or the result is thrown away.
            unsafe failure = tern_read_at(descriptor, 0, buffer.baseAddress, count)
            initializedCount = failure == 0 ? count : 0
        }
        try Self.check(failure)
        return bytes
    }

    private static func withName(_ name: [UInt8], _ body: (UnsafePointer<CChar>) -> Int32) -> Int32 {
        precondition(!name.isEmpty && !name.contains { $0 == 0 || $0 == 0x2F }, "a name is one part of a path")
        let terminated = name.map { CChar(bitPattern: $0) } + [0]
        return unsafe terminated.withUnsafeBufferPointer { buffer in
            // SAFETY: the array ends with a zero and is never empty, so that its base address exists.
            guard let start = buffer.baseAddress else { return 22 }
            return unsafe body(start)
        }
    }

    // SAFETY: `name` is a terminated string.
    static func bytes(_ name: UnsafePointer<CChar>) -> [UInt8] {
        var bytes: [UInt8] = []
        var next = unsafe name
        while unsafe next.pointee != 0 {
            unsafe bytes.append(UInt8(bitPattern: next.pointee))
            unsafe next += 1
        }
        return bytes
    }
}

/// What the kernel tells of folders (inotify). One thread uses it.
@safe public final class FolderWatch {
    /// Becomes readable when there is something to read.
    public let descriptor: Int32

    /// - Throws: `PlatformError.openFailed`.
    public init() throws(PlatformError) {
        var opened: Int32 = -1
        // SAFETY: the callee fills one integer.
        let failure = unsafe tern_notify_open(&opened)
        guard failure == 0 else { throw .openFailed(errno: failure) }
        descriptor = opened
    }

    deinit { tern_close(descriptor) }

    /// What happened.
    public enum Notice: Equatable, Sendable {
        /// A file was closed after writing, or moved in.
        case file([UInt8])
        /// A folder was made, moved or removed in a parent.
        case entry([UInt8])
        /// What the watch was on is gone, or elsewhere.
        case gone
        /// The kernel's queue was full: anything may have happened.
        case lost
    }

    /// Watches a folder for files that arrive, or a parent for folders that come and go.
    ///
    /// - Returns: what notices name.
    /// - Throws: `PlatformError.openFailed`.
    public func add(path: String, isParent: Bool) throws(PlatformError) -> Int32 {
        try checkPath(path)
        var watch: Int32 = -1
        // SAFETY: the callee reads a terminated string and fills one integer during the call.
        let failure = unsafe path.withCString { unsafe tern_notify_add(descriptor, $0, isParent ? 1 : 0, &watch) }
        guard failure == 0 else { throw .openFailed(errno: failure) }
        return watch
    }

    /// Ends a watch.
    public func remove(_ watch: Int32) { tern_notify_remove(descriptor, watch) }

    /// Receives notices while they are read.
    private final class Notices {
        var notices: [(watch: Int32, notice: Notice)] = []
    }

    /// Some of what happened since the last call, in order; the descriptor stays readable when there is more.
    public func read() -> [(watch: Int32, notice: Notice)] {
        let found = Notices()
        // SAFETY: `found` outlives the call, which calls back with a terminated string that lives until the callback returns.
        unsafe tern_notify_read(
            descriptor,
            { context, watch, notice, name in
                guard let context = unsafe context, let name = unsafe name else { return }
                let found = unsafe Unmanaged<Notices>.fromOpaque(context).takeUnretainedValue()
                switch notice {
                case Int32(TERN_NOTICE_FILE): unsafe found.notices.append((watch, .file(Folder.bytes(name))))
                case Int32(TERN_NOTICE_ENTRY): unsafe found.notices.append((watch, .entry(Folder.bytes(name))))
                case Int32(TERN_NOTICE_GONE): found.notices.append((watch, .gone))
                default: found.notices.append((watch, .lost))
                }
            },
            Unmanaged.passUnretained(found).toOpaque())
        withExtendedLifetime(found) {}
        return found.notices
    }
}
