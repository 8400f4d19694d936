import CTernPlatform

/// Time.
public enum Clock {
    /// Nanoseconds since an unspecified start; never goes back.
    public static var monotonicNanoseconds: UInt64 { tern_monotonic_nanoseconds() }

    /// Seconds since an unspecified start, those that the machine slept too; never goes back.
    public static var elapsedSeconds: Int { Int(tern_elapsed_nanoseconds() / 1_000_000_000) }

    /// The time now, seconds since 1970.
    public static var utcSeconds: Int { Int(tern_utc_seconds()) }

    /// The time now, RFC 3339 in UTC with milliseconds: `2026-01-31T12:34:56.789Z`.
    public static var utcNow: String {
        var now = tern_utc()
        // SAFETY: the callee fills the structure.
        unsafe tern_utc_now(&now)
        let date = digits(now.year, 4) + "-" + digits(now.month, 2) + "-" + digits(now.day, 2)
        let time = digits(now.hour, 2) + ":" + digits(now.minute, 2) + ":" + digits(now.second, 2)
        return date + "T" + time + "." + digits(now.millisecond, 3) + "Z"
    }

    private static func digits(_ value: Int32, _ count: Int) -> String {
        var text = String(value)
        while text.utf8.count < count { text = "0" + text }
        return text
    }
}
