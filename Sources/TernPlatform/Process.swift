import CTernPlatform

/// The process we are: arguments, environment, output and end.
public enum Process {
    /// The arguments after the program's name; bytes that are not UTF-8 are replaced.
    public static var arguments: [String] {
        var result: [String] = []
        for index in 1..<max(tern_argument_count(), 1) {
            // SAFETY: the callee gives NULL or a terminated string that lives as long as the process.
            if let argument = unsafe tern_argument(index) { unsafe result.append(String(cString: argument)) }
        }
        return result
    }

    /// The value of an environment variable; nil when it is not set.
    public static func environment(_ name: String) -> String? {
        // SAFETY: the callee gives NULL or a terminated string; nothing in this program changes the environment.
        unsafe name.withCString { name in
            guard let value = unsafe tern_environment(name) else { return nil }
            return unsafe String(cString: value)
        }
    }

    /// Keeps freed memory for the next image: the pages of a radiograph's bytes and samples cost more to fetch than its pixels to read.
    ///
    /// The resident set then stays near its peak.
    public static func keepFreedMemory() { tern_keep_freed_memory() }

    /// Ends the process.
    public static func exit(_ code: Int32) -> Never { tern_exit(code) }

    /// Makes a vanished reader an error of the call instead of a signal that ends the process.
    public static func ignoreSignalsOfOutput() { tern_ignore_signals() }

    /// Writes text to standard output.
    ///
    /// - Throws: `PlatformError.openFailed` with the reason, for example EPIPE when the reader has gone.
    public static func writeOutput(_ text: String) throws(PlatformError) { try write(text, to: 1) }

    /// Writes text, less than a page of it, to standard error; a failure is ignored, since there is nowhere left to say it.
    ///
    /// - Parameter lostCount: of `lostMessageCount`, how many messages the text tells of; they count no longer once it is written.
    public static func writeMessage(_ text: String, tellingOf lostCount: Int = 0) {
        let bytes = Array(text.utf8)
        // SAFETY: the callee reads `count` bytes during the call.
        unsafe bytes.withUnsafeBytes { unsafe tern_write_message($0.baseAddress, $0.count, UInt64(lostCount)) }
    }

    /// From here on a message is lost, and counted, that would have to wait for whoever reads standard error. Call it before there are threads.
    public static func neverWaitWithMessages() { tern_messages_never_wait() }

    /// Messages that were lost and that none has told of.
    public static var lostMessageCount: Int { Int(clamping: tern_lost_messages()) }

    private static func write(_ text: String, to descriptor: Int32) throws(PlatformError) {
        let bytes = Array(text.utf8)
        // SAFETY: the callee reads `count` bytes during the call.
        let failure = unsafe bytes.withUnsafeBytes { unsafe tern_write_all(descriptor, $0.baseAddress, $0.count) }
        guard failure == 0 else { throw .openFailed(errno: failure) }
    }

    /// Whether a person reads standard output: it is a terminal.
    public static var outputIsTerminal: Bool { tern_is_terminal(1) != 0 }

    /// Columns of the terminal that standard error is; nil when it is none. 80 where the terminal does not say.
    public static var messageColumns: Int? {
        guard tern_is_terminal(2) != 0 else { return nil }
        let columns = Int(tern_terminal_columns(2))
        return columns > 0 ? columns : 80
    }

    /// From here on SIGINT, SIGTERM and SIGHUP set `isAskedToStop`; a second one ends the process. One that is ignored stays so.
    public static func catchStop() { tern_stop_catch() }

    /// Whether somebody asked the process to stop.
    public static var isAskedToStop: Bool { tern_stop_is_asked() != 0 }

    /// CPUs that the process may use, at least 1.
    public static var processorCount: Int { Int(tern_cpu_count()) }

    /// Allocations of memory so far, in a program linked with the counting wrappers of `malloc` and its kin; otherwise always 0.
    public static var allocationCount: Int { Int(clamping: tern_allocation_count()) }

    /// The largest resident set so far.
    public static var peakResidentByteCount: Int { Int(clamping: tern_peak_resident_bytes()) }

    /// True when standard error goes to the system's journal, which reads a priority at the head of each line.
    public static var messagesGoToJournal: Bool { tern_is_journal(2) != 0 }

    /// Tells the service manager, where there is one (NOTIFY_SOCKET), for example `READY=1`. The first call connects to it, so a process that
    /// gives up making sockets calls once before, with no text. It never waits for a manager that is behind: what it has no room for is lost. One thread.
    public static func notifyManager(_ state: String) {
        // SAFETY: the callee reads a terminated string during the call.
        _ = unsafe state.withCString { unsafe tern_notify($0) }
    }

    /// How long the service manager waits for the next `WATCHDOG=1` before it kills the process; nil when it does not watch.
    public static var watchdogMilliseconds: Int? {
        let milliseconds = Int(tern_watchdog_milliseconds())
        return milliseconds == 0 ? nil : milliseconds
    }
}

/// Random bytes of the operating system.
public enum Randomness {
    /// - Throws: `PlatformError.openFailed` when the system has none to give.
    public static func bytes(_ count: Int) throws(PlatformError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            // SAFETY: the callee fills `count` bytes of the buffer, or the result is thrown away.
            unsafe failure = tern_fill_random(buffer.baseAddress, count)
            initializedCount = failure == 0 ? count : 0
        }
        guard failure == 0 else { throw .openFailed(errno: failure) }
        return bytes
    }
}
