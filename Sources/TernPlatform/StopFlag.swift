import CTernPlatform

/// A flag that one thread raises and others read.
@safe public final class StopFlag {
    private let flag: UnsafeMutablePointer<tern_flag>

    public init() {
        unsafe flag = .allocate(capacity: 1)
        unsafe flag.initialize(to: tern_flag())
    }

    // SAFETY: allocated in init, and nobody uses an object that is being freed.
    deinit { unsafe flag.deallocate() }

    /// It stays raised.
    // SAFETY: the pointer is valid as long as self.
    public func raise() { unsafe tern_flag_raise(flag) }

    public var isRaised: Bool { unsafe tern_flag_is_raised(flag) != 0 }
}
