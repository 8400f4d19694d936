import TernPlatform
import TernStore

/// Reads a small text file of the installation.
///
/// - Parameter name: what it is, for the message.
/// - Throws: `Failure` with 66 or 77 when it cannot be opened.
func readSmallFile(_ path: String, _ name: String) throws(Failure) -> [UInt8] {
    let limitByteCount = 64 << 10
    do throws(PlatformError) { return try readFile(path, limitByteCount: limitByteCount) } catch {
        if case .openFailed(let errno) = error { throw Failure(ExitCode(errno: errno, otherwise: .cannotOpen), "\(name): \(reason(errno))") }
        throw Failure(.cannotOpen, "\(name): not a regular file of at most \(limitByteCount) bytes")
    }
}

/// The settings of a configuration file.
///
/// - Throws: `Failure` with 66 or 77 when the file cannot be opened, 64 for a line that breaks a rule, which it names.
func readConfig(_ path: String) throws(Failure) -> [SettingsFile.Setting] {
    let bytes = try readSmallFile(path, "config")
    do throws(LineError) { return try SettingsFile(parsing: bytes).settings } catch { throw Failure(.usage, "config: " + error.message) }
}

/// The keys of a trust file.
///
/// - Throws: `Failure` with 66 or 77 when the file cannot be opened, 65 for a line that breaks a rule, which it names.
func readTrust(_ path: String) throws(Failure) -> TrustFile {
    let bytes = try readSmallFile(path, "trust file")
    do throws(LineError) { return try TrustFile(parsing: bytes) } catch { throw Failure(.badInput, "trust file: " + error.message) }
}

extension Failure {
    /// A line of the configuration file that cannot be followed.
    static func config(_ line: Int, _ what: String) -> Failure { Failure(.usage, "config: line \(line): \(what)") }
}
