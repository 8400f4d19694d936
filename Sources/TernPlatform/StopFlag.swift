import CTernPlatform

/// A flag that one thread raises and lowers and others read.
@safe public final class StopFlag {
    private let flag: UnsafeMutablePointer<tern_flag>

    public init() {
        unsafe flag = .allocate(capacity: 1)
        unsafe flag.initialize(to: tern_flag())
    }

    // SAFETY: allocated in init, and nobody uses an object that is being freed.
    deinit { unsafe flag.deallocate() }

    // SAFETY (all four): the pointer is valid as long as self.
    public func raise() { unsafe tern_flag_raise(flag) }

    public func lower() { unsafe tern_flag_lower(flag) }

    /// Waits until the flag is raised, at most so long.
    ///
    /// - Returns: whether it is raised.
    public func wait(milliseconds: Int) -> Bool { unsafe tern_flag_wait(flag, UInt32(clamping: milliseconds)) != 0 }

    public var isRaised: Bool { unsafe tern_flag_is_raised(flag) != 0 }
}
