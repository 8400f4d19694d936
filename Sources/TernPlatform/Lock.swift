import CTernPlatform

/// Guards what several threads use: one at a time.
@safe public final class Lock {
    private let handle: OpaquePointer

    /// - Throws: `PlatformError.openFailed` when there is no memory.
    public init() throws(PlatformError) {
        guard let made = unsafe tern_lock_create() else { throw .openFailed(errno: 12) }
        unsafe handle = made
    }

    // SAFETY: nothing else frees it, and nobody holds it any more.
    deinit { unsafe tern_lock_free(handle) }

    /// Runs `body` while no other thread is inside a call of this lock. It must not be called from inside `body`.
    public func withLock<Result, Failure>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        unsafe tern_lock_take(handle)
        defer { unsafe tern_lock_give(handle) }
        return try body()
    }
}

/// Guards what several threads use, and lets them wait for each other.
@safe public final class Monitor {
    let handle: OpaquePointer

    /// - Throws: `PlatformError.openFailed` when there is no memory.
    public init() throws(PlatformError) {
        guard let made = unsafe tern_monitor_create() else { throw .openFailed(errno: 12) }
        unsafe handle = made
    }

    // SAFETY: nothing else frees it, and nobody is inside any more.
    deinit { unsafe tern_monitor_free(handle) }

    /// Runs `body` while no other thread is inside a call of this monitor. It must not be called from inside `body`.
    public func withLock<Result, Failure>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        unsafe tern_monitor_take(handle)
        defer { unsafe tern_monitor_give(handle) }
        return try body()
    }

    /// Lets others in until `wakeAll` or so many milliseconds have passed, 0 for no limit; only from inside `withLock`. It may return earlier.
    public func wait(milliseconds: Int = 0) { unsafe tern_monitor_wait(handle, UInt32(clamping: milliseconds)) }

    /// Wakes every thread that waits; only from inside `withLock`.
    public func wakeAll() { unsafe tern_monitor_wake(handle) }
}
