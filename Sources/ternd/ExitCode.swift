import TernPlatform
import TernService

/// How the process ends; docs/operations.md has the table.
enum ExitCode: Int32 {
    case ok = 0
    case usage = 64
    case badInput = 65
    case cannotOpen = 66
    case unavailable = 69
    case ourFault = 70
    case inputOutput = 74
    case busy = 75
    case permission = 77

    /// The code for what the operating system said: EPERM and EACCES of Linux are permission.
    init(errno: Int32, otherwise: ExitCode) {
        switch errno {
        case 1, 13: self = .permission
        case 12: self = .unavailable
        default: self = otherwise
        }
    }
}

/// Why a command ends early: one line for people, free of patient data and of file names given for images.
struct Failure: Error {
    var code: ExitCode
    var message: String
    init(_ code: ExitCode, _ message: String) {
        self.code = code
        self.message = message
    }
}

/// How much a message matters, as the system's journal counts it (RFC 5424).
enum Priority: Int {
    case error = 3
    case warning = 4
    case information = 6

    init(_ level: ServiceEvents.Level) {
        switch level {
        case .info: self = .information
        case .warning: self = .warning
        case .error: self = .error
        }
    }
}

/// Says one line on standard error. The journal reads the priority from its head and shows the rest.
func say(_ message: String, _ priority: Priority = .information) {
    let lost = Process.lostMessageCount
    let text = lost == 0 ? "" : line("\(lost) messages were lost: nobody read standard error", .warning)
    Process.writeMessage(text + line(message, priority), tellingOf: lost)
}

private func line(_ message: String, _ priority: Priority) -> String {
    (Process.messagesGoToJournal ? "<\(priority.rawValue)>ternd: " : "ternd: ") + message + "\n"
}

/// Writes data to standard output.
func put(_ text: String) throws(Failure) {
    do throws(PlatformError) { try Process.writeOutput(text) } catch { throw Failure(.inputOutput, "standard output cannot be written") }
}

/// What an errno value of Linux means, for the ones a person meets.
func reason(_ errno: Int32) -> String {
    switch errno {
    case 1, 13: "permission denied"
    case 2: "no such file or directory"
    case 5: "input/output error"
    case 12: "out of memory"
    case 17: "it exists"
    case 20: "not a directory"
    case 21: "it is a directory"
    case 24, 23: "too many open files"
    case 27: "file too large"
    case 28: "no space left on device"
    case 30: "read-only file system"
    case 36: "name too long"
    case 40: "too many symbolic links"
    case 98: "address in use"
    default: "errno \(errno)"
    }
}
